"""What a command works on: the database, its logins and the key file."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import asyncpg
import click
import msgspec

from service.clients.seal_labels import seal_labels
from service.config import Settings
from service.foundation.crypto.key_file import KeyFile, load_key_file
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.check_installation import MigrationsPending, open_keys
from service.foundation.database.connection import connect, is_pooled
from service.foundation.database.embedded import DataFolderInUse, EmbeddedServer, start_embedded
from service.foundation.database.embedded.attach import attach_embedded
from service.foundation.database.embedded.folder import DataFolder, write_private
from service.foundation.database.installations import ensure_database, find_key_check
from service.foundation.database.migrate import Step, migrate, pending
from service.foundation.database.roles import ensure_roles
from service.record.keep_recordings import keep_recordings
from service.sessions.bind_words import bind_words
from service.walks.measure_extents import measure_extents

DATABASE: Final = "towpath"
LOGIN: Final = "towpath"
CONNECT_TIMEOUT_S: Final = 10


class CommandRefused(Exception):
    """A command cannot do what was asked; the message says why and what to do."""


class Installation(msgspec.Struct, frozen=True):
    """What a command works on."""

    settings: Settings
    app_dsn: str
    """The URL with the application's login, to which row-level security applies."""
    migrator_dsn: str | None
    """The URL with a login that may create roles and tables and sees all rows; None where none was given."""
    embedded: EmbeddedServer | None = None

    @property
    def login(self) -> tuple[str, str]:
        """Return the application's role and password. Raises CommandRefused where the URL lacks either."""
        parts = urlsplit(self.app_dsn)
        if not parts.username or not parts.password:
            raise CommandRefused(
                "To migrate, TOWPATH_DATABASE_URL must name a role and its password:"
                " postgresql://role:password@host/database"
            )
        return unquote(parts.username), unquote(parts.password)


def say(progress: str) -> None:
    """Print progress to standard error; standard output is for answers."""
    click.echo(progress, err=True)


@contextmanager
def open_installation(settings: Settings, *, beside_service: bool = False) -> Iterator[Installation]:
    """Open the database for as long as the block lasts. An embedded server is started for it, then stopped.

    With `beside_service`, the embedded server of a running service is used if there is one. Raises
    EmbeddedError.
    """
    if settings.database_url is not None:
        yield Installation(settings, settings.database_url, settings.migrator_url)
        return
    with _embedded(settings, beside_service=beside_service) as server:
        asyncio.run(_make_database(server.admin_dsn))
        yield Installation(
            settings,
            server.dsn(LOGIN, _app_password(server), DATABASE),
            urlsplit(server.admin_dsn)._replace(path=f"/{DATABASE}").geturl(),
            server,
        )


def _embedded(settings: Settings, *, beside_service: bool) -> EmbeddedServer:
    try:
        return start_embedded(settings.data, progress=say)
    except DataFolderInUse:
        if beside_service:
            return attach_embedded(settings.data)
        raise


async def _make_database(admin_dsn: str) -> None:
    async with connected(admin_dsn) as admin:
        await ensure_database(admin, DATABASE)


def _app_password(server: EmbeddedServer) -> str:
    """Return the application's password from its private file, where a missing one is created."""
    path = DataFolder(server.data).secrets / f"{LOGIN}-password"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32))
    return path.read_text().strip()


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect for as long as the block lasts. Raises CommandRefused where the database does not answer."""
    try:
        connection = await connect(dsn, timeout_s=CONNECT_TIMEOUT_S)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CommandRefused(f"{place_of(dsn)} does not let Towpath in: {_reason(error)}") from None
    try:
        yield connection
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT_S)


@asynccontextmanager
async def connected_directly(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the migrator, whose locks and settings belong to its session.

    Raises CommandRefused where the database does not answer, or a pooler hands sessions round.
    """
    async with connected(dsn) as connection:
        if await is_pooled(connection):
            raise CommandRefused(
                f"{place_of(dsn)} is reached through a pooler, which may change servers in the middle."
                " Give TOWPATH_MIGRATOR_URL the server's own address; TOWPATH_DATABASE_URL may be a pooler's."
            )
        yield connection


def place_of(dsn: str) -> str:
    """Return the database and the role of a URL as text, without the password."""
    parts = urlsplit(dsn)
    server = parts.netloc.rpartition("@")[2] or "this machine"
    return f"The database {parts.path.lstrip('/')} on {server} (as {parts.username})"


def _reason(error: Exception) -> str:
    if isinstance(error, ValueError) and not isinstance(error, asyncpg.InterfaceError):
        return "the URL cannot be read"  # the message may quote a secret from it
    return str(error) or type(error).__name__


async def prepare(installation: Installation) -> KeyFile:
    """Bring the database up to this program as far as this login may, and return its keys.

    A missing or wrong key file is refused before anything is written. Raises KeyFileError,
    MigrationsPending, MigrationRefused, RolesRefused or CommandRefused.
    """
    if installation.migrator_dsn is None:
        return await _look(installation)
    async with connected_directly(installation.migrator_dsn) as migrator:
        await pending(migrator)  # refuses a database of another program before a key file is made
        keys = _open_keys(installation.settings.keys, await find_key_check(migrator))
        await bring_up(installation, migrator)
    return keys


async def _look(installation: Installation) -> KeyFile:
    async with connected(installation.app_dsn) as connection:
        if behind := await pending(connection):
            raise MigrationsPending(behind)
        return _open_keys(installation.settings.keys, await find_key_check(connection))


def _open_keys(path: Path, key_check: bytes | None) -> KeyFile:
    """Return the keys, and tell the person at the first start what a new key file means to them."""
    is_new = not path.exists()
    keys = open_keys(path, key_check)
    if is_new:
        say(advice_on_key_file(path))
    return keys


def advice_on_key_file(path: Path) -> str:
    """Return where a new key file is, what its loss means, and where copies belong."""
    return (
        f"The key file is {path}. Copy it now to another place, such as a password manager or a disk in a"
        " safe. Without it every record is lost for good: nobody can open them, and backups never hold it."
        " Never keep a copy beside the database or its backups, since both together open every record."
    )


async def bring_up(installation: Installation, migrator: asyncpg.Connection) -> list[str]:
    """Create missing roles, apply pending SQL files, and return their names."""
    await pending(migrator)  # refuses a database of another program before its roles are touched
    await make_roles(installation, migrator)
    return await migrate(migrator, steps=steps_of(installation.settings.keys), progress=say)


def steps_of(key_file: Path) -> Mapping[str, Step]:
    """Return the steps that migrations name. The key file is read only where there is something to seal."""
    steps = {
        "seal_labels": seal_labels,
        "keep_recordings": keep_recordings,
        "bind_words": bind_words,
        "measure_extents": measure_extents,
    }

    def open_keys() -> Keyring:
        return Keyring(load_key_file(key_file))

    return {name: partial(step, open_keys=open_keys) for name, step in steps.items()}


async def make_roles(installation: Installation, migrator: asyncpg.Connection) -> None:
    """Create missing roles and grants. Raises RolesRefused, CommandRefused."""
    login, password = installation.login
    await ensure_roles(migrator, login=login, password=password)


def migrator_of(installation: Installation, purpose: str) -> str:
    """Return the migrator's URL. Raises CommandRefused where none was given."""
    if installation.migrator_dsn is None:
        raise CommandRefused(
            f"To {purpose}, set TOWPATH_MIGRATOR_URL: the same database as TOWPATH_DATABASE_URL, as a login"
            " that may create roles and tables and that row-level security leaves alone (BYPASSRLS)."
        )
    return installation.migrator_dsn


def release() -> str:
    """Return the version of this Towpath; `unreleased` in a checkout that was never installed."""
    try:
        return version("towpath")
    except PackageNotFoundError:
        return "unreleased"
