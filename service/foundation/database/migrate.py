"""Brings a database up to this program: plain SQL files, forward only, each applied once and remembered.

Runs on a direct connection: the lock belongs to the session, so not through a transaction pooler.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from importlib.resources import files as package_files
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Final

import asyncpg
import msgspec

from service.foundation.database.definitions import (
    apply_definitions,
    changed_definitions,
    ensure_definition_ledger,
)
from service.foundation.database.query import Connection
from service.foundation.database.roles import APP, OWNER

MIGRATIONS: Final = package_files("migrations")

LOCK_KEY: Final = int.from_bytes(b"towpath")
LOCK_POLL_S: Final = 0.2
TABLE_LOCK_TIMEOUT_S: Final = 5
"""A statement queued for a table lock holds up everyone behind it: better to give way and come back."""
TABLE_LOCK_ATTEMPTS: Final = 3
STATEMENT_TIMEOUT_S: Final = 600

FILE_NAME: Final = re.compile(r"(?P<number>[0-9]{4})_[a-z0-9_]+\.sql")
MARKER: Final = re.compile(r"--\s*towpath:\s*(?P<word>.*?)\s*")
AS_MIGRATOR: Final = "as migrator"


class MigrationRefused(Exception):
    """The database and the migration files do not fit together, or a file failed; says what to do."""


class Migration(msgspec.Struct, frozen=True):
    """One file. `as_migrator` runs it as the migrator rather than as the owner of the tables."""

    number: int
    name: str
    sql: str
    sha256: str
    as_migrator: bool = False


class Applied(msgspec.Struct, frozen=True):
    """One row of the ledger."""

    number: int
    name: str
    sha256: str
    applied_at: datetime


async def migrate(
    connection: asyncpg.Connection,
    *,
    files: Traversable = MIGRATIONS,
    progress: Callable[[str], None],
    wait_s: float = 60,
) -> list[str]:
    """Apply what is pending, each file in a transaction of its own, and return the names applied.

    Waits up to `wait_s` seconds for another migrator. Killed at any point it resumes: a file is wholly
    there, with its ledger row, or not at all. Raises MigrationRefused.
    """
    migrations = read_migrations(files)
    async with _alone(connection, wait_s, progress):
        await _refuse_powerless(connection)
        await _ensure_ledger(connection)
        await ensure_definition_ledger(connection)
        todo = unapplied(migrations, await _read_ledger(connection))
        await _refuse_blind_backfill(connection, todo)
        for index, migration in enumerate(todo, start=1):
            progress(f"applying {migration.name} ({index} of {len(todo)})")
            await _apply_patiently(connection, migration, progress)
        changed = await changed_definitions(connection, files)
        await apply_definitions(connection, changed, progress)
    return [each.name for each in todo] + [each.name for each in changed]


async def pending(connection: Connection, *, files: Traversable = MIGRATIONS) -> list[str]:
    """Return the names of the files not yet applied; needs no more than SELECT on the ledger.

    Raises MigrationRefused where the ledger and the files contradict each other.
    """
    todo = unapplied(read_migrations(files), await _read_ledger(connection))
    changed = await changed_definitions(connection, files)
    return [each.name for each in todo] + [each.name for each in changed]


def read_migrations(files: Traversable) -> list[Migration]:
    """Return the migrations in `files` by number. Raises MigrationRefused for an unusable name or marker."""
    names = sorted(each.name for each in files.iterdir() if each.name.endswith(".sql"))
    migrations = [_read(files, name) for name in names]
    for before, after in pairwise(migrations):
        if before.number == after.number:
            raise MigrationRefused(f"{before.name} and {after.name} have the same number: renumber the later")
    return migrations


def _read(files: Traversable, name: str) -> Migration:
    named = FILE_NAME.fullmatch(name)
    if named is None:
        raise MigrationRefused(f"{name} is not named like 0001_what_it_does.sql: rename it")
    try:
        sql = files.joinpath(name).read_bytes().decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise MigrationRefused(f"{name} is not UTF-8 at byte {error.start}: save it as UTF-8") from error
    marker = MARKER.fullmatch(sql.partition("\n")[0])
    if marker is not None and marker["word"] != AS_MIGRATOR:
        raise MigrationRefused(f"{name} begins with '{marker[0]}': only '{AS_MIGRATOR}' is known")
    digest = hashlib.sha256(sql.encode()).hexdigest()
    return Migration(int(named["number"]), name, sql, digest, as_migrator=marker is not None)


def unapplied(migrations: Sequence[Migration], applied: Sequence[Applied]) -> list[Migration]:
    """Return the migrations after the last applied one.

    Raises MigrationRefused when an applied file was edited, renamed or is missing, when the database is
    ahead of the files, or when a number is left out.
    """
    by_number = {each.number: each for each in migrations}
    for row in applied:
        _refuse_contradiction(row, by_number)
    known = {each.number for each in applied}
    todo = [each for each in migrations if each.number not in known]
    for number, migration in enumerate(migrations, start=1):
        if migration.number != number:
            raise MigrationRefused(f"number {number:04} is missing before {migration.name}: add or renumber")
    if todo and todo[0].number <= len(applied):
        raise MigrationRefused(
            f"{todo[0].name} was never applied though later files were: renumber it to come after them"
        )
    return todo


def _refuse_contradiction(row: Applied, by_number: Mapping[int, Migration]) -> None:
    migration = by_number.get(row.number)
    applied = f"{row.name}, applied at {row.applied_at:%Y-%m-%d %H:%M} UTC"
    if migration is None and row.number > max(by_number, default=0):
        raise MigrationRefused(
            f"the database is newer than this program: it has {applied}. "
            "Run the newer program, or restore a backup from before it"
        )
    if migration is None or migration.name != row.name:
        found = "is missing" if migration is None else f"is now called {migration.name}"
        raise MigrationRefused(f"{applied}, {found}: put the file back under its name")
    if migration.sha256 != row.sha256:
        raise MigrationRefused(
            f"{applied}, was edited since: put the file back as it was and write the change as a new file"
        )


@asynccontextmanager
async def _alone(
    connection: asyncpg.Connection, wait_s: float, progress: Callable[[str], None]
) -> AsyncIterator[None]:
    """Hold the one lock of this database's migrators. Raises MigrationRefused after `wait_s` seconds.

    It is asked for again and again rather than waited for in the server: a waiting statement would hold a
    snapshot open.
    """
    with suppress(asyncpg.InvalidParameterValueError):  # a server on Windows cannot look
        # a killed migrator's statement must end with it, or its successor waits for nothing
        await connection.execute("SET client_connection_check_interval = '1s'")
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait_s
    told = False
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
        if clock() > deadline:
            raise MigrationRefused(
                f"another migrator has been at work on this database for over {wait_s:g} s: "
                "wait for it to end, or end it, and start again"
            )
        if not told:
            progress("another migrator is at work on this database: waiting for it")
            told = True
        await asyncio.sleep(LOCK_POLL_S)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute(f"SELECT pg_advisory_unlock({LOCK_KEY})")


MAY_BE_OWNER = """
    SELECT EXISTS (SELECT FROM pg_roles
                    WHERE rolname = $1
                      AND pg_has_role(oid, 'MEMBER')
                      AND has_schema_privilege(oid, 'public', 'CREATE'))
"""


async def _refuse_powerless(connection: asyncpg.Connection) -> None:
    if not await connection.fetchval(MAY_BE_OWNER, OWNER):
        raise MigrationRefused(
            f"this role cannot make tables as {OWNER}: migrate with a role that may make roles and owns the "
            "database, for it prepares both first"
        )


SEES_ALL_ROWS = """
    SELECT rolsuper OR rolbypassrls
      FROM pg_roles
     WHERE rolname = current_user
"""


async def _refuse_blind_backfill(connection: asyncpg.Connection, todo: Sequence[Migration]) -> None:
    """Row-level security would let a backfill change no row at all, and say nothing."""
    blind = [each.name for each in todo if each.as_migrator]
    if blind and not await connection.fetchval(SEES_ALL_ROWS):
        raise MigrationRefused(
            f"{blind[0]} changes rows of every practice, which row-level security hides from this role: "
            "ALTER ROLE … BYPASSRLS for the migrator, then start again"
        )


async def _apply_patiently(
    connection: asyncpg.Connection, migration: Migration, progress: Callable[[str], None]
) -> None:
    for attempt in range(1, TABLE_LOCK_ATTEMPTS + 1):
        try:
            return await _apply(connection, migration)
        except asyncpg.LockNotAvailableError as error:
            if attempt == TABLE_LOCK_ATTEMPTS:
                raise MigrationRefused(
                    f"{migration.name} found a table in use {attempt} times over: nothing of it was kept; "
                    "start again when less is going on"
                ) from error
            progress(f"{migration.name} found a table in use: trying again")
        except asyncpg.PostgresError as error:
            raise MigrationRefused(
                f"{migration.name} failed{_place(error, migration.sql)}: {error.args[0]}. "
                "Nothing of it was kept; files before it were"
            ) from None  # its detail may quote a row, and tracebacks are logged
    return None


LIMITS = f"""
    SET LOCAL search_path = public;
    SET LOCAL lock_timeout = '{TABLE_LOCK_TIMEOUT_S}s';
    SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_S}s';
"""

REMEMBER = """
    INSERT INTO public.migration_ledger (number, name, sha256)
    VALUES ($1, $2, $3)
"""


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(LIMITS)
        if not migration.as_migrator:
            await connection.execute(f"SET LOCAL ROLE {OWNER}")
        began_as = await connection.fetchval("SELECT pg_current_xact_id()::text")
        await connection.execute(migration.sql)
        if await connection.fetchval("SELECT pg_current_xact_id()::text") != began_as:
            raise MigrationRefused(
                f"{migration.name} ends the transaction it runs in, so part of it stayed without being "
                "remembered: take out COMMIT and the like, restore the backup and start again"
            )
        await connection.execute(f"SET LOCAL ROLE {OWNER}")
        await connection.execute(REMEMBER, migration.number, migration.name, migration.sha256)


def _place(error: asyncpg.PostgresError, sql: str) -> str:
    """Return where in the file the server stopped, if it said so."""
    position = getattr(error, "position", None)
    return "" if position is None else f" in line {sql.count(chr(10), 0, int(position) - 1) + 1}"


CREATE_LEDGER = f"""
    CREATE TABLE public.migration_ledger (
        number     integer     PRIMARY KEY,
        name       text        NOT NULL,
        sha256     text        NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE public.migration_ledger IS 'Which migration files this database has, and their hashes.';
    REVOKE ALL ON public.migration_ledger FROM {APP};
    GRANT SELECT ON public.migration_ledger TO {APP};
"""

HAS_LEDGER = "SELECT to_regclass('public.migration_ledger') IS NOT NULL"


async def _ensure_ledger(connection: asyncpg.Connection) -> None:
    if not await connection.fetchval(HAS_LEDGER):
        async with connection.transaction():
            await connection.execute(f"SET LOCAL ROLE {OWNER}")
            await connection.execute(CREATE_LEDGER)


LEDGER = """
    SELECT number, name, sha256, applied_at
      FROM public.migration_ledger
     ORDER BY number
"""


async def _read_ledger(connection: Connection) -> list[Applied]:
    """Return what was applied; nothing where there is no ledger yet."""
    if not await connection.fetchval(HAS_LEDGER):
        return []
    return [Applied(**row) for row in await connection.fetch(LEDGER)]
