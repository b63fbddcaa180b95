"""Progress notes: about a whole session, an instant or a moment; free text, or a form the profession uses."""

import enum
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.retry_safe import Unusable
from service.record.anchors import Anchor
from service.record.moments import Position


class About(enum.StrEnum):
    """What a note speaks of, which is not when it was written."""

    SESSION = "session"
    INSTANT = "instant"
    MOMENT = "moment"


class NoteFormat(enum.StrEnum):
    """Free text, or one of the profession's forms; FIELDS says what each is made of."""

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


class NoteContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed of a note."""

    text: str | None = None
    fields: dict[str, str] = {}
    position: Position | None = None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A progress note, still a draft: it may be edited."""

    id: UUID
    session_id: UUID
    client_id: UUID
    about: About
    about_at: datetime | None
    """The instant it speaks of; None for the whole session."""
    moment_id: UUID | None
    format: NoteFormat
    content: NoteContent
    anchor: Anchor | None
    """Where on the track that instant lies; None without one."""
    written_at: datetime
    """By the phone's clock."""
    received_at: datetime
    updated_at: datetime
    revision: int


def refuse_unusable_note(note: Note) -> None:
    """Raise Unusable where a note says nothing, or its members contradict each other."""
    if (note.about is About.INSTANT) and note.about_at is None:
        raise Unusable("/about_at", "a note about an instant says which")
    if (note.about is About.MOMENT) != (note.moment_id is not None):
        raise Unusable("/moment_id", "a note about a moment, and no other, names it")
    if note.about is About.SESSION and note.about_at is not None:
        raise Unusable("/about_at", "a note about the whole session has no instant")
    strange = [name for name in note.content.fields if name not in FIELDS[note.format]]
    if strange:
        raise Unusable(f"/fields/{strange[0]}", f"not a field of the format {note.format}")
    if note.content.text is None and not note.content.fields:
        raise Unusable("/text", "a note says something; one sentence is enough")
