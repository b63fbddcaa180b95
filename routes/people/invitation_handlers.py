"""Invitations of therapists who have not joined yet."""

from datetime import datetime
from uuid import UUID

from litestar import post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from routes.http.dependencies import OPEN, OWNER, STRANGERS_BYTES, Services, Writing
from schemas.people.invitations import InvitationIn, InvitationOut
from schemas.people.sign_ins import SignInOut
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.people.accept_invitation import accept_invitation
from service.people.invite_therapist import invite_therapist


@put(
    "/therapists/{therapist_id:uuid}/invitation",
    operation_id="invite_therapist",
    summary="Invite a therapist",
    tags=["practice"],
    opt=OWNER,
)
async def put_invitation(
    therapist_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    services: NamedDependency[Services],
    now: NamedDependency[datetime],
) -> InvitationOut:
    """Make a link by which a new therapist sets a password, once, within 7 days. Earlier links become void.

    Whoever opens it is that therapist from then on, so give it to nobody else. There is none for a therapist
    who has joined: an owner could become them with it and read what their clients said. Whoever runs the
    service resets a lost password. Owners only.
    """
    invitation = await invite_therapist(begin, keys, writing.once(), therapist_id, now)
    link = f"{services.address}/v1/invitations#{invitation.token}"
    return InvitationOut(invitation.therapist_id, link, invitation.token, invitation.expires_at)


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
    device = data.device.to_device()
    tokens = await accept_invitation(services.pool, services.hasher, data.token, data.password, device, now)
    return SignInOut.from_tokens(tokens)


HANDLERS = [put_invitation, post_acceptance]
