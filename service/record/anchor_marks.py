"""Find and store where the moments and notes of a session lie on its track.

Decoding a track takes too long for a write transaction: the anchors are found outside, and the write stores
them if everything they were found from is unchanged.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from service.foundation.crypto.sealed_values import open_value, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, PracticeKey
from service.foundation.database.connection import Begin, Transaction
from service.foundation.off_loop import off_loop
from service.foundation.prepare_and_write import NotPrepared
from service.foundation.retry_safe import found
from service.geo.blob import unpack_fixes
from service.geo.fixes import Fixes
from service.record.anchor_queries import store_anchors
from service.record.anchors import Anchor, Mark, anchor
from service.record.moment_queries import MomentRow, list_moments
from service.record.moments import MomentContent, Position
from service.record.note_queries import NoteRow, list_notes
from service.record.notes import NoteContent
from service.record.recorded_session_queries import RecordedSession, find_recorded_session
from service.record.track_queries import find_sealed_fixes


class SessionMark(msgspec.Struct, frozen=True):
    """A moment, or a note about an instant: when and where it was, and the anchor it has so far."""

    id: UUID
    table: Literal["moment", "note"]
    at: datetime
    position: Position | None
    anchor: Anchor | None = None


class ChangedAnchors(msgspec.Struct, frozen=True):
    """The anchors that differ from those stored, by the ids of moments and notes; None for nowhere."""

    moments: dict[UUID, Anchor | None]
    notes: dict[UUID, Anchor | None]


class PreparedAnchors(msgspec.Struct, frozen=True):
    """The anchors of a session once one of its marks is new or changed, and what they were found from."""

    track_revision: int
    marks_revision: int
    mark: SessionMark
    anchors: ChangedAnchors

    def fits(self, session: RecordedSession, mark: SessionMark) -> bool:
        """Return whether the session and the mark are still what the anchors were found from."""
        before = (self.track_revision, self.marks_revision, self.mark)
        return before == (session.track_revision, session.marks_revision, mark)


async def prepare_anchors(
    begin: Begin, keys: PracticeKey, session_id: UUID, mark: SessionMark
) -> PreparedAnchors | None:
    """Return the anchors of a session with a new or changed mark; None where it has no track.

    Raises NotFound.
    """
    tenant = begin.tenant
    practice_id = tenant.practice_id
    async with begin.read() as connection:
        session = found(await find_recorded_session(connection, practice_id, tenant.therapist_id, session_id))
        sealed_fixes = await find_sealed_fixes(connection, practice_id, session_id)
        moments = await list_moments(connection, practice_id, session_id)
        notes = await list_notes(connection, practice_id, session_id)
    if sealed_fixes is None or session.track_revision is None:
        return None
    key = keys.client(session.client_id, session.wrapped_key)
    marks = session_marks(key, moments, notes, mark)
    anchors = await off_loop(_anchor_to_sealed, key, session_id, sealed_fixes, marks)
    return PreparedAnchors(session.track_revision, session.marks_revision, mark, anchors)


async def keep_anchors(
    transaction: Transaction,
    key: ClientKey,
    session: RecordedSession,
    mark: SessionMark,
    prepared: PreparedAnchors | None,
) -> bool:
    """Store the anchors of a session with a new or changed mark; return whether it has a track.

    `session` was read in this transaction before the mark was written. Raises NotPrepared.
    """
    if session.track_revision is None:
        return False
    if prepared is None or not prepared.fits(session, mark):
        raise NotPrepared(session.session_id)
    await store_changed_anchors(transaction, key, prepared.anchors)
    return True


async def store_changed_anchors(transaction: Transaction, key: ClientKey, anchors: ChangedAnchors) -> None:
    """Seal anchors and store them with their moments and notes."""

    def sealed(table: str, by_id: dict[UUID, Anchor | None]) -> dict[UUID, bytes | None]:
        return {
            row_id: None if each is None else seal_value(key, Cell(table, "sealed_anchor", row_id), each)
            for row_id, each in by_id.items()
        }

    await store_anchors(transaction, sealed("moment", anchors.moments), sealed("note", anchors.notes))


def _anchor_to_sealed(
    key: ClientKey, session_id: UUID, sealed_fixes: bytes, marks: list[SessionMark]
) -> ChangedAnchors:
    fixes = unpack_fixes(key.open(Cell("track", "sealed_fixes", session_id), sealed_fixes))
    return anchor_marks(fixes, marks)


def anchor_marks(fixes: Fixes | None, marks: list[SessionMark]) -> ChangedAnchors:
    """Return the anchors that change on this track; without a track, marks have none."""
    if fixes is None:
        places: tuple[Anchor | None, ...] = (None,) * len(marks)
    else:
        places = anchor(fixes, [_rule_mark(each) for each in marks])
    changed = [(mark, place) for mark, place in zip(marks, places, strict=True) if place != mark.anchor]
    return ChangedAnchors(
        moments={mark.id: place for mark, place in changed if mark.table == "moment"},
        notes={mark.id: place for mark, place in changed if mark.table == "note"},
    )


def _rule_mark(mark: SessionMark) -> Mark:
    position = mark.position
    return Mark(
        id=mark.id,
        at_ms=round(mark.at.timestamp() * 1_000),
        lon=position.lon if position else None,
        lat=position.lat if position else None,
    )


def session_marks(
    key: ClientKey,
    moments: Iterable[MomentRow],
    notes: Iterable[NoteRow],
    changed: SessionMark | None = None,
) -> list[SessionMark]:
    """Return every mark of a session in the order of their instants, with `changed` in place of its own row.

    A note about a moment has the moment's instant, and the moment's position unless it has one itself.
    """
    marks = {each.id: _moment_mark(key, each) for each in moments}
    if changed is not None:
        marks[changed.id] = changed
    for note in notes:
        if note.about_at is None or (changed is not None and note.id == changed.id):
            continue
        own = _note_mark(key, note, note.about_at)
        moment = marks.get(note.moment_id) if note.moment_id else None
        if moment is not None:
            own = msgspec.structs.replace(own, at=moment.at, position=own.position or moment.position)
        marks[note.id] = own
    return sorted(marks.values(), key=lambda each: (each.at, each.id))


def _moment_mark(key: ClientKey, row: MomentRow) -> SessionMark:
    content = row.sealed and open_value(key, Cell("moment", "sealed", row.id), row.sealed, MomentContent)
    position = content.position if content else None
    return SessionMark(row.id, "moment", row.at, position, open_anchor(key, "moment", row))


def _note_mark(key: ClientKey, row: NoteRow, at: datetime) -> SessionMark:
    content = open_value(key, Cell("note", "sealed", row.id), row.sealed, NoteContent)
    return SessionMark(row.id, "note", at, content.position, open_anchor(key, "note", row))


def open_anchor(key: ClientKey, table: str, row: MomentRow | NoteRow) -> Anchor | None:
    """Return where a moment or note lies on the track; None without a track."""
    if row.sealed_anchor is None:
        return None
    return open_value(key, Cell(table, "sealed_anchor", row.id), row.sealed_anchor, Anchor)
