"""Clients' keys, wrapped. Deleting one erases the client: nothing sealed under it opens again."""

from collections.abc import Collection
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement

CLIENT_KEY = Query(
    bytes,
    """
    SELECT wrapped
      FROM client_key
     WHERE practice_id = $1
       AND client_id = $2
""",
)


async def find_client_key(connection: Connection, practice_id: UUID, client_id: UUID) -> bytes | None:
    """Return a client's wrapped key."""
    return await CLIENT_KEY.one_or_none(connection, practice_id, client_id)


class WrappedKey(msgspec.Struct, frozen=True):
    """A client's key, wrapped."""

    client_id: UUID
    wrapped: bytes


CLIENT_KEYS = Query(
    WrappedKey,
    """
    SELECT client_id, wrapped
      FROM client_key
     WHERE practice_id = $1
       AND client_id = ANY ($2::uuid[])
""",
)


async def find_client_keys(
    connection: Connection, practice_id: UUID, client_ids: Collection[UUID]
) -> dict[UUID, bytes]:
    """Return the wrapped keys of those of `client_ids` that have one."""
    rows = await CLIENT_KEYS.all(connection, practice_id, client_ids)
    return {row.client_id: row.wrapped for row in rows}


INSERT_CLIENT_KEY = Statement(
    """
    INSERT INTO client_key (practice_id, client_id, therapist_id, wrapped, created_at)
    VALUES ($1, $2, $3, $4, now())
"""
)


async def insert_client_key(transaction: Transaction, client_id: UUID, wrapped: bytes) -> None:
    """Keep a new client's wrapped key, held by the therapist who writes."""
    await INSERT_CLIENT_KEY.run(
        transaction.connection,
        transaction.practice_id,
        client_id,
        transaction.tenant.therapist_id,
        wrapped,
    )
