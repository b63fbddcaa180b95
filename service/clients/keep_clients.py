"""Add, read, list and change clients."""

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
from service.clients.queries import ClientRow, find_client_row, insert_client, list_clients, update_client
from service.clients.sealed_records import EMPTY, open_record, seal_new_client, seal_record
from service.foundation.crypto.sealed_values import log_broken
from service.foundation.crypto.sealing import PracticeKey, SealBroken
from service.foundation.database.client_keys import client_key, find_client_key, insert_client_keys
from service.foundation.database.connection import Begin, Connection
from service.foundation.pages import Cursor, PageOf, cut_page
from service.foundation.retry_safe import Expected, Impossible, Once, found, replayed
from service.people.practice_queries import find_practice
from service.people.practices import Practice


async def add_client(
    begin: Begin, keys: PracticeKey, once: Once, client: Client, record: ClientRecord
) -> tuple[ClientFile, bool]:
    """Add a client; also return whether they were added before. Raises Unusable, IdTaken."""
    refuse_unusable_client(client, record, client.created_at)
    new = seal_new_client(keys, begin.tenant.therapist_id, client, record)
    async with begin.write(once) as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        if transaction.replays:
            row = replayed(await find_client_row(connection, practice_id, client.id))
        else:
            row = await insert_client(transaction, new.row)
            await insert_client_keys(transaction, {row.id: new.wrapped_key})
        return await _file(connection, keys, practice_id, row), transaction.replays


async def read_client(begin: Begin, keys: PracticeKey, client_id: UUID) -> ClientFile:
    """Return a client and the record. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        row = found(await find_client_row(connection, practice_id, client_id))
        return await _file(connection, keys, practice_id, row)


async def page_of_clients(
    begin: Begin, wanted: ClientFilter, *, after: Cursor | None, limit: int
) -> tuple[PageOf[Client], Practice]:
    """Return one page of clients by label, without their records, and the practice."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        clients = await list_clients(connection, practice_id, wanted, after=after, limit=limit + 1)
        practice = found(await find_practice(connection, practice_id))
    return cut_page(clients, limit, lambda client: Cursor(client.label, client.id)), practice


async def change_client(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    client_id: UUID,
    changes: ClientChanges,
    *,
    expected: Expected,
    now: datetime,
) -> ClientFile:
    """Change the members named in `changes`. Raises NotFound, Stale, Unusable."""
    async with begin.write(once) as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        row = found(await find_client_row(connection, practice_id, client_id))
        file = await _file(connection, keys, practice_id, row)
        if transaction.replays:
            return file
        expected.check(row.revision, this_write=transaction.revision)
        changed = changed_client(row, changes.members, now)
        if file.unreadable and changes.record:
            raise Impossible("the record is damaged and cannot be read", "restore it from a backup")
        record = merged_record(file.record, changes.record)
        refuse_unusable_client(changed, record, now)
        if record != file.record:
            key = await client_key(connection, keys, practice_id, client_id)
            changed = msgspec.structs.replace(changed, sealed=seal_record(key, client_id, record))
        kept = found(await update_client(transaction, changed))
        return msgspec.structs.replace(file, client=kept, record=record)


async def _file(connection: Connection, keys: PracticeKey, practice_id: UUID, row: ClientRow) -> ClientFile:
    """Return a stored client with the opened record and the practice."""
    practice = found(await find_practice(connection, practice_id))
    wrapped_key = await find_client_key(connection, practice_id, row.id) if row.sealed else None
    try:
        return ClientFile(row, open_record(keys, row, wrapped_key), practice)
    except SealBroken as broken:
        log_broken(broken)
        return ClientFile(row, EMPTY, practice, unreadable=True)
