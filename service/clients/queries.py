"""Clients. Everything that tells who they are is sealed."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from service.clients.clients import Client, ClientFilter
from service.foundation.database.client_keys import INSERT_CLIENT_KEY
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.foundation.pages import Cursor

CLIENT_BY_ID = Query(
    Client,
    """
    SELECT id, label, stage, ending, flat_pace_ms, rests_s, outdoor_agreed, outdoor_agreed_at,
           location_agreed, location_agreed_at, archived_at, created_at, updated_at, revision
      FROM client
     WHERE practice_id = $1
       AND id = $2
""",
)


async def find_client(connection: Connection, practice_id: UUID, client_id: UUID) -> Client | None:
    """Return a client, archived ones too."""
    return await CLIENT_BY_ID.one_or_none(connection, practice_id, client_id)


class SealedRecord(msgspec.Struct, frozen=True):
    """A client's record, and the wrapped key that opens it."""

    sealed: bytes
    wrapped_key: bytes


SEALED_RECORD = Query(
    SealedRecord,
    """
    SELECT client.sealed, client_key.wrapped AS wrapped_key
      FROM client
      JOIN client_key ON client_key.practice_id = client.practice_id AND client_key.client_id = client.id
     WHERE client.practice_id = $1
       AND client.id = $2
       AND client.sealed IS NOT NULL
""",
)


async def find_sealed_record(
    connection: Connection, practice_id: UUID, client_id: UUID
) -> SealedRecord | None:
    """Return a client's record; None where there is none, or none any more."""
    return await SEALED_RECORD.one_or_none(connection, practice_id, client_id)


CLIENTS_AFTER = Query(
    Client,
    """
    SELECT id, label, stage, ending, flat_pace_ms, rests_s, outdoor_agreed, outdoor_agreed_at,
           location_agreed, location_agreed_at, archived_at, created_at, updated_at, revision
      FROM client
     WHERE practice_id = $1
       AND (archived_at IS NOT NULL) = $2
       AND ($3::text IS NULL OR stage = $3)
       AND ($4::text IS NULL OR strpos(lower(label), lower($4)) > 0)
       AND ($5::text IS NULL OR (lower(label), id) > (lower($5), $6::uuid))
     ORDER BY lower(label), id
     LIMIT $7
""",
)


async def list_clients(
    connection: Connection, practice_id: UUID, wanted: ClientFilter, *, after: Cursor | None, limit: int
) -> list[Client]:
    """Return up to `limit` clients by label."""
    label, last = (after.key, after.id) if after else (None, None)
    return await CLIENTS_AFTER.all(
        connection, practice_id, wanted.archived, wanted.stage, wanted.label, label, last, limit
    )


INSERT_CLIENT = Query(
    Client,
    """
    INSERT INTO client (practice_id, id, therapist_id, label, stage, ending, flat_pace_ms, rests_s,
                        outdoor_agreed, outdoor_agreed_at, location_agreed, location_agreed_at, sealed,
                        created_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
 RETURNING id, label, stage, ending, flat_pace_ms, rests_s, outdoor_agreed, outdoor_agreed_at,
           location_agreed, location_agreed_at, archived_at, created_at, updated_at, revision
""",
)


async def insert_client(transaction: Transaction, client: Client, sealed: bytes | None) -> Client:
    """Keep a new client, held by the therapist who writes. Raises IdTaken."""
    return await INSERT_CLIENT.insert(transaction.connection, *_columns(transaction, client, sealed))


IMPORT_CLIENT = Statement(
    """
    INSERT INTO client (practice_id, id, therapist_id, label, stage, ending, flat_pace_ms, rests_s,
                        outdoor_agreed, outdoor_agreed_at, location_agreed, location_agreed_at, sealed,
                        created_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    ON CONFLICT (practice_id, id) DO NOTHING
"""
)


async def insert_clients(transaction: Transaction, rows: Sequence[tuple[Client, bytes | None]]) -> None:
    """Keep new clients, each with its sealed record, leaving out those whose id is taken."""
    columns = [_columns(transaction, client, sealed) for client, sealed in rows]
    await IMPORT_CLIENT.run_many(transaction.connection, columns)


def _columns(transaction: Transaction, client: Client, sealed: bytes | None) -> tuple[object, ...]:
    return (
        transaction.practice_id,
        client.id,
        transaction.tenant.therapist_id,
        client.label,
        client.stage,
        client.ending,
        client.flat_pace_ms,
        client.rests_s,
        client.outdoor_agreed,
        client.outdoor_agreed_at,
        client.location_agreed,
        client.location_agreed_at,
        sealed,
        client.created_at,
        client.updated_at,
        transaction.revision,
    )


async def insert_client_keys(transaction: Transaction, wrapped_keys: Mapping[UUID, bytes]) -> None:
    """Keep new clients' wrapped keys, by client, held by the therapist who writes."""
    tenant = transaction.tenant
    rows = [(tenant.practice_id, each, tenant.therapist_id, key) for each, key in wrapped_keys.items()]
    await INSERT_CLIENT_KEY.run_many(transaction.connection, rows)


CLIENTS_AMONG = Query(
    UUID,
    """
    SELECT id
      FROM client
     WHERE practice_id = $1
       AND id = ANY ($2::uuid[])
""",
)


async def clients_among(connection: Connection, practice_id: UUID, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Return which of these ids name a client one may see."""
    return frozenset(await CLIENTS_AMONG.all(connection, practice_id, ids))


UPDATE_CLIENT = Query(
    Client,
    """
    UPDATE client
       SET label = $3, stage = $4, ending = $5, flat_pace_ms = $6, rests_s = $7, outdoor_agreed = $8,
           outdoor_agreed_at = $9, location_agreed = $10, location_agreed_at = $11, archived_at = $12,
           updated_at = $13, revision = $14
     WHERE practice_id = $1
       AND id = $2
 RETURNING id, label, stage, ending, flat_pace_ms, rests_s, outdoor_agreed, outdoor_agreed_at,
           location_agreed, location_agreed_at, archived_at, created_at, updated_at, revision
""",
)


async def update_client(transaction: Transaction, client: Client) -> Client | None:
    """Keep a changed client; None where a colleague holds it."""
    return await UPDATE_CLIENT.one_or_none(
        transaction.connection,
        transaction.practice_id,
        client.id,
        client.label,
        client.stage,
        client.ending,
        client.flat_pace_ms,
        client.rests_s,
        client.outdoor_agreed,
        client.outdoor_agreed_at,
        client.location_agreed,
        client.location_agreed_at,
        client.archived_at,
        client.updated_at,
        transaction.revision,
    )


UPDATE_RECORD = Statement(
    """
    UPDATE client
       SET sealed = $3, revision = $4
     WHERE practice_id = $1
       AND id = $2
"""
)


async def update_record(transaction: Transaction, client_id: UUID, sealed: bytes | None) -> None:
    """Keep a client's changed record."""
    await UPDATE_RECORD.run(
        transaction.connection, transaction.practice_id, client_id, sealed, transaction.revision
    )
