"""Stretches of routes: one row for each line of which something is known."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.walks.stretches import LineStretches, Stretch


class StretchesRow(msgspec.Struct, frozen=True):
    """What is known along a line, as it is stored."""

    stretches: str
    lost: str
    lost_features: list[UUID]


STRETCHES_JSON: Final = msgspec.json.Decoder(tuple[Stretch, ...])

STRETCHES_OF_VERSION = Query(
    StretchesRow,
    """
    SELECT stretches, lost, lost_features
      FROM route_stretches
     WHERE practice_id = $1
       AND route_id = $2
       AND version = $3
""",
)


async def find_stretches(
    connection: Connection, practice_id: UUID, route_id: UUID, version: int
) -> LineStretches:
    """Return what is known along a line of a route: nothing where nothing was said."""
    row = await STRETCHES_OF_VERSION.one_or_none(connection, practice_id, route_id, version)
    if row is None:
        return LineStretches()
    return LineStretches(
        STRETCHES_JSON.decode(row.stretches), STRETCHES_JSON.decode(row.lost), tuple(row.lost_features)
    )


PUT_STRETCHES = Statement(
    """
    INSERT INTO route_stretches (practice_id, route_id, version, stretches, lost, lost_features,
                                 created_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
        ON CONFLICT (practice_id, route_id, version) DO UPDATE
       SET stretches = EXCLUDED.stretches, lost = EXCLUDED.lost, lost_features = EXCLUDED.lost_features,
           updated_at = EXCLUDED.updated_at, revision = EXCLUDED.revision
"""
)


async def put_stretches(
    transaction: Transaction, route_id: UUID, version: int, known: LineStretches, now: datetime
) -> None:
    """Store what is known along a line of a route, instead of what was known before."""
    await PUT_STRETCHES.run(
        transaction.connection,
        transaction.practice_id,
        route_id,
        version,
        msgspec.json.encode(known.stretches).decode(),
        msgspec.json.encode(known.lost).decode(),
        list(known.lost_features),
        now,
        transaction.revision,
    )
