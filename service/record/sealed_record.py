"""Seal and open moments, notes and anchors: between the domain and their rows."""

from typing import Any
from uuid import UUID

import msgspec

from service.foundation.crypto.sealed_values import open_value, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey
from service.foundation.tenant import Tenant
from service.record.anchors import Anchor
from service.record.moment_queries import MomentRow
from service.record.moments import Moment, MomentContent
from service.record.note_queries import NoteRow
from service.record.notes import Note, NoteContent
from service.record.recorded_session_queries import RecordedSession


def seal_moment(key: ClientKey, session: RecordedSession, tenant: Tenant, moment: Moment) -> MomentRow:
    """Return a moment as it is stored; nothing is sealed of a tap that says only when it was."""
    content = moment.content
    says_nothing = content == MomentContent()
    return MomentRow(
        **_shared_members(moment, MomentRow),
        therapist_id=tenant.therapist_id,
        viewers=session.viewers,
        sealed=None if says_nothing else seal_value(key, Cell("moment", "sealed", moment.id), content),
        sealed_anchor=seal_anchor(key, "moment", moment.id, moment.anchor),
    )


def open_moment(key: ClientKey, row: MomentRow) -> Moment:
    """Return a moment as it was sealed."""
    content = MomentContent()
    if row.sealed is not None:
        content = open_value(key, Cell("moment", "sealed", row.id), row.sealed, MomentContent)
    return Moment(**_shared_members(row, Moment), content=content, anchor=_open_anchor(key, "moment", row))


def seal_note(key: ClientKey, session: RecordedSession, tenant: Tenant, note: Note) -> NoteRow:
    """Return a note as it is stored."""
    return NoteRow(
        **_shared_members(note, NoteRow),
        therapist_id=tenant.therapist_id,
        viewers=session.viewers,
        sealed=seal_note_content(key, note),
        sealed_anchor=seal_anchor(key, "note", note.id, note.anchor),
    )


def seal_note_content(key: ClientKey, note: Note) -> bytes:
    """Return what a note says, sealed."""
    return seal_value(key, Cell("note", "sealed", note.id), note.content)


def open_note(key: ClientKey, row: NoteRow) -> Note:
    """Return a note as it was sealed."""
    content = open_value(key, Cell("note", "sealed", row.id), row.sealed, NoteContent)
    return Note(**_shared_members(row, Note), content=content, anchor=_open_anchor(key, "note", row))


def _shared_members(source: msgspec.Struct, kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the members of `source` that `kind` has as well: what is stored in the open."""
    return {
        name: getattr(source, name) for name in source.__struct_fields__ if name in kind.__struct_fields__
    }


def seal_anchor(key: ClientKey, table: str, row_id: UUID, anchor: Anchor | None) -> bytes | None:
    """Return where a moment or note lies on the track, sealed; None if it has no anchor."""
    return None if anchor is None else seal_value(key, Cell(table, "sealed_anchor", row_id), anchor)


def _open_anchor(key: ClientKey, table: str, row: MomentRow | NoteRow) -> Anchor | None:
    if row.sealed_anchor is None:
        return None
    return open_value(key, Cell(table, "sealed_anchor", row.id), row.sealed_anchor, Anchor)
