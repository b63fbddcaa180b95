"""Alternatives: what to do instead of walking a route, in order of preference.

They are not followed further: a ridge and a wood may name each other.
"""

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.retry_safe import Unusable
from service.places.places import PlaceKind

MOST_ALTERNATIVES: Final = 20


class AlternativeKind(enum.StrEnum):
    """What takes the place of a walk: another route, or one of the kinds of places."""

    ROUTE = "route"
    ROOM = "room"
    ONLINE = "online"
    PHONE = "phone"


class GoodFor(enum.StrEnum):
    """What an alternative helps against."""

    RAIN = "rain"
    HEAT = "heat"
    WIND = "wind"
    THUNDER = "thunder"
    ICE = "ice"
    MUD = "mud"
    DARK = "dark"
    AIR = "air"
    CROWD = "crowd"
    LOW_ENERGY = "low_energy"
    STEP_FREE = "step_free"


class Variant(enum.StrEnum):
    """Which version of the route another one is."""

    SHELTERED = "sheltered"
    SHORT = "short"
    STEP_FREE = "step_free"


class Skipped(enum.StrEnum):
    """Why an alternative is not proposed at the moment."""

    ARCHIVED = "archived"
    IN_USE = "in_use"
    """The session is held so at the moment."""


class Alternative(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One thing to do instead of walking a route."""

    kind: AlternativeKind
    route_id: UUID | None = None
    place_id: UUID | None = None
    variant: Variant | None = None
    good_for: tuple[GoodFor, ...] = ()
    travel_min: int | None = None
    """From where the client is met."""
    note: str | None = None


class Target(msgspec.Struct, frozen=True):
    """A route or a place that an alternative may name."""

    id: UUID
    kind: AlternativeKind
    name: str
    archived_at: datetime | None
    revision: int


class NamedAlternative(msgspec.Struct, frozen=True):
    """An alternative with the name of what it leads to, and why it is skipped at the moment."""

    alternative: Alternative
    name: str | None = None
    skipped: Skipped | None = None


class LastResort(msgspec.Struct, frozen=True, kw_only=True):
    """What a practice does instead of a route that names no usable alternative; `kind` None for nothing."""

    kind: PlaceKind | None = None
    place_id: UUID | None = None
    note: str | None = None
    created_at: datetime
    updated_at: datetime
    revision: int = 0

    @property
    def alternative(self) -> Alternative | None:
        """Return it as an alternative."""
        if self.kind is None:
            return None
        return Alternative(kind=AlternativeKind(self.kind), place_id=self.place_id, note=self.note)


def refuse_unusable_alternatives(
    alternatives: Sequence[Alternative],
    targets: Mapping[UUID, Target],
    route_id: UUID | None,
    pointer: str = "/alternatives",
) -> None:
    """Raise Unusable for an alternative that names itself, another one again, or nothing of the practice's.

    `targets` holds the practice's routes and places among those that are named.
    """
    seen: dict[tuple[AlternativeKind, UUID | None, UUID | None], int] = {}
    for number, each in enumerate(alternatives):
        here = f"{pointer}/{number}"
        if each.route_id is not None and each.route_id == route_id:
            raise Unusable(f"{here}/route_id", "a route is no alternative to itself")
        refuse_unusable_alternative(each, targets, here)
        named = (each.kind, each.route_id, each.place_id)
        first = seen.setdefault(named, number)
        if first != number:
            raise Unusable(here, f"it is alternative {first} again")


def refuse_unusable_alternative(each: Alternative, targets: Mapping[UUID, Target], pointer: str) -> None:
    """Raise Unusable unless an alternative names what its kind needs, and the practice has that."""
    if each.kind is AlternativeKind.ROUTE:
        if each.route_id is None:
            raise Unusable(f"{pointer}/route_id", "say which route")
        if each.place_id is not None:
            raise Unusable(f"{pointer}/place_id", "a route is not held in a place")
        _refuse_unknown(each.route_id, targets, each.kind, f"{pointer}/route_id")
        return
    if each.route_id is not None:
        raise Unusable(f"{pointer}/route_id", f"only kind route has one, and this is {each.kind}")
    if each.variant is not None:
        raise Unusable(f"{pointer}/variant", "only another route is a version of a route")
    if each.place_id is not None:
        _refuse_unknown(each.place_id, targets, each.kind, f"{pointer}/place_id")
    elif each.kind is AlternativeKind.ROOM:
        raise Unusable(f"{pointer}/place_id", "say which room")


def _refuse_unknown(
    target_id: UUID, targets: Mapping[UUID, Target], kind: AlternativeKind, pointer: str
) -> None:
    target = targets.get(target_id)
    if target is None:
        raise Unusable(pointer, f"the practice has no such {'route' if kind == 'route' else 'place'}")
    if target.kind is not kind:
        raise Unusable(pointer, f"it is of kind {target.kind}")


def named_alternatives(
    alternatives: Sequence[Alternative], targets: Mapping[UUID, Target]
) -> list[NamedAlternative]:
    """Return alternatives with their names; those that lead to something archived are marked as skipped."""
    named = []
    for each in alternatives:
        target = targets.get(each.route_id or each.place_id or UUID(int=0))
        if target is None:
            named.append(NamedAlternative(each))
        else:
            skipped = Skipped.ARCHIVED if target.archived_at is not None else None
            named.append(NamedAlternative(each, target.name, skipped))
    return named


def needs_last_resort(named: Sequence[NamedAlternative]) -> bool:
    """Return whether nothing is left to do instead."""
    return all(each.skipped is not None for each in named)
