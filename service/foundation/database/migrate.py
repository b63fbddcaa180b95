"""Brings a database up to this program: migrations first, then policies and functions.

It needs a direct connection to the server, not a pooler, because its lock belongs to the session.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import asyncpg

from service.foundation.database.apply_sql import LIMITS, Progress, patiently, run_file
from service.foundation.database.definitions import (
    apply_definitions,
    ensure_definition_ledger,
    unapplied_definitions,
)
from service.foundation.database.query import Connection
from service.foundation.database.roles import APP, EXPLICIT, OWNER
from service.foundation.database.sql_files import (
    AppliedMigration,
    Migration,
    MigrationRefused,
    SqlFiles,
    own_sql_files,
    unapplied_migrations,
)

LOCK_KEY: Final = int.from_bytes(b"towpath")
LOCK_POLL_S: Final = 0.2

Step = Callable[[asyncpg.Connection], Awaitable[None]]
"""What a migration needs that SQL cannot do, such as sealing. It runs inside the migration's transaction."""
NO_STEPS: Final[Mapping[str, Step]] = {}


async def migrate(
    connection: asyncpg.Connection,
    *,
    files: SqlFiles | None = None,
    steps: Mapping[str, Step] = NO_STEPS,
    progress: Progress,
    wait_s: float = 60,
) -> list[str]:
    """Apply what is pending and return the names of the files applied.

    Each migration is a transaction of its own, with the step it is marked `after`, which `steps` has by name;
    the policies and functions that changed are one more. Killed
    at any point it resumes: a file is wholly there, with its ledger row, or not at all. Waits up to `wait_s`
    seconds for another migrator. Raises MigrationRefused.
    """
    files = files or own_sql_files()
    async with _alone(connection, wait_s, progress):
        await _refuse_powerless(connection)
        todo = unapplied_migrations(files.migrations, await _read_ledger(connection))
        await unapplied_definitions(connection, files.definitions)  # refuses an older program's
        await _ensure_ledger(connection)
        await ensure_definition_ledger(connection)
        await _refuse_blind_backfill(connection, todo)
        for index, migration in enumerate(todo, start=1):
            progress(f"applying {migration.name} ({index} of {len(todo)})")
            await _apply(connection, migration, steps, progress)
        changed = await apply_definitions(connection, files.definitions, progress)
    return [each.name for each in todo] + changed


async def pending(connection: Connection, *, files: SqlFiles | None = None) -> list[str]:
    """Return the names of the files not yet applied; needs no more than SELECT on the ledgers.

    Raises MigrationRefused where the ledgers and the files contradict each other.
    """
    files = files or own_sql_files()
    todo = unapplied_migrations(files.migrations, await _read_ledger(connection))
    changed = await unapplied_definitions(connection, files.definitions)
    return [each.name for each in todo] + [each.name for each in changed]


@asynccontextmanager
async def _alone(connection: asyncpg.Connection, wait_s: float, progress: Progress) -> AsyncIterator[None]:
    """Hold the lock of this database's migrators. Raises MigrationRefused after `wait_s` seconds.

    It polls, because a statement that waits in the server would hold a snapshot open.
    """
    with suppress(asyncpg.InvalidParameterValueError):  # servers on Windows do not have it
        # The server ends the statement of a killed migrator; the next one would otherwise wait for it.
        await connection.execute("SET client_connection_check_interval = '1s'")
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait_s
    has_said = False
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
        if clock() > deadline:
            raise MigrationRefused(
                f"another migrator has worked on this database for over {wait_s:g} s: "
                "wait until it ends, or end it, and start again"
            )
        if not has_said:
            progress("another migrator works on this database: waiting for it")
            has_said = True
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
            f"this role cannot create tables as {OWNER}: migrate with a role that owns the database and may "
            "create roles"
        )


SEES_ALL_ROWS = """
    SELECT rolsuper OR rolbypassrls
      FROM pg_roles
     WHERE rolname = current_user
"""


async def _refuse_blind_backfill(connection: asyncpg.Connection, todo: Sequence[Migration]) -> None:
    """Refuse a backfill by a role that row-level security binds: it would change no row, without an error."""
    blind = [each.name for each in todo if each.sees_all_rows]
    if blind and not await connection.fetchval(SEES_ALL_ROWS):
        raise MigrationRefused(
            f"{blind[0]} changes rows of every practice, and row-level security hides them from this role: "
            "give the migrator BYPASSRLS (ALTER ROLE … BYPASSRLS), then start again"
        )


REMEMBER = """
    INSERT INTO public.migration_ledger (number, name, sha256)
    VALUES ($1, $2, $3)
"""


KEPT: Final = "Nothing of it was kept; files before it were"


async def _apply(
    connection: asyncpg.Connection, migration: Migration, steps: Mapping[str, Step], progress: Progress
) -> None:
    async def attempt() -> None:
        async with connection.transaction():
            await connection.execute(LIMITS)
            if migration.after is not None:
                await _run_step(connection, migration, steps)
            if not migration.as_migrator:
                await connection.execute(f"SET LOCAL ROLE {OWNER}")
            await run_file(connection, migration.name, migration.sql, kept=KEPT)
            await connection.execute(f"SET LOCAL ROLE {OWNER}")
            await connection.execute(REMEMBER, migration.number, migration.name, migration.sha256)

    await patiently(migration.name, attempt, progress)


async def _run_step(connection: asyncpg.Connection, migration: Migration, steps: Mapping[str, Step]) -> None:
    step = steps.get(migration.after or "")
    if step is None:
        raise MigrationRefused(f"{migration.name} runs after the step {migration.after}, which is not there")
    await step(connection)


CREATE_LEDGER = f"""
    {EXPLICIT};
    SET LOCAL ROLE {OWNER};
    CREATE TABLE public.migration_ledger (
        number     integer     PRIMARY KEY,
        name       text        NOT NULL,
        sha256     text        NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE public.migration_ledger IS 'System: the migration files that were applied.';
    REVOKE ALL ON public.migration_ledger FROM {APP};
    GRANT SELECT ON public.migration_ledger TO {APP};
"""

HAS_LEDGER = "SELECT to_regclass('public.migration_ledger') IS NOT NULL"


async def _ensure_ledger(connection: asyncpg.Connection) -> None:
    if not await connection.fetchval(HAS_LEDGER):
        async with connection.transaction():
            await connection.execute(CREATE_LEDGER)


LEDGER = """
    SELECT number, name, sha256, applied_at
      FROM public.migration_ledger
     ORDER BY number
"""


async def _read_ledger(connection: Connection) -> list[AppliedMigration]:
    """Return the applied migrations; none where there is no ledger yet."""
    if not await connection.fetchval(HAS_LEDGER):
        return []
    return [AppliedMigration(**row) for row in await connection.fetch(LEDGER)]
