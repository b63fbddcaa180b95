"""How long a route takes a client, and where to turn back so as to be in time."""

from uuid import UUID

import msgspec

from service.clients.clients import pace_of
from service.clients.queries import find_client
from service.foundation.database.connection import Connection
from service.foundation.retry_safe import found
from service.geo.blob import unpack_fixes
from service.geo.pace import Pace, TurnBack, turn_back
from service.people.practice_queries import find_practice
from service.walks.route_queries import find_line, find_route
from service.walks.routes import place_at


class PaceWanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose pace to plan with, or which; what is None the client says, or else the practice."""

    client_id: UUID | None = None
    flat_pace_ms: float | None = None
    rests_s: int | None = None


async def find_pace(connection: Connection, practice_id: UUID, wanted: PaceWanted) -> Pace | None:
    """Return the pace wanted, or None where none is and the practice's will do. Raises NotFound."""
    if wanted == PaceWanted():
        return None
    practice = found(await find_practice(connection, practice_id))
    pace = Pace(practice.flat_pace_ms, practice.rests_s)
    if wanted.client_id is not None:
        pace = pace_of(found(await find_client(connection, practice_id, wanted.client_id)), practice)
    return Pace(
        pace.flat_mps if wanted.flat_pace_ms is None else wanted.flat_pace_ms,
        pace.rests_s if wanted.rests_s is None else wanted.rests_s,
    )


class PlannedTurn(msgspec.Struct, frozen=True):
    """Where to turn back, when that is, and the pace it was reckoned with."""

    turn: TurnBack
    lon: float
    lat: float
    pace: Pace


class PackedRoute(msgspec.Struct, frozen=True):
    """A route's line as it is kept, and the pace to walk it at."""

    packed: bytes
    pace: Pace


async def read_to_plan(
    connection: Connection, practice_id: UUID, route_id: UUID, wanted: PaceWanted
) -> PackedRoute:
    """Return what a walk on a route is planned from. Raises NotFound."""
    route = found(await find_route(connection, practice_id, route_id))
    pace = await find_pace(connection, practice_id, wanted)
    packed = found(await find_line(connection, practice_id, route_id, route.version))
    return PackedRoute(packed, pace or route.pace)


def plan_turn(route: PackedRoute, available_s: float) -> PlannedTurn:
    """Return where to turn so that `available_s` seconds, rests included, bring all back. Off the loop."""
    line = unpack_fixes(route.packed)
    turn = turn_back(line, available_s, route.pace)
    return PlannedTurn(turn, *place_at(line, turn.distance_m), route.pace)
