"""Places on the wire."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Instant, Latitude, Longitude, Name, Output, Page, changes_of
from service.places.places import Place, PlaceKind

STORED_PLAIN: Final = "Stored unencrypted: write nothing about a client here."
Address = Annotated[str, Meta(min_length=1, max_length=1_000, description=STORED_PLAIN)]
Access = Annotated[str, Meta(min_length=1, max_length=2_000, description=f"How to get in. {STORED_PLAIN}")]
Url = Annotated[
    str, Meta(pattern=r"^https?://[^\s]{1,1990}$(?!\n)", description=f"A web address. {STORED_PLAIN}")
]
PhoneNumber = Annotated[str, Meta(pattern=r"^\+?[0-9 ().\-]{3,39}$(?!\n)", description=STORED_PLAIN)]
PlaceName = Annotated[Name, Meta(description=STORED_PLAIN)]


class PlaceMembers(Input):
    """The optional members of a place, in a create and in a change."""

    address: Address | UnsetType | None = UNSET
    access: Access | UnsetType | None = UNSET
    lon: Longitude | UnsetType | None = UNSET
    lat: Latitude | UnsetType | None = UNSET
    url: Url | UnsetType | None = UNSET
    phone_number: PhoneNumber | UnsetType | None = UNSET


class PlaceIn(PlaceMembers, kw_only=True):
    """A place to add: everybody in the practice sees it, and it is stored unencrypted."""

    id: UUID
    kind: PlaceKind
    name: PlaceName

    def to_place(self, now: datetime) -> Place:
        """Return the place this describes."""
        return Place(created_at=now, updated_at=now, **changes_of(self, now))


class PlacePatch(PlaceMembers):
    """What to change: null clears a member, an absent one stays."""

    kind: PlaceKind | UnsetType = UNSET
    name: PlaceName | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


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


class PlacePage(Page[PlaceOut]):
    """Places by name."""
