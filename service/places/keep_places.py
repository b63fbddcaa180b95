"""Add, read, list and change places."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Begin
from service.foundation.pages import Cursor, PageOf, cut_page
from service.foundation.retry_safe import Expected, Once, found, replayed
from service.places.places import Place, refuse_unusable_place
from service.places.queries import find_place, insert_place, list_places, update_place


async def add_place(begin: Begin, once: Once, place: Place) -> tuple[Place, bool]:
    """Add a place; also return whether it was added before. Raises Unusable, IdTaken."""
    async with begin.write(once) as transaction:
        if transaction.replays:
            return replayed(await find_place(transaction.connection, transaction.practice_id, place.id)), True
        refuse_unusable_place(place)
        return await insert_place(transaction, place), False


async def read_place(begin: Begin, place_id: UUID) -> Place:
    """Return a place. Raises NotFound."""
    async with begin.read() as connection:
        return found(await find_place(connection, begin.tenant.practice_id, place_id))


async def page_of_places(begin: Begin, *, archived: bool, after: Cursor | None, limit: int) -> PageOf[Place]:
    """Return one page of places by name."""
    async with begin.read() as connection:
        places = await list_places(
            connection, begin.tenant.practice_id, archived=archived, after=after, limit=limit + 1
        )
    return cut_page(places, limit, lambda place: Cursor(place.name, place.id))


async def change_place(
    begin: Begin,
    once: Once,
    place_id: UUID,
    changes: Mapping[str, object],
    *,
    expected: Expected,
    now: datetime,
) -> Place:
    """Change the members named in `changes`. Raises NotFound, Stale, Unusable."""
    async with begin.write(once) as transaction:
        place = found(await find_place(transaction.connection, transaction.practice_id, place_id))
        if transaction.replays:
            return place
        expected.check(place.revision, this_write=transaction.revision)
        changed = msgspec.structs.replace(place, updated_at=now, **changes)
        refuse_unusable_place(changed)
        return await update_place(transaction, changed)
