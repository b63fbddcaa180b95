"""Give a route another line: replaced by a file's, edited on a phone, or restored from an earlier version."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Begin, Connection, Transaction
from service.foundation.prepare_and_write import NotPrepared, prepare_and_write
from service.foundation.retry_safe import Expected, Once, Unusable, found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.geo.fixes import Fixes
from service.walks.feature_queries import list_features, relocate_features
from service.walks.features import Feature, as_located, locate_features
from service.walks.line_edits import Join, LineEdit, edit_line
from service.walks.relocate_stretches import features_that_lost_their_place, relocate_stretches
from service.walks.route_files import RouteFile, choose_line, pack_line
from service.walks.route_queries import (
    find_full_route,
    find_line,
    find_route,
    insert_version,
    is_line_in_use,
    update_route,
)
from service.walks.routes import FullRoute, PackedLine, Route
from service.walks.stretch_queries import find_stretches, put_stretches
from service.walks.stretches import LineStretches


class ChangedRoute(msgspec.Struct, frozen=True):
    """A route with the line it has now, and what is known along it and lost its place."""

    full: FullRoute
    known: LineStretches


class LineMove(msgspec.Struct, frozen=True):
    """A line to come, made from a version of a route: where what the route has lies along it."""

    version: int
    """The version in use when it was made."""
    base: int
    """The version it was made from."""
    base_known: LineStretches
    line: PackedLine
    located: Mapping[UUID, Feature]
    carried: LineStretches


class NewLine(msgspec.Struct, frozen=True, eq=False):
    """A line to come, and as it is stored."""

    fixes: Fixes
    packed: PackedLine


Make = Callable[[Fixes], NewLine]
"""Makes a new line of the one there is."""


async def replace_line(
    begin: Begin,
    once: Once,
    route_id: UUID,
    file: RouteFile,
    number: int | None,
    *,
    expected: Expected,
    now: datetime,
) -> ChangedRoute:
    """Give a route the line of a file; the one until now stays with the sessions that used it.

    Features and stretches keep their place on the ground; those that lose it are stored as lost with the new
    line. A route that has this very line already stays as it is.
    Raises NotFound, WhichLine, NoLine, Stale, Crowded.
    """
    fixes = (await off_loop(choose_line, file, number)).fixes
    new = NewLine(fixes, await off_loop(pack_line, fixes))

    async def make_from(_: Connection) -> Make:
        return lambda _: new

    return await _change_line(begin, once, route_id, make_from, given=new, expected=expected, now=now)


async def edit_route_line(
    begin: Begin,
    once: Once,
    route_id: UUID,
    edits: Sequence[LineEdit],
    restored: int | None,
    *,
    expected: Expected,
    now: datetime,
) -> ChangedRoute:
    """Edit a route's line, or the version `restored` of it, which comes back with its stretches.

    All edits are made or none. Raises NotFound, Unusable, Stale, Crowded.
    """
    practice_id = begin.tenant.practice_id

    async def make_from(connection: Connection) -> Make:
        others = await _lines_to_join(connection, practice_id, route_id, edits)

        def make(line: Fixes) -> NewLine:
            edited = edit_line(line, edits, others) if edits else line
            return NewLine(edited, pack_line(edited))

        return make

    return await _change_line(begin, once, route_id, make_from, restored=restored, expected=expected, now=now)


async def _lines_to_join(
    connection: Connection, practice_id: UUID, route_id: UUID, edits: Sequence[LineEdit]
) -> dict[Join, Fixes]:
    """Return the lines of other routes. Raises Unusable for a route or a version there is not."""
    others: dict[Join, Fixes] = {}
    for number, edit in enumerate(edits):
        if not isinstance(edit, Join) or edit in others:
            continue
        if edit.route_id == route_id:
            raise Unusable(f"/edits/{number}/route_id", "a route is not joined to itself: use out_and_back")
        route = await find_route(connection, practice_id, edit.route_id)
        packed = None
        if route is not None:
            packed = await find_line(connection, practice_id, edit.route_id, edit.version or route.version)
        if packed is None:
            raise Unusable(f"/edits/{number}/route_id", "there is no such route, or no such version of it")
        others[edit] = unpack_fixes(packed)
    return others


async def _change_line(
    begin: Begin,
    once: Once,
    route_id: UUID,
    make_from: Callable[[Connection], Awaitable[Make]],
    *,
    given: NewLine | None = None,
    restored: int | None = None,
    expected: Expected,
    now: datetime,
) -> ChangedRoute:
    """Give a route the line that is made of what `make_from` reads.

    A line that is `given` is compared first: a route that has it already stays as it is, at any version.
    """
    practice_id = begin.tenant.practice_id

    async def prepare() -> LineMove:
        async with begin.read() as connection:
            route = found(await find_route(connection, practice_id, route_id))
            features = await list_features(connection, practice_id, route_id)
            base = restored or route.version
            known = await find_stretches(connection, practice_id, route_id, base)
            packed = await find_line(connection, practice_id, route_id, base)
            if packed is None:
                raise Unusable("/restore_version", f"the route has versions 1 to {route.version}")
            make = await make_from(connection)
        return await off_loop(_move_line, route.version, base, known, packed, make, features)

    async def write(transaction: Transaction, move: LineMove | None) -> ChangedRoute:
        route = found(await find_route(transaction.connection, practice_id, route_id))
        in_use = given is not None and await is_line_in_use(transaction, route, given.packed.packed)
        if not (transaction.replays or in_use):
            await _store_move(transaction, route, move, expected, now)
        full = found(await find_full_route(transaction.connection, practice_id, route_id))
        known = await find_stretches(transaction.connection, practice_id, route_id, full.route.version)
        return ChangedRoute(full, known)

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


def _move_line(
    version: int,
    base: int,
    known: LineStretches,
    packed: bytes,
    make: Make,
    features: Sequence[Feature],
) -> LineMove:
    old = unpack_fixes(packed)
    new = make(old)
    is_same = new.packed.packed == packed
    carried = known if is_same else relocate_stretches(old, new.fixes, known.stretches)
    located = {each.id: each for each in locate_features(new.fixes, features)}
    return LineMove(version, base, known, new.packed, located, carried)


async def _store_move(
    transaction: Transaction, route: Route, move: LineMove | None, expected: Expected, now: datetime
) -> None:
    """Make the prepared line the route's next version. Raises Stale, NotPrepared."""
    connection, practice_id = transaction.connection, transaction.practice_id
    expected.check(route.revision, this_write=transaction.revision)
    if move is None or move.version != route.version:
        raise NotPrepared(route.id)
    if await is_line_in_use(transaction, route, move.line.packed):
        return
    features = await list_features(connection, practice_id, route.id)
    known = await find_stretches(connection, practice_id, route.id, move.base)
    located = as_located(features, move.located)
    if known != move.base_known or located is None:
        raise NotPrepared(route.id)
    await _put_line(transaction, route, move.line, located, now)
    await _put_carried(transaction, route.id, route.version + 1, move.carried, features, located, now)


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
