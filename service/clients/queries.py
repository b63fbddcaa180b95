"""Clients. What identifies a person is in `sealed`, what the therapist calls them in `sealed_label`.

`client_key` is joined to read many labels with their keys in one round trip.
"""

from collections.abc import Sequence
from uuid import UUID

from service.clients.clients import PlainClient
from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement


class ClientRow(PlainClient, frozen=True, kw_only=True):
    """A client as stored: with who may read it, the sealed label and the sealed record."""

    therapist_id: UUID
    viewers: list[UUID]
    sealed_label: bytes | None
    """None where the key had been destroyed before labels were sealed."""
    sealed: bytes | None


class LabelRow(PlainClient, frozen=True, kw_only=True):
    """A client with the sealed label and the wrapped key that opens it; None where it was destroyed."""

    sealed_label: bytes | None
    wrapped_key: bytes | None


CLIENT = Columns("client", ClientRow)
OPEN_PART = Columns("client", PlainClient)
LABELS = Columns("client", LabelRow, elsewhere=("wrapped_key",))

CLIENT_ROW_BY_ID = Query(ClientRow, CLIENT.by_id)


async def find_client_row(connection: Connection, practice_id: UUID, client_id: UUID) -> ClientRow | None:
    """Return a client with the sealed record, archived ones too."""
    return await CLIENT_ROW_BY_ID.one_or_none(connection, practice_id, client_id)


CLIENT_BY_ID = Query(PlainClient, OPEN_PART.by_id)


async def find_client(connection: Connection, practice_id: UUID, client_id: UUID) -> PlainClient | None:
    """Return a client without label and record, archived ones too."""
    return await CLIENT_BY_ID.one_or_none(connection, practice_id, client_id)


HELD_CLIENT = Query(ClientRow, f"{CLIENT.by_id} FOR KEY SHARE")


async def find_held_client(transaction: Transaction, client_id: UUID) -> ClientRow | None:
    """Return a client that is to be referred to; None unless the therapist who writes holds them."""
    return await HELD_CLIENT.one_or_none(transaction.connection, transaction.practice_id, client_id)


LABELS_OF_CLIENTS = Query(
    LabelRow,
    f"""
    SELECT {LABELS.qualified}, client_key.wrapped AS wrapped_key
      FROM client
      LEFT JOIN client_key ON client_key.practice_id = client.practice_id AND client_key.client_id = client.id
     WHERE client.practice_id = $1
""",
)


async def list_labels(connection: Connection, practice_id: UUID) -> list[LabelRow]:
    """Return every client that the therapist may see with the sealed label, archived ones too."""
    return await LABELS_OF_CLIENTS.all(connection, practice_id)


class RecordRow(ClientRow, frozen=True, kw_only=True):
    """A client as stored, with the wrapped key; None where it was destroyed."""

    wrapped_key: bytes | None


RECORDS = Columns("client", RecordRow, elsewhere=("wrapped_key",))
HELD_CLIENTS = Query(
    RecordRow,
    f"""
    SELECT {RECORDS.qualified}, client_key.wrapped AS wrapped_key
      FROM client
      LEFT JOIN client_key ON client_key.practice_id = client.practice_id AND client_key.client_id = client.id
     WHERE client.practice_id = $1
       AND client.therapist_id = $2
       AND client.archived_at IS NULL
       AND client.stage <> 'ended'
     ORDER BY client.id
""",
)


async def list_held_clients(transaction: Transaction) -> list[RecordRow]:
    """Return the clients of the therapist who writes with their records, as far as work with them goes on."""
    tenant = transaction.tenant
    return await HELD_CLIENTS.all(transaction.connection, tenant.practice_id, tenant.therapist_id)


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
