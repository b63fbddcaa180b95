"""Devices a therapist signs in from."""

from datetime import datetime
from uuid import UUID

from litestar import delete, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from routes.http.dependencies import Writing
from schemas.people.devices import DeviceList, DeviceOut
from service.foundation.database.connection import Begin
from service.people.keep_devices import own_devices, revoke_device
from service.people.sign_ins import SignIn


@get("/devices", operation_id="list_devices", summary="List your devices", tags=["sign-in"])
async def get_devices(begin: NamedDependency[Begin], sign_in: NamedDependency[SignIn]) -> DeviceList:
    """List the devices you have signed in from, the last used first."""
    devices = await own_devices(begin)
    return DeviceList([DeviceOut.from_device(each, sign_in.device_id) for each in devices])


@delete(
    "/devices/{device_id:uuid}", operation_id="revoke_device", summary="Revoke a device", tags=["sign-in"]
)
async def delete_device(
    device_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    sign_in: NamedDependency[SignIn],
    now: NamedDependency[datetime],
) -> None:
    """End every sign-in of a device at once. An owner may revoke any device of the practice."""
    await revoke_device(begin, writing.once(), sign_in, device_id, now)


HANDLERS = [get_devices, delete_device]
