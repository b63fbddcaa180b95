"""Import clients from a file: each usable row becomes a client, each refused row is told why.

A file may be sent again: a row that became a client before is reported as already there. So a therapist can
correct the refused rows in the file and send all of it once more.
"""

from collections.abc import Sequence
from uuid import UUID

from service.clients.import_rows import (
    ImportRow,
    Outcome,
    RowReport,
    UsableRow,
    refuse_id,
    report,
    usable,
)
from service.clients.queries import clients_among, insert_new_clients
from service.clients.sealed_records import NewClient, seal_new_client
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.client_keys import insert_client_keys
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Once
from service.foundation.threads import off_loop


def derived_client_id(keys: PracticeKey, therapist_id: UUID, content: bytes) -> UUID:
    """Return the id of a client whose row has none: the same for the same content and therapist.

    The hash is keyed: with a plain one, whoever reads the table could test names against it. The id is a UUID
    of version 8 (RFC 9562).
    """
    number = int.from_bytes(keys.fingerprint(therapist_id.bytes + content)[:16], "big")
    number &= ~(0xF << 76) & ~(0b11 << 62)
    return UUID(int=number | 8 << 76 | 0b10 << 62)


async def foresee_import(begin: Begin, rows: Sequence[ImportRow]) -> list[RowReport]:
    """Return what an import would do with each row."""
    ids = [each.client.id for each in usable(rows)]
    async with begin.read() as connection:
        there = await clients_among(connection, begin.tenant.practice_id, ids)
    return [report(each, there, Outcome.WOULD_CREATE) for each in rows]


async def import_clients(
    begin: Begin, keys: PracticeKey, once: Once, rows: Sequence[ImportRow]
) -> list[RowReport]:
    """Store the usable rows as clients, and return what became of each row."""
    new = await off_loop(_seal, keys, begin.tenant.therapist_id, usable(rows))
    async with begin.write(once) as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        there = await clients_among(connection, practice_id, list(new))
        missing = [] if transaction.replays else [each for each in new if each not in there]
        await insert_new_clients(transaction, [new[each].row for each in missing])
        stored = await clients_among(connection, practice_id, missing)
        await insert_client_keys(transaction, {each: new[each].wrapped_key for each in stored})
    return [
        refuse_id(each, "this id names something else already")
        if isinstance(each, UsableRow) and each.client.id not in there | stored
        else report(each, there, Outcome.CREATED)
        for each in rows
    ]


def _seal(keys: PracticeKey, therapist_id: UUID, rows: Sequence[UsableRow]) -> dict[UUID, NewClient]:
    return {each.client.id: seal_new_client(keys, therapist_id, each.client, each.record) for each in rows}
