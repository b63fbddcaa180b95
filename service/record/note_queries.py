"""Progress notes of a session. What they say is sealed."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.record.notes import About, NoteFormat


class NoteRow(msgspec.Struct, frozen=True):
    """A note as it is kept."""

    id: UUID
    session_id: UUID
    client_id: UUID
    about: About
    about_at: datetime | None
    moment_id: UUID | None
    format: NoteFormat
    sealed: bytes
    sealed_anchor: bytes | None
    written_at: datetime
    received_at: datetime
    updated_at: datetime
    revision: int


NOTE_BY_ID = Query(
    NoteRow,
    """
    SELECT id, session_id, client_id, about, about_at, moment_id, format, sealed, sealed_anchor, written_at,
           received_at, updated_at, revision
      FROM note
     WHERE practice_id = $1
       AND id = $2
""",
)


async def find_note(connection: Connection, practice_id: UUID, note_id: UUID) -> NoteRow | None:
    """Return a note."""
    return await NOTE_BY_ID.one_or_none(connection, practice_id, note_id)


NOTES_OF_SESSION = Query(
    NoteRow,
    """
    SELECT id, session_id, client_id, about, about_at, moment_id, format, sealed, sealed_anchor, written_at,
           received_at, updated_at, revision
      FROM note
     WHERE practice_id = $1
       AND session_id = $2
     ORDER BY about_at NULLS LAST, written_at, id
""",
)


async def list_notes(connection: Connection, practice_id: UUID, session_id: UUID) -> list[NoteRow]:
    """Return a session's notes in walking order, those about the whole session last."""
    return await NOTES_OF_SESSION.all(connection, practice_id, session_id)


INSERT_NOTE = Query(
    NoteRow,
    """
    INSERT INTO note (practice_id, id, therapist_id, viewers, client_id, session_id, about, about_at,
                      moment_id, format, sealed, sealed_anchor, written_at, received_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15)
 RETURNING id, session_id, client_id, about, about_at, moment_id, format, sealed, sealed_anchor, written_at,
           received_at, updated_at, revision
""",
)


async def insert_note(transaction: Transaction, row: NoteRow, viewers: list[UUID]) -> NoteRow:
    """Keep a new note. Raises IdTaken."""
    return await INSERT_NOTE.insert(
        transaction.connection,
        transaction.practice_id,
        row.id,
        transaction.tenant.therapist_id,
        viewers,
        row.client_id,
        row.session_id,
        row.about,
        row.about_at,
        row.moment_id,
        row.format,
        row.sealed,
        row.sealed_anchor,
        row.written_at,
        row.received_at,
        transaction.revision,
    )


UPDATE_NOTE = Query(
    NoteRow,
    """
    UPDATE note
       SET about = $3, about_at = $4, moment_id = $5, format = $6, sealed = $7, sealed_anchor = $8,
           written_at = $9, updated_at = $10, revision = $11
     WHERE practice_id = $1
       AND id = $2
 RETURNING id, session_id, client_id, about, about_at, moment_id, format, sealed, sealed_anchor, written_at,
           received_at, updated_at, revision
""",
)


async def update_note(transaction: Transaction, row: NoteRow) -> NoteRow | None:
    """Keep a changed note; None where this therapist may only read it."""
    return await UPDATE_NOTE.one_or_none(
        transaction.connection,
        transaction.practice_id,
        row.id,
        row.about,
        row.about_at,
        row.moment_id,
        row.format,
        row.sealed,
        row.sealed_anchor,
        row.written_at,
        row.updated_at,
        transaction.revision,
    )


DELETE_NOTE = Query(
    UUID,
    """
    DELETE FROM note
     WHERE practice_id = $1
       AND id = $2
 RETURNING id
""",
)


async def delete_note(transaction: Transaction, note_id: UUID) -> UUID | None:
    """Delete a note; None where this therapist may only read it."""
    return await DELETE_NOTE.one_or_none(transaction.connection, transaction.practice_id, note_id)


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
    """Keep notes about a moment at its instant when that is corrected."""
    await MOVE_NOTES_WITH_MOMENT.run(
        transaction.connection, transaction.practice_id, moment_id, at, transaction.revision
    )


LEAVE_NOTES_OF_MOMENT = Statement(
    """
    UPDATE note
       SET about = 'instant', moment_id = NULL, revision = $3
     WHERE practice_id = $1
       AND moment_id = $2
"""
)


async def leave_notes_of_moment(transaction: Transaction, moment_id: UUID) -> None:
    """Let the notes about a moment that is to be deleted speak of its instant."""
    await LEAVE_NOTES_OF_MOMENT.run(
        transaction.connection, transaction.practice_id, moment_id, transaction.revision
    )
