"""Keeping the practice's rooms, online addresses and phone numbers."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Transaction
from service.foundation.pages import Cursor, PageOf, cut_page
from service.foundation.retry_safe import Expected, found, replayed
from service.places.places import Place, refuse_unusable_place
from service.places.queries import find_place, insert_place, list_places, update_place


async def add_place(transaction: Transaction, place: Place) -> Place:
    """Add a place. Raises Unusable, IdTaken."""
    if transaction.replays:
        return replayed(await find_place(transaction.connection, transaction.practice_id, place.id))
    refuse_unusable_place(place)
    return await insert_place(transaction, place)


async def read_place(connection: Connection, practice_id: UUID, place_id: UUID) -> Place:
    """Return a place. Raises NotFound."""
    return found(await find_place(connection, practice_id, place_id))


async def page_of_places(
    connection: Connection, practice_id: UUID, *, archived: bool, after: Cursor | None, limit: int
) -> PageOf[Place]:
    """Return one page of places by name."""
    places = await list_places(connection, practice_id, archived=archived, after=after, limit=limit + 1)
    return cut_page(places, limit, lambda place: Cursor(place.name, place.id))


async def change_place(
    transaction: Transaction,
    place_id: UUID,
    changes: Mapping[str, object],
    *,
    expected: Expected,
    now: datetime,
) -> Place:
    """Change the members named in `changes`. Raises NotFound, Stale, Unusable."""
    place = await read_place(transaction.connection, transaction.practice_id, place_id)
    if transaction.replays:
        return place
    expected.check(place.revision)
    changed = msgspec.structs.replace(place, updated_at=now, **changes)
    refuse_unusable_place(changed)
    return await update_place(transaction, changed)
