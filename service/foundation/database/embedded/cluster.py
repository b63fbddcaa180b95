"""A cluster: the files of one PostgreSQL. Made whole or not at all; no second server ever touches it."""

from pathlib import Path
from typing import Final

from service.foundation.database.embedded.accounts import Account, run_program
from service.foundation.database.embedded.binaries import MAJOR_VERSION
from service.foundation.database.embedded.errors import DataFolderDamaged, WrongMajorVersion
from service.foundation.database.embedded.folder import DataFolder, sync_folder
from service.foundation.database.embedded.sockets import PORT

SUPERUSER: Final = "postgres"

HERE: Final = Path("/proc/self/cwd")
"""Names the folder a process stands in, without a walk through its parents."""

SOCKET_FILES: Final = (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock")


def name_within(cluster: Path) -> Path:
    """Return how PostgreSQL, started in the folder `cluster`, is to name it.

    Root's data lies in folders another account cannot walk through, and their modes are not ours to open.
    But a process keeps the folder it was started in, and on Linux that folder has a name of its own.
    """
    return HERE if HERE.exists() else cluster


def make_cluster(folder: DataFolder, binaries: Path, account: Account, lock: int, password: str) -> None:
    """Make a cluster with checksums, passwords for every connection, and texts in UTF-8.

    PostgreSQL's built-in collation compares by code point, so no index goes wrong when the machine's C
    library learns another order of words.
    """
    run_program(["rm", "-rf", folder.new_cluster.name], account, cwd=folder.home)
    run_program(["mkdir", "-m", "700", folder.new_cluster.name], account, cwd=folder.home)
    options = {
        "--pgdata": name_within(folder.new_cluster),
        "--username": SUPERUSER,
        "--pwfile": "/dev/stdin",
        "--auth": "scram-sha-256",
        "--encoding": "UTF8",
        "--locale": "C",
        "--locale-provider": "builtin",
        "--builtin-locale": "C.UTF-8",
    }
    initdb: list[str | Path] = [
        binaries / "initdb",
        "--data-checksums",
        *(f"{name}={value}" for name, value in options.items()),
    ]
    # A pipe of root's cannot be opened by name under another account; the shell's own pipe can.
    through_pipe = ["sh", "-c", 'cat | "$@"', "sh", *initdb]
    run_program(through_pipe, account, cwd=folder.new_cluster, text_in=password + "\n", keep=[lock])
    run_program(["mv", folder.new_cluster.name, folder.cluster.name], account, cwd=folder.home)
    sync_folder(folder.home)


def check_version(cluster: Path) -> None:
    """Raise WrongMajorVersion unless this release's PostgreSQL can open the cluster."""
    try:
        version = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError as error:
        raise DataFolderDamaged(
            f"{cluster} is not a whole PostgreSQL cluster. Restore the data folder from a backup,"
            " or choose another data folder with TOWPATH_DATA."
        ) from error
    if version != str(MAJOR_VERSION):
        raise WrongMajorVersion(
            f"The data in {cluster} was written by PostgreSQL {version}; this release of Towpath runs"
            f" PostgreSQL {MAJOR_VERSION}. Nothing was changed. To move on: (1) with the release of Towpath"
            f" that ran PostgreSQL {version}, run `towpath backup`; (2) with this release and a new data"
            " folder, run `towpath restore`; (3) keep the old folder until you have looked at the new one."
        )


def clear_traces(folder: DataFolder, account: Account) -> None:
    """Remove a killed server's pid file and socket: its number may by now be another process's.

    Only for who holds the lock of the server.
    """
    traces = [f"{folder.cluster.name}/postmaster.pid", *(f"run/{name}" for name in SOCKET_FILES)]
    if any((folder.home / each).exists() for each in traces):
        run_program(["rm", "-f", *traces], account, cwd=folder.home)
