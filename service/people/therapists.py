"""Therapists: who works in the practice, and what each may do for it."""

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.foundation.retry_safe import Impossible


class Role(enum.StrEnum):
    """What a therapist may do for the practice itself; neither role reads a colleague's clients."""

    OWNER = "owner"
    THERAPIST = "therapist"


class Therapist(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who works in the practice. Deactivated, never deleted: records name them."""

    id: UUID
    email: str
    name: str
    role: Role
    joined_at: datetime | None = None
    """None until they accept an invitation."""
    deactivated_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    revision: int = 1

    @property
    def can_act_as_owner(self) -> bool:
        """Return whether this is an owner who can sign in."""
        return self.role is Role.OWNER and self.joined_at is not None and self.deactivated_at is None


def changed_therapist(therapist: Therapist, changes: Mapping[str, Any], now: datetime) -> Therapist:
    """Return the therapist with `changes`. A second deactivation keeps the date of the first."""
    changed = msgspec.structs.replace(therapist, updated_at=now, **changes)
    if therapist.deactivated_at and changed.deactivated_at:
        return msgspec.structs.replace(changed, deactivated_at=therapist.deactivated_at)
    return changed


def refuse_no_owner(therapists: Iterable[Therapist]) -> None:
    """Raise Impossible unless one of `therapists` is an owner who can sign in."""
    if not any(each.can_act_as_owner for each in therapists):
        raise Impossible("the practice needs an owner who can sign in", "make a colleague owner first")


def email_taken(*possible: str) -> Impossible:
    """Return the refusal of an email that a colleague has. It does not say whether they have joined."""
    return Impossible("this email belongs to a colleague already", *possible)
