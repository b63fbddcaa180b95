"""Devices of therapists."""

from datetime import datetime
from uuid import UUID

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.people.devices import Device

DEVICE = Columns("device", Device, fixed={"last_seen_at"})

DEVICE_BY_ID = Query(Device, DEVICE.by_id)


async def find_device(connection: Connection, practice_id: UUID, device_id: UUID) -> Device | None:
    """Return a device, revoked ones too."""
    return await DEVICE_BY_ID.one_or_none(connection, practice_id, device_id)


DEVICES_OF_THERAPIST = Query(
    Device,
    f"""
    SELECT {DEVICE.listed}
      FROM device
     WHERE practice_id = $1
       AND therapist_id = $2
     ORDER BY last_seen_at DESC, id
""",
)


async def list_devices(connection: Connection, practice_id: UUID, therapist_id: UUID) -> list[Device]:
    """Return a therapist's devices, the last used first."""
    return await DEVICES_OF_THERAPIST.all(connection, practice_id, therapist_id)


INSERT_DEVICE = Query(Device, DEVICE.insert)


async def insert_device(transaction: Transaction, device: Device) -> Device:
    """Store a new device of the therapist who signs in."""
    return await INSERT_DEVICE.insert(transaction.connection, *DEVICE.inserted(transaction, device))


UPDATE_DEVICE = Query(Device, DEVICE.update)


async def update_device(transaction: Transaction, device: Device) -> Device:
    """Store a changed device; when it was last seen stays as it is."""
    return await UPDATE_DEVICE.one(transaction.connection, *DEVICE.updated(transaction, device))


SEE_DEVICE = Statement(
    """
    UPDATE device
       SET last_seen_at = $3
     WHERE practice_id = $1
       AND id = $2
""",
)


async def see_device(connection: Connection, practice_id: UUID, device_id: UUID, now: datetime) -> None:
    """Record that a device signed in or refreshed. Phones need not hear of it, so no revision is taken."""
    await SEE_DEVICE.run(connection, practice_id, device_id, now)
