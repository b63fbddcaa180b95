"""Invitations on the wire."""

from uuid import UUID

from schemas.base import Input, Instant, Output
from schemas.people.devices import DeviceIn
from schemas.people.sign_ins import Password, TokenText


class InvitationIn(Input):
    """An invitation's token, and the password from now on."""

    token: TokenText
    password: Password
    device: DeviceIn


class InvitationOut(Output):
    """A link that lets one therapist set a password, once. Only this answer contains it."""

    therapist_id: UUID
    link: str
    token: str
    expires_at: Instant
