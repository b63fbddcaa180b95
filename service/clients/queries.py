"""Clients. What identifies a person is in `sealed`."""

from collections.abc import Sequence
from uuid import UUID

from service.clients.clients import Client, ClientFilter
from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.foundation.pages import BEFORE_ALL, Cursor


class ClientRow(Client, frozen=True, kw_only=True):
    """A client as stored: with who may read it, and the sealed record."""

    therapist_id: UUID
    viewers: list[UUID]
    sealed: bytes | None


CLIENT = Columns("client", ClientRow)
OPEN_PART = Columns("client", Client)

CLIENT_ROW_BY_ID = Query(ClientRow, CLIENT.by_id)


async def find_client_row(connection: Connection, practice_id: UUID, client_id: UUID) -> ClientRow | None:
    """Return a client with the sealed record, archived ones too."""
    return await CLIENT_ROW_BY_ID.one_or_none(connection, practice_id, client_id)


CLIENT_BY_ID = Query(Client, OPEN_PART.by_id)


async def find_client(connection: Connection, practice_id: UUID, client_id: UUID) -> Client | None:
    """Return a client without the record, archived ones too."""
    return await CLIENT_BY_ID.one_or_none(connection, practice_id, client_id)


HELD_CLIENT = Query(ClientRow, f"{CLIENT.by_id} FOR KEY SHARE")


async def find_held_client(transaction: Transaction, client_id: UUID) -> ClientRow | None:
    """Return a client that is to be referred to; None unless the therapist who writes holds them."""
    return await HELD_CLIENT.one_or_none(transaction.connection, transaction.practice_id, client_id)


CLIENTS_AFTER = Query(
    Client,
    f"""
    SELECT {OPEN_PART.listed}
      FROM client
     WHERE practice_id = $1
       AND (archived_at IS NOT NULL) = $2
       AND ($3::text IS NULL OR stage = $3)
       AND ($4::text IS NULL OR strpos(lower(label), lower($4)) > 0)
       AND (lower(label), id) > (lower($5), $6::uuid)
     ORDER BY lower(label), id
     LIMIT $7
""",
)


async def list_clients(
    connection: Connection, practice_id: UUID, wanted: ClientFilter, *, after: Cursor | None, limit: int
) -> list[Client]:
    """Return up to `limit` clients by label, without their records."""
    start = after or BEFORE_ALL
    return await CLIENTS_AFTER.all(
        connection, practice_id, wanted.archived, wanted.stage, wanted.label, start.key, start.id, limit
    )


INSERT_CLIENT = Query(ClientRow, CLIENT.insert)


async def insert_client(transaction: Transaction, row: ClientRow) -> ClientRow:
    """Store a new client. Raises IdTaken."""
    return await INSERT_CLIENT.insert(transaction.connection, *CLIENT.inserted(transaction, row))


INSERT_NEW_CLIENT = Statement(CLIENT.insert_if_new)


async def insert_new_clients(transaction: Transaction, rows: Sequence[ClientRow]) -> None:
    """Store those of several clients whose id is not taken."""
    arguments = [CLIENT.inserted(transaction, each) for each in rows]
    await INSERT_NEW_CLIENT.run_many(transaction.connection, arguments)


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
    """Return which of these ids name a client that the therapist may see."""
    return frozenset(await CLIENTS_AMONG.all(connection, practice_id, ids))


UPDATE_CLIENT = Query(ClientRow, CLIENT.update)


async def update_client(transaction: Transaction, row: ClientRow) -> ClientRow | None:
    """Store a changed client; None where a colleague holds them."""
    return await UPDATE_CLIENT.one_or_none(transaction.connection, *CLIENT.updated(transaction, row))
