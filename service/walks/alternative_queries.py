"""Alternatives of routes, and the practice's last resort."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.walks.alternatives import Alternative, LastResort, Target

ALTERNATIVES_JSON: Final = msgspec.json.Decoder(tuple[Alternative, ...])

ALTERNATIVES_OF_ROUTE = Query(
    str,
    """
    SELECT alternatives
      FROM route_alternatives
     WHERE practice_id = $1
       AND route_id = $2
""",
)


async def find_alternatives(
    connection: Connection, practice_id: UUID, route_id: UUID
) -> tuple[Alternative, ...]:
    """Return what a route names to do instead, in order of preference."""
    stored = await ALTERNATIVES_OF_ROUTE.one_or_none(connection, practice_id, route_id)
    return () if stored is None else ALTERNATIVES_JSON.decode(stored)


PUT_ALTERNATIVES = Statement(
    """
    INSERT INTO route_alternatives (practice_id, route_id, alternatives, created_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $4, $5)
        ON CONFLICT (practice_id, route_id) DO UPDATE
       SET alternatives = EXCLUDED.alternatives, updated_at = EXCLUDED.updated_at,
           revision = EXCLUDED.revision
"""
)


async def put_alternatives(
    transaction: Transaction, route_id: UUID, alternatives: Sequence[Alternative], now: datetime
) -> None:
    """Store what a route names to do instead."""
    text = msgspec.json.encode(alternatives).decode()
    arguments = (route_id, text, now, transaction.revision)
    await PUT_ALTERNATIVES.run(transaction.connection, transaction.practice_id, *arguments)


ROUTES_AMONG = Query(
    Target,
    """
    SELECT id, 'route' AS kind, name, archived_at, revision
      FROM route
     WHERE practice_id = $1
       AND id = ANY ($2::uuid[])
""",
)

PLACES_AMONG = Query(
    Target,
    """
    SELECT id, kind, name, archived_at, revision
      FROM place
     WHERE practice_id = $1
       AND id = ANY ($2::uuid[])
""",
)


async def find_targets(
    connection: Connection, practice_id: UUID, alternatives: Sequence[Alternative]
) -> dict[UUID, Target]:
    """Return the practice's routes and places among those that alternatives name, archived ones too."""
    routes = [each.route_id for each in alternatives if each.route_id is not None]
    places = [each.place_id for each in alternatives if each.place_id is not None]
    targets = await ROUTES_AMONG.all(connection, practice_id, routes) if routes else []
    targets += await PLACES_AMONG.all(connection, practice_id, places) if places else []
    return {each.id: each for each in targets}


LAST_RESORT = Columns("last_resort", LastResort, key="practice_id")

LAST_RESORT_OF_PRACTICE = Query(LastResort, LAST_RESORT.by_id)


async def find_last_resort(connection: Connection, practice_id: UUID) -> LastResort | None:
    """Return the practice's last resort; None where it never named one."""
    return await LAST_RESORT_OF_PRACTICE.one_or_none(connection, practice_id)


INSERT_LAST_RESORT = Query(LastResort, LAST_RESORT.insert)
UPDATE_LAST_RESORT = Query(LastResort, LAST_RESORT.update)


async def put_last_resort(transaction: Transaction, resort: LastResort, *, known: bool) -> LastResort:
    """Store the practice's last resort; `known` says that it named one before."""
    if known:
        arguments = LAST_RESORT.updated(transaction, resort)
        return await UPDATE_LAST_RESORT.one(transaction.connection, *arguments)
    return await INSERT_LAST_RESORT.one(transaction.connection, *LAST_RESORT.inserted(transaction, resort))
