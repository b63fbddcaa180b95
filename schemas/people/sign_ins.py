"""Signing in, devices, therapists and the practice on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import FlatPace, Input, Instant, Name, Output, Rests, changes_of, shown
from service.people.practices import Practice, Therapist, normal_email
from service.people.sign_in import Opened
from service.people.sign_ins import Device, Role

Email = Annotated[
    str, Meta(max_length=254, pattern=r"^\s*[^@\s]+@[^@\s]+\s*$", description="Letter case does not matter.")
]
Password = Annotated[str, Meta(min_length=1, max_length=256)]
TokenText = Annotated[str, Meta(min_length=1, max_length=200)]
SessionLength = Annotated[
    int, Meta(ge=300, le=28_800, description="Seconds a session lasts unless planned otherwise.")
]
Zone = Annotated[str, Meta(min_length=1, max_length=64, description="IANA name.")]
DeviceName = Annotated[str, Meta(min_length=1, max_length=100)]
PracticeAsked = Annotated[
    UUID,
    Meta(
        description="Needed only where the same email and password open several practices. A phone that has "
        "signed in before does well to say it always: then nobody who knows the email in another practice "
        "can slow it down."
    ),
]


class DeviceIn(Input):
    """The phone a sign-in is made from; it makes its id once and keeps it."""

    id: UUID
    name: DeviceName
    platform: DeviceName | None = None


class SignInIn(Input):
    """Email, password and the phone."""

    email: Email
    password: Password
    device: DeviceIn
    practice_id: PracticeAsked | None = None


class RefreshIn(Input):
    """A refresh token, good for one exchange."""

    refresh_token: TokenText


class InvitationIn(Input):
    """An invitation's token, and the password from now on."""

    token: TokenText
    password: Password
    device: DeviceIn


class PasswordIn(Input):
    """The password until now, and from now on."""

    current: Password
    new: Password


class SignInOut(Output):
    """A sign-in's tokens: the access token goes with every request, the refresh token only to refresh."""

    sign_in_id: UUID
    practice_id: UUID
    therapist_id: UUID
    access_token: str
    access_expires_at: Instant
    refresh_token: str
    refresh_expires_at: Instant

    @classmethod
    def from_opened(cls, opened: Opened) -> "SignInOut":
        """Return the sign-in as a phone gets it."""
        return cls(**shown(opened, cls))


class DeviceOut(Output):
    """A phone this therapist signs in from."""

    id: UUID
    name: str
    created_at: Instant
    last_seen_at: Instant
    this_one: bool
    """True for the device that asks."""
    platform: str | UnsetType = UNSET
    revoked_at: Instant | UnsetType = UNSET

    @classmethod
    def from_device(cls, device: Device, asking: UUID) -> "DeviceOut":
        """Return the device as a phone gets it."""
        return cls(**shown(device, cls), this_one=device.id == asking)


class DeviceList(Output):
    """Every device of this therapist, the last used first."""

    items: list[DeviceOut]


class PracticePatch(Input):
    """What to change about the practice."""

    name: Name | UnsetType = UNSET
    zone: Zone | UnsetType = UNSET
    flat_pace_mps: FlatPace | UnsetType = UNSET
    rests_s: Rests | UnsetType = UNSET
    session_length_s: SessionLength | UnsetType = UNSET

    def to_changes(self, now: datetime) -> dict[str, Any]:
        """Return the changes in the words of the domain."""
        return changes_of(self, now)


class PracticeOut(Output):
    """The practice and the defaults its therapists plan with."""

    practice_id: UUID
    name: str
    zone: str
    flat_pace_mps: float
    rests_s: int
    session_length_s: int
    created_at: Instant
    updated_at: Instant
    revision: int

    @classmethod
    def from_practice(cls, practice: Practice) -> "PracticeOut":
        """Return the practice as a phone gets it."""
        return cls(**shown(practice, cls))


class TherapistIn(Input):
    """Someone to invite."""

    id: UUID
    email: Email
    name: Name
    role: Role = Role.THERAPIST

    def to_therapist(self, now: datetime) -> Therapist:
        """Return the therapist this describes."""
        email = normal_email(self.email)
        return Therapist(
            id=self.id, email=email, name=self.name, role=self.role, created_at=now, updated_at=now
        )


class TherapistPatch(Input):
    """What to change about a therapist; a deactivated one is signed out at once, the record stays."""

    name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    deactivated: bool | UnsetType = UNSET

    def to_changes(self, now: datetime) -> dict[str, Any]:
        """Return the changes in the words of the domain."""
        changes = changes_of(self, now)
        if "deactivated" in changes:
            changes["deactivated_at"] = now if changes.pop("deactivated") else None
        return changes


class TherapistOut(Output):
    """Someone who works, or worked, in the practice."""

    id: UUID
    email: str
    name: str
    role: Role
    created_at: Instant
    updated_at: Instant
    revision: int
    joined_at: Instant | UnsetType = UNSET
    """Absent until the invitation is accepted."""
    deactivated_at: Instant | UnsetType = UNSET

    @classmethod
    def from_therapist(cls, therapist: Therapist) -> "TherapistOut":
        """Return the therapist as a phone gets it."""
        return cls(**shown(therapist, cls))


class TherapistList(Output):
    """Everyone who works or worked in the practice, by name."""

    items: list[TherapistOut]


class InvitationOut(Output):
    """A link that lets one therapist set a password, once. It is shown this one time."""

    therapist_id: UUID
    link: str
    token: str
    expires_at: Instant


class MeOut(Output):
    """Who this sign-in is."""

    therapist: TherapistOut
    practice: PracticeOut
    device_id: UUID
