"""Alternatives of routes, and the last resort, on the wire."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Output, Text, shown
from service.places.places import PlaceKind
from service.walks.alternatives import (
    MOST_ALTERNATIVES,
    Alternative,
    AlternativeKind,
    GoodFor,
    NamedAlternative,
    Skipped,
    Variant,
)
from service.walks.keep_alternatives import LastResortChoice, RouteAlternatives
from service.walks.name_alternatives import NamedLastResort

TravelMin = Annotated[
    int, Meta(ge=0, le=240, description="Minutes from where the client is met, on foot or otherwise.")
]
SKIPPED: Final = Meta(description="Why it is not proposed at the moment.")


class AlternativeIn(Input, kw_only=True):
    """One thing to do instead: another route, a room, or, with a place or without, online or by phone."""

    kind: AlternativeKind
    route_id: UUID | None = None
    place_id: UUID | None = None
    variant: Annotated[
        Variant | None, Meta(description="Of kind route: which version of this route it is.")
    ] = None
    good_for: Annotated[list[GoodFor], Meta(max_length=len(GoodFor))] = msgspec.field(default_factory=list)
    travel_min: TravelMin | None = None
    note: Text | None = None

    def to_alternative(self) -> Alternative:
        """Return the alternative this describes; what it is good for is kept once each."""
        return Alternative(
            kind=self.kind,
            route_id=self.route_id,
            place_id=self.place_id,
            variant=self.variant,
            good_for=tuple(dict.fromkeys(self.good_for)),
            travel_min=self.travel_min,
            note=self.note,
        )


class AlternativesIn(Input):
    """What to do instead of walking a route, in order of preference; none to follow the practice's."""

    alternatives: Annotated[list[AlternativeIn], Meta(max_length=MOST_ALTERNATIVES)]

    def to_alternatives(self) -> list[Alternative]:
        """Return the alternatives this describes."""
        return [each.to_alternative() for each in self.alternatives]


class AlternativeOut(Output, kw_only=True):
    """One thing to do instead."""

    kind: AlternativeKind
    good_for: list[GoodFor]
    name: Annotated[str | UnsetType, Meta(description="Of the route or place.")] = UNSET
    route_id: UUID | UnsetType = UNSET
    place_id: UUID | UnsetType = UNSET
    variant: Variant | UnsetType = UNSET
    travel_min: int | UnsetType = UNSET
    note: str | UnsetType = UNSET
    skipped: Annotated[Skipped | UnsetType, SKIPPED] = UNSET

    @classmethod
    def from_named(cls, named: NamedAlternative) -> "AlternativeOut":
        """Return an alternative as a phone gets it."""
        return cls(**alternative_members(named))


def alternative_members(named: NamedAlternative) -> dict[str, Any]:
    """Return the members of AlternativeOut."""
    members = shown(named.alternative, AlternativeOut) | shown(named, AlternativeOut)
    return members | {"good_for": list(named.alternative.good_for)}


def _shown(named: NamedAlternative | None) -> AlternativeOut | UnsetType:
    return UNSET if named is None else AlternativeOut.from_named(named)


class AlternativesOut(Output):
    """What to do instead of walking a route."""

    route_id: UUID
    alternatives: Annotated[
        list[AlternativeOut],
        Meta(description="In order of preference. What they themselves name is not followed."),
    ]
    last_resort: Annotated[
        AlternativeOut | UnsetType,
        Meta(description="The practice's, where the route names none, or only skipped ones."),
    ] = UNSET

    @classmethod
    def from_alternatives(cls, known: RouteAlternatives) -> "AlternativesOut":
        """Return alternatives as a phone gets them."""
        items = [AlternativeOut.from_named(each) for each in known.alternatives]
        return cls(known.route_id, items, _shown(known.last_resort))


class LastResortIn(Input):
    """What the practice does instead of a route that names nothing; without a kind, it has no last resort."""

    kind: PlaceKind | None = None
    place_id: UUID | None = None
    note: Text | None = None

    def to_choice(self) -> LastResortChoice:
        """Return the last resort this names."""
        return LastResortChoice(self.kind, self.place_id, self.note)


class LastResortOut(Output):
    """What the practice does instead of a route that names no usable alternative."""

    last_resort: Annotated[AlternativeOut | UnsetType, Meta(description="Absent where there is none.")] = (
        UNSET
    )

    @classmethod
    def from_named(cls, known: NamedLastResort) -> "LastResortOut":
        """Return the last resort as a phone gets it."""
        return cls(_shown(known.named))
