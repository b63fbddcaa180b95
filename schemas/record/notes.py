"""Progress notes on the wire."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Instant, Output, Page, present, shown
from schemas.record.positions import AnchorOut, LeftOutMembers, PositionMembers, PositionOut, position_members
from service.record.notes import About, Note, NoteFormat

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


class NoteMembers(PositionMembers):
    """What a note may have."""

    about_at: Annotated[
        Instant | UnsetType | None, Meta(description="The instant it is about, with `about` instant.")
    ] = UNSET
    moment_id: Annotated[
        UUID | UnsetType | None, Meta(description="The moment it is about, with `about` moment.")
    ] = UNSET
    text: NoteText | UnsetType | None = UNSET
    fields: Fields | UnsetType = UNSET


class NoteIn(NoteMembers, kw_only=True):
    """A note: one sentence of `text` is enough."""

    id: UUID
    written_at: Instant
    about: About = About.SESSION
    format: NoteFormat = NoteFormat.FREE


class NotePatch(NoteMembers):
    """What to edit: null clears a member, an absent one stays; `fields` are replaced whole."""

    about: About | UnsetType = UNSET
    format: NoteFormat | UnsetType = UNSET
    written_at: Instant | UnsetType = UNSET


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
    anchor: Annotated[
        AnchorOut | UnsetType,
        Meta(description="Absent for a note about the whole session, and while the session has no track."),
    ] = UNSET
    left_out: LeftOutMembers | UnsetType = UNSET
    unreadable: Annotated[
        bool, Meta(description="What is stored of it is damaged: only its id and instants are shown.")
    ] = False

    @classmethod
    def from_note(cls, note: Note) -> "NoteOut":
        """Return the note as a phone gets it."""
        content = note.content
        written = {
            "text": present(content.text),
            "fields": content.fields or UNSET,
            "anchor": AnchorOut.from_anchor(note.anchor) if note.anchor else UNSET,
        }
        return cls(**shown(note, cls) | written | position_members(content))


class NotePage(Page[NoteOut]):
    """A session's notes in walking order, those about the whole session last.

    A page ends early where its texts are long: read on while there is a `next_cursor`.
    """
