"""Stretches: what is known of the ground along a route."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, patch, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from routes.http.answers import answer
from routes.http.dependencies import Writing
from schemas.walks.stretches import GroundPatch, StretchesIn, StretchesOut
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.walks.keep_stretches import RouteStretches, change_ground, read_stretches, replace_stretches

Version = Annotated[
    int | None, QueryParameter(ge=1, le=1_000_000, description="An earlier line; the one in use if absent.")
]


@get(
    "/routes/{route_id:uuid}/stretches",
    operation_id="list_stretches",
    summary="Read what is known along a route",
    tags=["routes"],
)
async def get_stretches(
    route_id: FromPath[UUID], begin: NamedDependency[Begin], version: Version = None
) -> Response[StretchesOut]:
    """Read the ground along a line of a route, part by part, and what nobody has said of it yet.

    A session that is planned on an earlier line finds that line's stretches here. The ETag is the route's.
    """
    return _answer(await read_stretches(begin, route_id, version))


@put(
    "/routes/{route_id:uuid}/stretches",
    operation_id="replace_stretches",
    summary="Say what is known along a route",
    tags=["routes"],
)
async def put_stretches(
    route_id: FromPath[UUID],
    data: JSONBody[StretchesIn],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[StretchesOut]:
    """Replace all that is known along the line in use; neighbours that are alike become one stretch."""
    once, stretches = writing.once(data), data.to_stretches()
    return _answer(await replace_stretches(begin, once, route_id, stretches, expected=expected, now=now))


@patch(
    "/routes/{route_id:uuid}/stretches",
    operation_id="change_ground",
    summary="Say what is known of a part of a route",
    tags=["routes"],
)
async def patch_stretches(
    route_id: FromPath[UUID],
    data: JSONBody[GroundPatch],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[StretchesOut]:
    """Set properties from one place to another, or along the whole line; stretches split and merge."""
    once, change = writing.once(data), data.to_change()
    return _answer(await change_ground(begin, once, route_id, change, expected=expected, now=now))


def _answer(known: RouteStretches) -> Response[StretchesOut]:
    return answer(StretchesOut.from_stretches(known), known.shown_revision)


HANDLERS = [get_stretches, put_stretches, patch_stretches]
