"""Routes near a place, by the boxes around their lines."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection
from service.foundation.database.query import Query
from service.geo.geodesy import BoundingBox
from service.walks.feature_queries import FEATURE
from service.walks.features import Feature
from service.walks.route_queries import SUMMARY
from service.walks.routes import RouteSummary
from service.walks.stretch_queries import STRETCHES_JSON
from service.walks.stretches import Stretch

NEAR: Final = f"""{SUMMARY}
     CROSS JOIN (SELECT $2::double precision AS south, $3::double precision AS north,
                        $4::double precision AS west, $5::double precision AS east,
                        $7::double precision AS lon, $8::double precision AS lat) AS sought
     WHERE route_version.practice_id = $1
       AND route_version.north >= $2::double precision
       AND route_version.south <= sought.north
       AND (route_version.west > route_version.east
            OR sought.west > sought.east
            OR (route_version.west <= sought.east AND route_version.east >= sought.west))
       AND route.archived_at IS NULL
       AND route_version.equivalent_flat_m <= $6::double precision
     ORDER BY greatest(route_version.south - sought.lat, sought.lat - route_version.north, 0)
              + greatest(route_version.west - sought.lon, sought.lon - route_version.east, 0)
                * cosd(sought.lat),
              route.id
     LIMIT $9
"""
"""A box across the antimeridian, of a line or of the search, is not looked at by longitude."""
ROUTES_NEAR = Query(RouteSummary, NEAR)


async def list_routes_near(
    connection: Connection,
    practice_id: UUID,
    box: BoundingBox,
    place: tuple[float, float],
    *,
    most_flat_m: float,
    limit: int,
) -> list[RouteSummary]:
    """Return up to `limit` routes in use whose boxes meet another one, the nearest to a place first."""
    edges = (box.south, box.north, box.west, box.east)
    return await ROUTES_NEAR.all(connection, practice_id, *edges, most_flat_m, *place, limit)


class LineOfRoute(msgspec.Struct, frozen=True):
    """The line in use of a route, and what is known along it."""

    route_id: UUID
    line: bytes
    stretches: str | None

    @property
    def known(self) -> Sequence[Stretch]:
        """Return the stretches of which something is known."""
        return () if self.stretches is None else STRETCHES_JSON.decode(self.stretches)


LINES_OF_ROUTES = Query(
    LineOfRoute,
    """
    SELECT route.id AS route_id, route_version.line, route_stretches.stretches
      FROM route
      JOIN route_version ON route_version.practice_id = route.practice_id
                        AND route_version.route_id = route.id
                        AND route_version.version = route.version
      LEFT JOIN route_stretches ON route_stretches.practice_id = route.practice_id
                               AND route_stretches.route_id = route.id
                               AND route_stretches.version = route.version
     WHERE route.practice_id = $1
       AND route.id = ANY ($2::uuid[])
""",
)


async def lines_of_routes(
    connection: Connection, practice_id: UUID, route_ids: Sequence[UUID]
) -> dict[UUID, LineOfRoute]:
    """Return the lines of routes."""
    lines = await LINES_OF_ROUTES.all(connection, practice_id, route_ids)
    return {each.route_id: each for each in lines}


FEATURES_OF_ROUTES = Query(
    Feature,
    f"""
    SELECT {FEATURE.listed}
      FROM route_feature
     WHERE practice_id = $1
       AND route_id = ANY ($2::uuid[])
     ORDER BY along_m, id
""",
)


async def features_of_routes(
    connection: Connection, practice_id: UUID, route_ids: Sequence[UUID]
) -> dict[UUID, list[Feature]]:
    """Return the features of routes, each in walking order."""
    found: dict[UUID, list[Feature]] = {each: [] for each in route_ids}
    for feature in await FEATURES_OF_ROUTES.all(connection, practice_id, route_ids):
        found[feature.route_id].append(feature)
    return found
