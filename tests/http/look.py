"""Reads of the database as its superuser, past every policy."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from service.foundation.database.tables import TENANT_TABLES


class Look(msgspec.Struct, frozen=True):
    """The database of the run, read as its superuser."""

    admin_dsn: str
    database: str

    def rows(self, sql: str, *arguments: object) -> list[dict[str, Any]]:
        """Return the rows of a query."""

        async def query() -> list[dict[str, Any]]:
            connection = await asyncpg.connect(self.admin_dsn, database=self.database)
            try:
                return [dict(record) for record in await connection.fetch(sql, *arguments)]
            finally:
                await connection.close()

        return asyncio.run(query())

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
