"""Retry-safe writes: a phone without signal sends a write again, and it is made once."""

from typing import Final, TypeVar
from uuid import UUID

import msgspec

from service.foundation.errors import DomainError

BY_ANY_DEVICE: Final = UUID(int=0)
"""The scope of a create: its id is its key, and any device may send it again."""


class Once(msgspec.Struct, frozen=True):
    """One write, which the phone may have to send several times."""

    scope: UUID
    """The device that chose the key, or BY_ANY_DEVICE."""
    key: str
    fingerprint: bytes
    """A keyed hash of method, path and payload."""

    def refusal(self) -> DomainError:
        """Return the error for a key that was used before with another payload."""
        if self.scope == BY_ANY_DEVICE:
            return IdTaken()
        return KeyReused(self.key)


class Expected(msgspec.Struct, frozen=True):
    """The versions of a row that a phone is willing to change (If-Match)."""

    revisions: frozenset[int] | None
    """None for `*`: any version."""

    def check(self, revision: int, *, this_write: int) -> None:
        """Raise Stale where the row has changed since the phone read it.

        `revision` is that of the row's last change, `this_write` the one this write takes. A practice has one
        counter, so a phone that has read any revision between the two has seen the row as it is. A read's
        ETag may be later than the row's last change, because the answer also shows the practice.
        """
        if self.revisions is not None and not any(revision <= each < this_write for each in self.revisions):
            raise Stale(revision)


class KeyReused(DomainError):
    """The key was used before with another payload."""


class IdTaken(DomainError):
    """The id made by the phone names something else already.

    The error is the same whatever the id names, so that nobody can find out by trying what is stored under
    an id they know.
    """

    def __init__(self) -> None:
        super().__init__("this id names something else already")


class Stale(DomainError):
    """The row has changed since the phone read it."""

    def __init__(self, revision: int) -> None:
        super().__init__("it has changed since you read it; read it again, then change that")
        self.revision = revision


class NotFound(DomainError):
    """Nothing of this id exists, or the therapist may not see it. The answer is the same for both."""


class Impossible(DomainError):
    """The request contradicts what is stored; `possible` lists what can be done instead."""

    def __init__(self, detail: str, *possible: str) -> None:
        super().__init__(detail)
        self.possible = possible


Row = TypeVar("Row")


def found(row: Row | None) -> Row:
    """Return the row of a read or a change. Raises NotFound where there is none."""
    if row is None:
        raise NotFound
    return row


def replayed(row: Row | None) -> Row:
    """Return the row that a repeated create made before. Raises IdTaken where it is gone or not visible."""
    if row is None:
        raise IdTaken
    return row


class Unusable(DomainError):
    """A member of the body is well-formed but makes no sense; `pointer` (RFC 6901) names it."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
