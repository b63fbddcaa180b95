"""Routes: draw, list, rename, archive, time."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from routes.http.answers import answer, created
from routes.http.dependencies import (
    DEFAULT_LIMIT,
    LOGGED_BY_PROXIES,
    Archived,
    Creating,
    CursorText,
    Limit,
    Writing,
    after,
)
from schemas.base import changes_of
from schemas.walks.routes import (
    RouteIn,
    RouteOut,
    RoutePage,
    RoutePatch,
    RouteSummaryOut,
    RouteVersions,
    TurnBackOut,
)
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.foundation.threads import off_loop
from service.people.sign_in_queries import TokenReader
from service.walks.keep_routes import (
    add_route,
    change_route,
    page_of_routes,
    read_route_by_token,
    versions_of_route,
)
from service.walks.pace_queries import PRACTICE_PACE, PaceRequest
from service.walks.plan_turn_back import plan_turn_back
from service.walks.route_files import draft_drawn_route
from service.walks.route_queries import RouteSearch
from service.walks.routes import LONGEST_TAG, normal_tag

ClientId = Annotated[UUID | None, QueryParameter(description="Time it at this client's pace.")]
FlatPaceMps = Annotated[
    float | None, QueryParameter(ge=0.1, le=3, description="Time it at this pace: metres per second, flat.")
]
RestsS = Annotated[int | None, QueryParameter(ge=0, le=7_200, description="Seconds of rest planned in.")]


@post("/routes", operation_id="create_route", summary="Draw a route", tags=["routes"])
async def post_route(
    data: JSONBody[RouteIn],
    begin: NamedDependency[Begin],
    creating: NamedDependency[Creating],
    now: NamedDependency[datetime],
) -> Response[RouteOut]:
    """Add a route drawn on a map, as GeoJSON; files are sent to `/v1/routes/import`.

    Where the drawing holds several lines and the body chooses none, the answer is 409 and lists them.
    """
    draft = await off_loop(draft_drawn_route, bytes(data.geojson), data.to_request(), now)
    full, replayed = await add_route(begin, creating.once(data.id, data), draft.route)
    body, revision = RouteOut.from_full(full, draft.skipped), full.route.shown_revision
    return created(body, revision, f"/v1/routes/{data.id}", replayed=replayed)


@get("/routes", operation_id="list_routes", summary="List routes", tags=["routes"])
async def get_routes(
    begin: NamedDependency[Begin],
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
    archived: Archived = False,  # noqa: FBT002  a query parameter
    name: Annotated[
        str | None,
        QueryParameter(max_length=200, description=f"A part of the name, in any case. {LOGGED_BY_PROXIES}"),
    ] = None,
    tag: Annotated[str | None, QueryParameter(max_length=LONGEST_TAG, description="One of the tags.")] = None,
    client_id: ClientId = None,
    flat_pace_mps: FlatPaceMps = None,
    rests_s: RestsS = None,
) -> RoutePage:
    """List routes by name, timed at the practice's pace, a client's or another."""
    search = RouteSearch(archived=archived, name=name, tag=None if tag is None else normal_tag(tag))
    request = PaceRequest(client_id, flat_pace_mps, rests_s)
    page = await page_of_routes(begin, search, request, after=after(cursor), limit=limit)
    return RoutePage.from_page(page, RouteSummaryOut.from_summary)


@get(
    "/routes/{route_id:uuid}",
    operation_id="read_route",
    summary="Read a route",
    tags=["routes"],
    opt={"verifies_token": True},
)
async def get_route(
    route_id: FromPath[UUID],
    by_token: NamedDependency[TokenReader],
    client_id: ClientId = None,
    flat_pace_mps: FlatPaceMps = None,
    rests_s: RestsS = None,
) -> Response[RouteOut]:
    """Read a route with its features, archived or not.

    An answer timed at another pace than the practice's carries no ETag, because it depends on that pace.
    """
    request = PaceRequest(client_id, flat_pace_mps, rests_s)
    full = await read_route_by_token(by_token, route_id, request)
    body = RouteOut.from_full(full)
    return answer(body, full.route.shown_revision) if request == PRACTICE_PACE else Response(body)


@patch("/routes/{route_id:uuid}", operation_id="change_route", summary="Change a route", tags=["routes"])
async def patch_route(
    route_id: FromPath[UUID],
    data: JSONBody[RoutePatch],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[RouteOut]:
    """Rename, describe or tag it, archive or restore it; its line has an address of its own."""
    once, changes = writing.once(data), changes_of(data, now)
    full = await change_route(begin, once, route_id, changes, expected=expected, now=now)
    return answer(RouteOut.from_full(full), full.route.shown_revision)


@get(
    "/routes/{route_id:uuid}/versions",
    operation_id="list_route_versions",
    summary="List a route's lines",
    tags=["routes"],
)
async def get_route_versions(route_id: FromPath[UUID], begin: NamedDependency[Begin]) -> RouteVersions:
    """List the last hundred lines a route has had, the one in use first."""
    return RouteVersions.from_versions(await versions_of_route(begin, route_id))


@get(
    "/routes/{route_id:uuid}/turn-back",
    operation_id="plan_turn_back",
    summary="Where to turn back",
    tags=["routes"],
)
async def get_turn_back(
    route_id: FromPath[UUID],
    available_s: Annotated[int, QueryParameter(ge=0, le=86_400, description="Seconds from start to end.")],
    begin: NamedDependency[Begin],
    client_id: ClientId = None,
    flat_pace_mps: FlatPaceMps = None,
    rests_s: RestsS = None,
) -> TurnBackOut:
    """Say how far one can go and still be back in time, rests included."""
    request = PaceRequest(client_id, flat_pace_mps, rests_s)
    return TurnBackOut.from_plan(await plan_turn_back(begin, route_id, request, available_s))


HANDLERS = [post_route, get_routes, get_route, patch_route, get_route_versions, get_turn_back]
