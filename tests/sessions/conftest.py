"""Tests of sessions: the service's time stands still."""

import pytest

from tests.conftest import Clock
from tests.sessions.reporting import NOW


@pytest.fixture(autouse=True)
def _now_stays_now(clock: Clock) -> None:
    """Stop the service's clock at NOW, so that a slow run does not make the reported instants late."""
    clock.stopped = NOW
