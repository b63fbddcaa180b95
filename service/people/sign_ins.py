"""Sign-ins: who acts, from which device, and the tokens that show it."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.errors import DomainError
from service.foundation.tenant import Tenant
from service.people.devices import NewDevice
from service.people.therapists import Role

ACCESS_LIFE: Final = timedelta(minutes=10)
REFRESH_IDLE: Final = timedelta(days=14)
SIGN_IN_LIFE: Final = timedelta(days=90)
RETRY_LIMIT: Final = timedelta(hours=24)
"""How long a phone can ask again for the answer to a refresh, unless it has used that answer."""


class Account(msgspec.Struct, frozen=True):
    """A therapist of a practice, as somebody who can sign in."""

    practice_id: UUID
    therapist_id: UUID

    @property
    def tenant(self) -> Tenant:
        """Return whose rows this therapist may see."""
        return Tenant(self.practice_id, self.therapist_id)


class SignIn(msgspec.Struct, frozen=True):
    """A verified sign-in: for whom, and from which device, a request acts."""

    id: UUID
    practice_id: UUID
    therapist_id: UUID
    device_id: UUID
    role: Role

    @property
    def tenant(self) -> Tenant:
        """Return whose rows this sign-in may see."""
        return Tenant(self.practice_id, self.therapist_id)


class SignInRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a phone sends to sign in, and the network it sends it from."""

    email: str
    password: str
    practice_id: UUID | None
    device: NewDevice
    network: str


class RefreshRequest(msgspec.Struct, frozen=True):
    """What a phone sends to stay signed in."""

    refresh_token: str
    device_id: UUID


class SignInTokens(msgspec.Struct, frozen=True):
    """The tokens of a sign-in in plain text. Only their digests are stored."""

    sign_in_id: UUID
    practice_id: UUID
    therapist_id: UUID
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime


class NotSignedIn(DomainError):
    """The token is missing, wrong, expired or revoked."""


SIGN_IN_OVER: Final = "the access token has expired or was revoked; refresh or sign in"


class WrongCredentials(DomainError):
    """Email and password do not belong together. The answer does not say which of them is wrong."""


class WhichPractice(DomainError):
    """The same email and password open more than one practice."""

    def __init__(self, practice_ids: tuple[UUID, ...]) -> None:
        super().__init__("this email signs in to several practices; say which by practice_id")
        self.practice_ids = practice_ids
