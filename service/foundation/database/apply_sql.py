"""Running SQL files: time limits, retries, and errors that name the file and the line."""

from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg

from service.foundation.database.roles import EXPLICIT
from service.foundation.database.sql_files import MigrationRefused

TABLE_LOCK_TIMEOUT_S: Final = 5
"""A statement that waits for a table lock holds up every later reader: it gives way and tries again."""
TABLE_LOCK_ATTEMPTS: Final = 3
STATEMENT_TIMEOUT_S: Final = 600

Progress = Callable[[str], None]

LIMITS: Final = f"""
    {EXPLICIT};
    SET LOCAL search_path = public;
    SET LOCAL lock_timeout = '{TABLE_LOCK_TIMEOUT_S}s';
    SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT_S}s';
"""


async def run_file(connection: asyncpg.Connection, name: str, sql: str, *, kept: str) -> None:
    """Run one file in the open transaction; `kept` says what is left in the database where it fails.

    Raises MigrationRefused where it fails or ends the transaction, LockNotAvailableError or
    DeadlockDetectedError where others hold a table it needs.
    """
    began_as = await connection.fetchval("SELECT pg_current_xact_id()::text")
    try:
        await connection.execute(sql)
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        raise
    except asyncpg.PostgresError as error:
        raise MigrationRefused(
            f"{name} failed{_line(error, sql)}: {error.args[0]}. {kept}",
            error.sqlstate,
        ) from None  # its detail may quote a row, and tracebacks are logged
    if await connection.fetchval("SELECT pg_current_xact_id()::text") != began_as:
        raise MigrationRefused(
            f"{name} ends the transaction it runs in, so part of it stayed without being "
            "remembered: take out COMMIT and the like, restore the backup and start again"
        )


def _line(error: asyncpg.PostgresError, sql: str) -> str:
    """Return where in the file the server stopped, if it said so."""
    position = getattr(error, "position", None)
    return "" if position is None else f" in line {sql.count(chr(10), 0, int(position) - 1) + 1}"


async def patiently(what: str, attempt: Callable[[], Awaitable[None]], progress: Progress) -> None:
    """Run `attempt`, a transaction of its own, again where a table is in use. Raises MigrationRefused."""
    for number in range(1, TABLE_LOCK_ATTEMPTS + 1):
        try:
            return await attempt()
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            if number == TABLE_LOCK_ATTEMPTS:
                raise MigrationRefused(
                    f"{what} found a table in use {number} times over: nothing of it was kept; "
                    "start again when less is going on"
                ) from error
            progress(f"{what} found a table in use: trying again")
    return None
