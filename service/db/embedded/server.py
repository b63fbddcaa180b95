"""Towpath's own PostgreSQL: started with the service, ended with it."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from types import MappingProxyType, TracebackType
from typing import IO, Final, Self
from urllib.parse import quote

from service.db.embedded.accounts import Account, choose_account, environment, last_words
from service.db.embedded.binaries import find_binaries
from service.db.embedded.cluster import (
    SUPERUSER,
    check_version,
    cluster_path,
    end_orphans,
    make_cluster,
    read_pid_file,
)
from service.db.embedded.copies import binaries_for
from service.db.embedded.errors import NotDurable, StartFailed
from service.db.embedded.folder import (
    DataFolder,
    keep_password,
    lock_data_folder,
    make_home,
    open_data_folder,
)
from service.db.embedded.settings import DURABLE, as_arguments
from service.db.embedded.sockets import PORT, clear_link, socket_folder

WATCHED: Final = """
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(while read -r _; do :; done; kill -INT "$server") <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&-
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"""
"""Runs the server until it ends or standard input closes, which the kernel does when the service dies.

Linux can signal a child when its parent dies, but means the parent's thread, and forgets it when the account
changes; other systems cannot.
"""

PROGRESS_EVERY_S: Final = 2.0

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class EmbeddedServer:
    """A running PostgreSQL on a data folder; a context manager that stops it."""

    def __init__(
        self, folder: DataFolder, binaries: Path, sockets: Path, password: str, undo: ExitStack
    ) -> None:
        """Take over a started server with all that is to be undone at its end."""
        self.data = folder.path
        self.binaries = binaries
        self._sockets = sockets
        self._password = password
        self._undo = undo

    @property
    def admin_dsn(self) -> str:
        """The superuser's way in."""
        return self.dsn(SUPERUSER, self._password, "postgres")

    def dsn(self, user: str, password: str, database: str) -> str:
        """Return a connection string through the socket."""
        sign_in = f"{quote(user, safe='')}:{quote(password, safe='')}"
        place = quote(str(self._sockets), safe="")
        return f"postgresql://{sign_in}@/{quote(database, safe='')}?host={place}&port={PORT}"

    def stop(self) -> None:
        """End the server and its connections and let go of the data folder; a second time does nothing."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def say_nothing(_progress: str) -> None:
    """Take progress and keep it to oneself."""


def start_embedded(
    data: Path, *, progress: Callable[[str], None] = say_nothing, extra_settings: Mapping[str, str] = NOTHING
) -> EmbeddedServer:
    """Start PostgreSQL on the data folder, made if need be, and return it when it answers.

    Waits for recovery as long as recovery takes. Raise an EmbeddedError that says the way out.
    """
    arguments = as_arguments(extra_settings)
    binaries = find_binaries()
    folder = open_data_folder(data)
    with ExitStack() as undo:
        undo.callback(os.close, lock_data_folder(folder))
        account = choose_account(folder.home)
        runnable = binaries_for(account, progress)
        password = keep_password(folder, SUPERUSER)
        make_home(folder, account)
        if not folder.cluster.exists():
            progress(f"Creating the database in {folder.path}")
            make_cluster(folder, runnable, account, password)
        check_version(folder.cluster)
        end_orphans(folder.cluster, account, progress)
        sockets = socket_folder(folder)
        undo.callback(clear_link, folder)
        complaints = undo.enter_context(TemporaryFile())
        earlier = read_pid_file(folder.cluster)
        command: list[str | Path] = [
            runnable / "postgres",
            "-D",
            cluster_path(folder.cluster, account),
            *arguments,
        ]
        process = _launch(command, account, folder.cluster, complaints)
        undo.callback(_end, process)
        _wait_until_ready(process, folder.cluster, earlier, complaints, progress)
        _assert_durable(binaries / "psql", sockets, password)
        return EmbeddedServer(folder, binaries, sockets, password, undo.pop_all())


def _launch(
    command: Sequence[str | Path], account: Account, cluster: Path, complaints: IO[bytes]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["sh", "-c", WATCHED, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=complaints,
        stderr=complaints,
        cwd=cluster,
        env=environment(),
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
        start_new_session=True,  # Ctrl-C is the service's to answer; it ends the server when it has drained
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask for a fast shutdown the way a dying service does, and wait for it."""
    if process.stdin is not None:
        process.stdin.close()
    process.wait()


def _wait_until_ready(
    process: subprocess.Popen[bytes],
    cluster: Path,
    earlier: bytes,
    complaints: IO[bytes],
    progress: Callable[[str], None],
) -> None:
    """Return when the pid file, written anew since `earlier`, says that the server takes connections."""
    began_s = time.monotonic()
    next_word_s = began_s + PROGRESS_EVERY_S
    while True:
        state = read_pid_file(cluster)
        if state != earlier and state.split()[-1:] == [b"ready"]:
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


def _assert_durable(psql: Path, sockets: Path, password: str) -> None:
    """Ask the running server, the way every client comes in, whether it keeps what it acknowledges."""
    values = ", ".join(f"current_setting('{name}')" for name in DURABLE)
    done = subprocess.run(
        [
            psql,
            "-XAt",
            "-h",
            sockets,
            "-p",
            str(PORT),
            "-U",
            SUPERUSER,
            "-d",
            "postgres",
            "-c",
            f"SELECT {values}",
        ],
        env={**environment(), "PGPASSWORD": password},
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise StartFailed(f"PostgreSQL started but does not let Towpath in: {last_words(done.stderr)}")
    found = dict(zip(DURABLE, done.stdout.strip().split("|"), strict=True))
    if found != DURABLE:
        raise NotDurable(
            f"PostgreSQL would lose acknowledged writes in a crash: {found}; wanted {dict(DURABLE)}."
        )
