"""A cluster: the files of one PostgreSQL server. It is created completely or not at all."""

from pathlib import Path
from typing import Final

from service.foundation.database.embedded.accounts import Account, run_program
from service.foundation.database.embedded.binaries import MAJOR_VERSION
from service.foundation.database.embedded.errors import DataFolderDamaged, WrongMajorVersion
from service.foundation.database.embedded.folder import DataFolder, sync_folder
from service.foundation.database.embedded.sockets import PORT

SUPERUSER: Final = "postgres"

HERE: Final = Path("/proc/self/cwd")
"""The current folder of a process, by a name that needs no access to its parents."""

SOCKET_FILES: Final = (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock")


def name_within(cluster: Path) -> Path:
    """Return the name by which PostgreSQL, started in the folder `cluster`, finds it.

    Another account often has no access to the parents of root's data folder, and we do not change their
    modes. On Linux a process can name its current folder without them.
    """
    return HERE if HERE.exists() else cluster


def make_cluster(folder: DataFolder, binaries: Path, account: Account, lock: int, password: str) -> None:
    """Create a cluster with checksums, passwords for every connection, and UTF-8.

    PostgreSQL's built-in collation compares code points. So an update of the machine's C library, which may
    sort words differently, does not break an index.
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
    # Another account cannot open a pipe of root by its name, but the pipe of its own shell it can.
    through_pipe = ["sh", "-c", 'cat | "$@"', "sh", *initdb]
    run_program(through_pipe, account, cwd=folder.new_cluster, text_in=password + "\n", keep=[lock])
    run_program(["mv", folder.new_cluster.name, folder.cluster.name], account, cwd=folder.home)
    sync_folder(folder.home)


def check_version(cluster: Path) -> None:
    """Raise WrongMajorVersion or DataFolderDamaged unless this PostgreSQL can open the cluster."""
    try:
        version = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError as error:
        raise DataFolderDamaged(
            f"{cluster} is not a complete PostgreSQL cluster. Restore the data folder from a backup,"
            " or choose another data folder with TOWPATH_DATA."
        ) from error
    if version != str(MAJOR_VERSION):
        raise WrongMajorVersion(
            f"The data in {cluster} was written by PostgreSQL {version}; this release of Towpath runs"
            f" PostgreSQL {MAJOR_VERSION}. Nothing was changed. To move on: (1) with the release of Towpath"
            f" that ran PostgreSQL {version}, run `towpath backup`; (2) with this release and a new data"
            " folder, run `towpath restore`; (3) keep the old folder until you have checked the new one."
        )


def clear_traces(folder: DataFolder, account: Account) -> None:
    """Remove the pid file and socket of a killed server, whose process id another process may have now.

    The caller holds the lock of the server.
    """
    traces = [f"{folder.cluster.name}/postmaster.pid", *(f"run/{name}" for name in SOCKET_FILES)]
    if any((folder.home / each).exists() for each in traces):
        run_program(["rm", "-f", *traces], account, cwd=folder.home)
