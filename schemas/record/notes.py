"""Progress notes on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Instant, Output, changes_of, present
from schemas.record.moments import AnchorOut, PositionIn, PositionOut
from service.record.notes import About, Note, NoteContent, NoteFormat

NoteText = Annotated[str, Meta(min_length=1, max_length=50_000)]
FieldName = Annotated[str, Meta(min_length=1, max_length=40)]
Fields = Annotated[
    dict[FieldName, NoteText],
    Meta(
        max_length=8,
        description="The form's fields: soap has subjective, objective, assessment, plan; dap has data, "
        "assessment, plan; birp has behaviour, intervention, response, plan. None is mandatory.",
    ),
]


class NoteIn(Input):
    """A note: one sentence of `text` is enough."""

    id: UUID
    written_at: Instant
    about: About = About.SESSION
    about_at: Instant | None = None
    """The instant it speaks of, with `about` instant."""
    moment_id: UUID | None = None
    """The moment it speaks of, with `about` moment."""
    text: NoteText | None = None
    format: NoteFormat = NoteFormat.FREE
    fields: Fields = msgspec.field(default_factory=dict)
    position: PositionIn | None = None

    def to_content(self) -> NoteContent:
        """Return what is sealed of it."""
        position = self.position.to_position() if self.position else None
        return NoteContent(self.text, self.fields, position)


class NotePatch(Input):
    """What to edit: null clears a member, an absent one stays; `fields` are replaced whole."""

    about: About | UnsetType = UNSET
    about_at: Instant | UnsetType | None = UNSET
    moment_id: UUID | UnsetType | None = UNSET
    text: NoteText | UnsetType | None = UNSET
    format: NoteFormat | UnsetType = UNSET
    fields: Fields | UnsetType = UNSET
    position: PositionIn | UnsetType | None = UNSET
    written_at: Instant | UnsetType = UNSET

    def to_changes(self, now: datetime) -> dict[str, Any]:
        """Return the changes in the words of the domain."""
        changes = changes_of(self, now)
        if isinstance(self.position, PositionIn):
            changes["position"] = self.position.to_position()
        return changes


class NoteOut(Output):
    """A progress note, still a draft, and where on the walk it belongs."""

    id: UUID
    session_id: UUID
    about: About
    format: NoteFormat
    written_at: Instant
    received_at: Instant
    updated_at: Instant
    revision: int
    about_at: Instant | UnsetType = UNSET
    moment_id: UUID | UnsetType = UNSET
    text: str | UnsetType = UNSET
    fields: dict[str, str] | UnsetType = UNSET
    position: PositionOut | UnsetType = UNSET
    anchor: AnchorOut | UnsetType = UNSET
    """Absent for a note about the whole session, and as long as the session has no track."""

    @classmethod
    def from_note(cls, note: Note) -> "NoteOut":
        """Return the note as a phone gets it."""
        content = note.content
        return cls(
            id=note.id,
            session_id=note.session_id,
            about=note.about,
            format=note.format,
            written_at=note.written_at,
            received_at=note.received_at,
            updated_at=note.updated_at,
            revision=note.revision,
            about_at=present(note.about_at),
            moment_id=present(note.moment_id),
            text=present(content.text),
            fields=content.fields or UNSET,
            position=PositionOut.from_position(content.position) if content.position else UNSET,
            anchor=AnchorOut.from_anchor(note.anchor) if note.anchor else UNSET,
        )


class NoteList(Output):
    """A session's notes in walking order, those about the whole session last."""

    items: list[NoteOut]
