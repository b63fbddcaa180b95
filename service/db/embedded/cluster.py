"""A cluster: the files of one PostgreSQL. Made whole or not at all; no second server ever touches it."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from service.db.embedded.accounts import Account, run_program
from service.db.embedded.binaries import MAJOR_VERSION
from service.db.embedded.errors import DataFolderDamaged, StartFailed, WrongMajorVersion
from service.db.embedded.folder import DataFolder, sync_folder

SUPERUSER: Final = "postgres"

HERE: Final = Path("/proc/self/cwd")
"""Names the folder a process stands in, without a walk through its parents."""

ORPHAN_PATIENCE_S: Final = 60
"""A fast shutdown may have a checkpoint to write first."""


def cluster_path(cluster: Path, account: Account) -> Path:
    """Return how PostgreSQL, started in the folder `cluster`, is to name it.

    Root's data lies in folders another account cannot walk through, and their modes are not ours to open.
    But a process keeps the folder it was started in, and on Linux that folder has a name of its own.
    """
    return HERE if account.uid is not None and HERE.exists() else cluster


def make_cluster(folder: DataFolder, binaries: Path, account: Account, password: str) -> None:
    """Make a cluster with checksums, passwords for every connection, and texts in UTF-8.

    PostgreSQL's built-in collation compares by code point, so no index goes wrong when the machine's C
    library learns another order of words.
    """
    run_program(["rm", "-rf", folder.new_cluster.name], account, cwd=folder.home)
    run_program(["mkdir", "-m", "700", folder.new_cluster.name], account, cwd=folder.home)
    options = {
        "--pgdata": cluster_path(folder.new_cluster, account),
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
    run_program(through_pipe, account, cwd=folder.new_cluster, text_in=password + "\n")
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


def end_orphans(cluster: Path, account: Account, progress: Callable[[str], None]) -> None:
    """End what a killed service left running on the cluster, cleanly if it still listens.

    A pid file alone proves nothing: its number may be another program's by now. Standing in the cluster's
    folder under the database's account does.
    """
    if not (cluster / "postmaster.pid").exists():
        return
    orphans = _processes_in(cluster, account)
    if not orphans:
        return
    progress("Ending a PostgreSQL that an earlier Towpath left running")
    _signal_each(orphans & {postmaster_pid(cluster)}, signal.SIGINT)
    if not _wait_for_end(cluster, account):
        _signal_each(_processes_in(cluster, account), signal.SIGQUIT)
    if not _wait_for_end(cluster, account):
        raise StartFailed(
            f"Processes {_processes_in(cluster, account)} hold {cluster} and do not end; end them."
        )


def postmaster_pid(cluster: Path) -> int | None:
    """Return the number in the pid file, or None where there is none to read."""
    lines = read_pid_file(cluster).splitlines()
    return int(lines[0]) if lines and lines[0].isdigit() else None


def read_pid_file(cluster: Path) -> bytes:
    try:
        return (cluster / "postmaster.pid").read_bytes()
    except FileNotFoundError:
        return b""


def _processes_in(cluster: Path, account: Account) -> set[int]:
    """Return the database account's processes standing in the cluster's folder.

    Empty where the system has no /proc: there PostgreSQL itself refuses to start beside another.
    """
    owner = os.geteuid() if account.uid is None else account.uid
    return {
        int(entry.name)
        for entry in (Path("/proc").iterdir() if HERE.exists() else ())
        if entry.name.isdigit() and _stands_in(entry, cluster, owner)
    }


def _stands_in(process: Path, cluster: Path, owner: int) -> bool:
    try:
        return process.stat().st_uid == owner and (process / "cwd").samefile(cluster)
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return False  # ended meanwhile, or hidden from us and so not ours


def _signal_each(processes: set[int], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue


def _wait_for_end(cluster: Path, account: Account) -> bool:
    deadline_s = time.monotonic() + ORPHAN_PATIENCE_S
    while _processes_in(cluster, account):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.05)
    return True
