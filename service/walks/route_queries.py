"""Routes and the lines they have had."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query
from service.foundation.pages import BEFORE_ALL, Cursor
from service.geo.geodesy import BoundingBox
from service.people.sign_in_queries import TokenReader, VerifiedSignIn
from service.walks.feature_queries import list_features
from service.walks.features import Feature
from service.walks.routes import (
    FullRoute,
    LineMeasures,
    PackedLine,
    PlannedRoute,
    Route,
    RouteSummary,
    RouteVersion,
)


class RouteVersionRow(RouteVersion, frozen=True, kw_only=True):
    """A line of a route with what is stored beside its measures."""

    route_id: UUID
    line: bytes
    west: float
    south: float
    east: float
    north: float


ROUTE = Columns("route", Route, elsewhere=LineMeasures.__struct_fields__)
MEASURES = Columns("route_version", LineMeasures)
EXTENT: Final = BoundingBox.__struct_fields__
VERSION = Columns("route_version", RouteVersionRow, write_only={"route_id", "line", *EXTENT})

SUMMARY: Final = f"""
    SELECT {ROUTE.qualified}, {MEASURES.qualified},
           practice.flat_pace_mps, practice.rests_s, practice.revision AS practice_revision
      FROM route
      JOIN route_version
        ON route_version.practice_id = route.practice_id
       AND route_version.route_id = route.id
       AND route_version.version = route.version
      JOIN practice
        ON practice.practice_id = route.practice_id
"""

ROUTE_BY_ID = Query(
    RouteSummary,
    f"""{SUMMARY}
     WHERE route.practice_id = $1
       AND route.id = $2
""",
)


async def find_route(connection: Connection, practice_id: UUID, route_id: UUID) -> RouteSummary | None:
    """Return a route, archived ones too."""
    return await ROUTE_BY_ID.one_or_none(connection, practice_id, route_id)


async def find_full_route(connection: Connection, practice_id: UUID, route_id: UUID) -> FullRoute | None:
    """Return a route with its features, archived ones too."""
    route = await find_route(connection, practice_id, route_id)
    if route is None:
        return None
    return FullRoute(route, await list_features(connection, practice_id, route_id))


class RouteOfToken(VerifiedSignIn, frozen=True):
    """A sign-in with the route it asked for, as JSON; no route where it may see none."""

    route: str | None
    features: str

    @property
    def asked(self) -> FullRoute | None:
        """Return the route with its features."""
        if self.route is None:
            return None
        return FullRoute(ROUTE_JSON.decode(self.route), FEATURES_JSON.decode(self.features))


ROUTE_JSON: Final = msgspec.json.Decoder(RouteSummary)
FEATURES_JSON: Final = msgspec.json.Decoder(list[Feature])

ROUTE_OF_TOKEN = Query(
    RouteOfToken,
    """
    SELECT sign_in_id, practice_id, therapist_id, device_id, role, wrapped_key, route, features
      FROM route_of_token($1, $2, $3, $4)
""",
)


async def find_route_of_token(by_token: TokenReader, route_id: UUID) -> RouteOfToken:
    """Return the sign-in of an access token and a route, in one round trip. Raises NotSignedIn."""
    return await by_token.read(ROUTE_OF_TOKEN, route_id)


class RouteSearch(msgspec.Struct, frozen=True):
    """Which routes to list: archived or not, by a part of the name, by a tag."""

    archived: bool = False
    name: str | None = None
    tag: str | None = None


ROUTES_AFTER = Query(
    RouteSummary,
    f"""{SUMMARY}
     WHERE route.practice_id = $1
       AND (route.archived_at IS NOT NULL) = $2
       AND ($3::text IS NULL OR strpos(lower(route.name), lower($3)) > 0)
       AND ($4::text IS NULL OR $4 = ANY (route.tags))
       AND (lower(route.name), route.id) > (lower($5), $6::uuid)
     ORDER BY lower(route.name), route.id
     LIMIT $7
""",
)


async def list_routes(
    connection: Connection, practice_id: UUID, search: RouteSearch, *, after: Cursor | None, limit: int
) -> list[RouteSummary]:
    """Return up to `limit` routes by name."""
    start = after or BEFORE_ALL
    return await ROUTES_AFTER.all(
        connection, practice_id, search.archived, search.name, search.tag, start.key, start.id, limit
    )


INSERT_ROUTE = Query(UUID, ROUTE.insert)


async def insert_route(transaction: Transaction, route: Route) -> None:
    """Store a new route without its line. Raises IdTaken."""
    await INSERT_ROUTE.insert(transaction.connection, *ROUTE.inserted(transaction, route))


UPDATE_ROUTE = Query(UUID, ROUTE.update)


async def update_route(transaction: Transaction, route: Route) -> None:
    """Store a changed route; a new line of it is inserted before."""
    await UPDATE_ROUTE.one(transaction.connection, *ROUTE.updated(transaction, route))


INSERT_VERSION = Query(RouteVersion, VERSION.insert)


async def insert_version(
    transaction: Transaction, route_id: UUID, version: int, line: PackedLine, now: datetime
) -> None:
    """Store a line of a route; it never changes afterwards."""
    measures = msgspec.structs.asdict(line.measures)
    extent = msgspec.structs.asdict(line.extent)
    row = RouteVersionRow(
        route_id=route_id, version=version, line=line.packed, created_at=now, **measures, **extent
    )
    await INSERT_VERSION.one(transaction.connection, *VERSION.inserted(transaction, row))


VERSIONS_OF_ROUTE = Query(
    RouteVersion,
    f"""
    SELECT {VERSION.listed}
      FROM route_version
     WHERE practice_id = $1
       AND route_id = $2
     ORDER BY version DESC
     LIMIT $3
""",
)


async def list_versions(
    connection: Connection, practice_id: UUID, route_id: UUID, *, limit: int
) -> list[RouteVersion]:
    """Return the last `limit` lines of a route, the one in use first."""
    return await VERSIONS_OF_ROUTE.all(connection, practice_id, route_id, limit)


LINE_OF_VERSION = Query(
    bytes,
    """
    SELECT line
      FROM route_version
     WHERE practice_id = $1
       AND route_id = $2
       AND version = $3
""",
)


async def find_line(connection: Connection, practice_id: UUID, route_id: UUID, version: int) -> bytes | None:
    """Return a line of a route as `pack_fixes` packed it."""
    return await LINE_OF_VERSION.one_or_none(connection, practice_id, route_id, version)


VERSION_OF_LINE = Query(
    int,
    """
    SELECT version
      FROM route_version
     WHERE practice_id = $1
       AND route_id = $2
       AND version = $3
       AND line = $4
""",
)


async def is_line_in_use(transaction: Transaction, route: Route, packed: bytes) -> bool:
    """Return whether a packed line is the very line a route has now."""
    version = await VERSION_OF_LINE.one_or_none(
        transaction.connection, transaction.practice_id, route.id, route.version, packed
    )
    return version is not None


ROUTE_VERSION = Query(
    int,
    """
    SELECT route_version.version
      FROM route
      JOIN route_version ON route_version.practice_id = route.practice_id
                        AND route_version.route_id = route.id
                        AND route_version.version = coalesce($3::integer, route.version)
     WHERE route.practice_id = $1
       AND route.id = $2
""",
)


async def find_route_version(
    connection: Connection, practice_id: UUID, route_id: UUID, version: int | None
) -> int | None:
    """Return `version` if the route has it, or the one in use if `version` is None."""
    return await ROUTE_VERSION.one_or_none(connection, practice_id, route_id, version)


class PlannedRouteRow(PlannedRoute, frozen=True):
    """A planned route with its packed line."""

    line: bytes


PLANNED_ROUTE = Query(
    PlannedRouteRow,
    """
    SELECT route_version.version, route_version.length_m, route_version.is_loop, route.archived_at,
           route_version.line
      FROM route
      JOIN route_version ON route_version.practice_id = route.practice_id
                        AND route_version.route_id = route.id
     WHERE route.practice_id = $1
       AND route.id = $2
       AND route_version.version = $3
""",
)


async def find_planned_route(
    connection: Connection, practice_id: UUID, route_id: UUID, version: int
) -> PlannedRouteRow | None:
    """Return the version of a route that a session is planned on, with its line."""
    return await PLANNED_ROUTE.one_or_none(connection, practice_id, route_id, version)
