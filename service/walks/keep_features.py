"""Add, read, change and remove features of routes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from service.foundation.database.connection import Begin, Connection, Transaction
from service.foundation.database.tombstones import bury, refuse_unless_buried
from service.foundation.prepare_and_write import NotPrepared, prepare_and_write
from service.foundation.retry_safe import Expected, Impossible, Once, Unusable, found, replayed
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.walks.feature_queries import (
    count_features,
    delete_feature,
    find_feature,
    insert_feature,
    update_feature,
)
from service.walks.features import MOST_FEATURES, Feature, LinePosition, locate_points, refuse_false_refuge
from service.walks.route_queries import find_line, find_route, update_route
from service.walks.routes import Route

TOMBSTONE_KIND: Final = "route_feature"


class VersionPosition(msgspec.Struct, frozen=True):
    """Where a point lies along one version of a route's line."""

    version: int
    position: LinePosition


async def add_feature(begin: Begin, once: Once, new: Feature) -> tuple[Feature, bool]:
    """Add a feature to a route; also return whether it was added before.

    This finds its place along the line, whatever `new` says. Raises NotFound, IdTaken, Impossible, Unusable,
    Crowded.
    """
    practice_id = begin.tenant.practice_id

    async def locate() -> VersionPosition:
        return await _locate(begin, new.route_id, new.lon, new.lat)

    async def write(transaction: Transaction, located: VersionPosition | None) -> tuple[Feature, bool]:
        connection = transaction.connection
        if transaction.replays:
            return replayed(await find_feature(connection, practice_id, new.route_id, new.id)), True
        route = found(await find_route(connection, practice_id, new.route_id))
        await _refuse_too_many(connection, practice_id, route.id)
        refuse_false_refuge(new)
        added = _at(new, route, located)
        await _stamp(transaction, route, new.updated_at)
        return await insert_feature(transaction, added), False

    return await prepare_and_write(begin, once, prepare=locate, write=write)


async def _refuse_too_many(connection: Connection, practice_id: UUID, route_id: UUID) -> None:
    if await count_features(connection, practice_id, route_id) >= MOST_FEATURES:
        raise Impossible(f"a route has at most {MOST_FEATURES} features", "remove one first")


async def read_feature(begin: Begin, route_id: UUID, feature_id: UUID) -> Feature:
    """Return a feature of a route. Raises NotFound."""
    async with begin.read() as connection:
        return found(await find_feature(connection, begin.tenant.practice_id, route_id, feature_id))


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
    moves = "lon" in changes
    if moves != ("lat" in changes):
        raise Unusable("/lat" if moves else "/lon", "a position has both lon and lat")
    practice_id = begin.tenant.practice_id

    async def locate() -> VersionPosition:
        return await _locate(begin, route_id, changes["lon"], changes["lat"])

    async def write(transaction: Transaction, located: VersionPosition | None) -> Feature:
        connection = transaction.connection
        feature = found(await find_feature(connection, practice_id, route_id, feature_id))
        if transaction.replays:
            return feature
        expected.check(feature.revision, this_write=transaction.revision)
        route = found(await find_route(connection, practice_id, route_id))
        changed = msgspec.structs.replace(feature, updated_at=now, **changes)
        refuse_false_refuge(changed)
        changed = _at(changed, route, located) if moves else changed
        await _stamp(transaction, route, now)
        return await update_feature(transaction, changed)

    return await prepare_and_write(begin, once, prepare=locate, write=write)


async def remove_feature(
    begin: Begin, once: Once, route_id: UUID, feature_id: UUID, *, expected: Expected, now: datetime
) -> None:
    """Remove a feature; one that was removed before stays so. Raises NotFound, Stale."""
    practice_id = begin.tenant.practice_id
    async with begin.write(once) as transaction:
        if transaction.replays:
            return
        connection = transaction.connection
        feature = await find_feature(connection, practice_id, route_id, feature_id)
        if feature is None:
            await refuse_unless_buried(transaction, TOMBSTONE_KIND, feature_id, parent_id=route_id)
            return
        expected.check(feature.revision, this_write=transaction.revision)
        await delete_feature(transaction, feature_id)
        await bury(transaction, TOMBSTONE_KIND, feature_id, now, clinical=False, parent_id=route_id)
        await _stamp(transaction, found(await find_route(connection, practice_id, route_id)), now)


async def _stamp(transaction: Transaction, route: Route, now: datetime) -> None:
    """Give a route whose features change a new revision: every answer with the route holds them."""
    await update_route(transaction, msgspec.structs.replace(route, updated_at=now))


def _at(feature: Feature, route: Route, located: VersionPosition | None) -> Feature:
    """Return a feature with its place along the route's line.

    Raises NotPrepared where that is not known, or only for an earlier line.
    """
    if located is None or located.version != route.version:
        raise NotPrepared(route.id)
    return msgspec.structs.replace(feature, **msgspec.structs.asdict(located.position))


async def _locate(begin: Begin, route_id: UUID, lon: float, lat: float) -> VersionPosition:
    """Return where a point lies along the line a route has now. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        route = found(await find_route(connection, practice_id, route_id))
        packed = found(await find_line(connection, practice_id, route_id, route.version))
    return VersionPosition(route.version, await off_loop(_position_on, packed, lon, lat))


def _position_on(packed: bytes, lon: float, lat: float) -> LinePosition:
    (position,) = locate_points(unpack_fixes(packed), [(lon, lat)])
    return position
