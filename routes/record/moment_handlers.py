"""Moments: one tap at an instant of a session."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from routes.http.answers import answer, created, large_answer
from routes.http.dependencies import DEFAULT_LIMIT, Creating, CursorText, Limit, Writing, after
from schemas.record.moments import MomentIn, MomentOut, MomentPage, MomentPatch
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.record.mark_moment import (
    NewMoment,
    change_moment,
    mark_moment,
    page_of_moments,
    read_moment,
    remove_moment,
)


@post(
    "/sessions/{session_id:uuid}/moments",
    operation_id="mark_moment",
    summary="Mark a moment",
    tags=["moments"],
)
async def post_moment(
    session_id: FromPath[UUID],
    data: JSONBody[MomentIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    creating: NamedDependency[Creating],
    now: NamedDependency[datetime],
) -> Response[MomentOut]:
    """Keep one tap: its id and instant are enough, whenever they arrive and in any order."""
    new = NewMoment(data.id, session_id, data.at, data.to_changes(now))
    moment, replayed = await mark_moment(begin, keys, creating.once(data.id, data), new, now)
    body = MomentOut.from_moment(moment)
    return created(body, moment.revision, f"/v1/moments/{moment.id}", replayed=replayed)


@get(
    "/sessions/{session_id:uuid}/moments",
    operation_id="list_moments",
    summary="List a session's moments",
    tags=["moments"],
    opt={"exclude_from_compression": True},
)
async def get_moments(
    session_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response[MomentPage]:
    """List a session's moments in walking order."""
    page = await page_of_moments(begin, keys, session_id, after=after(cursor), limit=limit)
    size_bytes = sum(each.content.size_bytes for each in page.items)
    return await large_answer(
        request.headers, size_bytes, lambda: MomentPage.from_page(page, MomentOut.from_moment)
    )


@get("/moments/{moment_id:uuid}", operation_id="read_moment", summary="Read a moment", tags=["moments"])
async def get_moment(
    moment_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
) -> Response[MomentOut]:
    """Read a moment and where on the walk it lies."""
    moment = await read_moment(begin, keys, moment_id)
    return answer(MomentOut.from_moment(moment), moment.revision)


@patch("/moments/{moment_id:uuid}", operation_id="change_moment", summary="Change a moment", tags=["moments"])
async def patch_moment(
    moment_id: FromPath[UUID],
    data: JSONBody[MomentPatch],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[MomentOut]:
    """Say what a moment was, or correct it; notes about it move with it."""
    changes = data.to_changes(now)
    moment = await change_moment(begin, keys, writing.once(data), moment_id, changes, expected, now)
    return answer(MomentOut.from_moment(moment), moment.revision)


@delete(
    "/moments/{moment_id:uuid}", operation_id="delete_moment", summary="Delete a moment", tags=["moments"]
)
async def delete_moment(
    moment_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    expected_if_sent: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> None:
    """Delete a moment; notes about it stay, about its instant and at its place."""
    await remove_moment(begin, keys, writing.once(), moment_id, expected_if_sent, now)


HANDLERS = [post_moment, get_moments, get_moment, patch_moment, delete_moment]
