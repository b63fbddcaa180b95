"""Read and change what to do instead of walking a route."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Begin, Connection
from service.foundation.retry_safe import Expected, Once, found
from service.places.places import PlaceKind
from service.walks.alternative_queries import (
    find_alternatives,
    find_last_resort,
    find_targets,
    put_alternatives,
    put_last_resort,
)
from service.walks.alternatives import (
    Alternative,
    AlternativeKind,
    LastResort,
    NamedAlternative,
    needs_last_resort,
    refuse_unusable_alternative,
    refuse_unusable_alternatives,
)
from service.walks.name_alternatives import NamedLastResort, name_alternatives, name_last_resort
from service.walks.route_queries import find_route, update_route


class RouteAlternatives(msgspec.Struct, frozen=True):
    """What to do instead of walking a route."""

    route_id: UUID
    alternatives: list[NamedAlternative]
    """In order of preference; those that are skipped too."""
    last_resort: NamedAlternative | None
    """The practice's, where the route names nothing that is usable."""
    shown_revision: int


class LastResortChoice(msgspec.Struct, frozen=True):
    """The last resort to name; `kind` None for none."""

    kind: PlaceKind | None
    place_id: UUID | None
    note: str | None


async def read_alternatives(begin: Begin, route_id: UUID) -> RouteAlternatives:
    """Return what to do instead of walking a route. Raises NotFound."""
    async with begin.read() as connection:
        return await _find_named(connection, begin.tenant.practice_id, route_id)


async def replace_alternatives(
    begin: Begin,
    once: Once,
    route_id: UUID,
    alternatives: Sequence[Alternative],
    *,
    expected: Expected,
    now: datetime,
) -> RouteAlternatives:
    """Say what to do instead of walking a route, in order of preference. Raises NotFound, Stale, Unusable."""
    async with begin.write(once) as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        route = found(await find_route(connection, practice_id, route_id))
        if not transaction.replays:
            expected.check(route.revision, this_write=transaction.revision)
            targets = await find_targets(connection, practice_id, alternatives)
            refuse_unusable_alternatives(alternatives, targets, route_id)
            await put_alternatives(transaction, route_id, alternatives, now)
            await update_route(transaction, msgspec.structs.replace(route, updated_at=now))
        return await _find_named(connection, practice_id, route_id)


async def read_last_resort(begin: Begin) -> NamedLastResort:
    """Return the practice's last resort."""
    async with begin.read() as connection:
        return await name_last_resort(connection, begin.tenant.practice_id)


async def replace_last_resort(
    begin: Begin, once: Once, choice: LastResortChoice, *, expected: Expected, now: datetime
) -> NamedLastResort:
    """Name the practice's last resort, or take it back. Raises Stale, Unusable."""
    async with begin.write(once) as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        if not transaction.replays:
            known = await find_last_resort(connection, practice_id)
            expected.check(known.revision if known else 0, this_write=transaction.revision)
            members = msgspec.structs.asdict(choice)
            created_at = known.created_at if known else now
            resort = LastResort(**members, created_at=created_at, updated_at=now)
            named = resort.alternative or Alternative(kind=AlternativeKind.PHONE)
            refuse_unusable_alternative(named, await find_targets(connection, practice_id, [named]), "")
            await put_last_resort(transaction, resort, known=known is not None)
        return await name_last_resort(connection, practice_id)


async def _find_named(connection: Connection, practice_id: UUID, route_id: UUID) -> RouteAlternatives:
    """Return a route's alternatives with their names. Raises NotFound."""
    route = found(await find_route(connection, practice_id, route_id))
    alternatives = await find_alternatives(connection, practice_id, route_id)
    named = await name_alternatives(connection, practice_id, alternatives)
    resort = await name_last_resort(connection, practice_id)
    last = resort.named if needs_last_resort(named.items) else None
    revision = max(route.shown_revision, resort.shown_revision, named.revision)
    return RouteAlternatives(route_id, named.items, last, revision)
