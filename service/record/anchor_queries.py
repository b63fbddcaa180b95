"""The marks of a session as they are stored, and where they lie on its track, sealed."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.record.notes import About
from service.record.session_marks import MarkKind


class MarkRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a moment's or note's anchor is found from; what they say is not read."""

    kind: MarkKind
    id: UUID
    session_id: UUID
    at: datetime | None
    about: About | None
    """None of a moment."""
    moment_id: UUID | None
    updated_at: datetime
    sealed_position: bytes
    sealed_anchor: bytes | None


MOMENT_MARKS = Query(
    MarkRow,
    """
    SELECT 'moment' AS kind, id, session_id, at, NULL::text AS about, NULL::uuid AS moment_id, updated_at,
           sealed_position, sealed_anchor
      FROM moment
     WHERE practice_id = $1
       AND session_id = $2
""",
)
NOTE_MARKS = Query(
    MarkRow,
    """
    SELECT 'note' AS kind, id, session_id, about_at AS at, about, moment_id, updated_at, sealed_position,
           sealed_anchor
      FROM note
     WHERE practice_id = $1
       AND session_id = $2
       AND about_at IS NOT NULL
""",
)


async def list_marks(connection: Connection, practice_id: UUID, session_id: UUID) -> list[MarkRow]:
    """Return the moments of a session and its notes about an instant."""
    moments = await MOMENT_MARKS.all(connection, practice_id, session_id)
    return moments + await NOTE_MARKS.all(connection, practice_id, session_id)


NOTE_MARKS_ABOUT_MOMENT = Query(
    MarkRow,
    """
    SELECT 'note' AS kind, id, session_id, about_at AS at, about, moment_id, updated_at, sealed_position,
           sealed_anchor
      FROM note
     WHERE practice_id = $1
       AND moment_id = $2
""",
)


async def list_marks_about_moment(
    connection: Connection, practice_id: UUID, moment_id: UUID
) -> list[MarkRow]:
    """Return the notes about a moment."""
    return await NOTE_MARKS_ABOUT_MOMENT.all(connection, practice_id, moment_id)


ANCHOR_MOMENTS = Query(
    UUID,
    """
    UPDATE moment
       SET sealed_anchor = anchored.sealed, revision = $4
      FROM unnest($2::uuid[], $3::bytea[]) AS anchored (id, sealed)
     WHERE moment.practice_id = $1
       AND moment.id = anchored.id
 RETURNING moment.id
""",
)
ANCHOR_NOTES = Query(
    UUID,
    """
    UPDATE note
       SET sealed_anchor = anchored.sealed, revision = $4
      FROM unnest($2::uuid[], $3::bytea[]) AS anchored (id, sealed)
     WHERE note.practice_id = $1
       AND note.id = anchored.id
 RETURNING note.id
""",
)


async def store_anchors(
    transaction: Transaction, moments: Mapping[UUID, bytes | None], notes: Mapping[UUID, bytes | None]
) -> None:
    """Store the sealed anchors of moments and notes by their ids."""
    for query, anchors in ((ANCHOR_MOMENTS, moments), (ANCHOR_NOTES, notes)):
        if anchors:
            await query.all(
                transaction.connection,
                transaction.practice_id,
                list(anchors),
                list(anchors.values()),
                transaction.revision,
            )


CLEAR_MOMENT_ANCHORS = Statement(
    """
    UPDATE moment
       SET sealed_anchor = NULL, revision = $3
     WHERE practice_id = $1
       AND session_id = $2
       AND sealed_anchor IS NOT NULL
"""
)
CLEAR_NOTE_ANCHORS = Statement(
    """
    UPDATE note
       SET sealed_anchor = NULL, revision = $3
     WHERE practice_id = $1
       AND session_id = $2
       AND sealed_anchor IS NOT NULL
"""
)


async def clear_anchors(transaction: Transaction, session_id: UUID) -> None:
    """Take the anchors from every moment and note of a session."""
    for statement in (CLEAR_MOMENT_ANCHORS, CLEAR_NOTE_ANCHORS):
        await statement.run(transaction.connection, transaction.practice_id, session_id, transaction.revision)
