"""One example of each wire type, for the OpenAPI document; a test decodes every one."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from schemas.places import PlaceIn, PlaceOut, PlacePage, PlacePatch
from service.domain.places import PlaceKind

PLACE: Final = UUID("0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a10")
WRITTEN: Final = datetime(2026, 5, 4, 8, 30, tzinfo=UTC)

_PLACE = PlaceOut(
    id=PLACE,
    kind=PlaceKind.ROOM,
    name="Lock House, first floor",
    address="1 Towpath Lane",
    access="Step-free from the yard; ring for the lift.",
    created_at=WRITTEN,
    updated_at=WRITTEN,
    revision=12,
)

EXAMPLES: Final[dict[type[msgspec.Struct], msgspec.Struct]] = {
    PlaceIn: PlaceIn(id=PLACE, kind=PlaceKind.ROOM, name="Lock House, first floor", address="1 Towpath Lane"),
    PlacePatch: PlacePatch(name="Lock House, ground floor", access=None),
    PlaceOut: _PLACE,
    PlacePage: PlacePage([_PLACE]),
}
