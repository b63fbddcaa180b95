"""Moments on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Instant, Latitude, Longitude, Output, changes_of, present, shown
from service.record.anchors import Anchor, AnchorKind
from service.record.moments import Moment, MomentContent, MomentKind, Position

Words = Annotated[str, Meta(min_length=1, max_length=4_000)]
Accuracy = Annotated[float, Meta(ge=0, le=100_000, description="Metres, as the phone reckons it.")]


class PositionIn(Input):
    """Where the phone was, by its own account."""

    lon: Longitude
    lat: Latitude
    accuracy_m: Accuracy | None = None

    def to_position(self) -> Position:
        """Return the position this describes."""
        return Position(self.lon, self.lat, self.accuracy_m)


class PositionOut(Output):
    """Where the phone was, by its own account."""

    lon: float
    lat: float
    accuracy_m: float | UnsetType = UNSET

    @classmethod
    def from_position(cls, position: Position) -> "PositionOut":
        """Return the position as a phone gets it."""
        return cls(**shown(position, cls))


class AnchorOut(Output):
    """Where on the walk it was: on the track by its time, where the phone was, or outside the track."""

    how: AnchorKind
    lon: float | UnsetType = UNSET
    lat: float | UnsetType = UNSET
    distance_m: float | UnsetType = UNSET
    """Metres along the track."""
    elapsed_s: float | UnsetType = UNSET
    """Seconds from the start of the track."""
    gap_s: float | UnsetType = UNSET
    """Seconds between the fixes on either side; a long gap makes the place uncertain."""

    @classmethod
    def from_anchor(cls, anchor: Anchor) -> "AnchorOut":
        """Return the anchor as a phone gets it."""
        return cls(**shown(anchor, cls))


class MomentIn(Input):
    """One tap: its id and its instant are enough; the rest may come now or later."""

    id: UUID
    at: Instant
    kind: MomentKind | None = None
    words: Words | None = None
    position: PositionIn | None = None

    def to_content(self) -> MomentContent:
        """Return what is sealed of it."""
        position = self.position.to_position() if self.position else None
        return MomentContent(self.kind, self.words, position)


class MomentPatch(Input):
    """What to add or correct: null clears a member, an absent one stays."""

    at: Instant | UnsetType = UNSET
    kind: MomentKind | UnsetType | None = UNSET
    words: Words | UnsetType | None = UNSET
    position: PositionIn | UnsetType | None = UNSET

    def to_changes(self, now: datetime) -> dict[str, Any]:
        """Return the changes in the words of the domain."""
        changes = changes_of(self, now)
        if isinstance(self.position, PositionIn):
            changes["position"] = self.position.to_position()
        return changes


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
    anchor: AnchorOut | UnsetType = UNSET
    """Absent as long as the session has no track."""

    @classmethod
    def from_moment(cls, moment: Moment) -> "MomentOut":
        """Return the moment as a phone gets it."""
        content = moment.content
        return cls(
            id=moment.id,
            session_id=moment.session_id,
            at=moment.at,
            received_at=moment.received_at,
            updated_at=moment.updated_at,
            revision=moment.revision,
            kind=present(content.kind),
            words=present(content.words),
            position=PositionOut.from_position(content.position) if content.position else UNSET,
            anchor=AnchorOut.from_anchor(moment.anchor) if moment.anchor else UNSET,
        )


class MomentList(Output):
    """A session's moments in walking order."""

    items: list[MomentOut]
