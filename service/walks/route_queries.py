"""Planned walks and the lines they have had."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.foundation.pages import Cursor
from service.people.sign_in_queries import ByToken, Verified
from service.walks.features import Feature
from service.walks.routes import FullRoute, NewRoute, PackedLine, PlannedRoute, Route, RouteVersion

SHOWN: Final = """
    SELECT route.id, route.name, route.description, route.tags, route.version, route.archived_at,
           route.created_at, route.updated_at, route.revision, points, length_m, ascent_m, descent_m,
           equivalent_flat_m, is_loop, start_lon, start_lat, end_lon, end_lat, flat_pace_ms, rests_s,
           greatest(route.revision, practice.revision) AS shown_revision, lower(route.name) AS sort_key
      FROM route
      JOIN route_version
        ON route_version.practice_id = route.practice_id
       AND route_version.route_id = route.id
       AND route_version.version = route.version
      JOIN practice
        ON practice.practice_id = route.practice_id
"""

ROUTE_BY_ID = Query(
    Route,
    f"""{SHOWN}
     WHERE route.practice_id = $1
       AND route.id = $2
""",
)


async def find_route(connection: Connection, practice_id: UUID, route_id: UUID) -> Route | None:
    """Return a route, archived ones too."""
    return await ROUTE_BY_ID.one_or_none(connection, practice_id, route_id)


class RouteOfToken(Verified, frozen=True):
    """A sign-in, and what it asked for as JSON; no route where it sees none."""

    route: str | None
    features: str

    @property
    def asked(self) -> FullRoute | None:
        """Return the route with its features."""
        if self.route is None:
            return None
        return FullRoute(ROUTE_JSON.decode(self.route), FEATURES_JSON.decode(self.features))


ROUTE_JSON: Final = msgspec.json.Decoder(Route)
FEATURES_JSON: Final = msgspec.json.Decoder(list[Feature])

ROUTE_OF_TOKEN = Query(
    RouteOfToken,
    """
    SELECT sign_in_id, practice_id, therapist_id, device_id, role, wrapped_key, route, features
      FROM route_of_token($1, $2, $3, $4)
""",
)


async def find_route_of_token(by_token: ByToken, route_id: UUID) -> RouteOfToken:
    """Return the sign-in of an access token and a route, in one round trip. Raises NotSignedIn."""
    return await by_token.read(ROUTE_OF_TOKEN, route_id)


class RouteSearch(msgspec.Struct, frozen=True):
    """Which routes to list: archived or not, by a part of the name, by a tag."""

    archived: bool = False
    name: str | None = None
    tag: str | None = None


ROUTES_AFTER = Query(
    Route,
    f"""{SHOWN}
     WHERE route.practice_id = $1
       AND (route.archived_at IS NOT NULL) = $2
       AND ($3::text IS NULL OR strpos(lower(route.name), lower($3)) > 0)
       AND ($4::text IS NULL OR $4 = ANY (route.tags))
       AND ($5::text IS NULL OR (lower(route.name), route.id) > ($5, $6::uuid))
     ORDER BY lower(route.name), route.id
     LIMIT $7
""",
)


async def list_routes(
    connection: Connection, practice_id: UUID, search: RouteSearch, *, after: Cursor | None, limit: int
) -> list[Route]:
    """Return up to `limit` routes by name."""
    key, last = (after.key, after.id) if after else (None, None)
    return await ROUTES_AFTER.all(
        connection, practice_id, search.archived, search.name, search.tag, key, last, limit
    )


INSERT_ROUTE = Query(
    UUID,
    """
    INSERT INTO route (practice_id, id, name, description, tags, version, created_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $5, 1, $6, $6, $7)
    RETURNING id
""",
)


async def insert_route(transaction: Transaction, new: NewRoute) -> None:
    """Keep a new route with its first line; features come by themselves. Raises IdTaken."""
    await INSERT_ROUTE.insert(
        transaction.connection,
        transaction.practice_id,
        new.id,
        new.name,
        new.description,
        new.tags,
        new.created_at,
        transaction.revision,
    )
    await insert_version(transaction, new.id, 1, new.line, new.created_at)


UPDATE_ROUTE = Statement(
    """
    UPDATE route
       SET name = $3, description = $4, tags = $5, version = $6, archived_at = $7, updated_at = $8,
           revision = $9
     WHERE practice_id = $1
       AND id = $2
"""
)


async def update_route(transaction: Transaction, route: Route) -> None:
    """Keep a changed route; a new line is inserted before."""
    await UPDATE_ROUTE.run(
        transaction.connection,
        transaction.practice_id,
        route.id,
        route.name,
        route.description,
        route.tags,
        route.version,
        route.archived_at,
        route.updated_at,
        transaction.revision,
    )


INSERT_VERSION = Statement(
    """
    INSERT INTO route_version (practice_id, route_id, version, line, points, length_m, ascent_m, descent_m,
                               equivalent_flat_m, is_loop, start_lon, start_lat, end_lon, end_lat, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""
)


async def insert_version(
    transaction: Transaction, route_id: UUID, version: int, line: PackedLine, now: datetime
) -> None:
    """Keep a line of a route; it is never changed."""
    measures = line.measures
    await INSERT_VERSION.run(
        transaction.connection,
        transaction.practice_id,
        route_id,
        version,
        line.packed,
        measures.points,
        measures.length_m,
        measures.ascent_m,
        measures.descent_m,
        measures.equivalent_flat_m,
        measures.is_loop,
        measures.start_lon,
        measures.start_lat,
        measures.end_lon,
        measures.end_lat,
        now,
    )


VERSIONS_OF_ROUTE = Query(
    RouteVersion,
    """
    SELECT version, created_at, points, length_m, ascent_m, descent_m, equivalent_flat_m, is_loop, start_lon,
           start_lat, end_lon, end_lat
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
    """Return `version` if the route has it, or the one in use now if `version` is None."""
    return await ROUTE_VERSION.one_or_none(connection, practice_id, route_id, version)


class PlannedRouteRow(PlannedRoute, frozen=True):
    """A planned route with its packed line."""

    line: bytes


PLANNED_ROUTE = Query(
    PlannedRouteRow,
    """
    SELECT route_version.version, route_version.length_m, route_version.equivalent_flat_m,
           route_version.is_loop, route.archived_at, route_version.line
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
    """Return the line a session is planned on."""
    return await PLANNED_ROUTE.one_or_none(connection, practice_id, route_id, version)
