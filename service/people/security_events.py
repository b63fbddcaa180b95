"""Security events: what happened to a therapist's account, for that therapist to read."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.described_enum import DescribedEnum


class SecurityEventKind(DescribedEnum):
    """What happened to an account."""

    EMAIL_CHANGED = "email_changed", "You sign in with another address."
    PASSWORD_CHANGED = "password_changed", "There is a new password; your other sign-ins have ended."
    NEW_DEVICE = "new_device", "A device signed in for the first time."
    DEVICE_REVOKED = "device_revoked", "A device was signed out for good, by you or for you."
    TOKEN_REUSED = "token_reused", "Someone else sent a refresh token of this device; the sign-in has ended."


class SecurityEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of one therapist's account."""

    id: UUID
    therapist_id: UUID
    kind: SecurityEventKind
    at: datetime
    device_id: UUID | None = None
    """The device it was done from or to; None where it was done on the command line."""
    old_email: str | None = None
    new_email: str | None = None
    revision: int = 0
