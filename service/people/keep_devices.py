"""List and revoke devices."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Begin, Transaction
from service.foundation.retry_safe import Once, found
from service.people.device_queries import find_device, list_devices, update_device
from service.people.devices import Device
from service.people.security_event_queries import record_security_event
from service.people.security_events import SecurityEventKind
from service.people.sign_in_queries import revoke_sign_ins
from service.people.sign_ins import SignIn
from service.people.therapists import Role


async def own_devices(begin: Begin) -> list[Device]:
    """Return this therapist's devices, the last used first."""
    async with begin.read() as connection:
        return await list_devices(connection, begin.tenant.practice_id, begin.tenant.therapist_id)


async def revoke_device(begin: Begin, once: Once, sign_in: SignIn, device_id: UUID, now: datetime) -> None:
    """Revoke one of one's own devices, or as owner any of the practice. Raises NotFound."""
    async with begin.write(once) as transaction:
        if transaction.replays:
            return
        device = await find_device(transaction.connection, transaction.practice_id, device_id)
        if device and device.therapist_id != sign_in.therapist_id and sign_in.role is not Role.OWNER:
            device = None
        await revoke_device_in(transaction, found(device), now)


async def revoke_device_in(transaction: Transaction, device: Device, now: datetime) -> None:
    """End every sign-in of a device, let it make no more, and record that.

    Sign-ins first, then the device: a refresh locks them in that order, and neither must wait for the other.
    """
    await revoke_sign_ins(
        transaction.connection, transaction.practice_id, now, "device_revoked", device_id=device.id
    )
    if device.revoked_at is None:
        await update_device(transaction, msgspec.structs.replace(device, revoked_at=now))
        revoked = SecurityEventKind.DEVICE_REVOKED
        await record_security_event(transaction, revoked, device.therapist_id, now, device_id=device.id)
