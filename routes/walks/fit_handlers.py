"""How a route fits a client and a length of time."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from routes.http.dependencies import instant_named
from routes.walks.route_handlers import ClientId, FlatPaceMps, RestsS
from schemas.walks.fit import FitOut
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.sessions.plan_fit import plan_fit
from service.walks.pace_queries import PaceRequest


@get(
    "/routes/{route_id:uuid}/fit",
    operation_id="read_fit",
    summary="Whether a route fits",
    tags=["routes"],
)
async def get_fit(
    route_id: FromPath[UUID],
    minutes: Annotated[int, QueryParameter(ge=0, le=1_440, description="From start to end.")],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    client_id: ClientId = None,
    flat_pace_mps: FlatPaceMps = None,
    rests_s: RestsS = None,
    start: Annotated[
        str | None,
        QueryParameter(
            max_length=40, format="date-time", description="When the walk begins: arrivals get clock times."
        ),
    ] = None,
) -> FitOut:
    """Read when each stretch is reached, where to turn back, and the nearest exit, shelter, toilet and bench.

    For a client, it also says what on the route meets their needs and triggers. Nothing is required of a
    route: one without stretches or heights gets a timetable too.
    """
    request = PaceRequest(client_id, flat_pace_mps, rests_s)
    starts_at = instant_named("start", start)
    return FitOut.from_fit(await plan_fit(begin, keys, route_id, request, minutes * 60, starts_at))


HANDLERS = [get_fit]
