"""Limits on attempts at a password."""

from datetime import timedelta
from math import ceil
from typing import Final

from service.foundation.errors import DomainError

FREE_FAILURES: Final = 5
"""Failed attempts at an account that cost no wait; each further one doubles the wait, from 2 s on."""
FREE_FAILURES_OF_A_NETWORK: Final = 50
"""The same for a network: many people share the address of a clinic or a mobile network."""
LONGEST_WAIT: Final = timedelta(minutes=15)
FORGET_AFTER: Final = timedelta(hours=24)


class TooManyAttempts(DomainError):
    """Sign-ins are slowed down for this account or network."""

    def __init__(self, wait: timedelta) -> None:
        self.wait_s = max(1, ceil(wait.total_seconds()))
        super().__init__(f"too many failed attempts; try again in {self.wait_s} s")
