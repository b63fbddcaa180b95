"""Devices: the phones that therapists sign in from."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.retry_safe import Impossible


class NewDevice(msgspec.Struct, frozen=True):
    """A phone as it introduces itself at a sign-in. It makes its id once and keeps it."""

    id: UUID
    name: str
    platform: str | None = None


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A phone, or another program, that a therapist signs in from."""

    id: UUID
    therapist_id: UUID
    name: str
    platform: str | None = None
    created_at: datetime
    last_seen_at: datetime
    revoked_at: datetime | None = None
    revision: int = 0


def refuse_unusable_device(device: Device, therapist_id: UUID) -> None:
    """Raise Impossible where a known device is a colleague's or was revoked."""
    if device.therapist_id != therapist_id:
        raise Impossible("this device id belongs to a colleague", "make a new device id and sign in again")
    if device.revoked_at is not None:
        raise Impossible("this device was revoked", "make a new device id and sign in again")
