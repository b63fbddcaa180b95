"""Moments of a session. What they were is sealed; when they were is not."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query


class MomentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A moment as it is stored."""

    id: UUID
    session_id: UUID
    client_id: UUID
    therapist_id: UUID
    viewers: list[UUID]
    at: datetime
    sealed: bytes | None
    sealed_position: bytes
    sealed_anchor: bytes | None
    received_at: datetime
    updated_at: datetime
    content_revision: int = 0
    revision: int = 0


MOMENT = Columns("moment", MomentRow)

MOMENT_BY_ID = Query(MomentRow, MOMENT.by_id)


async def find_moment(connection: Connection, practice_id: UUID, moment_id: UUID) -> MomentRow | None:
    """Return a moment."""
    return await MOMENT_BY_ID.one_or_none(connection, practice_id, moment_id)


MOMENTS_AFTER = Query(
    MomentRow,
    f"""
    SELECT {MOMENT.listed}
      FROM moment
     WHERE practice_id = $1
       AND session_id = $2
       AND (at, id) > ($3::timestamptz, $4::uuid)
     ORDER BY at, id
     LIMIT $5
""",
)
START: Final = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
"""Before every instant that is taken for real."""


async def list_moments(
    connection: Connection,
    practice_id: UUID,
    session_id: UUID,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[MomentRow]:
    """Return up to `limit` moments of a session in walking order."""
    return await MOMENTS_AFTER.all(connection, practice_id, session_id, *(after or START), limit)


INSERT_MOMENT = Query(MomentRow, MOMENT.insert)


async def insert_moment(transaction: Transaction, row: MomentRow) -> MomentRow:
    """Store a new moment. Raises IdTaken."""
    return await INSERT_MOMENT.insert(transaction.connection, *MOMENT.inserted(transaction, row))


UPDATE_MOMENT = Query(MomentRow, MOMENT.update)


async def update_moment(transaction: Transaction, row: MomentRow) -> MomentRow:
    """Store a changed moment of this therapist."""
    return await UPDATE_MOMENT.one(transaction.connection, *MOMENT.updated(transaction, row))


DELETE_MOMENT = Query(
    UUID,
    """
    DELETE FROM moment
     WHERE practice_id = $1
       AND id = $2
 RETURNING id
""",
)


async def delete_moment(transaction: Transaction, moment_id: UUID) -> None:
    """Delete a moment of this therapist."""
    await DELETE_MOMENT.one(transaction.connection, transaction.practice_id, moment_id)
