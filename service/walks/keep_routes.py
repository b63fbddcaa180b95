"""Add, read, list and change the practice's routes, and replace their lines."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from service.foundation.database.connection import Begin, Transaction
from service.foundation.pages import Cursor, PageOf, cut_page
from service.foundation.prepare_and_write import NotPrepared, prepare_and_write
from service.foundation.retry_safe import Expected, Once, found, replayed
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.geo.fixes import Fixes
from service.people.sign_in_queries import TokenReader
from service.walks.feature_queries import insert_features, list_features, relocate_features
from service.walks.features import Feature, as_located, locate_features
from service.walks.pace_queries import PRACTICE_PACE, PaceRequest, find_pace
from service.walks.relocate_stretches import features_that_lost_their_place, relocate_stretches
from service.walks.route_files import RouteFile, choose_line, pack_line
from service.walks.route_queries import (
    RouteSearch,
    find_full_route,
    find_line,
    find_route,
    find_route_of_token,
    insert_route,
    insert_version,
    is_line_in_use,
    list_routes,
    list_versions,
    update_route,
)
from service.walks.routes import (
    FullRoute,
    NewRoute,
    PackedLine,
    Route,
    RouteSummary,
    RouteVersion,
    normal_tags,
)
from service.walks.stretch_queries import find_stretches, put_stretches
from service.walks.stretches import LineStretches, Stretch

VERSIONS_LISTED: Final = 100


async def add_route(begin: Begin, once: Once, new: NewRoute) -> tuple[FullRoute, bool]:
    """Add a route with its features; also return whether it was added before. Raises IdTaken."""
    async with begin.write(once) as transaction:
        if not transaction.replays:
            await insert_route(transaction, new.route)
            await insert_version(transaction, new.route.id, new.route.version, new.line, new.route.created_at)
            await insert_features(transaction, new.features)
        full = await find_full_route(transaction.connection, transaction.practice_id, new.route.id)
        return replayed(full), transaction.replays


async def read_route_by_token(by_token: TokenReader, route_id: UUID, request: PaceRequest) -> FullRoute:
    """Return a route timed at the pace asked for, to whom an access token stands for.

    Raises NotSignedIn, NotFound.
    """
    answer = await find_route_of_token(by_token, route_id)
    full = found(answer.asked)
    if request == PRACTICE_PACE:
        return full
    tenant = answer.sign_in.tenant
    async with Begin(by_token.pool, tenant).read() as connection:
        pace = await find_pace(connection, tenant.practice_id, request)
    return msgspec.structs.replace(full, route=full.route.at_pace(pace))


async def page_of_routes(
    begin: Begin, search: RouteSearch, request: PaceRequest, *, after: Cursor | None, limit: int
) -> PageOf[RouteSummary]:
    """Return one page of routes by name, timed at the pace asked for. Raises NotFound."""
    async with begin.read() as connection:
        practice_id = begin.tenant.practice_id
        pace = await find_pace(connection, practice_id, request)
        routes = await list_routes(connection, practice_id, search, after=after, limit=limit + 1)
    timed = [each.at_pace(pace) for each in routes]
    return cut_page(timed, limit, lambda route: Cursor(route.name, route.id))


async def versions_of_route(begin: Begin, route_id: UUID) -> list[RouteVersion]:
    """Return the last hundred lines of a route, the one in use first. Raises NotFound."""
    async with begin.read() as connection:
        practice_id = begin.tenant.practice_id
        found(await find_route(connection, practice_id, route_id))
        return await list_versions(connection, practice_id, route_id, limit=VERSIONS_LISTED)


async def change_route(
    begin: Begin,
    once: Once,
    route_id: UUID,
    changes: Mapping[str, Any],
    *,
    expected: Expected,
    now: datetime,
) -> FullRoute:
    """Change the members named in `changes`. Raises NotFound, Stale, Unusable."""
    async with begin.write(once) as transaction:
        route = found(await find_route(transaction.connection, transaction.practice_id, route_id))
        if not transaction.replays:
            expected.check(route.revision, this_write=transaction.revision)
            changed = msgspec.structs.replace(route, updated_at=now, **changes)
            changed = msgspec.structs.replace(changed, tags=normal_tags(changed.tags))
            await update_route(transaction, changed)
        return found(await find_full_route(transaction.connection, transaction.practice_id, route_id))


class LineMove(msgspec.Struct, frozen=True):
    """What a route has along one version of its line, and where that lies along the line to come."""

    version: int
    stretches: tuple[Stretch, ...]
    located: Mapping[UUID, Feature]
    carried: LineStretches


async def replace_line(
    begin: Begin,
    once: Once,
    route_id: UUID,
    file: RouteFile,
    number: int | None,
    *,
    expected: Expected,
    now: datetime,
) -> FullRoute:
    """Give a route another line; the one until now stays with the sessions that used it.

    Features and stretches keep their place on the ground; those that lose it are stored as lost with the new
    line. A route that has this very line already stays as it is.
    Raises NotFound, WhichLine, NoLine, Stale, Crowded.
    """
    fixes = (await off_loop(choose_line, file, number)).fixes
    line = await off_loop(pack_line, fixes)
    practice_id = begin.tenant.practice_id

    async def prepare() -> LineMove:
        async with begin.read() as connection:
            route = found(await find_route(connection, practice_id, route_id))
            features = await list_features(connection, practice_id, route_id)
            known = await find_stretches(connection, practice_id, route_id, route.version)
            packed = found(await find_line(connection, practice_id, route_id, route.version))
        return await off_loop(_move_line, route.version, packed, fixes, features, known.stretches)

    async def write(transaction: Transaction, move: LineMove | None) -> FullRoute:
        route = found(await find_route(transaction.connection, practice_id, route_id))
        if not (transaction.replays or await is_line_in_use(transaction, route, line.packed)):
            expected.check(route.revision, this_write=transaction.revision)
            features = await list_features(transaction.connection, practice_id, route_id)
            known = await find_stretches(transaction.connection, practice_id, route_id, route.version)
            if move is None or (move.version, move.stretches) != (route.version, known.stretches):
                raise NotPrepared(route_id)
            located = as_located(features, move.located)
            if located is None:
                raise NotPrepared(route_id)
            await _put_line(transaction, route, line, located, now)
            await _put_carried(transaction, route.id, route.version + 1, move.carried, features, located, now)
        return found(await find_full_route(transaction.connection, practice_id, route_id))

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


def _move_line(
    version: int, packed: bytes, new: Fixes, features: Sequence[Feature], stretches: tuple[Stretch, ...]
) -> LineMove:
    carried = relocate_stretches(unpack_fixes(packed), new, stretches)
    return LineMove(version, stretches, {each.id: each for each in locate_features(new, features)}, carried)


async def _put_line(
    transaction: Transaction, route: Route, line: PackedLine, features: Sequence[Feature], now: datetime
) -> None:
    """Make `line` the route's next version, with its features where they lie along it."""
    version = route.version + 1
    await insert_version(transaction, route.id, version, line, now)
    await update_route(transaction, msgspec.structs.replace(route, version=version, updated_at=now))
    await relocate_features(transaction, features)


async def _put_carried(
    transaction: Transaction,
    route_id: UUID,
    version: int,
    carried: LineStretches,
    before: Sequence[Feature],
    after: Sequence[Feature],
    now: datetime,
) -> None:
    """Store what is known along a new line, and what lost its place; nothing where there is neither."""
    lost = tuple(each.id for each in features_that_lost_their_place(before, after))
    carried = msgspec.structs.replace(carried, lost_features=lost)
    if carried != LineStretches():
        await put_stretches(transaction, route_id, version, carried, now)
