"""Devices on the wire."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import ONE_LINE, Input, Instant, Output, shown
from service.people.devices import Device, NewDevice

DeviceName = Annotated[str, Meta(min_length=1, max_length=100, extra=ONE_LINE)]


class DeviceIn(Input):
    """The phone a sign-in is made from; it makes its id once and keeps it."""

    id: UUID
    name: DeviceName
    platform: DeviceName | None = None

    def to_device(self) -> NewDevice:
        """Return the device this describes."""
        return NewDevice(self.id, self.name, self.platform)


class DeviceOut(Output):
    """A phone this therapist signs in from."""

    id: UUID
    name: str
    created_at: Instant
    last_seen_at: Annotated[Instant, Meta(description="The last sign-in or refresh.")]
    this_one: Annotated[bool, Meta(description="True for the device that asks.")]
    platform: str | UnsetType = UNSET
    revoked_at: Instant | UnsetType = UNSET

    @classmethod
    def from_device(cls, device: Device, this_device_id: UUID) -> "DeviceOut":
        """Return the device as a phone gets it."""
        return cls(**shown(device, cls), this_one=device.id == this_device_id)


class DeviceList(Output):
    """Every device of this therapist, the last used first."""

    items: list[DeviceOut]
