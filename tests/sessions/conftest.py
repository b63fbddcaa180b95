"""Tests of sessions: the service's time stands still."""

import pytest

from tests.conftest import Clock
from tests.sessions.reporting import NOW


@pytest.fixture(autouse=True)
def _now_stays_now(clock: Clock) -> None:
    """Stop the service's time at NOW: these tests may come long after they were read in."""
    clock.stopped = NOW
