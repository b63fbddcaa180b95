"""What was deleted, so that a phone can delete it too, and a repeated deletion is known as one."""

from datetime import datetime
from typing import Final
from uuid import UUID

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement

INSERT_TOMBSTONE = Statement(
    """
    INSERT INTO tombstone (practice_id, kind, id, therapist_id, viewers, deleted_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (practice_id, kind, id) DO UPDATE
       SET deleted_at = EXCLUDED.deleted_at, revision = EXCLUDED.revision
"""
)
OF_THE_PRACTICE: Final[list[UUID]] = []


async def bury(
    transaction: Transaction,
    kind: str,
    row_id: UUID,
    now: datetime,
    *,
    clinical: bool,
    viewers: list[UUID] = OF_THE_PRACTICE,
) -> None:
    """Leave a tombstone; a clinical one is seen only by those who could see what lies there."""
    therapist_id = transaction.tenant.therapist_id if clinical else None
    await INSERT_TOMBSTONE.run(
        transaction.connection,
        transaction.practice_id,
        kind,
        row_id,
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
""",
)


async def is_buried(connection: Connection, practice_id: UUID, kind: str, row_id: UUID) -> bool:
    """Return whether something this therapist could see was deleted."""
    return await TOMBSTONE.one_or_none(connection, practice_id, kind, row_id) is not None
