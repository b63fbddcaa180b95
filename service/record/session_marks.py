"""The marks of a session: its moments, and its notes about an instant, to be anchored on its track."""

import enum
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from service.geo.fixes import Fixes
from service.record.anchors import Anchor, Mark, anchor
from service.record.halts import Halt
from service.record.moments import Moment
from service.record.notes import Note, position_of
from service.record.positions import Position


class MarkKind(enum.StrEnum):
    """What a mark is of."""

    MOMENT = "moment"
    NOTE = "note"


class SessionMark(msgspec.Struct, frozen=True):
    """A moment, or a note about an instant: when and where it was, and the anchor it has so far."""

    id: UUID
    kind: MarkKind
    at: datetime
    position: Position | None
    anchor: Anchor | None = None
    moment_id: UUID | None = None
    """The moment a note is about."""

    def has_moved_from(self, before: "SessionMark | None") -> bool:
        """Return whether its instant or position is another than before; True if there was no mark."""
        return before is None or (self.at, self.position) != (before.at, before.position)


class MarkChange(msgspec.Struct, frozen=True):
    """What is about to change among the marks of a session: one is new or changed, or one is deleted."""

    changed: SessionMark | None = None
    deleted: UUID | None = None


NO_CHANGE = MarkChange()


def moment_mark(moment: Moment) -> SessionMark:
    """Return the mark of a moment."""
    return SessionMark(moment.id, MarkKind.MOMENT, moment.at, moment.content.position, moment.anchor)


def note_mark(note: Note, moment: Moment | None) -> SessionMark | None:
    """Return the mark of a note, which may be about `moment`; None for a note about the whole session."""
    if note.about_at is None:
        return None
    position = position_of(note, moment)
    return SessionMark(note.id, MarkKind.NOTE, note.about_at, position, note.anchor, note.moment_id)


def session_marks(stored: Iterable[SessionMark], change: MarkChange = NO_CHANGE) -> list[SessionMark]:
    """Return every mark of a session by instant, as it is after a change.

    A note about a moment has the moment's instant, and the moment's position unless it has one itself; it
    keeps both when the moment is deleted. A changed mark, and the notes about it, count as not anchored yet.
    """
    by_id = {each.id: each for each in stored}
    changed = change.changed
    if changed is not None:
        by_id[changed.id] = replace(changed, anchor=None)
    marks = [_at_its_moment(each, by_id, changed) for each in by_id.values() if each.id != change.deleted]
    return sorted(marks, key=lambda each: (each.at, each.id))


def _at_its_moment(
    mark: SessionMark, by_id: dict[UUID, SessionMark], changed: SessionMark | None
) -> SessionMark:
    moment = by_id.get(mark.moment_id) if mark.moment_id else None
    if moment is None:
        return mark
    moves = changed is not None and moment.id == changed.id
    return replace(
        mark,
        at=moment.at,
        position=mark.position or moment.position,
        anchor=None if moves else mark.anchor,
    )


def anchor_marks(
    fixes: Fixes, marks: list[SessionMark], stays: Sequence[Halt] | None = None
) -> list[SessionMark]:
    """Return, with its anchor on this track, each mark whose anchor changes.

    `stays` are the halts of the track, if they are known already.
    """
    sought = [Mark(round(each.at.timestamp() * 1_000), each.position) for each in marks]
    anchors = anchor(fixes, sought, stays)
    return [
        replace(mark, anchor=each) for mark, each in zip(marks, anchors, strict=True) if each != mark.anchor
    ]
