"""Keeping the practice's planned walks: adding, renaming, archiving, giving them another line."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from service.foundation.database.connection import Begin, Connection, Transaction
from service.foundation.off_loop import off_loop
from service.foundation.pages import Cursor, PageOf, cut_page
from service.foundation.prepare_and_write import ATTEMPTS, Crowded
from service.foundation.retry_safe import Expected, found, replayed
from service.people.sign_in_queries import ByToken
from service.people.sign_ins import SignIn
from service.walks.feature_queries import insert_features, list_features, move_features
from service.walks.features import Spot
from service.walks.read_route_file import Offer, choose_line, pack_line, spots_of
from service.walks.route_queries import (
    RouteSearch,
    find_line,
    find_route,
    find_route_of_token,
    insert_route,
    insert_version,
    list_routes,
    list_versions,
    update_route,
)
from service.walks.routes import FullRoute, NewRoute, PackedLine, Route, RouteVersion, normal_tags

Answer = TypeVar("Answer")

VERSIONS_LISTED: Final = 100


async def add_route(transaction: Transaction, new: NewRoute) -> FullRoute:
    """Add a route with its features. Raises IdTaken."""
    connection, practice_id = transaction.connection, transaction.practice_id
    if not transaction.replays:
        await insert_route(transaction, new)
        await insert_features(transaction, new.features)
    route = replayed(await find_route(connection, practice_id, new.id))
    return FullRoute(route, await list_features(connection, practice_id, new.id))


async def read_route(connection: Connection, practice_id: UUID, route_id: UUID) -> FullRoute:
    """Return a route and its features. Raises NotFound."""
    route = found(await find_route(connection, practice_id, route_id))
    return FullRoute(route, await list_features(connection, practice_id, route_id))


async def read_route_by_token(by_token: ByToken, route_id: UUID) -> tuple[SignIn, FullRoute]:
    """Return the sign-in of an access token, and a route. Raises NotSignedIn, NotFound."""
    known = await find_route_of_token(by_token, route_id)
    return known.sign_in, found(known.asked)


async def page_of_routes(
    connection: Connection, practice_id: UUID, search: RouteSearch, *, after: Cursor | None, limit: int
) -> PageOf[Route]:
    """Return one page of routes by name."""
    routes = await list_routes(connection, practice_id, search, after=after, limit=limit + 1)
    return cut_page(routes, limit, lambda route: Cursor(route.sort_key, route.id))


async def versions_of_route(connection: Connection, practice_id: UUID, route_id: UUID) -> list[RouteVersion]:
    """Return the last hundred lines of a route, the one in use first. Raises NotFound."""
    found(await find_route(connection, practice_id, route_id))
    return await list_versions(connection, practice_id, route_id, limit=VERSIONS_LISTED)


async def change_route(
    transaction: Transaction,
    route_id: UUID,
    changes: Mapping[str, Any],
    *,
    expected: Expected,
    now: datetime,
) -> FullRoute:
    """Change the members named in `changes`. Raises NotFound, Stale, Unusable."""
    connection, practice_id = transaction.connection, transaction.practice_id
    route = found(await find_route(connection, practice_id, route_id))
    if not transaction.replays:
        expected.check(route.revision, this_write=transaction.revision)
        changed = msgspec.structs.replace(route, updated_at=now, **changes)
        changed = msgspec.structs.replace(changed, tags=normal_tags(changed.tags))
        await update_route(transaction, changed)
    return await read_route(connection, practice_id, route_id)


async def replace_line(
    begin: Begin, route_id: UUID, offer: Offer, number: int | None, *, expected: Expected, now: datetime
) -> FullRoute:
    """Give a route another line; the one until now stays with the sessions that used it.

    A route that has this very line already is left as it is, so a repeated request changes nothing.
    Raises NotFound, WhichLine, NoLine, Stale, Crowded.
    """
    fixes = (await off_loop(choose_line, offer, number)).fixes
    line = await off_loop(pack_line, fixes)
    practice_id = begin.tenant.practice_id

    async def replace() -> FullRoute:
        async with begin.read() as connection:
            before = await read_route(connection, practice_id, route_id)
            current = await find_line(connection, practice_id, route_id, before.route.version)
        if current == line.packed:
            return before
        spots = await off_loop(spots_of, fixes, before.features)
        moved = {each.id: spot for each, spot in zip(before.features, spots, strict=True)}
        async with begin.write() as transaction:
            route = found(await find_route(transaction.connection, practice_id, route_id))
            expected.check(route.revision, this_write=transaction.revision)
            if route.revision != before.route.revision:
                raise OutOfStep
            await _put_line(transaction, route, line, moved, now)
            return await read_route(transaction.connection, practice_id, route_id)

    return await keep_in_step(replace)


class OutOfStep(Exception):
    """A route was changed between what was reckoned from it and the write that needs it; nothing is written.

    Raised inside the transaction, so that it ends without a trace in the ledger of writes.
    """


async def keep_in_step(attempt: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return what `attempt` returns once it is not OutOfStep. Raises Crowded after several attempts."""
    for _ in range(ATTEMPTS):
        try:
            return await attempt()
        except OutOfStep:
            continue
    raise Crowded("this route is being changed by others; try again")


async def _put_line(
    transaction: Transaction, route: Route, line: PackedLine, moved: Mapping[UUID, Spot], now: datetime
) -> None:
    """Make `line` the route's next version, its features lying along it as `moved` says."""
    version = route.version + 1
    await insert_version(transaction, route.id, version, line, now)
    await update_route(transaction, msgspec.structs.replace(route, version=version, updated_at=now))
    await move_features(transaction, moved)
