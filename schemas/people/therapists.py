"""Therapists on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import ADDRESS, Input, Instant, Name, Output, changes_of, shown
from service.people.emails import LONGEST_EMAIL, normal_email
from service.people.therapists import Role, Therapist

Email = Annotated[
    str,
    Meta(
        max_length=LONGEST_EMAIL,
        pattern=r"^[^@]+@[^@]+$",
        description="Letter case and spaces around it do not matter. Every character must be visible.",
        extra=ADDRESS,
    ),
]


class TherapistIn(Input):
    """Someone to invite."""

    id: UUID
    email: Email
    name: Name
    role: Role = Role.THERAPIST

    def to_therapist(self, now: datetime) -> Therapist:
        """Return the therapist this describes. Raises Unusable."""
        email = normal_email(self.email)
        return Therapist(
            id=self.id, email=email, name=self.name, role=self.role, created_at=now, updated_at=now
        )


class TherapistPatch(Input):
    """What to change about a therapist. A deactivated one is signed out at once; the record stays."""

    name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    deactivated: bool | UnsetType = UNSET

    def to_changes(self, now: datetime) -> dict[str, Any]:
        """Return the changes in the words of the domain."""
        changes = changes_of(self, now)
        if "deactivated" in changes:
            changes["deactivated_at"] = now if changes.pop("deactivated") else None
        return changes


class TherapistOut(Output):
    """Someone who works, or worked, in the practice."""

    id: UUID
    email: str
    name: str
    role: Role
    created_at: Instant
    updated_at: Instant
    revision: int
    joined_at: Annotated[
        Instant | UnsetType, Meta(description="Absent until the invitation is accepted.")
    ] = UNSET
    deactivated_at: Instant | UnsetType = UNSET

    @classmethod
    def from_therapist(cls, therapist: Therapist) -> "TherapistOut":
        """Return the therapist as a phone gets it."""
        return cls(**shown(therapist, cls))


class TherapistList(Output):
    """Everyone who works or worked in the practice, by name."""

    items: list[TherapistOut]
