"""The practice: the tenant that owns everything, and who works in it."""

from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID
from zoneinfo import available_timezones

import msgspec

from service.foundation.retry_safe import Unusable
from service.people.sign_ins import Role

FLAT_PACE_MPS: Final = 0.9
"""A talking walk on the flat; crossings assume 1.2, people over 65 walk 0.8 to 0.9 m/s."""
RESTS_S: Final = 600
SESSION_LENGTH_S: Final = 3_000
LONGEST_EMAIL: Final = 254


class Practice(msgspec.Struct, frozen=True, kw_only=True):
    """A practice and the defaults its therapists plan with."""

    practice_id: UUID
    name: str
    zone: str
    flat_pace_mps: float = FLAT_PACE_MPS
    rests_s: int = RESTS_S
    session_length_s: int = SESSION_LENGTH_S
    created_at: datetime
    updated_at: datetime
    revision: int = 1


class Therapist(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who works in the practice; deactivated, never deleted, for the record names them."""

    id: UUID
    email: str
    name: str
    role: Role
    joined_at: datetime | None = None
    deactivated_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    revision: int = 1


def refuse_unknown_zone(zone: str) -> None:
    """Raise Unusable unless `zone` is an IANA name."""
    if zone not in _zones():
        raise Unusable("/zone", "not an IANA time zone, such as Europe/London")


@cache
def _zones() -> frozenset[str]:
    """Return every IANA name; finding them means reading hundreds of files."""
    return frozenset(available_timezones())


def normal_email(email: str) -> str:
    """Return an email as it is compared and kept: without spaces around it, in lower case.

    Raises Unusable where that is longer than an address can be: some capitals are two letters in lower case.
    """
    normal = email.strip().lower()
    if len(normal) > LONGEST_EMAIL:
        raise Unusable("/email", f"an address has at most {LONGEST_EMAIL} characters")
    return normal
