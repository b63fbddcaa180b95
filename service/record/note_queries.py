"""Progress notes of a session. What they say is sealed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.record.notes import About, NoteFormat

START: Final = datetime(1, 1, 1, tzinfo=UTC)
"""Before every instant that is taken for real."""


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
    sealed_position: bytes
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


class NoteHead(msgspec.Struct, frozen=True):
    """What deleting a note needs to know of it."""

    session_id: UUID
    about: About
    content_revision: int


NOTE_HEAD = Query(
    NoteHead,
    """
    SELECT session_id, about, content_revision
      FROM note
     WHERE practice_id = $1
       AND id = $2
""",
)


async def find_note_head(connection: Connection, practice_id: UUID, note_id: UUID) -> NoteHead | None:
    """Return what deleting a note needs to know of it."""
    return await NOTE_HEAD.one_or_none(connection, practice_id, note_id)


class NotePlace(msgspec.Struct, frozen=True):
    """A note's place in a session's list: by the instant it is about, then by when it was written."""

    about_at: datetime | None
    written_at: datetime
    id: UUID


FIRST_NOTE: Final = NotePlace(START, START, UUID(int=0))


class ListedNote(NotePlace, frozen=True):
    """A note's place, and how long it is; what it says is not read."""

    size_bytes: int


NOTE_SIZES = Query(
    ListedNote,
    """
    SELECT about_at, written_at, id, octet_length(sealed) AS size_bytes
      FROM note
     WHERE practice_id = $1
       AND session_id = $2
       AND (coalesce(about_at, 'infinity'), written_at, id)
         > (coalesce($3::timestamptz, 'infinity'), $4::timestamptz, $5::uuid)
     ORDER BY about_at NULLS LAST, written_at, id
     LIMIT $6
""",
)


async def list_note_sizes(
    connection: Connection, practice_id: UUID, session_id: UUID, *, after: NotePlace | None, limit: int
) -> list[ListedNote]:
    """Return up to `limit` notes of a session in walking order, those about the whole session last."""
    start = after or FIRST_NOTE
    return await NOTE_SIZES.all(
        connection, practice_id, session_id, start.about_at, start.written_at, start.id, limit
    )


NOTES_BY_ID = Query(
    NoteRow,
    f"""
    SELECT {NOTE.listed}
      FROM note
     WHERE practice_id = $1
       AND id = ANY ($2::uuid[])
     ORDER BY about_at NULLS LAST, written_at, id
""",
)


async def list_notes(connection: Connection, practice_id: UUID, note_ids: list[UUID]) -> list[NoteRow]:
    """Return notes by their ids, in walking order."""
    return await NOTES_BY_ID.all(connection, practice_id, note_ids)


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
       SET about_at = $4, sealed_position = moved.sealed, revision = $5
      FROM unnest($2::uuid[], $3::bytea[]) AS moved (id, sealed)
     WHERE note.practice_id = $1
       AND note.id = moved.id
"""
)


async def move_notes_with_moment(
    transaction: Transaction, positions: Mapping[UUID, bytes], at: datetime
) -> None:
    """Move the notes about a moment to the instant it is corrected to, with their positions sealed anew."""
    if positions:
        await MOVE_NOTES_WITH_MOMENT.run(
            transaction.connection,
            transaction.practice_id,
            list(positions),
            list(positions.values()),
            at,
            transaction.revision,
        )


PART_NOTES_FROM_MOMENT = Statement(
    """
    UPDATE note
       SET about = 'instant', moment_id = NULL, sealed_position = parted.sealed, revision = $4
      FROM unnest($2::uuid[], $3::bytea[]) AS parted (id, sealed)
     WHERE note.practice_id = $1
       AND note.id = parted.id
"""
)


async def part_notes_from_moment(transaction: Transaction, positions: Mapping[UUID, bytes]) -> None:
    """Make notes be about an instant instead of a moment, each with its position sealed anew."""
    if positions:
        await PART_NOTES_FROM_MOMENT.run(
            transaction.connection,
            transaction.practice_id,
            list(positions),
            list(positions.values()),
            transaction.revision,
        )
