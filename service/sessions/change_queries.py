"""Reported changes of sessions: where each of their spans begins."""

from collections.abc import Collection
from uuid import UUID

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query
from service.sessions.sessions import ChangeFacts


class ChangeRow(ChangeFacts, frozen=True, kw_only=True):
    """A change as it is stored."""

    therapist_id: UUID
    viewers: list[UUID]
    sealed: bytes | None = None
    """Who asked for it, and why."""


CHANGE = Columns("session_change", ChangeRow)

CHANGES_OF_SESSIONS = Query(
    ChangeRow,
    f"""
    SELECT {CHANGE.listed}
      FROM session_change
     WHERE practice_id = $1
       AND session_id = ANY ($2::uuid[])
     ORDER BY session_id, at
""",
)


async def list_changes(
    connection: Connection, practice_id: UUID, session_ids: Collection[UUID]
) -> dict[UUID, list[ChangeRow]]:
    """Return the changes of sessions by instant; each of `session_ids` has an entry."""
    changes: dict[UUID, list[ChangeRow]] = {each: [] for each in session_ids}
    for row in await CHANGES_OF_SESSIONS.all(connection, practice_id, list(changes)):
        changes[row.session_id].append(row)
    return changes


INSERT_CHANGE = Query(ChangeRow, CHANGE.insert)


async def insert_change(transaction: Transaction, change: ChangeRow) -> ChangeRow:
    """Store a change, held by the therapist who writes. Raises IdTaken."""
    return await INSERT_CHANGE.insert(transaction.connection, *CHANGE.inserted(transaction, change))


DELETE_CHANGES = Query(
    UUID,
    """
    DELETE FROM session_change
     WHERE practice_id = $1
       AND session_id = $2
       AND id = ANY ($3::uuid[])
 RETURNING id
""",
)


async def delete_changes(transaction: Transaction, session_id: UUID, change_ids: Collection[UUID]) -> None:
    """Delete changes of a session; ids of others are left alone."""
    await DELETE_CHANGES.all(transaction.connection, transaction.practice_id, session_id, list(change_ids))
