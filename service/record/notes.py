"""Progress notes: about a whole session, an instant or a moment; free text, or a form the profession uses."""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from service.foundation.retry_safe import Impossible, Unusable
from service.record.anchors import Anchor
from service.record.moments import UNREADABLE, Moment
from service.record.positions import Position, PositionedContent, take_position


class About(enum.StrEnum):
    """What a note is about, which is not when it was written."""

    SESSION = "session"
    INSTANT = "instant"
    MOMENT = "moment"


class NoteFormat(enum.StrEnum):
    """Free text, or one of the profession's forms; FIELDS lists the fields of each."""

    FREE = "free"
    SOAP = "soap"
    DAP = "dap"
    BIRP = "birp"


FIELDS: Final[dict[NoteFormat, tuple[str, ...]]] = {
    NoteFormat.FREE: (),
    NoteFormat.SOAP: ("subjective", "objective", "assessment", "plan"),
    NoteFormat.DAP: ("data", "assessment", "plan"),
    NoteFormat.BIRP: ("behaviour", "intervention", "response", "plan"),
}


class NoteContent(PositionedContent, frozen=True, omit_defaults=True):
    """What a note says."""

    text: str | None = None
    fields: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Return about how many bytes its words take."""
        return len(self.text or "") + sum(map(len, self.fields.values()))


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A progress note, still a draft: it may be edited."""

    id: UUID
    session_id: UUID
    client_id: UUID
    about: About = About.SESSION
    about_at: datetime | None = None
    """The instant it is about; None for the whole session."""
    moment_id: UUID | None = None
    format: NoteFormat = NoteFormat.FREE
    content: NoteContent = msgspec.field(default_factory=NoteContent)
    anchor: Anchor | None = None
    """Where on the track that instant lies; None without a track."""
    written_at: datetime
    """By the phone's clock."""
    received_at: datetime
    updated_at: datetime
    revision: int = 0
    unreadable: bool = False
    """What is stored of its content is damaged; `content` is empty."""


def edited_note(
    note: Note,
    moment: Moment | None,
    changes: Mapping[str, Any],
    now: datetime,
    *,
    location_agreed: bool | None,
) -> Note:
    """Return a note, which is about `moment` so far, with the members named in `changes` changed.

    A note that becomes about its moment's instant stays where the moment was. Raises Impossible where the
    note is unreadable: what is left of it would be lost.
    """
    if note.unreadable:
        raise Impossible(*UNREADABLE)
    about = changes.get("about", note.about)
    if moment is not None and about is About.INSTANT and changes.get("about_at", moment.at) == moment.at:
        note = without_its_moment(note, moment)
    said = {name: changes[name] for name in ("text", "fields") if name in changes}
    content = msgspec.structs.replace(note.content, **said)
    if "position" in changes:
        content = take_position(content, changes["position"], location_agreed=location_agreed)
    outer = {name: value for name, value in changes.items() if name not in {*said, "position"}}
    if about is not About.MOMENT:
        outer.setdefault("moment_id", None)
    if about is About.SESSION:
        outer = {"about_at": None, "anchor": None, **outer}
    return msgspec.structs.replace(note, content=content, updated_at=now, **outer)


def at_its_moment(note: Note, moment: Moment | None) -> Note:
    """Return a note at its moment's instant, if it is about a moment. Raises Unusable."""
    if note.about is not About.MOMENT or note.moment_id is None:
        return note
    if moment is None or moment.session_id != note.session_id:
        raise Unusable("/moment_id", "no such moment in this session; send the moment first")
    return msgspec.structs.replace(note, about_at=moment.at)


def position_of(note: Note, moment: Moment | None) -> Position | None:
    """Return where the phone was: by the note itself, or else by the moment it is about."""
    return note.content.position or (moment.content.position if moment else None)


def without_its_moment(note: Note, moment: Moment) -> Note:
    """Return a note about a moment as a note about the same instant and place."""
    content = msgspec.structs.replace(note.content, position=position_of(note, moment))
    return msgspec.structs.replace(note, about=About.INSTANT, moment_id=None, content=content)


def refuse_unusable_note(note: Note) -> None:
    """Raise Unusable where a note says nothing, or its members contradict each other."""
    if (note.about is About.INSTANT) and note.about_at is None:
        raise Unusable("/about_at", "a note about an instant says which")
    if (note.about is About.MOMENT) != (note.moment_id is not None):
        raise Unusable("/moment_id", "a note about a moment, and no other, names it")
    if note.about is About.SESSION and note.about_at is not None:
        raise Unusable("/about_at", "a note about the whole session has no instant")
    unknown = [name for name in note.content.fields if name not in FIELDS[note.format]]
    if unknown:
        raise Unusable(f"/fields/{unknown[0]}", f"not a field of the format {note.format}")
    if note.content.text is None and not note.content.fields:
        raise Unusable("/text", "a note says something; one sentence is enough")
