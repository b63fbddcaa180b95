"""Writing notes: about a whole session, an instant or a moment, whenever they are written."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.foundation.crypto.sealed_values import client_key, open_value, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, PracticeKey
from service.foundation.database.connection import Begin, Connection, Transaction
from service.foundation.database.tombstones import bury, is_buried
from service.foundation.prepare_and_write import prepare_and_write
from service.foundation.retry_safe import Expected, NotFound, Once, Unusable, found, replayed
from service.foundation.tenant import Tenant
from service.record.anchor_marks import (
    PreparedAnchors,
    SessionMark,
    keep_anchors,
    open_anchor,
    prepare_anchors,
)
from service.record.moment_queries import MomentRow, find_moment
from service.record.moments import MomentContent, Position
from service.record.note_queries import NoteRow, delete_note, find_note, insert_note, list_notes, update_note
from service.record.notes import About, Note, NoteContent, NoteFormat, refuse_unusable_note
from service.record.recorded_session_queries import (
    RecordedSession,
    find_recorded_session,
    find_session_to_record,
)


class NewNote(msgspec.Struct, frozen=True, kw_only=True):
    """A note as the phone sends it."""

    id: UUID
    session_id: UUID
    about: About
    about_at: datetime | None
    moment_id: UUID | None
    format: NoteFormat
    content: NoteContent
    written_at: datetime

    def to_note(self, session: RecordedSession, now: datetime) -> Note:
        """Return the note of a session this becomes."""
        return Note(
            **msgspec.structs.asdict(self),
            client_id=session.client_id,
            anchor=None,
            received_at=now,
            updated_at=now,
            revision=0,
        )


async def write_note(
    begin: Begin, keys: PracticeKey, once: Once, new: NewNote, now: datetime
) -> tuple[Note, bool]:
    """Keep a note; also return whether it was kept before.

    Raises NotFound, IdTaken, Unusable, Crowded.
    """

    async def prepare() -> PreparedAnchors | None:
        tenant = begin.tenant
        async with begin.read() as connection:
            session = found(
                await find_recorded_session(
                    connection, tenant.practice_id, tenant.therapist_id, new.session_id
                )
            )
            key = keys.client(session.client_id, session.wrapped_key)
            note = new.to_note(session, now)
            note, position = await _about_its_moment(connection, tenant.practice_id, key, note)
        mark = _mark_of(note, position)
        return None if mark is None else await prepare_anchors(begin, keys, new.session_id, mark)

    async def write(transaction: Transaction, prepared: PreparedAnchors | None) -> tuple[Note, bool]:
        connection, practice_id = transaction.connection, transaction.practice_id
        if transaction.replays:
            kept = replayed(await find_note(connection, practice_id, new.id))
            return await _opened(connection, keys, practice_id, kept), True
        session = await find_session_to_record(transaction, new.session_id)
        key = keys.client(session.client_id, session.wrapped_key)
        note = new.to_note(session, now)
        note, position = await _about_its_moment(connection, practice_id, key, note)
        refuse_unusable_note(note)
        row = await insert_note(transaction, _row(key, note, None), session.viewers)
        mark = _mark_of(note, position)
        anchored = mark is not None and await keep_anchors(transaction, key, session, mark, prepared)
        return await _kept(transaction, key, row, anchored=anchored), False

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

    async def prepare() -> PreparedAnchors | None:
        practice_id = begin.tenant.practice_id
        async with begin.read() as connection:
            row = found(await find_note(connection, practice_id, note_id))
            key = await client_key(connection, keys, practice_id, row.client_id)
            edited = _edited(_note(key, row), changes, now)
            note, position = await _about_its_moment(connection, practice_id, key, edited)
        mark = _mark_of(note, position)
        return None if mark is None else await prepare_anchors(begin, keys, row.session_id, mark)

    async def write(transaction: Transaction, prepared: PreparedAnchors | None) -> Note:
        connection, practice_id = transaction.connection, transaction.practice_id
        row = found(await find_note(connection, practice_id, note_id))
        if transaction.replays:
            return await _opened(connection, keys, practice_id, row)
        expected.check(row.revision, this_write=transaction.revision)
        session = await find_session_to_record(transaction, row.session_id)
        key = keys.client(session.client_id, session.wrapped_key)
        edited = _edited(_note(key, row), changes, now)
        note, position = await _about_its_moment(connection, practice_id, key, edited)
        refuse_unusable_note(note)
        sealed_anchor = row.sealed_anchor if note.about_at is not None else None
        kept = found(await update_note(transaction, _row(key, note, sealed_anchor)))
        mark = _mark_of(note, position)
        anchored = mark is not None and await keep_anchors(transaction, key, session, mark, prepared)
        return await _kept(transaction, key, kept, anchored=anchored)

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


def _edited(note: Note, changes: Mapping[str, Any], now: datetime) -> Note:
    """Return a note with the changes made: to itself, and to what is sealed of it."""
    inner = {name: changes[name] for name in NoteContent.__struct_fields__ if name in changes}
    outer = {name: value for name, value in changes.items() if name not in inner}
    content = msgspec.structs.replace(note.content, **inner)
    if outer.get("about", note.about) is not About.MOMENT:
        outer.setdefault("moment_id", None)
    if outer.get("about", note.about) is About.SESSION:
        outer.setdefault("about_at", None)
    return msgspec.structs.replace(note, content=content, updated_at=now, **outer)


async def _about_its_moment(
    connection: Connection, practice_id: UUID, key: ClientKey, note: Note
) -> tuple[Note, Position | None]:
    """Return the note at its moment's instant, and where the phone was. Raises Unusable."""
    position = note.content.position
    if note.about is not About.MOMENT or note.moment_id is None:
        return note, position
    moment = await find_moment(connection, practice_id, note.moment_id)
    if moment is None or moment.session_id != note.session_id:
        raise Unusable("/moment_id", "no such moment in this session; send the moment first")
    at = msgspec.structs.replace(note, about_at=moment.at)
    return at, position or _position_of(key, moment)


def _position_of(key: ClientKey, moment: MomentRow) -> Position | None:
    if moment.sealed is None:
        return None
    return open_value(key, Cell("moment", "sealed", moment.id), moment.sealed, MomentContent).position


def _mark_of(note: Note, position: Position | None) -> SessionMark | None:
    """Return what is to be found on the track; None for a note about the whole session."""
    if note.about_at is None:
        return None
    return SessionMark(note.id, "note", note.about_at, position, note.anchor)


async def notes_of_session(
    connection: Connection, keys: PracticeKey, tenant: Tenant, session_id: UUID
) -> list[Note]:
    """Return a session's notes in walking order, those about the whole session last. Raises NotFound."""
    session = found(
        await find_recorded_session(connection, tenant.practice_id, tenant.therapist_id, session_id)
    )
    key = keys.client(session.client_id, session.wrapped_key)
    return [_note(key, row) for row in await list_notes(connection, tenant.practice_id, session_id)]


async def read_note(connection: Connection, keys: PracticeKey, practice_id: UUID, note_id: UUID) -> Note:
    """Return a note. Raises NotFound."""
    row = found(await find_note(connection, practice_id, note_id))
    return await _opened(connection, keys, practice_id, row)


async def remove_note(transaction: Transaction, note_id: UUID, now: datetime) -> None:
    """Delete a draft. Raises NotFound."""
    row = await find_note(transaction.connection, transaction.practice_id, note_id)
    if row is None:
        if await is_buried(transaction.connection, transaction.practice_id, "note", note_id):
            return
        raise NotFound
    session = await find_session_to_record(transaction, row.session_id)
    await delete_note(transaction, note_id)
    await bury(transaction, "note", note_id, now, clinical=True, viewers=session.viewers)


async def _kept(transaction: Transaction, key: ClientKey, row: NoteRow, *, anchored: bool) -> Note:
    """Return a note as it was written, read again where its anchor was stored after it."""
    if anchored:
        row = found(await find_note(transaction.connection, transaction.practice_id, row.id))
    return _note(key, row)


async def _opened(connection: Connection, keys: PracticeKey, practice_id: UUID, row: NoteRow) -> Note:
    return _note(await client_key(connection, keys, practice_id, row.client_id), row)


def _note(key: ClientKey, row: NoteRow) -> Note:
    content = open_value(key, Cell("note", "sealed", row.id), row.sealed, NoteContent)
    return Note(
        id=row.id,
        session_id=row.session_id,
        client_id=row.client_id,
        about=row.about,
        about_at=row.about_at,
        moment_id=row.moment_id,
        format=row.format,
        content=content,
        anchor=open_anchor(key, "note", row),
        written_at=row.written_at,
        received_at=row.received_at,
        updated_at=row.updated_at,
        revision=row.revision,
    )


def _row(key: ClientKey, note: Note, sealed_anchor: bytes | None) -> NoteRow:
    return NoteRow(
        id=note.id,
        session_id=note.session_id,
        client_id=note.client_id,
        about=note.about,
        about_at=note.about_at,
        moment_id=note.moment_id,
        format=note.format,
        sealed=seal_value(key, Cell("note", "sealed", note.id), note.content),
        sealed_anchor=sealed_anchor,
        written_at=note.written_at,
        received_at=note.received_at,
        updated_at=note.updated_at,
        revision=note.revision,
    )
