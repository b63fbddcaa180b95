"""Which instants are taken for real: what lies outside is a slip, and its arithmetic might overflow."""

from datetime import UTC, datetime
from typing import Final

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def is_real(instant: datetime) -> bool:
    """Return whether an instant, given with its offset, lies between 1900 and 2200."""
    return EARLIEST <= instant < LATEST
