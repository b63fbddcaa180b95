"""The server's process, which ends when the service that started it ends."""

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

from service.foundation.database.embedded.accounts import Account, environment, last_words
from service.foundation.database.embedded.cluster import clear_traces, name_within
from service.foundation.database.embedded.errors import StartFailed
from service.foundation.database.embedded.folder import DataFolder
from service.foundation.database.embedded.locks import lock_for_server

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
"""A shell script that runs the server until it ends or standard input closes.

The kernel closes standard input when the service dies. The signal is repeated, because a server that has just
started does not handle it yet. Standard output is the lock on the files, which the server inherits.

Linux can signal a child when its parent dies, but it looks at the parent's thread, and forgets the request
when the account changes; other systems cannot do it. Core files are off, because they contain the server's
memory.
"""

PROGRESS_EVERY_S: Final = 2.0


class Postmaster:
    """The server's process on a data folder; if it ends by itself, another one can be started."""

    def __init__(
        self, command: Sequence[str | Path], folder: DataFolder, account: Account, complaints: IO[bytes]
    ) -> None:
        self._command = command
        self._folder = folder
        self._account = account
        self._complaints = complaints
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def has_ended(self) -> bool:
        """Return whether the server was started and has ended."""
        return self._process is not None and self._process.poll() is not None

    def launch(self, lock: int) -> None:
        """Start the server. It inherits the lock on its files."""
        folder = self._folder.cluster
        self._complaints.seek(0)
        self._complaints.truncate()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = subprocess.Popen(
            ["sh", "-c", WATCHED, str(self._folder.path), *self._command, "-D", name_within(folder)],
            stdin=subprocess.PIPE,
            stdout=lock,
            stderr=self._complaints,
            cwd=folder,
            env=environment(),
            user=self._account.uid,
            group=self._account.gid,
            extra_groups=self._account.groups,
            start_new_session=True,  # Ctrl-C reaches the service alone, which ends the server last
        )

    def launch_again(self) -> None:
        """Start the server again after it ended by itself; return when it answers. Raises EmbeddedError."""
        with lock_for_server(self._folder, self._account, progress=lambda _: None) as lock:
            clear_traces(self._folder, self._account)
            self.launch(lock)
        self.wait_until_ready(progress=lambda _: None)

    def end(self) -> None:
        """Ask for a fast shutdown by closing standard input, and wait until every process has ended."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        with lock_for_server(self._folder, self._account, progress=lambda _: None):
            self._process.wait()

    def wait_until_ready(self, progress: Callable[[str], None]) -> None:
        """Return when the pid file says that the server takes connections. Raises StartFailed."""
        began_s = time.monotonic()
        next_progress_s = began_s + PROGRESS_EVERY_S
        while not _says_ready(self._folder.cluster / "postmaster.pid"):
            if self.has_ended:
                self._complaints.seek(0)
                raise StartFailed(
                    "PostgreSQL did not start:"
                    f" {last_words(self._complaints.read().decode(errors='replace'))}."
                    f" There may be more in {self._folder.home / 'log'}."
                )
            now_s = time.monotonic()
            if now_s > next_progress_s:
                progress(f"PostgreSQL is recovering its files, {now_s - began_s:.0f} s so far")
                next_progress_s = now_s + PROGRESS_EVERY_S
            time.sleep(0.01)


def _says_ready(pid_file: Path) -> bool:
    try:
        return pid_file.read_bytes().split()[-1:] == [b"ready"]
    except FileNotFoundError:
        return False
