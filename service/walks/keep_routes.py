"""Add, read, list and change the practice's routes, and replace their lines."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from service.foundation.database.connection import Begin
from service.foundation.pages import Cursor, PageOf, cut_page
from service.foundation.retry_safe import Expected, Once, found, replayed
from service.people.sign_in_queries import TokenReader
from service.walks.feature_queries import insert_features
from service.walks.pace_queries import PRACTICE_PACE, PaceRequest, find_pace
from service.walks.route_queries import (
    RouteSearch,
    find_full_route,
    find_route,
    find_route_of_token,
    insert_route,
    insert_version,
    list_routes,
    list_versions,
    update_route,
)
from service.walks.routes import (
    FullRoute,
    NewRoute,
    RouteSummary,
    RouteVersion,
    normal_tags,
)
from service.walks.stretch_queries import put_stretches
from service.walks.stretches import LineStretches

VERSIONS_LISTED: Final = 100


async def add_route(begin: Begin, once: Once, new: NewRoute) -> tuple[FullRoute, bool]:
    """Add a route with its features and stretches; say also whether it was added before. Raises IdTaken."""
    async with begin.write(once) as transaction:
        if not transaction.replays:
            await insert_route(transaction, new.route)
            await insert_version(transaction, new.route.id, new.route.version, new.line, new.route.created_at)
            await insert_features(transaction, new.features)
            if new.stretches:
                known = LineStretches(new.stretches)
                await put_stretches(transaction, new.route.id, new.route.version, known, new.route.created_at)
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
