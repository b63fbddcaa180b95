"""Facts about the installation that a database belongs to."""

from datetime import datetime

from service.foundation.database.query import Connection, Query, Statement
from service.foundation.database.roles import identifier

HAS_INSTALLATION = Query(bool, "SELECT to_regclass('public.installation') IS NOT NULL")

KEY_CHECK = Query(
    bytes,
    """
    SELECT key_check
      FROM installation
     WHERE id = 1
""",
)


async def find_key_check(connection: Connection) -> bytes | None:
    """Return the check value of the key file; None before the first start, migrated or not."""
    if not await HAS_INSTALLATION.one(connection):
        return None
    return await KEY_CHECK.one_or_none(connection)


INSERT_KEY_CHECK = Statement(
    """
    INSERT INTO installation (id, key_check, created_at)
    VALUES (1, $1, $2)
    ON CONFLICT (id) DO NOTHING
""",
)


async def keep_key_check(connection: Connection, key_check: bytes, now: datetime) -> None:
    """Store the check value of the key file, unless there is one."""
    await INSERT_KEY_CHECK.run(connection, key_check, now)


DATABASE_EXISTS = Query(
    bool,
    """
    SELECT EXISTS (SELECT FROM pg_database
                    WHERE datname = $1)
""",
)


async def ensure_database(admin: Connection, name: str) -> None:
    """Create the database on the embedded server, unless it exists."""
    if not await DATABASE_EXISTS.one(admin, name):
        await admin.execute(f"CREATE DATABASE {identifier(name)}")


CLOCK = Query(datetime, "SELECT clock_timestamp()")


async def read_clock(connection: Connection) -> datetime:
    """Return the time of the database's clock."""
    return await CLOCK.one(connection)


PRACTICES = Query(int, "SELECT count(*) FROM practice_directory")


async def count_practices(connection: Connection) -> int:
    """Return how many practices this installation holds."""
    return await PRACTICES.one(connection)
