"""The practice and who works in it."""

from datetime import datetime
from uuid import UUID

from litestar import Response, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from routes.http.answers import answer, created
from routes.http.dependencies import Creating, Services, Writing
from schemas.people.sign_ins import (
    InvitationOut,
    MeOut,
    PracticeOut,
    PracticePatch,
    TherapistIn,
    TherapistList,
    TherapistOut,
    TherapistPatch,
)
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.people.keep_practice import (
    add_therapist,
    change_practice,
    change_therapist,
    invite,
    read_practice,
    read_therapist,
)
from service.people.practice_queries import list_therapists
from service.people.sign_ins import SignIn

OWNER = {"owner": True}


@get("/me", operation_id="read_me", summary="Who am I", tags=["practice"])
async def get_me(begin: NamedDependency[Begin], sign_in: NamedDependency[SignIn]) -> MeOut:
    """Read who this sign-in is, in which practice, on which device."""
    async with begin.read() as connection:
        therapist = await read_therapist(connection, sign_in.practice_id, sign_in.therapist_id)
        practice = await read_practice(connection, sign_in.practice_id)
    return MeOut(
        TherapistOut.from_therapist(therapist), PracticeOut.from_practice(practice), sign_in.device_id
    )


@get("/practice", operation_id="read_practice", summary="Read the practice", tags=["practice"])
async def get_practice(
    begin: NamedDependency[Begin], sign_in: NamedDependency[SignIn]
) -> Response[PracticeOut]:
    """Read the practice and the defaults it plans with."""
    async with begin.read() as connection:
        practice = await read_practice(connection, sign_in.practice_id)
    return answer(PracticeOut.from_practice(practice), practice.revision)


@patch(
    "/practice", operation_id="change_practice", summary="Change the practice", tags=["practice"], opt=OWNER
)
async def patch_practice(
    data: JSONBody[PracticePatch],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[PracticeOut]:
    """Change name, time zone or defaults. Owners only."""
    async with begin.write(writing.once(data)) as transaction:
        practice = await change_practice(transaction, data.to_changes(now), expected=expected, now=now)
    return answer(PracticeOut.from_practice(practice), practice.revision)


@get("/therapists", operation_id="list_therapists", summary="List therapists", tags=["practice"])
async def get_therapists(begin: NamedDependency[Begin], sign_in: NamedDependency[SignIn]) -> TherapistList:
    """List everyone who works or worked in the practice, by name."""
    async with begin.read() as connection:
        therapists = await list_therapists(connection, sign_in.practice_id)
    return TherapistList([TherapistOut.from_therapist(each) for each in therapists])


@get(
    "/therapists/{therapist_id:uuid}",
    operation_id="read_therapist",
    summary="Read a therapist",
    tags=["practice"],
)
async def get_therapist(
    therapist_id: FromPath[UUID], begin: NamedDependency[Begin], sign_in: NamedDependency[SignIn]
) -> Response[TherapistOut]:
    """Read who a colleague is; never whom they see."""
    async with begin.read() as connection:
        therapist = await read_therapist(connection, sign_in.practice_id, therapist_id)
    return answer(TherapistOut.from_therapist(therapist), therapist.revision)


@post("/therapists", operation_id="add_therapist", summary="Add a therapist", tags=["practice"], opt=OWNER)
async def post_therapist(
    data: JSONBody[TherapistIn],
    begin: NamedDependency[Begin],
    services: NamedDependency[Services],
    creating: NamedDependency[Creating],
    now: NamedDependency[datetime],
) -> Response[TherapistOut]:
    """Add a therapist; send an invitation next. Owners only."""
    async with begin.write(creating.once(data.id, data)) as transaction:
        therapist = await add_therapist(transaction, services.keyring, data.to_therapist(now))
    body = TherapistOut.from_therapist(therapist)
    location = f"/v1/therapists/{therapist.id}"
    return created(body, therapist.revision, location, replayed=transaction.replays)


@patch(
    "/therapists/{therapist_id:uuid}",
    operation_id="change_therapist",
    summary="Change a therapist",
    tags=["practice"],
    opt=OWNER,
)
async def patch_therapist(
    therapist_id: FromPath[UUID],
    data: JSONBody[TherapistPatch],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[TherapistOut]:
    """Change name or role, deactivate or reactivate. Owners only."""
    async with begin.write(writing.once(data)) as transaction:
        changes = data.to_changes(now)
        therapist = await change_therapist(transaction, therapist_id, changes, expected=expected, now=now)
    return answer(TherapistOut.from_therapist(therapist), therapist.revision)


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
    services: NamedDependency[Services],
    now: NamedDependency[datetime],
) -> InvitationOut:
    """Make a link by which a new therapist sets a password, once, within 7 days; earlier links are void.

    Whoever opens it is that therapist from then on: give it to nobody else. Who has joined gets none, since
    an owner could become them with it and read what their clients said; a lost password is reset by whoever
    runs the service.
    """
    async with begin.write() as transaction:
        invitation = await invite(transaction, therapist_id, now)
    link = f"{services.address}/v1/invitations#{invitation.token}"
    return InvitationOut(invitation.therapist_id, link, invitation.token, invitation.expires_at)


HANDLERS = [
    get_me,
    get_practice,
    patch_practice,
    get_therapists,
    get_therapist,
    post_therapist,
    patch_therapist,
    put_invitation,
]
