"""Signing in, staying signed in, signing out; passwords and devices."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from routes.http.dependencies import Services
from schemas.people.sign_ins import (
    DeviceIn,
    DeviceList,
    DeviceOut,
    InvitationIn,
    PasswordIn,
    RefreshIn,
    SignInIn,
    SignInOut,
)
from service.foundation.database.connection import Begin
from service.foundation.tenant import NOBODY
from service.people.keep_practice import (
    PasswordChange,
    accept_invitation,
    change_password,
    devices_of,
    revoke,
)
from service.people.sign_in import Asking, refresh_sign_in, sign_in, sign_out
from service.people.sign_ins import Device, SignIn

OPEN: Final = {"open": True}
STRANGERS_BYTES: Final = 65_536
"""Of a body from somebody not signed in, of whom there may be many; several times what it needs."""


@post(
    "/sign-in",
    operation_id="sign_in",
    summary="Sign in",
    tags=["sign-in"],
    status_code=200,
    opt=OPEN,
    request_max_body_size=STRANGERS_BYTES,
)
async def post_sign_in(
    data: JSONBody[SignInIn],
    services: NamedDependency[Services],
    now: NamedDependency[datetime],
    request: Request[Any, Any, Any],
) -> SignInOut:
    """Exchange email and password for an access token and a refresh token."""
    asking = Asking(
        email=data.email,
        password=data.password,
        practice_id=data.practice_id,
        device=_new_device(data.device, now),
        network=services.client_network(request),
    )
    opened = await sign_in(services.pool, services.keyring, services.hasher, asking, now)
    return SignInOut.from_opened(opened)


@post(
    "/sign-in/refresh",
    operation_id="refresh_sign_in",
    summary="Refresh a sign-in",
    tags=["sign-in"],
    status_code=200,
    opt=OPEN,
    request_max_body_size=STRANGERS_BYTES,
)
async def post_refresh(
    data: JSONBody[RefreshIn], services: NamedDependency[Services], now: NamedDependency[datetime]
) -> SignInOut:
    """Exchange a refresh token for new tokens; a lost answer may be asked for again within 30 s."""
    return SignInOut.from_opened(await refresh_sign_in(services.pool, data.refresh_token, now))


@delete("/sign-in", operation_id="sign_out", summary="Sign out", tags=["sign-in"])
async def delete_sign_in(
    begin: NamedDependency[Begin], sign_in: NamedDependency[SignIn], now: NamedDependency[datetime]
) -> None:
    """End this sign-in: its tokens are refused from now on."""
    await sign_out(begin, sign_in, now)


@post(
    "/invitations/accept",
    operation_id="accept_invitation",
    summary="Accept an invitation",
    tags=["sign-in"],
    status_code=200,
    opt=OPEN,
    request_max_body_size=STRANGERS_BYTES,
)
async def post_acceptance(
    data: JSONBody[InvitationIn], services: NamedDependency[Services], now: NamedDependency[datetime]
) -> SignInOut:
    """Set the password an invitation asks for, and sign in with it."""
    device = _new_device(data.device, now)
    opened = await accept_invitation(services.pool, services.hasher, data.token, data.password, device, now)
    return SignInOut.from_opened(opened)


@post(
    "/password",
    operation_id="change_password",
    summary="Change your password",
    tags=["sign-in"],
    status_code=204,
)
async def post_password(
    data: JSONBody[PasswordIn],
    services: NamedDependency[Services],
    sign_in: NamedDependency[SignIn],
    now: NamedDependency[datetime],
    request: Request[Any, Any, Any],
) -> None:
    """Set a new password. Every other sign-in of yours ends; this one goes on."""
    change = PasswordChange(data.current, data.new, services.client_network(request))
    await change_password(services.pool, services.keyring, services.hasher, sign_in, change, now)


@get("/devices", operation_id="list_devices", summary="List your devices", tags=["sign-in"])
async def get_devices(begin: NamedDependency[Begin], sign_in: NamedDependency[SignIn]) -> DeviceList:
    """List the devices you have signed in from, the last used first."""
    async with begin.read() as connection:
        devices = await devices_of(connection, sign_in)
    return DeviceList([DeviceOut.from_device(each, sign_in.device_id) for each in devices])


@delete(
    "/devices/{device_id:uuid}", operation_id="revoke_device", summary="Revoke a device", tags=["sign-in"]
)
async def delete_device(
    device_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    sign_in: NamedDependency[SignIn],
    now: NamedDependency[datetime],
) -> None:
    """End every sign-in of a device at once. An owner may revoke any device of the practice."""
    async with begin.write() as transaction:
        await revoke(transaction, sign_in, device_id, now)


def _new_device(device: DeviceIn, now: datetime) -> Device:
    """Return a device as it is before anyone has signed in from it."""
    return Device(device.id, NOBODY, device.name, device.platform, now, now, None, 0)


HANDLERS = [
    post_sign_in,
    post_refresh,
    delete_sign_in,
    post_acceptance,
    post_password,
    get_devices,
    delete_device,
]
