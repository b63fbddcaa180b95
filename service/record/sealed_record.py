"""Seal and open moments, notes, their positions and anchors: between the domain and their rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.foundation.crypto.sealed_values import log_broken, open_value, seal_value
from service.foundation.crypto.sealing import Bound, Cell, ClientKey, SealBroken
from service.foundation.tenant import Tenant
from service.record.anchor_queries import MarkRow
from service.record.anchors import Anchor
from service.record.moment_queries import MomentRow
from service.record.moments import Moment, MomentContent
from service.record.note_queries import NoteRow
from service.record.notes import Note, NoteContent
from service.record.positions import Position
from service.record.recorded_session_queries import RecordedSession
from service.record.session_marks import MarkKind, SessionMark


class StoredPosition(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the phone was. A moment or note without a position has an empty one, sealed all the same.

    It is bound to the instant, so that a moment or note that was moved in the database does not open.
    """

    position: Position | None = None


def seal_moment(key: ClientKey, session: RecordedSession, tenant: Tenant, moment: Moment) -> MomentRow:
    """Return a moment as it is stored."""
    said = msgspec.structs.replace(moment.content, position=None)
    cell = Cell("moment", "sealed", moment.id, (moment.session_id, moment.updated_at))
    return MomentRow(
        **_shared_members(moment, MomentRow),
        therapist_id=tenant.therapist_id,
        viewers=session.viewers,
        sealed=None if said == MomentContent() else seal_value(key, cell, said),
        sealed_position=seal_value(key, _moment_place(moment), StoredPosition(moment.content.position)),
        sealed_anchor=_seal_anchor(key, _anchor_cell("moment", moment, moment.at), moment.anchor),
    )


def open_moment(key: ClientKey, row: MomentRow) -> Moment:
    """Return a moment as it was sealed; without content where a sealed value does not open."""
    members = _shared_members(row, Moment)
    try:
        content = MomentContent()
        if row.sealed is not None:
            cell = Cell("moment", "sealed", row.id, (row.session_id, row.updated_at))
            content = open_value(key, cell, row.sealed, MomentContent)
        place = open_value(key, _moment_place(row), row.sealed_position, StoredPosition)
    except SealBroken as broken:
        log_broken(broken)
        return Moment(**members, unreadable=True)
    anchor = _open_anchor(key, _anchor_cell("moment", row, row.at), row.sealed_anchor)
    content = msgspec.structs.replace(content, position=place.position)
    return Moment(**members, content=content, anchor=anchor)


def seal_note(key: ClientKey, session: RecordedSession, tenant: Tenant, note: Note) -> NoteRow:
    """Return a note as it is stored."""
    said = msgspec.structs.replace(note.content, position=None)
    return NoteRow(
        **_shared_members(note, NoteRow),
        therapist_id=tenant.therapist_id,
        viewers=session.viewers,
        sealed=seal_value(key, _note_cell(note), said),
        sealed_position=seal_value(key, _note_place(note, note.about_at), _position_of(note)),
        sealed_anchor=_seal_anchor(key, _anchor_cell("note", note, note.about_at), note.anchor),
    )


def open_note(key: ClientKey, row: NoteRow) -> Note:
    """Return a note as it was sealed; without content where a sealed value does not open."""
    members = _shared_members(row, Note)
    try:
        content = open_value(key, _note_cell(row), row.sealed, NoteContent)
        place = open_value(key, _note_place(row, row.about_at), row.sealed_position, StoredPosition)
    except SealBroken as broken:
        log_broken(broken)
        return Note(**members, unreadable=True)
    anchor = _open_anchor(key, _anchor_cell("note", row, row.about_at), row.sealed_anchor)
    content = msgspec.structs.replace(content, position=place.position)
    return Note(**members, content=content, anchor=anchor)


def open_marks(key: ClientKey, rows: Iterable[MarkRow]) -> list[SessionMark]:
    """Return marks as they were sealed; without position or anchor where these do not open."""
    return [_open_mark(key, row, row.at) for row in rows if row.at is not None]


def _open_mark(key: ClientKey, row: MarkRow, at: datetime) -> SessionMark:
    position = None
    try:
        position = _open_position(key, row)
    except SealBroken as broken:
        log_broken(broken)
    anchor = _open_anchor(key, _anchor_cell(row.kind, row, row.at), row.sealed_anchor)
    return SessionMark(row.id, row.kind, at, position, anchor, row.moment_id)


def reseal_position(
    key: ClientKey, before: MarkRow, after: MarkRow, inherited: Position | None = None
) -> bytes:
    """Return the position of a note sealed for its row `after` a change; `inherited` if it has none itself.

    One that does not open stays as it is.
    """
    try:
        own = _open_position(key, before)
    except SealBroken as broken:
        log_broken(broken)
        return before.sealed_position
    return seal_value(key, _mark_place(after), StoredPosition(own or inherited))


def seal_mark_anchor(key: ClientKey, session_id: UUID, mark: SessionMark) -> bytes | None:
    """Return where a mark of a session lies on the track, sealed; None if it has no anchor."""
    return _seal_anchor(key, Cell(mark.kind, "sealed_anchor", mark.id, (session_id, mark.at)), mark.anchor)


def _open_position(key: ClientKey, row: MarkRow) -> Position | None:
    return open_value(key, _mark_place(row), row.sealed_position, StoredPosition).position


def _position_of(note: Note) -> StoredPosition:
    return StoredPosition(note.content.position)


def _note_cell(note: Note | NoteRow) -> Cell:
    bound = (note.session_id, note.format, note.written_at, note.updated_at)
    return Cell("note", "sealed", note.id, bound)


def _moment_place(moment: Moment | MomentRow | MarkRow) -> Cell:
    bound = (moment.session_id, moment.at, moment.updated_at)
    return Cell("moment", "sealed_position", moment.id, bound)


def _note_place(note: Note | NoteRow | MarkRow, at: Bound) -> Cell:
    bound = (note.session_id, note.about, at, note.moment_id, note.updated_at)
    return Cell("note", "sealed_position", note.id, bound)


def _mark_place(row: MarkRow) -> Cell:
    return _moment_place(row) if row.kind is MarkKind.MOMENT else _note_place(row, row.at)


def _anchor_cell(table: str, marked: Moment | Note | MomentRow | NoteRow | MarkRow, at: Bound) -> Cell:
    return Cell(table, "sealed_anchor", marked.id, (marked.session_id, at))


def _seal_anchor(key: ClientKey, cell: Cell, anchor: Anchor | None) -> bytes | None:
    return None if anchor is None else seal_value(key, cell, anchor)


def _open_anchor(key: ClientKey, cell: Cell, sealed: bytes | None) -> Anchor | None:
    """Return an anchor; None where it does not open, for it is derived and will be found anew."""
    if sealed is None:
        return None
    try:
        return open_value(key, cell, sealed, Anchor)
    except SealBroken as broken:
        log_broken(broken)
        return None


def _shared_members(source: msgspec.Struct, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the members of `source` that `kind` has as well: what is stored in the open."""
    return {
        name: getattr(source, name) for name in source.__struct_fields__ if name in kind.__struct_fields__
    }
