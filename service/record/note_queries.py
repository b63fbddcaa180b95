"""Progress notes of a session. What they say is sealed."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.record.notes import About, NoteFormat


class NoteRow(msgspec.Struct, frozen=True, kw_only=True):
    """A note as it is stored."""

    id: UUID
    session_id: UUID
    client_id: UUID
    therapist_id: UUID
    viewers: list[UUID]
    about: About
    about_at: datetime | None
    moment_id: UUID | None
    format: NoteFormat
    sealed: bytes
    sealed_anchor: bytes | None
    written_at: datetime
    received_at: datetime
    updated_at: datetime
    content_revision: int = 0
    revision: int = 0


NOTE = Columns("note", NoteRow)

NOTE_BY_ID = Query(NoteRow, NOTE.by_id)


async def find_note(connection: Connection, practice_id: UUID, note_id: UUID) -> NoteRow | None:
    """Return a note."""
    return await NOTE_BY_ID.one_or_none(connection, practice_id, note_id)


NOTES_OF_SESSION = Query(
    NoteRow,
    f"""
    SELECT {NOTE.listed}
      FROM note
     WHERE practice_id = $1
       AND session_id = $2
     ORDER BY about_at NULLS LAST, written_at, id
""",
)


async def list_notes(connection: Connection, practice_id: UUID, session_id: UUID) -> list[NoteRow]:
    """Return a session's notes in walking order, those about the whole session last."""
    return await NOTES_OF_SESSION.all(connection, practice_id, session_id)


NOTES_ABOUT_MOMENT = Query(
    NoteRow,
    f"""
    SELECT {NOTE.listed}
      FROM note
     WHERE practice_id = $1
       AND moment_id = $2
     ORDER BY id
""",
)


async def list_notes_about_moment(
    connection: Connection, practice_id: UUID, moment_id: UUID
) -> list[NoteRow]:
    """Return the notes about a moment."""
    return await NOTES_ABOUT_MOMENT.all(connection, practice_id, moment_id)


INSERT_NOTE = Query(NoteRow, NOTE.insert)


async def insert_note(transaction: Transaction, row: NoteRow) -> NoteRow:
    """Store a new note. Raises IdTaken."""
    return await INSERT_NOTE.insert(transaction.connection, *NOTE.inserted(transaction, row))


UPDATE_NOTE = Query(NoteRow, NOTE.update)


async def update_note(transaction: Transaction, row: NoteRow) -> NoteRow:
    """Store a changed note of this therapist."""
    return await UPDATE_NOTE.one(transaction.connection, *NOTE.updated(transaction, row))


DELETE_NOTE = Query(
    UUID,
    """
    DELETE FROM note
     WHERE practice_id = $1
       AND id = $2
 RETURNING id
""",
)


async def delete_note(transaction: Transaction, note_id: UUID) -> None:
    """Delete a note of this therapist."""
    await DELETE_NOTE.one(transaction.connection, transaction.practice_id, note_id)


MOVE_NOTES_WITH_MOMENT = Statement(
    """
    UPDATE note
       SET about_at = $3, revision = $4
     WHERE practice_id = $1
       AND moment_id = $2
       AND about_at <> $3
"""
)


async def move_notes_with_moment(transaction: Transaction, moment_id: UUID, at: datetime) -> None:
    """Move the notes about a moment to the instant it is corrected to."""
    await MOVE_NOTES_WITH_MOMENT.run(
        transaction.connection, transaction.practice_id, moment_id, at, transaction.revision
    )


PART_NOTES_FROM_MOMENT = Statement(
    """
    UPDATE note
       SET about = 'instant', moment_id = NULL, sealed = parted.sealed, revision = $4
      FROM unnest($2::uuid[], $3::bytea[]) AS parted (id, sealed)
     WHERE note.practice_id = $1
       AND note.id = parted.id
"""
)


async def part_notes_from_moment(transaction: Transaction, sealed: Mapping[UUID, bytes]) -> None:
    """Make notes be about an instant instead of a moment, each with its content sealed anew."""
    await PART_NOTES_FROM_MOMENT.run(
        transaction.connection,
        transaction.practice_id,
        list(sealed),
        list(sealed.values()),
        transaction.revision,
    )
