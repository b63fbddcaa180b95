"""Find out whether a route fits a client and a length of time."""

from uuid import UUID

from service.foundation.database.connection import Begin
from service.foundation.retry_safe import found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.geo.pace import Pace
from service.walks.feature_queries import list_features
from service.walks.features import Feature
from service.walks.fit import Fit, fit_route
from service.walks.pace_queries import PaceRequest, find_pace
from service.walks.route_queries import find_line, find_route
from service.walks.stretch_queries import find_stretches
from service.walks.stretches import Stretch, whole_line


async def plan_fit(begin: Begin, route_id: UUID, request: PaceRequest, available_s: float) -> Fit:
    """Return how the line of a route in use fits the time and the pace asked for. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        route = found(await find_route(connection, practice_id, route_id))
        route = route.at_pace(await find_pace(connection, practice_id, request))
        known = await find_stretches(connection, practice_id, route_id, route.version)
        features = await list_features(connection, practice_id, route_id)
        packed = found(await find_line(connection, practice_id, route_id, route.version))
    stretches = whole_line(known.stretches, route.length_m)
    return await off_loop(_fit, packed, stretches, features, route.pace, available_s)


def _fit(
    packed: bytes, stretches: list[Stretch], features: list[Feature], pace: Pace, available_s: float
) -> Fit:
    return fit_route(unpack_fixes(packed), stretches, features, pace, available_s)
