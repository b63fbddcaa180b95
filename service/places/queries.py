"""Places."""

from uuid import UUID

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query
from service.foundation.pages import BEFORE_ALL, Cursor
from service.places.places import Place

PLACE = Columns("place", Place)

PLACE_BY_ID = Query(Place, PLACE.by_id)


async def find_place(connection: Connection, practice_id: UUID, place_id: UUID) -> Place | None:
    """Return a place, archived ones too."""
    return await PLACE_BY_ID.one_or_none(connection, practice_id, place_id)


PLACES_AFTER = Query(
    Place,
    f"""
    SELECT {PLACE.listed}
      FROM place
     WHERE practice_id = $1
       AND (archived_at IS NOT NULL) = $2
       AND (lower(name), id) > (lower($3), $4::uuid)
     ORDER BY lower(name), id
     LIMIT $5
""",
)


async def list_places(
    connection: Connection, practice_id: UUID, *, archived: bool, after: Cursor | None, limit: int
) -> list[Place]:
    """Return up to `limit` places by name."""
    start = after or BEFORE_ALL
    return await PLACES_AFTER.all(connection, practice_id, archived, start.key, start.id, limit)


INSERT_PLACE = Query(Place, PLACE.insert)


async def insert_place(transaction: Transaction, place: Place) -> Place:
    """Store a new place. Raises IdTaken."""
    return await INSERT_PLACE.insert(transaction.connection, *PLACE.inserted(transaction, place))


UPDATE_PLACE = Query(Place, PLACE.update)


async def update_place(transaction: Transaction, place: Place) -> Place:
    """Store a changed place."""
    return await UPDATE_PLACE.one(transaction.connection, *PLACE.updated(transaction, place))
