"""The server's process: bound to the life of the service that started it."""

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

from service.db.embedded.accounts import Account, environment, last_words
from service.db.embedded.cluster import name_within
from service.db.embedded.errors import StartFailed
from service.db.embedded.folder import DataFolder
from service.db.embedded.locks import lock_for_server

WATCHED: Final = """
trap '' HUP INT TERM
ulimit -c 0
exec 3<&0 4>&1 >&2
"$@" </dev/null 3<&- &
server=$!
(
    while read -r _; do :; done
    while kill -INT "$server"; do sleep 1; done
) <&3 3<&- 4>&- >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$server"
status=$?
kill -KILL "$watcher"
exit "$status"
"""
"""Runs the server until it ends or standard input closes, which the kernel does when the service dies.

Standard output is the lock on its files, which the server keeps; asked more than once, it may have been too
young to hear.

Linux can signal a child when its parent dies, but means the parent's thread, and forgets it when the account
changes; other systems cannot. No core file, which would hold what the server had in memory.
"""

PROGRESS_EVERY_S: Final = 2.0


def launch(
    command: Sequence[str | Path], folder: DataFolder, account: Account, lock: int, complaints: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start the server, which inherits the lock on its files."""
    return subprocess.Popen(
        ["sh", "-c", WATCHED, str(folder.path), *command, "-D", name_within(folder.cluster)],
        stdin=subprocess.PIPE,
        stdout=lock,
        stderr=complaints,
        cwd=folder.cluster,
        env=environment(),
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
        start_new_session=True,  # Ctrl-C is the service's to answer, which ends the server last
    )


def end(process: subprocess.Popen[bytes], folder: DataFolder, account: Account) -> None:
    """Ask for a fast shutdown the way a dying service does, and wait until every process has ended."""
    if process.stdin is not None:
        process.stdin.close()
    with lock_for_server(folder, account, progress=lambda _: None):
        process.wait()


def wait_until_ready(
    process: subprocess.Popen[bytes],
    cluster: Path,
    complaints: IO[bytes],
    progress: Callable[[str], None],
) -> None:
    """Return when the pid file says that the server takes connections."""
    began_s = time.monotonic()
    next_word_s = began_s + PROGRESS_EVERY_S
    while True:
        if _says_ready(cluster / "postmaster.pid"):
            return
        if process.poll() is not None:
            complaints.seek(0)
            raise StartFailed(
                f"PostgreSQL did not start: {last_words(complaints.read().decode(errors='replace'))}."
                f" More may stand in {cluster.parent / 'log'}."
            )
        now_s = time.monotonic()
        if now_s > next_word_s:
            progress(f"PostgreSQL is bringing its files in order, {now_s - began_s:.0f} s so far")
            next_word_s = now_s + PROGRESS_EVERY_S
        time.sleep(0.01)


def _says_ready(pid_file: Path) -> bool:
    try:
        return pid_file.read_bytes().split()[-1:] == [b"ready"]
    except FileNotFoundError:
        return False
