"""The embedded PostgreSQL server: it starts and ends with the service."""

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from service.foundation.database.embedded.accounts import Account, choose_account, environment, last_words
from service.foundation.database.embedded.binaries import find_binaries
from service.foundation.database.embedded.cluster import SUPERUSER, check_version, clear_traces, make_cluster
from service.foundation.database.embedded.copies import binaries_for
from service.foundation.database.embedded.errors import NotDurable, StartFailed
from service.foundation.database.embedded.folder import DataFolder, keep_password, make_home, open_data_folder
from service.foundation.database.embedded.locks import lock_for_server, lock_for_service
from service.foundation.database.embedded.process import Postmaster
from service.foundation.database.embedded.settings import DURABLE, as_arguments
from service.foundation.database.embedded.sockets import PORT, clear_link, socket_folder

ROOM_BYTES: Final = 128_000_000
"""Kept free for the write-ahead log and for writes that have begun: several of the largest uploads."""


class EmbeddedServer:
    """A running PostgreSQL on a data folder. As a context manager, it stops the server at the end."""

    def __init__(
        self,
        folder: DataFolder,
        binaries: Path,
        sockets: Path,
        password: str,
        undo: ExitStack,
        postmaster: Postmaster | None = None,
    ) -> None:
        """Represent a running server; `undo` holds what stopping it has to do.

        `postmaster` is None where another process started the server.
        """
        self.data = folder.path
        self.binaries = binaries
        self._sockets = sockets
        self._password = password
        self._undo = undo
        self._postmaster = postmaster

    @property
    def admin_dsn(self) -> str:
        """Return the superuser's connection URL."""
        return self.dsn(SUPERUSER, self._password, "postgres")

    def dsn(self, user: str, password: str, database: str) -> str:
        """Return a connection URL through the socket."""
        sign_in = f"{quote(user, safe='')}:{quote(password, safe='')}"
        place = quote(str(self._sockets), safe="")
        return f"postgresql://{sign_in}@/{quote(database, safe='')}?host={place}&port={PORT}"

    @property
    def has_ended(self) -> bool:
        """Return whether the server that this process started has ended by itself, for example was killed."""
        return self._postmaster is not None and self._postmaster.has_ended

    def has_room(self) -> bool:
        """Return whether the disk has room for another write.

        A server that cannot write its log ends, and then nothing can be read either.
        """
        return shutil.disk_usage(self.data).free >= ROOM_BYTES

    def start_again(self) -> None:
        """Start a server that ended by itself; its connection URLs and its data stay the same.

        Raises EmbeddedError where it does not start. It can be called again.
        """
        if self._postmaster is not None:
            self._postmaster.launch_again()

    def stop(self) -> None:
        """End the server and release the data folder. A second call does nothing."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def say_nothing(_progress: str) -> None:
    """Ignore progress."""


def start_embedded(data: Path, *, progress: Callable[[str], None] = say_nothing) -> EmbeddedServer:
    """Start PostgreSQL on the data folder, which is created if it is missing; return when it answers.

    Waits as long as crash recovery takes. Raises EmbeddedError, which says what to do.
    """
    binaries = find_binaries()
    folder = open_data_folder(data)
    with ExitStack() as undo:
        undo.callback(os.close, lock_for_service(folder))
        account = choose_account(folder.home)
        runnable = binaries_for(account, progress)
        complaints = undo.enter_context(TemporaryFile())
        postmaster = Postmaster([runnable / "postgres", *as_arguments()], folder, account, complaints)
        with lock_for_server(folder, account, progress) as lock:
            password = _prepare(folder, runnable, account, lock, progress)
            postmaster.launch(lock)
        undo.callback(postmaster.end)
        postmaster.wait_until_ready(progress)
        undo.callback(clear_link, folder)
        sockets = socket_folder(folder)
        _assert_durable(binaries / "psql", sockets, password)
        return EmbeddedServer(folder, binaries, sockets, password, undo.pop_all(), postmaster)


def _prepare(
    folder: DataFolder, runnable: Path, account: Account, lock: int, progress: Callable[[str], None]
) -> str:
    """Create what is missing, check what is there, and return the superuser's password."""
    new = not folder.cluster.exists()
    if not new:
        check_version(folder.cluster)
    password = keep_password(folder, SUPERUSER)
    make_home(folder, account)
    if new:
        progress(f"Creating the database in {folder.path}")
        make_cluster(folder, runnable, account, lock, password)
    clear_traces(folder, account)
    return password


def _assert_durable(psql: Path, sockets: Path, password: str) -> None:
    """Check, over a client connection, that a crash would lose no acknowledged write. Raises NotDurable."""
    options = ["-h", str(sockets), "-p", str(PORT), "-U", SUPERUSER, "-d", "postgres"]
    values = ", ".join(f"current_setting('{name}')" for name in DURABLE)
    done = subprocess.run(
        [psql, "-X", "-A", "-t", *options, "-c", f"SELECT {values}"],
        env={**environment(), "PGPASSWORD": password},
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise StartFailed(
            f"PostgreSQL started but refuses a connection: {last_words(done.stderr)}. If the password of"
            f" its role {SUPERUSER} was changed, change it back to the one in the folder `secrets`."
        )
    found = dict(zip(DURABLE, done.stdout.strip().split("|"), strict=True))
    if found != DURABLE:
        raise NotDurable(
            f"PostgreSQL would lose acknowledged writes in a crash: {found}; wanted {dict(DURABLE)}."
        )
