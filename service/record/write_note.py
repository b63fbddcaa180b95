"""Write, read, edit and delete notes: about a session, an instant or a moment, whenever they are written."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any, Final
from uuid import UUID

import msgspec

from service.foundation.crypto.sealing import ClientKey, PracticeKey
from service.foundation.database.client_keys import client_key
from service.foundation.database.connection import Begin, Connection, Transaction
from service.foundation.database.tombstones import bury, refuse_unless_buried
from service.foundation.pages import BadCursor, Cursor, PageOf, cut_page, instants_key, instants_of
from service.foundation.prepare_and_write import prepare_and_write
from service.foundation.retry_safe import Expected, Once, found, replayed
from service.foundation.tenant import Tenant
from service.foundation.threads import off_loop_if_large
from service.record.keep_anchors import PreparedAnchors, keep_anchors, prepare_anchors, read_anchor_basis
from service.record.moment_queries import find_moment
from service.record.moments import Moment
from service.record.note_queries import (
    ListedNote,
    NotePlace,
    NoteRow,
    delete_note,
    find_note,
    find_note_head,
    insert_note,
    list_note_sizes,
    list_notes,
    update_note,
)
from service.record.notes import (
    About,
    Note,
    at_its_moment,
    edited_note,
    refuse_unusable_note,
)
from service.record.recorded_session_queries import (
    RecordedSession,
    find_recorded_session,
    find_session_to_record,
)
from service.record.sealed_record import open_moment, open_note, seal_note
from service.record.session_marks import MarkChange, SessionMark, note_mark

PAGE_BYTES: Final = 1_000_000
"""A page of notes ends with the note that passes this."""


class NewNote(msgspec.Struct, frozen=True):
    """A note as the phone sends it."""

    id: UUID
    session_id: UUID
    written_at: datetime
    members: Mapping[str, Any]

    def to_note(self, session: RecordedSession, now: datetime) -> Note:
        """Return the note of a session this becomes, before it is put at its moment."""
        empty = Note(
            id=self.id,
            session_id=self.session_id,
            client_id=session.client_id,
            written_at=self.written_at,
            received_at=now,
            updated_at=now,
        )
        return edited_note(empty, None, self.members, now, location_agreed=session.location_agreed)


class NoteDraft(msgspec.Struct, frozen=True):
    """A note as it is about to be stored, and its mark on the track now and before."""

    session: RecordedSession
    key: ClientKey
    note: Note
    mark: SessionMark | None
    """None for a note about the whole session."""
    mark_before: SessionMark | None
    """None for a new note."""


async def write_note(
    begin: Begin, keys: PracticeKey, once: Once, new: NewNote, now: datetime
) -> tuple[Note, bool]:
    """Keep a note; also return whether it was kept before.

    Raises NotFound, IdTaken, Unusable, Crowded.
    """
    tenant = begin.tenant

    async def draft(connection: Connection) -> NoteDraft:
        session = await find_session_to_record(connection, tenant, new.session_id)
        key = keys.client(session.client_id, session.wrapped_key)
        note = new.to_note(session, now)
        moment = await _find_its_moment(connection, tenant.practice_id, key, note)
        note = at_its_moment(note, moment)
        refuse_unusable_note(note)
        return NoteDraft(session, key, note, note_mark(note, moment), None)

    async def prepare() -> PreparedAnchors | None:
        return await _prepare(begin, keys, draft)

    async def write(transaction: Transaction, prepared: PreparedAnchors | None) -> tuple[Note, bool]:
        connection = transaction.connection
        if transaction.replays:
            kept = replayed(await find_note(connection, tenant.practice_id, new.id))
            return await _open(connection, keys, tenant.practice_id, kept), True
        drafted = await draft(connection)
        row = await insert_note(transaction, _sealed(drafted, tenant))
        return await _anchored(transaction, drafted, row, prepared), False

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


async def edit_note(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    note_id: UUID,
    changes: Mapping[str, Any],
    expected: Expected,
    now: datetime,
) -> Note:
    """Edit a draft. Raises NotFound, Stale, Unusable, Crowded."""
    tenant = begin.tenant

    async def find_row(connection: Connection) -> NoteRow:
        return found(await find_note(connection, tenant.practice_id, note_id))

    async def draft(connection: Connection) -> NoteDraft:
        return await edit(connection, await find_row(connection))

    async def edit(connection: Connection, row: NoteRow) -> NoteDraft:
        session = await find_session_to_record(connection, tenant, row.session_id)
        key = keys.client(session.client_id, session.wrapped_key)
        before = open_note(key, row)
        moment = await _find_its_moment(connection, tenant.practice_id, key, before)
        mark_before = note_mark(before, moment)
        note = edited_note(before, moment, changes, now, location_agreed=session.location_agreed)
        moment = await _find_its_moment(connection, tenant.practice_id, key, note)
        note = at_its_moment(note, moment)
        refuse_unusable_note(note)
        return NoteDraft(session, key, note, note_mark(note, moment), mark_before)

    async def prepare() -> PreparedAnchors | None:
        return await _prepare(begin, keys, draft)

    async def write(transaction: Transaction, prepared: PreparedAnchors | None) -> Note:
        row = await find_row(transaction.connection)
        if transaction.replays:
            return await _open(transaction.connection, keys, tenant.practice_id, row)
        expected.check(row.content_revision, this_write=transaction.revision)
        drafted = await edit(transaction.connection, row)
        kept = await update_note(transaction, _sealed(drafted, tenant))
        return await _anchored(transaction, drafted, kept, prepared)

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


async def _find_its_moment(
    connection: Connection, practice_id: UUID, key: ClientKey, note: Note
) -> Moment | None:
    """Return the moment a note is about; None if it is about none, or one that is not there."""
    if note.about is not About.MOMENT or note.moment_id is None:
        return None
    row = await find_moment(connection, practice_id, note.moment_id)
    if row is None or row.session_id != note.session_id:
        return None
    return open_moment(key, row)


async def _prepare(
    begin: Begin, keys: PracticeKey, draft: Callable[[Connection], Awaitable[NoteDraft]]
) -> PreparedAnchors | None:
    """Return the anchors of a session with the note as it is drafted; None if it is about the session."""
    async with begin.read() as connection:
        drafted = await draft(connection)
        if drafted.mark is None:
            return None
        change = MarkChange(drafted.mark)
        basis = await read_anchor_basis(connection, begin.tenant.practice_id, keys, drafted.session, change)
    return await prepare_anchors(basis)


def _sealed(drafted: NoteDraft, tenant: Tenant) -> NoteRow:
    return seal_note(drafted.key, drafted.session, tenant, drafted.note)


async def _anchored(
    transaction: Transaction, drafted: NoteDraft, row: NoteRow, prepared: PreparedAnchors | None
) -> Note:
    """Return a note as it was stored, with its anchor: a new one only if the note has moved."""
    note = open_note(drafted.key, row)
    mark = drafted.mark
    if mark is None or not mark.has_moved_from(drafted.mark_before):
        return note
    anchor = await keep_anchors(transaction, drafted.key, drafted.session, MarkChange(mark), prepared)
    return msgspec.structs.replace(note, anchor=anchor)


async def page_of_notes(
    begin: Begin, keys: PracticeKey, session_id: UUID, *, after: Cursor | None, limit: int
) -> PageOf[Note]:
    """Return one page of a session's notes in walking order, those about the whole session last.

    A page ends early with the note that passes PAGE_BYTES. Raises NotFound, BadCursor.
    """
    start = None if after is None else _place_of(after)
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        session = found(await find_recorded_session(connection, begin.tenant, session_id))
        listed = await list_note_sizes(connection, practice_id, session_id, after=start, limit=limit + 1)
        page = cut_page(listed, _that_fit(listed, limit), _cursor_of)
        rows = await list_notes(connection, practice_id, [each.id for each in page.items])
    key = keys.client(session.client_id, session.wrapped_key)
    notes = await off_loop_if_large(sum(len(row.sealed) for row in rows), _open_all, key, rows)
    return PageOf(notes, page.next)


def _that_fit(listed: Sequence[ListedNote], limit: int) -> int:
    """Return how many of these notes a page holds: at most `limit`, up to the one that passes PAGE_BYTES."""
    sizes = accumulate(each.size_bytes for each in listed)
    return min(limit, 1 + sum(size_bytes < PAGE_BYTES for size_bytes in sizes))


def _open_all(key: ClientKey, rows: Sequence[NoteRow]) -> list[Note]:
    return [open_note(key, row) for row in rows]


def _cursor_of(note: ListedNote) -> Cursor:
    return Cursor(instants_key(note.about_at, note.written_at), note.id)


def _place_of(cursor: Cursor) -> NotePlace:
    """Return where the next page starts. Raises BadCursor."""
    about_at, written_at = instants_of(cursor, 2)
    if written_at is None:
        raise BadCursor("not a cursor of this list")
    return NotePlace(about_at, written_at, cursor.id)


async def read_note(begin: Begin, keys: PracticeKey, note_id: UUID) -> Note:
    """Return a note. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        row = found(await find_note(connection, practice_id, note_id))
        key = await client_key(connection, keys, practice_id, row.client_id)
    return await off_loop_if_large(len(row.sealed), open_note, key, row)


async def remove_note(
    begin: Begin, keys: PracticeKey, once: Once, note_id: UUID, expected: Expected, now: datetime
) -> None:
    """Delete a draft; the other marks of its session are anchored without it.

    Raises NotFound, Stale, Crowded.
    """
    tenant, change = begin.tenant, MarkChange(deleted=note_id)

    async def prepare() -> PreparedAnchors | None:
        async with begin.read() as connection:
            row = await find_note_head(connection, tenant.practice_id, note_id)
            if row is None:
                return None
            session = await find_session_to_record(connection, tenant, row.session_id)
            basis = await read_anchor_basis(connection, tenant.practice_id, keys, session, change)
        return await prepare_anchors(basis)

    async def write(transaction: Transaction, prepared: PreparedAnchors | None) -> None:
        if transaction.replays:
            return
        connection = transaction.connection
        row = await find_note_head(connection, tenant.practice_id, note_id)
        if row is None:
            await refuse_unless_buried(transaction, "note", note_id)
            return
        session = await find_session_to_record(connection, tenant, row.session_id)
        expected.check(row.content_revision, this_write=transaction.revision)
        if row.about is not About.SESSION:
            key = keys.client(session.client_id, session.wrapped_key)
            await keep_anchors(transaction, key, session, change, prepared)
        await delete_note(transaction, note_id)
        await bury(transaction, "note", note_id, now, clinical=True, viewers=session.viewers)

    await prepare_and_write(begin, once, prepare=prepare, write=write)


async def _open(connection: Connection, keys: PracticeKey, practice_id: UUID, row: NoteRow) -> Note:
    return open_note(await client_key(connection, keys, practice_id, row.client_id), row)
