"""Alternatives: what to do instead of walking a route, and the practice's last resort."""

from datetime import datetime
from uuid import UUID

from litestar import Response, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from routes.http.answers import answer
from routes.http.dependencies import Writing
from schemas.walks.alternatives import AlternativesIn, AlternativesOut, LastResortIn, LastResortOut
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.walks.keep_alternatives import (
    RouteAlternatives,
    read_alternatives,
    read_last_resort,
    replace_alternatives,
    replace_last_resort,
)


@get(
    "/routes/{route_id:uuid}/alternatives",
    operation_id="list_alternatives",
    summary="Read what to do instead of a route",
    tags=["routes"],
)
async def get_alternatives(
    route_id: FromPath[UUID], begin: NamedDependency[Begin]
) -> Response[AlternativesOut]:
    """Read the alternatives of a route in order of preference; one that is archived is said to be skipped."""
    return _answer(await read_alternatives(begin, route_id))


@put(
    "/routes/{route_id:uuid}/alternatives",
    operation_id="replace_alternatives",
    summary="Say what to do instead of a route",
    tags=["routes"],
)
async def put_alternatives(
    route_id: FromPath[UUID],
    data: JSONBody[AlternativesIn],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[AlternativesOut]:
    """Name other routes, rooms, online or phone in order of preference, instead of those named before."""
    once, named = writing.once(data), data.to_alternatives()
    return _answer(await replace_alternatives(begin, once, route_id, named, expected=expected, now=now))


@get(
    "/practice/last-resort",
    operation_id="read_last_resort",
    summary="Read the practice's last resort",
    tags=["routes"],
)
async def get_last_resort(begin: NamedDependency[Begin]) -> Response[LastResortOut]:
    """Read what the practice does instead of a route that names no usable alternative."""
    known = await read_last_resort(begin)
    return answer(LastResortOut.from_named(known), known.shown_revision)


@put(
    "/practice/last-resort",
    operation_id="replace_last_resort",
    summary="Name the practice's last resort",
    tags=["routes"],
    opt={"owner": True},
)
async def put_last_resort(
    data: JSONBody[LastResortIn],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected_if_sent: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[LastResortOut]:
    """Name a room, online or phone for every route that names none, or take it back."""
    once = writing.once(data)
    known = await replace_last_resort(begin, once, data.to_choice(), expected=expected_if_sent, now=now)
    return answer(LastResortOut.from_named(known), known.shown_revision)


def _answer(known: RouteAlternatives) -> Response[AlternativesOut]:
    return answer(AlternativesOut.from_alternatives(known), known.shown_revision)


HANDLERS = [get_alternatives, put_alternatives, get_last_resort, put_last_resort]
