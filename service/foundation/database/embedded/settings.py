"""Settings of the embedded server, given on its command line: no file and no ALTER SYSTEM overrides them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DURABLE: Final[Mapping[str, str]] = MappingProxyType(
    {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on"}
)
"""With these a crash loses no acknowledged write, and a page damaged on disk is noticed."""

ACCESS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "listen_addresses": "",
        "unix_socket_directories": "../run",  # relative to the cluster
        "unix_socket_permissions": "0700",
    }
)

SMALL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "max_connections": "50",
        "shared_buffers": "96MB",
        "max_wal_size": "512MB",
        "io_method": "sync",  # saves three processes; what a practice reads is in memory
        "jit": "off",  # compiling takes longer than any of our queries
        "max_parallel_workers_per_gather": "0",  # our queries are short, and /dev/shm of a container is small
        "timezone": "UTC",
        "cluster_name": "towpath",
    }
)

LOGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "logging_collector": "on",
        "log_directory": "../log",
        "log_filename": "postgresql-%a.log",  # a week, then over again
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
        "log_timezone": "UTC",
        # The text of an error may quote a value, such as what a client said, so errors are not logged.
        # Starts, checkpoints and recovery have the level LOG, which is above ERROR, so they are.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",  # no DETAIL, which quotes keys or statements
        "log_statement": "none",
        "log_min_duration_statement": "-1",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
    }
)


def as_arguments() -> list[str]:
    """Return the settings as the server's command line takes them."""
    chosen = {**SMALL, **LOGS, **ACCESS, **DURABLE}
    del chosen["data_checksums"]  # decided when the cluster was made; can only be read
    return [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
