"""One's own account: who is signed in, password and email address, and what happened to the account."""

from datetime import datetime

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from routes.http.answers import answer
from routes.http.dependencies import DEFAULT_LIMIT, CursorText, Limit, Writing, after
from schemas.people.me import EmailIn, MeOut, PasswordIn
from schemas.people.practices import PracticeOut
from schemas.people.security_events import SecurityEventOut, SecurityEventPage
from schemas.people.therapists import TherapistOut
from service.foundation.database.connection import Begin
from service.people.change_email import change_email
from service.people.change_password import change_password
from service.people.own_password import PasswordGuard
from service.people.read_me import read_me
from service.people.read_security_events import page_of_security_events
from service.people.sign_ins import SignIn


@get("/me", operation_id="read_me", summary="Who am I", tags=["practice"])
async def get_me(begin: NamedDependency[Begin], sign_in: NamedDependency[SignIn]) -> MeOut:
    """Read who this sign-in is, in which practice, on which device."""
    me = await read_me(begin)
    return MeOut(
        TherapistOut.from_therapist(me.therapist), PracticeOut.from_practice(me.practice), sign_in.device_id
    )


@post(
    "/password",
    operation_id="change_password",
    summary="Change your password",
    tags=["sign-in"],
    status_code=204,
)
async def post_password(
    data: JSONBody[PasswordIn], guard: NamedDependency[PasswordGuard], now: NamedDependency[datetime]
) -> None:
    """Set a new password. Every other sign-in of yours ends; this one goes on."""
    await change_password(guard, data.to_change(), now)


@post(
    "/me/email",
    operation_id="change_email",
    summary="Change your email address",
    tags=["sign-in"],
    status_code=200,
)
async def post_email(
    data: JSONBody[EmailIn],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    guard: NamedDependency[PasswordGuard],
    now: NamedDependency[datetime],
) -> Response[TherapistOut]:
    """Sign in with another address from now on, confirmed by your password. Your sign-ins go on.

    The security events show the old and the new address.
    """
    once = writing.once(data.email.encode())
    therapist = await change_email(begin, once, guard, data.to_change(), now)
    return answer(TherapistOut.from_therapist(therapist), therapist.revision)


@get(
    "/me/security-events",
    operation_id="list_security_events",
    summary="List your security events",
    tags=["sign-in"],
)
async def get_security_events(
    begin: NamedDependency[Begin], cursor: CursorText = None, limit: Limit = DEFAULT_LIMIT
) -> SecurityEventPage:
    """List what happened to your account, the latest first. Nobody else reads it."""
    page = await page_of_security_events(begin, after=after(cursor), limit=limit)
    return SecurityEventPage.from_page(page, SecurityEventOut.from_event)


HANDLERS = [get_me, post_password, post_email, get_security_events]
