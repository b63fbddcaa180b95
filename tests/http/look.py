"""Reads of the database as its superuser, past every policy."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from service.foundation.database.tables import TENANT_TABLES


class Look(msgspec.Struct, frozen=True):
    """The database of the run, read as its superuser on one connection: a new one is slow at first."""

    admin_dsn: str
    database: str
    connection: asyncpg.Connection
    runner: asyncio.Runner

    def rows(self, sql: str, *arguments: object) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return [dict(record) for record in self.runner.run(self.connection.fetch(sql, *arguments))]

    def value(self, sql: str, *arguments: object) -> Any:
        """Return the only value of a query."""
        (row,) = self.rows(sql, *arguments)
        (value,) = row.values()
        return value

    def everything(self, practice_ids: Sequence[UUID]) -> dict[str, str]:
        """Return a digest of the rows of some practices in each table, which any write changes."""
        rows = self.rows(EVERYTHING, list(practice_ids))
        return {row["name"]: row["digest"] for row in rows}

    def counts(self, practice_id: UUID) -> dict[str, int]:
        """Return the number of rows of a practice in each table."""
        return {row["name"]: row["rows"] for row in self.rows(COUNTS, practice_id)}


@contextmanager
def looking(admin_dsn: str, database: str) -> Iterator[Look]:
    """Connect to a database as its superuser until the block ends."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(admin_dsn, database=database))
        try:
            yield Look(admin_dsn, database, connection, runner)
        finally:
            runner.run(connection.close())


PRACTICE_TABLES = sorted(TENANT_TABLES | {"sign_in_index"})
COUNTS = "\n UNION ALL\n".join(
    f"SELECT '{name}' AS name, count(*) AS rows FROM {name} WHERE practice_id = $1"
    for name in PRACTICE_TABLES
)
EVERYTHING = "\n UNION ALL\n".join(
    f"SELECT '{name}' AS name, md5(coalesce(string_agg(row_digest, '' ORDER BY row_digest), '')) AS digest"
    f" FROM (SELECT md5({name}::text) AS row_digest FROM {name} WHERE practice_id = ANY ($1)) AS {name}"
    for name in PRACTICE_TABLES
)
