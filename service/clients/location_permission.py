"""Where a client was is stored only if the client agreed. Everything that takes a location asks here.

`location_agreed` is what the client said: True, False (refused, or withdrawn later), or None if never asked.
A track is refused as a whole. A moment, a note or a check-in happened and is kept; only its position is left
out, and the answer says so.
"""

import enum
from typing import Final

import msgspec

from service.foundation.errors import DomainError


class LocationNotAgreed(DomainError):
    """The client has not agreed, or no longer agrees, that where they walk is stored."""


class LeftOutReason(enum.StrEnum):
    """Why a member that was sent is not stored."""

    LOCATION_NOT_AGREED = "location_not_agreed"


class LeftOut(msgspec.Struct, frozen=True):
    """A member of a body that was sent and is not stored, and the reason."""

    member: str
    reason: LeftOutReason


POSITION_LEFT_OUT: Final = LeftOut("position", LeftOutReason.LOCATION_NOT_AGREED)


def may_store_location(location_agreed: bool | None) -> bool:  # noqa: FBT001  what the client said
    """Return whether the client agreed."""
    return location_agreed is True


def refuse_location_not_agreed(location_agreed: bool | None) -> None:  # noqa: FBT001  what the client said
    """Raise LocationNotAgreed unless the client agreed."""
    if not may_store_location(location_agreed):
        raise LocationNotAgreed("the client has not agreed that where they walk is recorded")
