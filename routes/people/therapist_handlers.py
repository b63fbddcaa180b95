"""Therapists of the practice."""

from datetime import datetime
from uuid import UUID

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from routes.http.answers import answer, created
from routes.http.dependencies import OWNER, Creating, Services, Writing
from schemas.people.therapists import TherapistIn, TherapistList, TherapistOut, TherapistPatch
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.people.keep_therapists import (
    add_therapist,
    all_therapists,
    change_therapist,
    read_therapist,
)


@get("/therapists", operation_id="list_therapists", summary="List therapists", tags=["practice"])
async def get_therapists(begin: NamedDependency[Begin]) -> TherapistList:
    """List everyone who works or worked in the practice, by name."""
    return TherapistList([TherapistOut.from_therapist(each) for each in await all_therapists(begin)])


@get(
    "/therapists/{therapist_id:uuid}",
    operation_id="read_therapist",
    summary="Read a therapist",
    tags=["practice"],
)
async def get_therapist(
    therapist_id: FromPath[UUID], begin: NamedDependency[Begin]
) -> Response[TherapistOut]:
    """Read who a colleague is; never whom they see."""
    therapist = await read_therapist(begin, therapist_id)
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
    once = creating.once(data.id, data)
    therapist, replayed = await add_therapist(begin, once, services.keyring, data.to_therapist(now))
    location = f"/v1/therapists/{therapist.id}"
    return created(TherapistOut.from_therapist(therapist), therapist.revision, location, replayed=replayed)


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
    once, changes = writing.once(data), data.to_changes(now)
    therapist = await change_therapist(begin, once, therapist_id, changes, expected=expected, now=now)
    return answer(TherapistOut.from_therapist(therapist), therapist.revision)


HANDLERS = [get_therapists, get_therapist, post_therapist, patch_therapist]
