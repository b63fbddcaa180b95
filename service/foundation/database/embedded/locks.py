"""Two locks: one for the service that uses a data folder, one for the server on its files.

The kernel releases a lock when the last process that holds it has ended, even if it was killed. So a free
lock proves that nobody works on the files. A pid file does not: another program may have that id by now.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from service.foundation.database.embedded.accounts import Account, run_program
from service.foundation.database.embedded.errors import DataFolderForeign, DataFolderInUse, StartFailed
from service.foundation.database.embedded.folder import DataFolder

GRACE_S: Final = 0.5
"""The last processes of a server end a moment after it."""

PATIENCE_S: Final = 30
"""How long a shutdown may take: a fast one may first write a checkpoint.

PostgreSQL 18 can forget a fast shutdown that it is asked for during crash recovery, but not an immediate one.
"""

FAST: Final = "INT"
IMMEDIATE: Final = "QUIT"


def lock_for_service(folder: DataFolder) -> int:
    """Lock the data folder for this process; return the descriptor that holds the lock until it is closed.

    Raises DataFolderInUse.
    """
    descriptor = _open(folder.lock)
    if not _take(descriptor):
        holder = os.read(descriptor, 20).decode().strip() or "unknown"
        os.close(descriptor)
        raise DataFolderInUse(
            f"Towpath already runs on {folder.path}, as process {holder}. Stop that one first,"
            " or choose another data folder with TOWPATH_DATA."
        )
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


@contextmanager
def lock_for_server(folder: DataFolder, account: Account, progress: Callable[[str], None]) -> Iterator[int]:
    """Lock the database's files; yield the descriptor that processes working on them must inherit.

    A server that still runs on them is ended first. Raises StartFailed if it does not end.
    """
    descriptor = _open(folder.server_lock)
    try:
        _end_whoever_holds(descriptor, folder, account, progress)
        yield descriptor
    finally:
        os.close(descriptor)


def _end_whoever_holds(
    descriptor: int, folder: DataFolder, account: Account, progress: Callable[[str], None]
) -> None:
    if _take_within(descriptor, GRACE_S):
        return
    progress("Ending the PostgreSQL that an earlier Towpath left running")
    for shutdown in (FAST, IMMEDIATE):
        _tell_postmaster(folder, account, shutdown)
        if _take_within(descriptor, PATIENCE_S):
            return
    raise StartFailed(
        f"A PostgreSQL that an earlier Towpath left running on {folder.path} does not end."
        " End the processes named postgres that belong to it, then start again."
    )


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except PermissionError as error:
        raise DataFolderForeign(
            f"{path.parent} was set up by another account. Start Towpath as that account,"
            " or choose another data folder with TOWPATH_DATA."
        ) from error


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take_within(descriptor: int, patience_s: float) -> bool:
    deadline_s = time.monotonic() + patience_s
    while not _take(descriptor):
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True


def _tell_postmaster(folder: DataFolder, account: Account, signal_name: str) -> None:
    """Send a signal to the postmaster, as its account. Without one, the other processes end anyway."""
    try:
        number = (folder.cluster / "postmaster.pid").read_bytes().partition(b"\n")[0].decode()
    except FileNotFoundError:
        return
    if number.isdigit() and _runs_in(number, folder.cluster):
        run_program(
            ["sh", "-c", 'kill -s "$1" "$2" || true', "sh", signal_name, number], account, cwd=Path("/")
        )


def _runs_in(process: str, cluster: Path) -> bool:
    """Return whether a process runs in the cluster's folder, as its postmaster does; True without /proc."""
    if not Path("/proc/self").exists():
        return True
    try:
        return Path(f"/proc/{process}/cwd").samefile(cluster)
    except (FileNotFoundError, PermissionError):
        return False  # it has ended, or belongs to another account
