"""Two locks: a data folder is one service's at a time, and its files one server's.

The kernel keeps them and lets go when the last process that holds one has ended, however it ended. So a lock
that can be had proves more than a pid file, whose number may be another program's by now.
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
"""The last of a server's processes end a moment after it."""

PATIENCE_S: Final = 30
"""A fast shutdown may have a checkpoint to write first. PostgreSQL 18 can also forget about one it was asked
for while it recovers from a crash; an immediate one it never does."""

FAST: Final = "INT"
IMMEDIATE: Final = "QUIT"


def lock_for_service(folder: DataFolder) -> int:
    """Take the data folder for this process; return the descriptor that holds it until closed.

    Raise DataFolderInUse.
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
    """Take the database's files; yield the descriptor that whatever works on them is to inherit.

    What still works on them is ended first, cleanly if it will. Raise StartFailed if it does not end.
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
    """Signal the first of the server's processes, as its account may; without it the others end anyway."""
    try:
        number = (folder.cluster / "postmaster.pid").read_bytes().partition(b"\n")[0].decode()
    except FileNotFoundError:
        return
    if number.isdigit() and _stands_in(number, folder.cluster):
        run_program(
            ["sh", "-c", 'kill -s "$1" "$2" || true', "sh", signal_name, number], account, cwd=Path("/")
        )


def _stands_in(process: str, cluster: Path) -> bool:
    """Tell whether the process is in the cluster's folder, as a postmaster is; yes where none can tell."""
    if not Path("/proc/self").exists():
        return True
    try:
        return Path(f"/proc/{process}/cwd").samefile(cluster)
    except (FileNotFoundError, PermissionError):
        return False  # ended, or another's
