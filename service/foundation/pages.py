"""Lists are read a page at a time, from where the last one ended."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar
from uuid import UUID

import msgspec

from service.foundation.errors import DomainError

Item = TypeVar("Item")

PAGE_LIMIT: Final = 100
PAGE_DEFAULT: Final = 20
LONGEST_CURSOR: Final = 2_000
"""A name of 200 characters, each escaped, and an id fit in."""


class BadCursor(DomainError):
    """The cursor is not one this service gave."""


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last item of a page: what it is sorted by, and its id for ties."""

    key: str
    id: UUID

    def to_text(self) -> str:
        """Return it as a phone keeps it: opaque, fit for a URL."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def from_text(cls, text: str) -> "Cursor":
        """Return the cursor a phone sends back. Raises BadCursor."""
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


class PageOf(msgspec.Struct, Generic[Item], frozen=True):
    """Some items, and where the next page begins (None on the last)."""

    items: list[Item]
    next: Cursor | None


def cut_page(items: Sequence[Item], limit: int, cursor: Callable[[Item], Cursor]) -> PageOf[Item]:
    """Return the first `limit` items; `items` holds one more where the list goes on."""
    kept = list(items[:limit])
    return PageOf(kept, cursor(kept[-1]) if len(items) > limit else None)
