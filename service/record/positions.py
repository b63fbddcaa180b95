"""The position a phone sends with a moment or a note."""

from typing import TypeVar

import msgspec

from service.clients.location_permission import POSITION_LEFT_OUT, LeftOut, may_store_location


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the phone was, as it reports it."""

    lon: float
    lat: float
    accuracy_m: float | None = None


class PositionedContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What moments and notes both say: where the phone was, and what was sent and is not stored."""

    position: Position | None = None
    left_out: tuple[LeftOut, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Return about how many bytes its words take, without the rest."""
        return 0


Content = TypeVar("Content", bound=PositionedContent)


def take_position(content: Content, sent: Position | None, *, location_agreed: bool | None) -> Content:
    """Return the content with the position a phone sent, or with a word that it is left out.

    Left out means as if it had not been sent: an earlier position, stored while the client agreed, stays.
    Sending that one again is no new location. None clears it.
    """
    if sent is None or sent == content.position or may_store_location(location_agreed):
        return msgspec.structs.replace(content, position=sent, left_out=())
    return msgspec.structs.replace(content, left_out=(POSITION_LEFT_OUT,))
