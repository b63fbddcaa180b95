"""Add, read, list and change clients."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from service.clients.clients import (
    Client,
    ClientChanges,
    ClientFile,
    ClientFilter,
    ClientRecord,
    changed_client,
    merged_record,
    refuse_unusable_client,
    select_page,
)
from service.clients.queries import (
    ClientRow,
    LabelRow,
    find_client_row,
    insert_client,
    list_labels,
    update_client,
)
from service.clients.sealed_records import (
    OpenedClient,
    open_client,
    open_labels,
    open_with,
    seal_changed_client,
    seal_new_client,
)
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.client_keys import find_client_key, insert_client_keys
from service.foundation.database.connection import Begin, Connection, Transaction
from service.foundation.pages import Cursor, PageOf, cut_page
from service.foundation.retry_safe import Expected, Impossible, Once, found, replayed
from service.foundation.threads import off_loop
from service.people.practice_queries import find_practice
from service.people.practices import Practice

MOST_OPENED_ON_LOOP: Final = 100
"""Opening this many labels takes 2 ms; more are opened in another thread."""


RecordCheck = Callable[[Transaction, ClientRecord], Awaitable[None]]
"""Raises Unusable for a record that names what the practice does not have."""


async def add_client(
    begin: Begin, keys: PracticeKey, once: Once, client: Client, record: ClientRecord, check: RecordCheck
) -> tuple[ClientFile, bool]:
    """Add a client; also return whether they were added before. Raises Unusable, IdTaken."""
    refuse_unusable_client(client, record, client.created_at)
    new = seal_new_client(keys, begin.tenant.therapist_id, client, record)
    async with begin.write(once) as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        if transaction.replays:
            row = replayed(await find_client_row(connection, practice_id, client.id))
        else:
            await check(transaction, record)
            row = await insert_client(transaction, new.row)
            await insert_client_keys(transaction, {row.id: new.wrapped_key})
        practice = found(await find_practice(connection, practice_id))
        opened = await _open(connection, keys, practice_id, row)
        return _file(opened, practice), transaction.replays


async def read_client(begin: Begin, keys: PracticeKey, client_id: UUID) -> ClientFile:
    """Return a client and the record. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        row = found(await find_client_row(connection, practice_id, client_id))
        practice = found(await find_practice(connection, practice_id))
        return _file(await _open(connection, keys, practice_id, row), practice)


async def page_of_clients(
    begin: Begin, keys: PracticeKey, wanted: ClientFilter, *, after: Cursor | None, limit: int
) -> tuple[PageOf[Client], Practice]:
    """Return one page of clients by label, without their records, and the practice.

    Labels are sealed, so all of the therapist's are opened to order and search them. Raises BadCursor.
    """
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        rows = await list_labels(connection, practice_id)
        practice = found(await find_practice(connection, practice_id))
    last = None if after is None else after.id
    if len(rows) <= MOST_OPENED_ON_LOOP:
        page = _page_of_labels(keys, rows, wanted, last, limit)
    else:
        page = await off_loop(_page_of_labels, keys, rows, wanted, last, limit)
    return page, practice


def _page_of_labels(
    keys: PracticeKey, rows: list[LabelRow], wanted: ClientFilter, last: UUID | None, limit: int
) -> PageOf[Client]:
    clients = select_page(open_labels(keys, rows), wanted, after=last, limit=limit + 1)
    return cut_page(clients, limit, lambda client: Cursor("", client.id))  # a cursor shows no label


async def change_client(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    client_id: UUID,
    changes: ClientChanges,
    *,
    expected: Expected,
    now: datetime,
    check: RecordCheck,
) -> ClientFile:
    """Change the members named in `changes`. Raises NotFound, Stale, Unusable."""
    async with begin.write(once) as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        row = found(await find_client_row(connection, practice_id, client_id))
        practice = found(await find_practice(connection, practice_id))
        opened = await _open(connection, keys, practice_id, row)
        if transaction.replays:
            return _file(opened, practice)
        expected.check(row.revision, this_write=transaction.revision)
        _refuse_unreadable(opened, changes)
        changed = changed_client(opened.client, changes.members, now)
        record = merged_record(opened.record, changes.record)
        refuse_unusable_client(changed, record, now)
        if "usual_session" in changes.record:
            await check(transaction, record)
        kept = found(await update_client(transaction, seal_changed_client(row, opened, changed, record)))
        return _file(open_with(opened.key, kept), practice)


def _refuse_unreadable(opened: OpenedClient, changes: ClientChanges) -> None:
    """Raise Impossible for a change of what does not open; what is plain can always be changed."""
    if opened.record_unreadable and changes.record:
        raise Impossible("the record is damaged and cannot be read", "restore it from a backup")
    if opened.key is None and (changes.record or "label" in changes.members):
        raise Impossible("the key of this client is missing or damaged", "restore it from a backup")


async def _open(connection: Connection, keys: PracticeKey, practice_id: UUID, row: ClientRow) -> OpenedClient:
    """Return a stored client, opened."""
    return open_client(keys, row, await find_client_key(connection, practice_id, row.id))


def _file(opened: OpenedClient, practice: Practice) -> ClientFile:
    unreadable = opened.record_unreadable or opened.client.unreadable
    return ClientFile(opened.client, opened.record, practice, unreadable)
