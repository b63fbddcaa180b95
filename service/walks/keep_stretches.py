"""Read and change what is known of the ground along a route."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Begin, Connection, Transaction
from service.foundation.retry_safe import Expected, Impossible, Once, found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.walks.feature_queries import list_features
from service.walks.features import Feature
from service.walks.route_queries import find_line, find_planned_route, find_route, update_route
from service.walks.routes import RouteSummary
from service.walks.stretch_queries import find_stretches, put_stretches
from service.walks.stretches import (
    MOST_STRETCHES,
    GroundChange,
    LineStretches,
    Slope,
    Stretch,
    placed,
    slopes,
    whole_line,
    with_ground,
)


class RouteStretches(msgspec.Struct, frozen=True):
    """The stretches of one line of a route; together they cover the whole line."""

    route_id: UUID
    version: int
    length_m: float
    stretches: list[Stretch]
    slopes: list[Slope | None]
    lost: tuple[Stretch, ...]
    lost_features: tuple[UUID, ...]
    shown_revision: int


StretchEdit = Callable[[RouteSummary, Sequence[Stretch], Sequence[Feature]], Sequence[Stretch]]


async def read_stretches(begin: Begin, route_id: UUID, version: int | None) -> RouteStretches:
    """Return what is known along a line of a route, the one in use unless another is named.

    Raises NotFound.
    """
    async with begin.read() as connection:
        known, packed = await _find_known(connection, begin.tenant.practice_id, route_id, version)
    return await off_loop(_with_slopes, known, packed)


async def replace_stretches(
    begin: Begin,
    once: Once,
    route_id: UUID,
    stretches: Sequence[Stretch],
    *,
    expected: Expected,
    now: datetime,
) -> RouteStretches:
    """Say all that is known along a route's line; what is not covered is unknown.

    Raises NotFound, Stale, Unusable.
    """

    def replaced(route: RouteSummary, _: Sequence[Stretch], __: Sequence[Feature]) -> Sequence[Stretch]:
        return placed(stretches, route.length_m)

    return await _edit_stretches(begin, once, route_id, replaced, expected=expected, now=now)


async def change_ground(
    begin: Begin, once: Once, route_id: UUID, change: GroundChange, *, expected: Expected, now: datetime
) -> RouteStretches:
    """Set properties from one place of a route's line to another.

    Raises NotFound, Stale, Unusable, Impossible for too many stretches.
    """

    def changed(
        route: RouteSummary, known: Sequence[Stretch], features: Sequence[Feature]
    ) -> Sequence[Stretch]:
        feature_m = {each.id: each.along_m for each in features}
        part = change.part_of(route.length_m, feature_m)
        return with_ground(known, part.from_m, part.to_m, change.changes)

    return await _edit_stretches(begin, once, route_id, changed, expected=expected, now=now)


async def _edit_stretches(
    begin: Begin, once: Once, route_id: UUID, edit: StretchEdit, *, expected: Expected, now: datetime
) -> RouteStretches:
    async with begin.write(once) as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        route = found(await find_route(connection, practice_id, route_id))
        if not transaction.replays:
            expected.check(route.revision, this_write=transaction.revision)
            await _store_edited(transaction, route, edit, now)
        known, packed = await _find_known(connection, practice_id, route_id, None)
    return await off_loop(_with_slopes, known, packed)


async def _store_edited(
    transaction: Transaction, route: RouteSummary, edit: StretchEdit, now: datetime
) -> None:
    connection, practice_id = transaction.connection, transaction.practice_id
    known = await find_stretches(connection, practice_id, route.id, route.version)
    features = await list_features(connection, practice_id, route.id)
    edited = tuple(edit(route, known.stretches, features))
    if len(edited) > MOST_STRETCHES:
        raise Impossible(f"a route has at most {MOST_STRETCHES} stretches", "make some of them alike")
    known = msgspec.structs.replace(known, stretches=edited)
    await put_stretches(transaction, route.id, route.version, known, now)
    await update_route(transaction, msgspec.structs.replace(route, updated_at=now))


async def _find_known(
    connection: Connection, practice_id: UUID, route_id: UUID, version: int | None
) -> tuple[RouteStretches, bytes]:
    """Return what is known along a line, without slopes, and the packed line. Raises NotFound."""
    route = found(await find_route(connection, practice_id, route_id))
    length_m = route.length_m
    if version is not None and version != route.version:
        length_m = found(await find_planned_route(connection, practice_id, route_id, version)).length_m
    version = version or route.version
    known: LineStretches = await find_stretches(connection, practice_id, route_id, version)
    packed = found(await find_line(connection, practice_id, route_id, version))
    covered = whole_line(known.stretches, length_m)
    revision = route.shown_revision
    shown = RouteStretches(
        route_id, version, length_m, covered, [], known.lost, known.lost_features, revision
    )
    return shown, packed


def _with_slopes(known: RouteStretches, packed: bytes) -> RouteStretches:
    return msgspec.structs.replace(known, slopes=slopes(unpack_fixes(packed), known.stretches))
