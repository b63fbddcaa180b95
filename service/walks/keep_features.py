"""Keeping the points of a route worth knowing: adding, changing, removing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import numpy as np

from service.foundation.database.connection import Begin, Connection, Transaction
from service.foundation.database.tombstones import bury, is_buried
from service.foundation.off_loop import off_loop
from service.foundation.retry_safe import Expected, Impossible, NotFound, Once, Unusable, found, replayed
from service.geo.blob import unpack_fixes
from service.walks.feature_queries import (
    count_features,
    delete_feature,
    find_feature,
    insert_feature,
    update_feature,
)
from service.walks.features import MOST_FEATURES, Feature, Spot, spots_along
from service.walks.keep_routes import OutOfStep, keep_in_step
from service.walks.route_queries import find_line, find_route, update_route
from service.walks.routes import Route

TOMBSTONE_KIND: Final = "route_feature"


class Placed(msgspec.Struct, frozen=True):
    """Where a point lies along one version of a route's line."""

    version: int
    spot: Spot


async def add_feature(begin: Begin, once: Once, new: Feature) -> tuple[Feature, bool]:
    """Add a feature to a route; also return whether it was added before.

    Its place along the line is found here, whatever `new` says. Raises NotFound, IdTaken, Impossible,
    Crowded.
    """

    async def add() -> tuple[Feature, bool]:
        placed = await _place(begin, new.route_id, new.lon, new.lat)
        async with begin.write(once) as transaction:
            connection, practice_id = transaction.connection, transaction.practice_id
            if transaction.replays:
                return replayed(await find_feature(connection, practice_id, new.route_id, new.id)), True
            route = found(await find_route(connection, practice_id, new.route_id))
            await _refuse_too_many(connection, practice_id, route.id)
            await _touch(transaction, route, new.updated_at)
            return await insert_feature(transaction, _at(new, route, placed)), False

    return await keep_in_step(add)


async def _refuse_too_many(connection: Connection, practice_id: UUID, route_id: UUID) -> None:
    if await count_features(connection, practice_id, route_id) >= MOST_FEATURES:
        raise Impossible(f"a route has at most {MOST_FEATURES} features", "remove one first")


async def read_feature(
    connection: Connection, practice_id: UUID, route_id: UUID, feature_id: UUID
) -> Feature:
    """Return a feature of a route. Raises NotFound."""
    return found(await find_feature(connection, practice_id, route_id, feature_id))


async def change_feature(
    begin: Begin,
    once: Once,
    route_id: UUID,
    feature_id: UUID,
    changes: Mapping[str, Any],
    *,
    expected: Expected,
    now: datetime,
) -> Feature:
    """Change the members named in `changes`. Raises NotFound, Stale, Unusable, Crowded."""
    if ("lon" in changes) != ("lat" in changes):
        raise Unusable("/lat" if "lon" in changes else "/lon", "a position has both lon and lat")

    async def change() -> Feature:
        placed = None
        if "lon" in changes:
            placed = await _place(begin, route_id, changes["lon"], changes["lat"])
        async with begin.write(once) as transaction:
            connection, practice_id = transaction.connection, transaction.practice_id
            feature = await read_feature(connection, practice_id, route_id, feature_id)
            if transaction.replays:
                return feature
            expected.check(feature.revision, this_write=transaction.revision)
            route = found(await find_route(connection, practice_id, route_id))
            await _touch(transaction, route, now)
            changed = msgspec.structs.replace(feature, updated_at=now, **changes)
            return await update_feature(transaction, _at(changed, route, placed))

    return await keep_in_step(change)


async def remove_feature(transaction: Transaction, route_id: UUID, feature_id: UUID, now: datetime) -> None:
    """Remove a feature; one that was removed before stays so. Raises NotFound."""
    connection, practice_id = transaction.connection, transaction.practice_id
    feature = await find_feature(connection, practice_id, route_id, feature_id)
    if feature is None:
        if await is_buried(connection, practice_id, TOMBSTONE_KIND, feature_id):
            return
        raise NotFound
    await delete_feature(transaction, feature_id)
    await bury(transaction, TOMBSTONE_KIND, feature_id, now, clinical=False)
    await _touch(transaction, found(await find_route(connection, practice_id, route_id)), now)


async def _touch(transaction: Transaction, route: Route, now: datetime) -> None:
    """Stamp a route whose features change: it is answered with them."""
    await update_route(transaction, msgspec.structs.replace(route, updated_at=now))


def _at(feature: Feature, route: Route, placed: Placed | None) -> Feature:
    """Return a feature where it was placed. Raises OutOfStep where the route has another line by now."""
    if placed is None:
        return feature
    if placed.version != route.version:
        raise OutOfStep
    return msgspec.structs.replace(feature, **msgspec.structs.asdict(placed.spot))


async def _place(begin: Begin, route_id: UUID, lon: float, lat: float) -> Placed:
    """Return where a point lies along the line a route has now, with nobody waiting. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        route = found(await find_route(connection, practice_id, route_id))
        packed = found(await find_line(connection, practice_id, route_id, route.version))
    return Placed(route.version, await off_loop(_spot_on, packed, lon, lat))


def _spot_on(packed: bytes, lon: float, lat: float) -> Spot:
    return spots_along(unpack_fixes(packed), np.array([lon]), np.array([lat]))[0]
