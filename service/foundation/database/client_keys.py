"""Clients' wrapped keys. Deleting a key erases the client: what is sealed under it cannot be opened again."""

from collections.abc import Collection, Mapping
from uuid import UUID

import msgspec

from service.foundation.crypto.sealing import ClientKey, PracticeKey
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.foundation.retry_safe import found

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
    """Return a client's wrapped key; None where there is none or the therapist may not see it."""
    return await CLIENT_KEY.one_or_none(connection, practice_id, client_id)


async def client_key(
    connection: Connection, keys: PracticeKey, practice_id: UUID, client_id: UUID
) -> ClientKey:
    """Return the key of a client that the therapist may see. Raises NotFound."""
    wrapped = found(await find_client_key(connection, practice_id, client_id))
    return keys.client(client_id, wrapped)


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


async def insert_client_keys(transaction: Transaction, wrapped_keys: Mapping[UUID, bytes]) -> None:
    """Store new clients' wrapped keys, by client, held by the therapist who writes."""
    tenant = transaction.tenant
    rows = [(tenant.practice_id, each, tenant.therapist_id, key) for each, key in wrapped_keys.items()]
    await INSERT_CLIENT_KEY.run_many(transaction.connection, rows)
