"""Places: where a session is held that is not walked."""

import enum
from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.retry_safe import Unusable


class PlaceKind(enum.StrEnum):
    """A room to sit in, an online address, a phone number."""

    ROOM = "room"
    ONLINE = "online"
    PHONE = "phone"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A room, an online address or a phone number of the practice."""

    id: UUID
    kind: PlaceKind
    name: str
    address: str | None = None
    access: str | None = None
    """How to get in: step-free entrance, nearest stop."""
    lon: float | None = None
    lat: float | None = None
    url: str | None = None
    phone_number: str | None = None
    archived_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    revision: int = 0


def refuse_unusable_place(place: Place) -> None:
    """Raise Unusable where a place lacks half a position, or the address or number its kind needs."""
    if (place.lon is None) != (place.lat is None):
        raise Unusable("/lon" if place.lon is None else "/lat", "a position has both lon and lat")
    if place.kind is PlaceKind.ONLINE and place.url is None:
        raise Unusable("/url", "an online place needs its address")
    if place.kind is PlaceKind.PHONE and place.phone_number is None:
        raise Unusable("/phone_number", "a phone place needs its number")
