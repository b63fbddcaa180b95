"""Places on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Instant, Latitude, Longitude, Name, NextCursor, Output, changes_of, shown
from service.foundation.pages import PageOf
from service.places.places import Place, PlaceKind

Address = Annotated[str, Meta(min_length=1, max_length=1_000)]
Access = Annotated[str, Meta(min_length=1, max_length=2_000, description="How one gets in.")]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s]{1,1990}$(?!\n)", description="An https address.")]
PhoneNumber = Annotated[str, Meta(pattern=r"^\+?[0-9 ().\-]{3,39}$(?!\n)")]


class PlaceIn(Input):
    """A place to add."""

    id: UUID
    kind: PlaceKind
    name: Name
    address: Address | None = None
    access: Access | None = None
    lon: Longitude | None = None
    lat: Latitude | None = None
    url: Url | None = None
    phone_number: PhoneNumber | None = None

    def to_place(self, now: datetime) -> Place:
        """Return the place this describes."""
        return Place(created_at=now, updated_at=now, **msgspec.structs.asdict(self))


class PlacePatch(Input):
    """What to change: null clears a member, an absent one stays."""

    kind: PlaceKind | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    address: Address | UnsetType | None = UNSET
    access: Access | UnsetType | None = UNSET
    lon: Longitude | UnsetType | None = UNSET
    lat: Latitude | UnsetType | None = UNSET
    url: Url | UnsetType | None = UNSET
    phone_number: PhoneNumber | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET

    def to_changes(self, now: datetime) -> dict[str, Any]:
        """Return the changes in the words of the domain."""
        return changes_of(self, now)


class PlaceOut(Output):
    """A room, an online address or a phone number."""

    id: UUID
    kind: PlaceKind
    name: str
    created_at: Instant
    updated_at: Instant
    revision: int
    address: str | UnsetType = UNSET
    access: str | UnsetType = UNSET
    lon: float | UnsetType = UNSET
    lat: float | UnsetType = UNSET
    url: str | UnsetType = UNSET
    phone_number: str | UnsetType = UNSET
    archived_at: Instant | UnsetType = UNSET

    @classmethod
    def from_place(cls, place: Place) -> "PlaceOut":
        """Return the place as a phone gets it."""
        return cls(**shown(place, cls))


class PlacePage(Output):
    """Places by name."""

    items: list[PlaceOut]
    next_cursor: NextCursor | UnsetType = UNSET

    @classmethod
    def from_page(cls, page: PageOf[Place]) -> "PlacePage":
        """Return the page as a phone gets it."""
        items = [PlaceOut.from_place(each) for each in page.items]
        return cls(items=items, next_cursor=page.next.to_text() if page.next else UNSET)
