"""Pictures of routes, as SVG that phones show in light and in dark."""

from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from routes.http.answers import content_answer
from routes.walks.route_handlers import ClientId, FlatPaceMps, RestsS
from service.foundation.database.connection import Begin
from service.walks.draw_route import read_sitter
from service.walks.outline_picture import ColourBy
from service.walks.pace_queries import PRACTICE_PACE, PaceRequest

SVG: Final = "image/svg+xml"
ALONE: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
"""A picture opened by itself runs nothing and loads nothing."""


@get(
    "/routes/{route_id:uuid}/outline.svg",
    operation_id="draw_outline",
    summary="A route's outline",
    tags=["routes"],
    media_type=SVG,
    opt={"exclude_from_compression": True},
)
async def get_outline(
    route_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    colour_by: Annotated[
        ColourBy | None, QueryParameter(description="A property of the ground; dashes tell it too.")
    ] = None,
) -> Response[bytes]:
    """Draw the line of a route with north up, its features, and a scale.

    It has a text alternative, and follows the phone's light or dark scheme.
    """
    sitter = await read_sitter(begin, route_id, PRACTICE_PACE)
    return await content_answer(request.headers, partial(sitter.outline, colour_by), SVG, ALONE)


@get(
    "/routes/{route_id:uuid}/profile.svg",
    operation_id="draw_profile",
    summary="A route's elevation profile",
    tags=["routes"],
    media_type=SVG,
    opt={"exclude_from_compression": True},
)
async def get_profile(
    route_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    minutes: Annotated[
        int | None, QueryParameter(ge=0, le=1_440, description="Marks where to turn back in this time.")
    ] = None,
    client_id: ClientId = None,
    flat_pace_mps: FlatPaceMps = None,
    rests_s: RestsS = None,
) -> Response[bytes]:
    """Draw the heights along a route, its features, and where to turn back.

    A route without heights gets its distances all the same.
    """
    sitter = await read_sitter(begin, route_id, PaceRequest(client_id, flat_pace_mps, rests_s))
    available_s = None if minutes is None else minutes * 60.0
    return await content_answer(request.headers, partial(sitter.profile, available_s), SVG, ALONE)


HANDLERS = [get_outline, get_profile]
