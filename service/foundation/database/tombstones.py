"""Tombstones: which rows were deleted.

A phone that syncs deletes its own copies by them, and a repeated DELETE is answered as done.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from service.foundation.database.connection import Transaction
from service.foundation.database.query import Query, Statement
from service.foundation.retry_safe import NotFound

INSERT_TOMBSTONE = Statement(
    """
    INSERT INTO tombstone (practice_id, kind, id, parent_id, therapist_id, viewers, deleted_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (practice_id, kind, id) DO UPDATE
       SET deleted_at = EXCLUDED.deleted_at, revision = EXCLUDED.revision
"""
)
NO_VIEWERS: Final[list[UUID]] = []


async def bury(
    transaction: Transaction,
    kind: str,
    row_id: UUID,
    now: datetime,
    *,
    clinical: bool,
    viewers: list[UUID] = NO_VIEWERS,
    parent_id: UUID | None = None,
) -> None:
    """Store a tombstone. A clinical one belongs to the therapist who deletes, with the viewers of the row.

    `parent_id` is what the row's address names besides itself, such as the route of a feature.
    """
    therapist_id = transaction.tenant.therapist_id if clinical else None
    await INSERT_TOMBSTONE.run(
        transaction.connection,
        transaction.practice_id,
        kind,
        row_id,
        parent_id,
        therapist_id,
        viewers,
        now,
        transaction.revision,
    )


TOMBSTONE = Query(
    UUID,
    """
    SELECT id
      FROM tombstone
     WHERE practice_id = $1
       AND kind = $2
       AND id = $3
       AND parent_id IS NOT DISTINCT FROM $4
""",
)


async def refuse_unless_buried(
    transaction: Transaction, kind: str, row_id: UUID, *, parent_id: UUID | None = None
) -> None:
    """Raise NotFound unless the row, which is not there, was deleted before: a repeated DELETE succeeds."""
    connection, practice_id = transaction.connection, transaction.practice_id
    if await TOMBSTONE.one_or_none(connection, practice_id, kind, row_id, parent_id) is None:
        raise NotFound
