"""Keeping clients: the plain part under row-level security, the record sealed under a key of their own."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.clients.clients import (
    Client,
    ClientChanges,
    ClientFile,
    ClientFilter,
    ClientRecord,
    changed_client,
    merged_record,
    refuse_unusable_client,
)
from service.clients.queries import (
    find_client,
    find_sealed_record,
    insert_client,
    list_clients,
    update_client,
    update_record,
)
from service.foundation.crypto.sealed_values import client_key, open_value, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, PracticeKey
from service.foundation.database.client_keys import insert_client_key
from service.foundation.database.connection import Connection, Transaction
from service.foundation.pages import Cursor, PageOf, cut_page
from service.foundation.retry_safe import Expected, found, replayed
from service.people.practice_queries import find_practice
from service.people.practices import Practice

EMPTY = ClientRecord()


class NewClient(msgspec.Struct, frozen=True):
    """A client ready to be kept: the record sealed under a new key, the key wrapped."""

    client: Client
    record: ClientRecord
    sealed: bytes | None
    wrapped_key: bytes


def prepare_client(keys: PracticeKey, client: Client, record: ClientRecord) -> NewClient:
    """Make a client's key and seal the record, before any transaction opens. Raises Unusable."""
    refuse_unusable_client(client, record, client.created_at)
    wrapped_key = keys.new_client_key(client.id)
    sealed = _sealed(keys.client(client.id, wrapped_key), client.id, record)
    return NewClient(client, record, sealed, wrapped_key)


async def add_client(transaction: Transaction, keys: PracticeKey, new: NewClient) -> ClientFile:
    """Add a client. Raises IdTaken."""
    connection, practice_id = transaction.connection, transaction.practice_id
    if transaction.replays:
        kept = replayed(await find_client(connection, practice_id, new.client.id))
        return await _opened(connection, keys, practice_id, kept)
    client = await insert_client(transaction, new.client, new.sealed)
    await insert_client_key(transaction, client.id, new.wrapped_key)
    return ClientFile(client, new.record, await _practice(connection, practice_id))


async def read_client(
    connection: Connection, keys: PracticeKey, practice_id: UUID, client_id: UUID
) -> ClientFile:
    """Return a client and the record. Raises NotFound."""
    client = found(await find_client(connection, practice_id, client_id))
    return await _opened(connection, keys, practice_id, client)


async def page_of_clients(
    connection: Connection, practice_id: UUID, wanted: ClientFilter, *, after: Cursor | None, limit: int
) -> tuple[PageOf[Client], Practice]:
    """Return one page of clients by label, records unopened, and the practice whose defaults fill in."""
    clients = await list_clients(connection, practice_id, wanted, after=after, limit=limit + 1)
    page = cut_page(clients, limit, lambda client: Cursor(client.label, client.id))
    return page, await _practice(connection, practice_id)


async def change_client(
    transaction: Transaction,
    keys: PracticeKey,
    client_id: UUID,
    changes: ClientChanges,
    *,
    expected: Expected,
    now: datetime,
) -> ClientFile:
    """Change the members named in `changes`. Raises NotFound, Stale, Unusable."""
    connection, practice_id = transaction.connection, transaction.practice_id
    file = await read_client(connection, keys, practice_id, client_id)
    if transaction.replays:
        return file
    expected.check(file.client.revision, this_write=transaction.revision)
    changed = changed_client(file.client, changes.plain, now)
    record = merged_record(file.record, changes.record)
    refuse_unusable_client(changed, record, now)
    kept = found(await update_client(transaction, changed))
    if record != file.record:
        key = await client_key(connection, keys, practice_id, client_id)
        await update_record(transaction, client_id, _sealed(key, client_id, record))
    return ClientFile(kept, record, file.practice)


async def _opened(connection: Connection, keys: PracticeKey, practice_id: UUID, client: Client) -> ClientFile:
    practice = await _practice(connection, practice_id)
    kept = await find_sealed_record(connection, practice_id, client.id)
    if kept is None:
        return ClientFile(client, EMPTY, practice)
    key = keys.client(client.id, kept.wrapped_key)
    record = open_value(key, _cell(client.id), kept.sealed, ClientRecord)
    return ClientFile(client, record, practice)


async def _practice(connection: Connection, practice_id: UUID) -> Practice:
    return found(await find_practice(connection, practice_id))


def _sealed(key: ClientKey, client_id: UUID, record: ClientRecord) -> bytes | None:
    return None if record == EMPTY else seal_value(key, _cell(client_id), record)


def _cell(client_id: UUID) -> Cell:
    return Cell("client", "sealed", client_id)
