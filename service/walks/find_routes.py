"""Find routes near a place that fit a length of time, a pace, needs, and the dark."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
import numpy as np

from service.clients.queries import find_client_row
from service.clients.sealed_records import open_client
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.client_keys import find_client_key
from service.foundation.database.connection import Begin, Connection
from service.foundation.retry_safe import found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.geo.daylight import is_dark
from service.geo.geodesy import BoundingBox
from service.geo.pace import Pace
from service.people.practice_queries import find_practice
from service.walks.features import Feature
from service.walks.finding_queries import (
    LineOfRoute,
    features_of_routes,
    lines_of_routes,
    list_routes_near,
)
from service.walks.found_routes import MOST_LOOKED_AT, FoundRoutes, KnownRoute, NearWhat, Wanted, look_at
from service.walks.pace_queries import PaceRequest, find_pace
from service.walks.routes import RouteSummary
from service.walks.stretches import whole_line

METRES_PER_DEGREE: Final = 110_000.0
"""Of latitude, or a little less: a search may look a little farther than it has to, never less far."""
FEATURE_BESIDE_M: Final = 1_000.0
"""A bus stop of a route may lie this far beside its line."""


async def find_routes(
    begin: Begin, keys: PracticeKey, wanted: Wanted, request: PaceRequest, *, limit: int
) -> FoundRoutes:
    """Return routes in use near a place, timed at the pace asked for, that meet the needs asked for.

    With a client, that client's needs count as well. Raises NotFound.
    """
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        practice = found(await find_practice(connection, practice_id))
        pace = await find_pace(connection, practice_id, request)
        if request.client_id is not None:
            wanted = await _with_needs(connection, keys, practice_id, wanted, request.client_id)
        routes = await list_routes_near(
            connection,
            practice_id,
            _box(wanted),
            (wanted.lon, wanted.lat),
            most_flat_m=_most_flat_m(wanted, pace or Pace(practice.flat_pace_mps, practice.rests_s)),
            limit=MOST_LOOKED_AT + 1,
        )
        more, routes = len(routes) > MOST_LOOKED_AT, routes[:MOST_LOOKED_AT]
        ids = [each.id for each in routes]
        lines = await lines_of_routes(connection, practice_id, ids)
        features = await features_of_routes(connection, practice_id, ids)
    timed = [each.at_pace(pace) for each in routes]
    return await off_loop(_look, timed, lines, features, wanted, more, limit)


async def _with_needs(
    connection: Connection, keys: PracticeKey, practice_id: UUID, wanted: Wanted, client_id: UUID
) -> Wanted:
    row = found(await find_client_row(connection, practice_id, client_id))
    record = open_client(keys, row, await find_client_key(connection, practice_id, client_id)).record
    return msgspec.structs.replace(wanted, needs=tuple(dict.fromkeys((*wanted.needs, *record.needs))))


def _most_flat_m(wanted: Wanted, pace: Pace) -> float:
    """Return how long a route may be, in metres on the flat that take as long to walk."""
    if wanted.most_s is None:
        return np.inf
    return max((wanted.most_s - pace.rests_s) * pace.flat_mps, 0.0)


def _box(wanted: Wanted) -> BoundingBox:
    """Return the box around all that is near enough; all the way round where that is simpler."""
    reach_m = wanted.within_m
    if wanted.near not in {NearWhat.LINE, NearWhat.START}:
        reach_m += FEATURE_BESIDE_M
    high = reach_m / METRES_PER_DEGREE
    south, north = wanted.lat - high, wanted.lat + high
    narrowest = np.cos(np.radians(max(abs(south), abs(north))))
    wide = high / narrowest if narrowest > high / 180 else 180.0
    if wide >= 180 or max(abs(south), abs(north)) >= 90:
        return BoundingBox(-180.0, south, 180.0, north)
    west, east = wanted.lon - wide, wanted.lon + wide
    return BoundingBox(west + 360 if west < -180 else west, south, east - 360 if east > 180 else east, north)


def _look(
    routes: Sequence[RouteSummary],
    lines: Mapping[UUID, LineOfRoute],
    features: Mapping[UUID, list[Feature]],
    wanted: Wanted,
    more: bool,  # noqa: FBT001  off_loop passes arguments by position
    limit: int,
) -> FoundRoutes:
    known = (
        KnownRoute(
            each,
            unpack_fixes(lines[each.id].line),
            whole_line(lines[each.id].known, each.length_m),
            features[each.id],
        )
        for each in routes
    )
    dark = wanted.lit_until is not None and is_dark(wanted.lon, wanted.lat, wanted.lit_until)
    return look_at(known, wanted, dark=dark, more=more, limit=limit)
