"""What makes a write retry-safe, and what a writer may be told about it."""

from typing import Final
from uuid import UUID

import msgspec

from service.domain.errors import DomainError

BY_ANY_DEVICE: Final = UUID(int=0)
"""Scope of a create: its id is its key, whichever device sends it."""


class Once(msgspec.Struct, frozen=True):
    """One intended write, however often the phone has to send it."""

    scope: UUID
    """The device that chose the key, or BY_ANY_DEVICE."""
    key: str
    fingerprint: bytes
    """Keyed hash of method, path and payload."""


class IdempotencyKeyReused(DomainError):
    """The key was used before, for another payload."""


class IdTaken(DomainError):
    """The client-made id already names something else."""


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
