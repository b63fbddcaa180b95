"""Finding routes near a place."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from routes.http.dependencies import DEFAULT_LIMIT, LOGGED_BY_PROXIES, Limit, instant_named
from routes.http.errors import BadParameter
from routes.walks.route_handlers import FlatPaceMps, RestsS
from schemas.walks.found_routes import FoundRoutesOut
from service.clients.needs import Need
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.walks.find_routes import find_routes
from service.walks.found_routes import NearWhat, Wanted
from service.walks.pace_queries import PaceRequest


@get("/routes/near", operation_id="find_routes", summary="Find routes near a place", tags=["routes"])
async def get_routes_near(
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    lon: Annotated[float, QueryParameter(ge=-180, le=180, description=f"Degrees. {LOGGED_BY_PROXIES}")],
    lat: Annotated[float, QueryParameter(ge=-90, le=90, description=f"Degrees. {LOGGED_BY_PROXIES}")],
    within_m: Annotated[int, QueryParameter(ge=1, le=50_000, description="As the crow flies.")] = 2_000,
    near: Annotated[
        NearWhat, QueryParameter(description="What of a route is near the place.")
    ] = NearWhat.LINE,
    minutes: Annotated[
        int | None, QueryParameter(ge=1, le=1_440, description="It takes no longer, rests included.")
    ] = None,
    needs: Annotated[
        str | None,
        QueryParameter(
            max_length=200, pattern="^[a-z_]+(,[a-z_]+)*$", description=f"Some of {', '.join(Need)}."
        ),
    ] = None,
    lit_until: Annotated[
        str | None,
        QueryParameter(
            max_length=40, format="date-time", description="If it is dark then, all of the route is lit."
        ),
    ] = None,
    client_id: Annotated[
        UUID | None, QueryParameter(description="At this client's pace, and with their needs.")
    ] = None,
    flat_pace_mps: FlatPaceMps = None,
    rests_s: RestsS = None,
    limit: Limit = DEFAULT_LIMIT,
) -> FoundRoutesOut:
    """Find routes in use near a place that fit the time and the needs, nearest first.

    Of routes equally near to 50 m, the longest comes first. What nobody has said of a route stands against no
    need, and is named. The facets count all that were found.
    """
    wanted = Wanted(
        lon=lon,
        lat=lat,
        within_m=within_m,
        near=near,
        most_s=None if minutes is None else minutes * 60,
        needs=_needs_named(needs),
        lit_until=instant_named("lit_until", lit_until),
    )
    request = PaceRequest(client_id, flat_pace_mps, rests_s)
    return FoundRoutesOut.from_found(await find_routes(begin, keys, wanted, request, limit=limit))


def _needs_named(text: str | None) -> tuple[Need, ...]:
    """Return the needs that a parameter names. Raises BadParameter."""
    try:
        return tuple(Need(each) for each in text.split(",")) if text else ()
    except ValueError:
        raise BadParameter("needs", f"not some of {', '.join(Need)}") from None


HANDLERS = [get_routes_near]
