"""The practice on the wire."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import FlatPace, Input, Instant, Name, Output, Rests, shown
from service.people.practices import Practice

SessionLength = Annotated[
    int, Meta(ge=300, le=28_800, description="Seconds a session lasts unless planned otherwise.")
]
Zone = Annotated[str, Meta(min_length=1, max_length=64, description="IANA name.")]


class PracticePatch(Input):
    """What to change about the practice."""

    name: Name | UnsetType = UNSET
    zone: Zone | UnsetType = UNSET
    flat_pace_mps: FlatPace | UnsetType = UNSET
    rests_s: Rests | UnsetType = UNSET
    session_length_s: SessionLength | UnsetType = UNSET


class PracticeOut(Output):
    """The practice and the defaults its therapists plan with."""

    practice_id: UUID
    name: str
    zone: str
    flat_pace_mps: float
    rests_s: int
    session_length_s: int
    created_at: Instant
    updated_at: Instant
    revision: int

    @classmethod
    def from_practice(cls, practice: Practice) -> "PracticeOut":
        """Return the practice as a phone gets it."""
        return cls(**shown(practice, cls))
