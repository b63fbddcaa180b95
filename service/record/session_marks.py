"""The marks of a session: its moments, and its notes about an instant, to be anchored on its track."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from service.geo.fixes import Fixes
from service.record.anchors import Anchor, Mark, anchor
from service.record.moments import Moment
from service.record.notes import Note, position_of
from service.record.positions import Position


class SessionMark(msgspec.Struct, frozen=True):
    """A moment, or a note about an instant: when and where it was, and the anchor it has so far."""

    id: UUID
    table: Literal["moment", "note"]
    at: datetime
    position: Position | None
    anchor: Anchor | None = None

    def has_moved_from(self, before: "SessionMark | None") -> bool:
        """Return whether its instant or position is another than before; True if there was no mark."""
        return before is None or (self.at, self.position) != (before.at, before.position)


class ChangedAnchors(msgspec.Struct, frozen=True):
    """The anchors that differ from those stored, by the ids of moments and notes; None for no anchor."""

    moments: dict[UUID, Anchor | None]
    notes: dict[UUID, Anchor | None]


def moment_mark(moment: Moment) -> SessionMark:
    """Return the mark of a moment."""
    return SessionMark(moment.id, "moment", moment.at, moment.content.position, moment.anchor)


def note_mark(note: Note, moment: Moment | None) -> SessionMark | None:
    """Return the mark of a note, which may be about `moment`; None for a note about the whole session."""
    if note.about_at is None:
        return None
    return SessionMark(note.id, "note", note.about_at, position_of(note, moment), note.anchor)


def session_marks(
    moments: Iterable[Moment], notes: Iterable[Note], changed: SessionMark | None = None
) -> list[SessionMark]:
    """Return every mark of a session by instant, with `changed` in place of its moment's or note's own.

    A note about a moment has the moment's instant, and the moment's position unless it has one itself.
    """
    by_id = {each.id: each for each in moments}
    marks = {each.id: moment_mark(each) for each in by_id.values()}
    for note in notes:
        own = note_mark(note, by_id.get(note.moment_id) if note.moment_id else None)
        if own is None:
            continue
        if changed is not None and note.moment_id == changed.id:
            position = note.content.position or changed.position
            own = msgspec.structs.replace(own, at=changed.at, position=position)
        marks[note.id] = own
    if changed is not None:
        marks[changed.id] = changed
    return sorted(marks.values(), key=lambda each: (each.at, each.id))


def anchor_marks(fixes: Fixes | None, marks: list[SessionMark]) -> ChangedAnchors:
    """Return the anchors that change on this track; without a track, marks have none."""
    anchors: tuple[Anchor | None, ...] = (None,) * len(marks)
    if fixes is not None:
        anchors = anchor(fixes, [Mark(round(each.at.timestamp() * 1_000), each.position) for each in marks])
    changed = [(mark, each) for mark, each in zip(marks, anchors, strict=True) if each != mark.anchor]
    return ChangedAnchors(
        moments={mark.id: each for mark, each in changed if mark.table == "moment"},
        notes={mark.id: each for mark, each in changed if mark.table == "note"},
    )
