"""Seal the labels of a database from before labels were sealed. Runs inside a migration, as the migrator."""

from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec

from service.clients.sealed_records import StoredLabel, client_cell
from service.foundation.crypto.sealed_values import log_broken, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, Keyring, SealBroken
from service.foundation.database.reseal import BATCH, NOBODY, OpenKeys
from service.foundation.database.sql_files import MigrationRefused


class PlainLabel(msgspec.Struct, frozen=True):
    """A client whose label is stored in the open, with the wrapped keys of the practice and the client."""

    practice_id: UUID
    id: UUID
    label: str
    updated_at: datetime
    sealed: bytes | None
    practice_key: bytes
    wrapped_key: bytes


PLAIN_LABELS: Final = """
    SELECT client.practice_id, client.id, client.label, client.updated_at, client.sealed,
           practice_key.wrapped AS practice_key, client_key.wrapped AS wrapped_key
      FROM client
      JOIN practice_key ON practice_key.practice_id = client.practice_id
      JOIN client_key ON client_key.practice_id = client.practice_id AND client_key.client_id = client.id
     WHERE (client.practice_id, client.id) > ($1, $2)
     ORDER BY client.practice_id, client.id
     LIMIT $3
"""
SEAL: Final = """
    UPDATE client
       SET sealed_label = $3, sealed = $4
     WHERE practice_id = $1
       AND id = $2
"""


async def seal_labels(connection: asyncpg.Connection, open_keys: OpenKeys) -> None:
    """Seal every client's label, and bind the records sealed before to the time of their last change.

    A client whose key was destroyed loses the label with it. Raises KeyFileError, MigrationRefused.
    """
    last = (NOBODY, NOBODY)
    while found := await connection.fetch(PLAIN_LABELS, *last, BATCH):
        keyring = open_keys()
        rows = [PlainLabel(**each) for each in found]
        await connection.executemany(SEAL, [_sealed(keyring, each) for each in rows])
        last = (rows[-1].practice_id, rows[-1].id)


def _sealed(keyring: Keyring, row: PlainLabel) -> tuple[UUID, UUID, bytes, bytes | None]:
    """Return the arguments of SEAL."""
    try:
        keys = keyring.practice(row.practice_id, row.practice_key)
        key = keys.client(row.id, row.wrapped_key)
    except SealBroken:
        raise MigrationRefused(
            f"the key of client {row.id} is damaged, so the label cannot be sealed: restore the row of"
            " client_key from a backup, or delete it to give up what is sealed under it, and start again"
        ) from None
    label = seal_value(key, client_cell("sealed_label", row.id, row.updated_at), StoredLabel(row.label))
    return row.practice_id, row.id, label, _bound(key, row)


def _bound(key: ClientKey, row: PlainLabel) -> bytes | None:
    """Return the record sealed anew, bound; one that does not open stays as it is stored."""
    if row.sealed is None:
        return None
    try:
        content = key.open(Cell("client", "sealed", row.id), row.sealed)
    except SealBroken as broken:
        log_broken(broken)
        return row.sealed
    return key.seal(client_cell("sealed", row.id, row.updated_at), content)
