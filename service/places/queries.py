"""Rooms, online addresses and phone numbers."""

from uuid import UUID

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query
from service.foundation.pages import Cursor
from service.places.places import Place

PLACE_BY_ID = Query(
    Place,
    """
    SELECT id, kind, name, address, access, lon, lat, url, phone_number, archived_at, created_at,
           updated_at, revision
      FROM place
     WHERE practice_id = $1
       AND id = $2
""",
)


async def find_place(connection: Connection, practice_id: UUID, place_id: UUID) -> Place | None:
    """Return a place, archived ones too."""
    return await PLACE_BY_ID.one_or_none(connection, practice_id, place_id)


PLACES_AFTER = Query(
    Place,
    """
    SELECT id, kind, name, address, access, lon, lat, url, phone_number, archived_at, created_at,
           updated_at, revision
      FROM place
     WHERE practice_id = $1
       AND (archived_at IS NOT NULL) = $2
       AND ($3::text IS NULL OR (lower(name), id) > (lower($3), $4::uuid))
     ORDER BY lower(name), id
     LIMIT $5
""",
)


async def list_places(
    connection: Connection, practice_id: UUID, *, archived: bool, after: Cursor | None, limit: int
) -> list[Place]:
    """Return up to `limit` places by name."""
    key, last = (after.key, after.id) if after else (None, None)
    return await PLACES_AFTER.all(connection, practice_id, archived, key, last, limit)


INSERT_PLACE = Query(
    Place,
    """
    INSERT INTO place (practice_id, id, kind, name, address, access, lon, lat, url, phone_number,
                       created_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    RETURNING id, kind, name, address, access, lon, lat, url, phone_number, archived_at, created_at,
              updated_at, revision
""",
)


async def insert_place(transaction: Transaction, place: Place) -> Place:
    """Keep a new place. Raises IdTaken."""
    return await INSERT_PLACE.insert(
        transaction.connection,
        transaction.practice_id,
        place.id,
        place.kind,
        place.name,
        place.address,
        place.access,
        place.lon,
        place.lat,
        place.url,
        place.phone_number,
        place.created_at,
        place.updated_at,
        transaction.revision,
    )


UPDATE_PLACE = Query(
    Place,
    """
    UPDATE place
       SET kind = $3, name = $4, address = $5, access = $6, lon = $7, lat = $8, url = $9,
           phone_number = $10, archived_at = $11, updated_at = $12, revision = $13
     WHERE practice_id = $1
       AND id = $2
 RETURNING id, kind, name, address, access, lon, lat, url, phone_number, archived_at, created_at,
           updated_at, revision
""",
)


async def update_place(transaction: Transaction, place: Place) -> Place:
    """Keep a changed place."""
    return await UPDATE_PLACE.one(
        transaction.connection,
        transaction.practice_id,
        place.id,
        place.kind,
        place.name,
        place.address,
        place.access,
        place.lon,
        place.lat,
        place.url,
        place.phone_number,
        place.archived_at,
        place.updated_at,
        transaction.revision,
    )
