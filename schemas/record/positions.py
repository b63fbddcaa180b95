"""Positions and anchors of moments and notes on the wire."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Latitude, Longitude, Output, changes_of, shown
from service.clients.location_permission import LeftOut, LeftOutReason
from service.record.anchors import Anchor, AnchorKind
from service.record.positions import Position, PositionedContent

Accuracy = Annotated[float, Meta(ge=0, le=100_000, description="Metres, as the phone estimates it.")]


class PositionIn(Input):
    """Where the phone was, as it reports it."""

    lon: Longitude
    lat: Latitude
    accuracy_m: Accuracy | None = None

    def to_position(self) -> Position:
        """Return the position this describes."""
        return Position(self.lon, self.lat, self.accuracy_m)


class PositionMembers(Input):
    """The position a moment or a note may have, and how both become changes in the words of the domain."""

    position: PositionIn | UnsetType | None = UNSET

    def to_changes(self, now: datetime) -> dict[str, Any]:
        """Return the members that were sent."""
        changes = changes_of(self, now)
        if isinstance(self.position, PositionIn):
            changes["position"] = self.position.to_position()
        return changes


class PositionOut(Output):
    """Where the phone was, as it reports it."""

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
    distance_m: Annotated[float | UnsetType, Meta(description="Metres along the track.")] = UNSET
    elapsed_s: Annotated[float | UnsetType, Meta(description="Seconds from the start of the track.")] = UNSET
    gap_s: Annotated[
        float | UnsetType,
        Meta(description="Seconds between the fixes on either side; a long gap makes the place uncertain."),
    ] = UNSET
    clocks_disagree: Annotated[
        bool,
        Meta(
            description="By its time it was here, but the phone was elsewhere, by more than both may be "
            "wrong: the recorder's clock may be off. Absent where they agree."
        ),
    ] = False
    position_apart_m: Annotated[
        float | UnsetType, Meta(description="Metres between the phone's position and this place.")
    ] = UNSET
    reconciling_shift_s: Annotated[
        float | UnsetType,
        Meta(
            description="Seconds to add to the recorder's times so that nearly all positions of the session "
            "agree: send it as `shift_by_s` with PATCH of the track. Absent where no shift does that."
        ),
    ] = UNSET

    @classmethod
    def from_anchor(cls, anchor: Anchor) -> "AnchorOut":
        """Return the anchor as a phone gets it."""
        return cls(**shown(anchor, cls))


class LeftOutOut(Output):
    """A member that was sent and is not stored, and why."""

    member: str
    reason: LeftOutReason

    @classmethod
    def from_left_out(cls, left_out: LeftOut) -> "LeftOutOut":
        """Return it as a phone gets it."""
        return cls(left_out.member, left_out.reason)


LeftOutMembers = Annotated[
    list[LeftOutOut], Meta(description="What was sent and is not stored; absent if everything is.")
]


def position_members(content: PositionedContent) -> dict[str, Any]:
    """Return `position` and `left_out` as a phone gets them."""
    position = content.position
    return {
        "position": PositionOut.from_position(position) if position else UNSET,
        "left_out": [LeftOutOut.from_left_out(each) for each in content.left_out] or UNSET,
    }
