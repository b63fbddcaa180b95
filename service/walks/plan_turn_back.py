"""Find where to turn back on a route so as to be in time."""

from uuid import UUID

import msgspec

from service.foundation.database.connection import Begin
from service.foundation.retry_safe import found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.geo.pace import Pace, TurnBack, turn_back
from service.walks.pace_queries import PaceRequest, find_pace
from service.walks.route_queries import find_line, find_route
from service.walks.routes import point_at


class TurnBackPlan(msgspec.Struct, frozen=True):
    """Where and when to turn back, and the pace that assumes."""

    turn: TurnBack
    lon: float
    lat: float
    pace: Pace


async def plan_turn_back(
    begin: Begin, route_id: UUID, request: PaceRequest, available_s: float
) -> TurnBackPlan:
    """Return where to turn so that a walk with its rests ends within `available_s`. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        route = found(await find_route(connection, practice_id, route_id))
        route = route.at_pace(await find_pace(connection, practice_id, request))
        packed = found(await find_line(connection, practice_id, route_id, route.version))
    return await off_loop(_plan, packed, route.pace, available_s)


def _plan(packed: bytes, pace: Pace, available_s: float) -> TurnBackPlan:
    line = unpack_fixes(packed)
    turn = turn_back(line, available_s, pace)
    return TurnBackPlan(turn, *point_at(line, turn.distance_m), pace)
