"""Settings, read once from the environment."""

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

PREFIX: Final = "TOWPATH_"


class BadSetting(Exception):
    """A setting cannot be used; the message says which and why."""


def default_data_folder() -> Path:
    """Return the default folder for a user's data (XDG base directories)."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "towpath"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings. In the environment each is TOWPATH_ and its name in capitals."""

    data: Path = msgspec.field(default_factory=default_data_folder)
    """The folder of the embedded database and, without `key_file`, of the key file."""
    database_url: str | None = None
    """A PostgreSQL database, with the application's login. Without it the embedded server is used."""
    migrator_url: str | None = None
    """The same database with a login that may create roles and tables, for migrating and backups."""
    key_file: Path | None = None
    """The key file; `<data>/keys/towpath.key` by default."""
    host: str = "127.0.0.1"
    port: int = 8420
    public_url: str | None = None
    """The address that phones use, for invitation links; `http://<host>:<port>` by default."""
    allowed_hosts: tuple[str, ...] = ()
    """The host names that requests may be addressed to; any if empty."""
    trusted_proxies: tuple[str, ...] = ()
    """The networks of proxies whose X-Forwarded-For is trusted."""
    pool_size: int = 10
    log_format: str = "text"
    """`text` for people, `json` for machines."""
    log_level: str = "info"

    @property
    def keys(self) -> Path:
        """Return the path of the key file."""
        return self.key_file or self.data / "keys" / "towpath.key"

    @property
    def address(self) -> str:
        """Return the address that phones use."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return the trusted networks."""
        return tuple(ip_network(each) for each in self.trusted_proxies)


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings in `environment` (the process's own where None).

    `TOWPATH_X_FILE` names a file whose content is used for `TOWPATH_X`, so that secrets need not stand in
    the environment. Raises BadSetting for an unknown name or an unusable value.
    """
    environment = os.environ if environment is None else environment
    known = {field.name for field in msgspec.structs.fields(Settings)}
    given: dict[str, Any] = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or not text:
            continue
        name = variable.removeprefix(PREFIX).lower()
        secret = name.removesuffix("_file")
        if name in LISTS:
            given[name] = tuple(text.split(","))
        elif name in known:
            given[name] = text
        elif secret in known:
            given[secret] = _read_secret(variable, text)
        elif name not in FOREIGN:
            raise BadSetting(f"{variable} is not a setting; `towpath doctor` lists them")
    settings = Settings(**{name: _value(name, given[name]) for name in given})
    _refuse_unusable(settings)
    return settings


def _value(name: str, given: str | tuple[str, ...]) -> Any:  # noqa: ANN401  a setting's own type
    """Return a setting's value as its type. Raises BadSetting without the value: it may be a secret."""
    if name in NUMBERS:
        least, most = NUMBERS[name]
        digits = str(given).isascii() and str(given).isdigit()
        if not digits or len(str(given)) > LONGEST_NUMBER or not least <= int(str(given)) <= most:
            raise BadSetting(f"{PREFIX}{name.upper()} must be a whole number from {least} to {most}")
        return int(str(given))
    if name in FOLDERS and isinstance(given, str):
        try:
            return Path(given).expanduser().absolute()
        except RuntimeError:
            raise BadSetting(
                f"{PREFIX}{name.upper()} begins with ~ of no account; write the whole path"
            ) from None
    return given


LARGEST_PORT: Final = 65_535
NUMBERS: Final = {"port": (0, LARGEST_PORT), "pool_size": (1, 500)}
"""Settings that are numbers, with their limits."""
LONGEST_NUMBER: Final = 9
FOLDERS: Final = frozenset({"data", "key_file"})
LISTS: Final = frozenset({"allowed_hosts", "trusted_proxies"})
FOREIGN: Final = frozenset({"shared_data"})  # read by the tests alone
LOG_LEVELS: Final = ("debug", "info", "warning", "error")


def _read_secret(variable: str, name: str) -> str:
    try:
        text = Path(name).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise BadSetting(f"{variable} must name a text file in UTF-8") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no file can have this name"
        raise BadSetting(f"{variable} must name a file that can be read ({why})") from None
    if not text:
        raise BadSetting(f"{variable} names an empty file; write the value into it")
    return text


def _refuse_unusable(settings: Settings) -> None:
    """Raise BadSetting for a value of no use; the message never holds the value, which may be a secret."""
    for name, allowed in CHOICES.items():
        if getattr(settings, name) not in allowed:
            raise BadSetting(f"{PREFIX}{name.upper()} must be one of {', '.join(allowed)}")
    if fault := fault_in_host(settings.host):
        raise BadSetting(f"TOWPATH_HOST {fault}")
    _refuse_unusable_databases(settings)
    if fault := fault_in_public_url(settings.public_url):
        raise BadSetting(f"TOWPATH_PUBLIC_URL {fault}")
    for each in settings.allowed_hosts:
        if not HOST_NAME.fullmatch(each):
            raise BadSetting(
                "TOWPATH_ALLOWED_HOSTS must be host names such as towpath.example, by commas, no ports"
            )
    try:
        _ = settings.proxies
    except ValueError:
        raise BadSetting("TOWPATH_TRUSTED_PROXIES must be networks such as 10.0.0.0/8, by commas") from None


def _refuse_unusable_databases(settings: Settings) -> None:
    for name in ("database_url", "migrator_url"):
        if fault := fault_in_database_url(getattr(settings, name)):
            raise BadSetting(f"{PREFIX}{name.upper()} {fault}")
    if settings.migrator_url is not None and settings.database_url is None:
        raise BadSetting(
            "TOWPATH_MIGRATOR_URL is set but TOWPATH_DATABASE_URL is not: set both for a database of your"
            " own, or neither for the embedded one"
        )


CHOICES: Final = {"log_format": ("text", "json"), "log_level": LOG_LEVELS}
HOST_NAME: Final = re.compile(r"(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
"""A host name, one with `*.` before it, or an address."""


def fault_in_host(host: str) -> str | None:
    """Return what is wrong with an address to listen on."""
    try:
        ip_address(host)
    except ValueError:
        if re.fullmatch(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*", host):
            return None
    else:
        return None
    return "must be an address or name of this machine, such as 127.0.0.1, without a port"


def fault_in_database_url(url: str | None) -> str | None:
    """Return what is wrong with the URL of a database, without any part of it."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = None
    if parts is not None and parts.scheme not in {"postgresql", "postgres"}:
        return "must start with postgresql://"
    if (
        parts is None
        or parts.fragment
        or not all(map(_is_server, parts.netloc.rpartition("@")[2].split(",")))
        or "@" in parts.path
        or ("@" in parts.query and "@" not in parts.netloc)
    ):
        return (
            "cannot be read: it must be postgresql://role:password@host:port/database,"
            " with / ? # @ : in a password written as %2F %3F %23 %40 %3A"
        )
    return None


SERVER: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]*\]|[^:\[\]]*)(?::(\d{1,5}))?")
"""A host of a database with its port; both may be left out."""


def _is_server(text: str) -> bool:
    server = SERVER.fullmatch(text)
    return server is not None and int(server[1] or 0) <= LARGEST_PORT


def fault_in_public_url(url: str | None) -> str | None:
    """Return what is wrong with the address that phones use."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port
    except ValueError:
        usable = False
    if not usable or set(url) & set(" ?#"):
        return "must be an address such as https://towpath.example"
    return None
