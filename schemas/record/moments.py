"""Moments on the wire."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Instant, Output, Page, shown
from schemas.record.positions import AnchorOut, LeftOutMembers, PositionMembers, PositionOut, position_members
from service.record.moments import Moment, MomentKind

Words = Annotated[str, Meta(min_length=1, max_length=4_000)]


class MomentMembers(PositionMembers):
    """What a moment may have besides its instant."""

    kind: MomentKind | UnsetType | None = UNSET
    words: Words | UnsetType | None = UNSET


class MomentIn(MomentMembers, kw_only=True):
    """One tap: its id and its instant are enough; the rest may come now or later."""

    id: UUID
    at: Instant


class MomentPatch(MomentMembers):
    """What to add or correct: null clears a member, an absent one stays."""

    at: Instant | UnsetType = UNSET


class MomentOut(Output):
    """One tap at an instant of a session."""

    id: UUID
    session_id: UUID
    at: Instant
    received_at: Instant
    updated_at: Instant
    revision: int
    kind: MomentKind | UnsetType = UNSET
    words: str | UnsetType = UNSET
    position: PositionOut | UnsetType = UNSET
    anchor: Annotated[AnchorOut | UnsetType, Meta(description="Absent while the session has no track.")] = (
        UNSET
    )
    left_out: LeftOutMembers | UnsetType = UNSET
    unreadable: Annotated[
        bool, Meta(description="What is stored of it is damaged: only its id and instants are shown.")
    ] = False

    @classmethod
    def from_moment(cls, moment: Moment) -> "MomentOut":
        """Return the moment as a phone gets it."""
        content = moment.content
        anchor = {"anchor": AnchorOut.from_anchor(moment.anchor) if moment.anchor else UNSET}
        return cls(**shown(moment, cls) | shown(content, cls) | anchor | position_members(content))


class MomentPage(Page[MomentOut]):
    """A session's moments in walking order."""
