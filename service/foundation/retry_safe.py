"""What makes a write retry-safe, and what a writer may be told about it."""

from typing import Final, TypeVar
from uuid import UUID

import msgspec

from service.foundation.errors import DomainError

BY_ANY_DEVICE: Final = UUID(int=0)
"""Scope of a create: its id is its key, whichever device sends it."""


class Once(msgspec.Struct, frozen=True):
    """One intended write, however often the phone has to send it."""

    scope: UUID
    """The device that chose the key, or BY_ANY_DEVICE."""
    key: str
    fingerprint: bytes
    """Keyed hash of method, path and payload."""

    def refusal(self) -> DomainError:
        """Return what to raise where the key stands for another payload."""
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
    """The key was used before, for another payload."""


class IdTaken(DomainError):
    """The client-made id already names something else.

    In the same words whatever it names: a colleague who knows an id must not find out, by trying, what was
    written under it.
    """

    def __init__(self) -> None:
        super().__init__("this id names something else already")


class Stale(DomainError):
    """The row has changed since the phone read it."""

    def __init__(self, revision: int) -> None:
        super().__init__("it has changed since you read it; read it again, then change that")
        self.revision = revision


class NotFound(DomainError):
    """There is no such thing, or none this therapist may see: the two are told apart by nobody."""


class Impossible(DomainError):
    """What is asked contradicts what is known; `possible` says what can be done instead."""

    def __init__(self, detail: str, *possible: str) -> None:
        super().__init__(detail)
        self.possible = possible


Row = TypeVar("Row")


def found(row: Row | None) -> Row:
    """Return the row a therapist asked for. Raises NotFound."""
    if row is None:
        raise NotFound
    return row


def replayed(row: Row | None) -> Row:
    """Return the row a repeated create made the first time. Raises IdTaken where it is gone or unseen."""
    if row is None:
        raise IdTaken
    return row


class Unusable(DomainError):
    """A member of what was sent is well-formed but makes no sense; `pointer` (RFC 6901) says which."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
