"""Moments of a session. What they were is sealed; when they were is not."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query


class MomentRow(msgspec.Struct, frozen=True):
    """A moment as it is kept."""

    id: UUID
    session_id: UUID
    client_id: UUID
    at: datetime
    sealed: bytes | None
    sealed_anchor: bytes | None
    received_at: datetime
    updated_at: datetime
    revision: int


MOMENT_BY_ID = Query(
    MomentRow,
    """
    SELECT id, session_id, client_id, at, sealed, sealed_anchor, received_at, updated_at, revision
      FROM moment
     WHERE practice_id = $1
       AND id = $2
""",
)


async def find_moment(connection: Connection, practice_id: UUID, moment_id: UUID) -> MomentRow | None:
    """Return a moment."""
    return await MOMENT_BY_ID.one_or_none(connection, practice_id, moment_id)


MOMENTS_OF_SESSION = Query(
    MomentRow,
    """
    SELECT id, session_id, client_id, at, sealed, sealed_anchor, received_at, updated_at, revision
      FROM moment
     WHERE practice_id = $1
       AND session_id = $2
     ORDER BY at, id
""",
)


async def list_moments(connection: Connection, practice_id: UUID, session_id: UUID) -> list[MomentRow]:
    """Return a session's moments in walking order."""
    return await MOMENTS_OF_SESSION.all(connection, practice_id, session_id)


INSERT_MOMENT = Query(
    MomentRow,
    """
    INSERT INTO moment (practice_id, id, therapist_id, viewers, client_id, session_id, at, sealed,
                        sealed_anchor, received_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)
 RETURNING id, session_id, client_id, at, sealed, sealed_anchor, received_at, updated_at, revision
""",
)


async def insert_moment(transaction: Transaction, row: MomentRow, viewers: list[UUID]) -> MomentRow:
    """Keep a new moment. Raises IdTaken."""
    return await INSERT_MOMENT.insert(
        transaction.connection,
        transaction.practice_id,
        row.id,
        transaction.tenant.therapist_id,
        viewers,
        row.client_id,
        row.session_id,
        row.at,
        row.sealed,
        row.sealed_anchor,
        row.received_at,
        transaction.revision,
    )


UPDATE_MOMENT = Query(
    MomentRow,
    """
    UPDATE moment
       SET at = $3, sealed = $4, sealed_anchor = $5, updated_at = $6, revision = $7
     WHERE practice_id = $1
       AND id = $2
 RETURNING id, session_id, client_id, at, sealed, sealed_anchor, received_at, updated_at, revision
""",
)


async def update_moment(transaction: Transaction, row: MomentRow) -> MomentRow | None:
    """Keep a changed moment; None where this therapist may only read it."""
    return await UPDATE_MOMENT.one_or_none(
        transaction.connection,
        transaction.practice_id,
        row.id,
        row.at,
        row.sealed,
        row.sealed_anchor,
        row.updated_at,
        transaction.revision,
    )


DELETE_MOMENT = Query(
    UUID,
    """
    DELETE FROM moment
     WHERE practice_id = $1
       AND id = $2
 RETURNING id
""",
)


async def delete_moment(transaction: Transaction, moment_id: UUID) -> UUID | None:
    """Delete a moment; None where this therapist may only read it."""
    return await DELETE_MOMENT.one_or_none(transaction.connection, transaction.practice_id, moment_id)
