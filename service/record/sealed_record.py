"""Seal and open moments, notes and anchors: between the domain and their rows."""

from uuid import UUID

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
        id=moment.id,
        session_id=moment.session_id,
        client_id=moment.client_id,
        therapist_id=tenant.therapist_id,
        viewers=session.viewers,
        at=moment.at,
        sealed=None if says_nothing else seal_value(key, Cell("moment", "sealed", moment.id), content),
        sealed_anchor=seal_anchor(key, "moment", moment.id, moment.anchor),
        received_at=moment.received_at,
        updated_at=moment.updated_at,
    )


def open_moment(key: ClientKey, row: MomentRow) -> Moment:
    """Return a moment as it was sealed."""
    content = MomentContent()
    if row.sealed is not None:
        content = open_value(key, Cell("moment", "sealed", row.id), row.sealed, MomentContent)
    return Moment(
        id=row.id,
        session_id=row.session_id,
        client_id=row.client_id,
        at=row.at,
        content=content,
        anchor=_open_anchor(key, "moment", row),
        received_at=row.received_at,
        updated_at=row.updated_at,
        revision=row.revision,
    )


def seal_note(key: ClientKey, session: RecordedSession, tenant: Tenant, note: Note) -> NoteRow:
    """Return a note as it is stored."""
    return NoteRow(
        id=note.id,
        session_id=note.session_id,
        client_id=note.client_id,
        therapist_id=tenant.therapist_id,
        viewers=session.viewers,
        about=note.about,
        about_at=note.about_at,
        moment_id=note.moment_id,
        format=note.format,
        sealed=seal_note_content(key, note),
        sealed_anchor=seal_anchor(key, "note", note.id, note.anchor),
        written_at=note.written_at,
        received_at=note.received_at,
        updated_at=note.updated_at,
    )


def seal_note_content(key: ClientKey, note: Note) -> bytes:
    """Return what a note says, sealed."""
    return seal_value(key, Cell("note", "sealed", note.id), note.content)


def open_note(key: ClientKey, row: NoteRow) -> Note:
    """Return a note as it was sealed."""
    return Note(
        id=row.id,
        session_id=row.session_id,
        client_id=row.client_id,
        about=row.about,
        about_at=row.about_at,
        moment_id=row.moment_id,
        format=row.format,
        content=open_value(key, Cell("note", "sealed", row.id), row.sealed, NoteContent),
        anchor=_open_anchor(key, "note", row),
        written_at=row.written_at,
        received_at=row.received_at,
        updated_at=row.updated_at,
        revision=row.revision,
    )


def seal_anchor(key: ClientKey, table: str, row_id: UUID, anchor: Anchor | None) -> bytes | None:
    """Return where a moment or note lies on the track, sealed; None if it has no anchor."""
    return None if anchor is None else seal_value(key, Cell(table, "sealed_anchor", row_id), anchor)


def _open_anchor(key: ClientKey, table: str, row: MomentRow | NoteRow) -> Anchor | None:
    if row.sealed_anchor is None:
        return None
    return open_value(key, Cell(table, "sealed_anchor", row.id), row.sealed_anchor, Anchor)
