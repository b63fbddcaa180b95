"""The practice: the tenant that owns everything, and the defaults its therapists plan with."""

from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID
from zoneinfo import available_timezones

import msgspec

from service.foundation.retry_safe import Impossible, Unusable

FLAT_PACE_MPS: Final = 0.9
"""A talking walk on the flat; crossings assume 1.2 m/s, people over 65 walk 0.8 to 0.9 m/s."""
RESTS_S: Final = 600
SESSION_LENGTH_S: Final = 3_000


class Practice(msgspec.Struct, frozen=True, kw_only=True):
    """A practice and the defaults its therapists plan with."""

    practice_id: UUID
    name: str
    zone: str
    flat_pace_mps: float = FLAT_PACE_MPS
    rests_s: int = RESTS_S
    session_length_s: int = SESSION_LENGTH_S
    archived_at: datetime | None = None
    """Since when nobody can sign in."""
    created_at: datetime
    updated_at: datetime
    revision: int = 1


def refuse_archived(practice: Practice) -> None:
    """Raise Impossible where nobody signs in to the practice any more."""
    if practice.archived_at is not None:
        raise Impossible("this practice is archived", "whoever runs this installation can restore it")


def refuse_unknown_zone(zone: str) -> None:
    """Raise Unusable unless `zone` is an IANA name."""
    if zone not in _zones():
        raise Unusable("/zone", "not an IANA time zone, such as Europe/London")


@cache
def _zones() -> frozenset[str]:
    """Return every IANA name. Cached, because finding them reads hundreds of files."""
    return frozenset(available_timezones())
