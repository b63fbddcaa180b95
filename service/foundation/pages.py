"""Lists are read in pages; a cursor says where the next page starts."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Generic, TypeVar
from uuid import UUID

import msgspec

from service.foundation.errors import DomainError
from service.foundation.instants import is_real

Item = TypeVar("Item")

PAGE_LIMIT: Final = 100
PAGE_DEFAULT: Final = 20
LONGEST_CURSOR: Final = 2_000
"""Enough for a name of 200 escaped characters and an id."""


class BadCursor(DomainError):
    """The cursor was not made by this service."""


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last item of a page: its sort key, and its id to break ties."""

    key: str
    id: UUID

    def to_text(self) -> str:
        """Return the cursor as text for a URL."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def from_text(cls, text: str) -> "Cursor":
        """Return the cursor that a phone sends back. Raises BadCursor."""
        if len(text) > LONGEST_CURSOR:
            raise BadCursor("not a cursor of this list")
        try:
            content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            cursor = msgspec.json.decode(content, type=cls)
        except (binascii.Error, ValueError) as error:
            raise BadCursor("not a cursor of this list") from error
        if "\0" in cursor.key:
            raise BadCursor("not a cursor of this list")
        return cursor

    def instant(self) -> datetime:
        """Return the sort key of a list that is sorted by an instant. Raises BadCursor."""
        try:
            instant = datetime.fromisoformat(self.key)
        except ValueError as error:
            raise BadCursor("not a cursor of this list") from error
        if instant.tzinfo is None or not is_real(instant):
            raise BadCursor("not a cursor of this list")
        return instant


def instants_key(*instants: datetime | None) -> str:
    """Return the sort key of a list that is sorted by instants."""
    return " ".join(each.isoformat() if each else "-" for each in instants)


def instants_of(cursor: Cursor, count: int) -> list[datetime | None]:
    """Return the `count` instants that a cursor's key names. Raises BadCursor."""
    try:
        instants = [None if each == "-" else datetime.fromisoformat(each) for each in cursor.key.split(" ")]
    except ValueError as error:
        raise BadCursor("not a cursor of this list") from error
    real = all(each is None or (each.tzinfo is not None and is_real(each)) for each in instants)
    if len(instants) != count or not real:
        raise BadCursor("not a cursor of this list")
    return instants


BEFORE_ALL: Final = Cursor("", UUID(int=0))
"""The cursor of the first page of a list that is sorted by a text: the empty text sorts before any other."""


class PageOf(msgspec.Struct, Generic[Item], frozen=True):
    """Some items, and the cursor of the next page; None on the last page."""

    items: list[Item]
    next: Cursor | None


def cut_page(items: Sequence[Item], limit: int, cursor: Callable[[Item], Cursor]) -> PageOf[Item]:
    """Return a page of the first `limit` items. `items` has one more if another page follows."""
    kept = list(items[:limit])
    return PageOf(kept, cursor(kept[-1]) if len(items) > limit else None)
