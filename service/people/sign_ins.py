"""Who acts, from which phone: therapists, devices and revocable sign-ins."""

import enum
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.errors import DomainError
from service.foundation.tenant import Tenant

ACCESS_LIFE: Final = timedelta(minutes=10)
REFRESH_IDLE: Final = timedelta(days=14)
SIGN_IN_LIFE: Final = timedelta(days=90)
RETRY_WINDOW: Final = timedelta(seconds=30)
"""For this long the immediate predecessor of a refresh token answers the same successor again."""
INVITATION_LIFE: Final = timedelta(days=7)

FREE_FAILURES: Final = 5
"""So many failed attempts cost an account nothing; each further one doubles the wait, from 2 s on."""
FREE_FAILURES_OF_A_NETWORK: Final = 50
"""Many people share one address of a clinic or a mobile network."""
LONGEST_WAIT: Final = timedelta(minutes=15)
FORGET_AFTER: Final = timedelta(hours=24)


class Role(enum.StrEnum):
    """What a therapist may do for the practice itself; neither role reads a colleague's clients."""

    OWNER = "owner"
    THERAPIST = "therapist"


class SignIn(msgspec.Struct, frozen=True):
    """A verified sign-in: on whose behalf, and from which device, a request acts."""

    id: UUID
    practice_id: UUID
    therapist_id: UUID
    device_id: UUID
    role: Role
    wrapped_key: bytes
    """The practice's key, still wrapped."""

    @property
    def tenant(self) -> Tenant:
        """Return whose rows this sign-in may see."""
        return Tenant(self.practice_id, self.therapist_id)


class NotSignedIn(DomainError):
    """The token is missing, wrong, expired or revoked."""


SIGN_IN_OVER: Final = "the access token has expired or was revoked; refresh or sign in"


class WrongCredentials(DomainError):
    """Email and password do not belong together; which of them is wrong is not said."""


class WhichPractice(DomainError):
    """The same email and password open more than one practice."""

    def __init__(self, practice_ids: tuple[UUID, ...]) -> None:
        super().__init__("this email signs in to several practices; send practice_id")
        self.practice_ids = practice_ids


class TooManyAttempts(DomainError):
    """Sign-ins are slowed down for this account or network."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"too many failed attempts; try again in {wait_s} s")
        self.wait_s = wait_s


class InvitationSpent(DomainError):
    """The invitation was used, has expired or was never made."""


class Device(msgspec.Struct, frozen=True):
    """A phone (or another program) a therapist signs in from."""

    id: UUID
    therapist_id: UUID
    name: str
    platform: str | None
    created_at: datetime
    last_seen_at: datetime
    revoked_at: datetime | None
    revision: int
