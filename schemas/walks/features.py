"""Features of routes on the wire."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Instant, Latitude, Longitude, Name, Output, Text, changes_of, shown
from service.walks.features import Feature, FeatureKind, ThunderRefuge

REFUGE: Final = Meta(
    description="Whether it is a refuge from lightning: only a substantial enclosed building or a closed "
    "hard-topped vehicle is. An open shelter, a tree or a bus stop is none, and `yes` is refused for one."
)


class FeatureMembers(Input):
    """What a point of a route may have besides its kind and position."""

    name: Name | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    thunder_refuge: Annotated[ThunderRefuge | UnsetType, REFUGE] = UNSET


class FeatureIn(FeatureMembers, kw_only=True):
    """A point of a route to add."""

    id: UUID
    kind: FeatureKind
    lon: Longitude
    lat: Latitude

    def to_feature(self, route_id: UUID, now: datetime) -> Feature:
        """Return the feature this describes, before its place along the line is found."""
        return Feature(
            route_id=route_id,
            along_m=0.0,
            offset_m=0.0,
            created_at=now,
            updated_at=now,
            **changes_of(self, now),
        )


class FeaturePatch(FeatureMembers):
    """What to change: null clears a member, an absent one stays. A position has both lon and lat."""

    kind: FeatureKind | UnsetType = UNSET
    lon: Longitude | UnsetType = UNSET
    lat: Latitude | UnsetType = UNSET


class FeatureOut(Output):
    """A point of a route."""

    id: UUID
    route_id: UUID
    kind: FeatureKind
    lon: float
    lat: float
    thunder_refuge: Annotated[ThunderRefuge, REFUGE]
    along_m: Annotated[
        float, Meta(description="From the start of the line to where it first passes the point.")
    ]
    offset_m: Annotated[float, Meta(description="Distance from the line.")]
    created_at: Instant
    updated_at: Instant
    revision: int
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET

    @classmethod
    def from_feature(cls, feature: Feature) -> "FeatureOut":
        """Return the feature as a phone gets it."""
        metres = {name: round(getattr(feature, name), 2) for name in ("along_m", "offset_m")}
        return cls(**shown(feature, cls) | metres)
