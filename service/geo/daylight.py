"""Whether it is dark at a place and an instant: civil twilight ends where the sun is 6 degrees down."""

from datetime import UTC, datetime
from typing import Final

from astral import Observer
from astral.sun import elevation

CIVIL_TWILIGHT_DEG: Final = -6.0
"""From here down lamps are needed to see the ground (US Naval Observatory, Rise, Set, and Twilight)."""


def is_dark(lon: float, lat: float, at: datetime) -> bool:
    """Return whether the centre of the sun is below civil twilight."""
    height_deg = elevation(Observer(lat, lon), at.astimezone(UTC), with_refraction=False)
    return bool(height_deg < CIVIL_TWILIGHT_DEG)
