"""Security events: what happened to a therapist's account, for that therapist to read."""

import enum
from datetime import datetime
from uuid import UUID

import msgspec


class SecurityEventKind(enum.StrEnum):
    """What happened to an account."""

    EMAIL_CHANGED = "email_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  a kind of event
    NEW_DEVICE = "new_device"
    DEVICE_REVOKED = "device_revoked"
    TOKEN_REUSED = "token_reused"  # noqa: S105  a kind of event


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
