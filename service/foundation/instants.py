"""The range of instants that are accepted. Others are typing errors, and computing with them may overflow."""

from datetime import UTC, datetime
from typing import Final

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def is_real(instant: datetime) -> bool:
    """Return whether an instant, which has an offset, lies between 1900 and 2200."""
    return EARLIEST <= instant < LATEST
