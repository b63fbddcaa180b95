"""A client's record, sealed under the client's key."""

from typing import Final
from uuid import UUID

import msgspec

from service.clients.clients import Client, ClientRecord
from service.clients.queries import ClientRow
from service.foundation.crypto.sealed_values import open_value, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, PracticeKey

EMPTY: Final = ClientRecord()


class NewClient(msgspec.Struct, frozen=True):
    """The rows of a new client: the client, and the key, wrapped by the practice's key."""

    row: ClientRow
    wrapped_key: bytes


def seal_new_client(keys: PracticeKey, therapist_id: UUID, client: Client, record: ClientRecord) -> NewClient:
    """Make a client's key and seal the record with it."""
    wrapped_key = keys.new_client_key(client.id)
    sealed = seal_record(keys.client(client.id, wrapped_key), client.id, record)
    members = msgspec.structs.asdict(client)
    row = ClientRow(**members, therapist_id=therapist_id, viewers=[], sealed=sealed)
    return NewClient(row, wrapped_key)


def seal_record(key: ClientKey, client_id: UUID, record: ClientRecord) -> bytes | None:
    """Return the record sealed; None for an empty one."""
    return None if record == EMPTY else seal_value(key, _cell(client_id), record)


def open_record(keys: PracticeKey, row: ClientRow, wrapped_key: bytes | None) -> ClientRecord:
    """Return the record; an empty one where the client's key was destroyed."""
    if row.sealed is None or wrapped_key is None:
        return EMPTY
    return open_value(keys.client(row.id, wrapped_key), _cell(row.id), row.sealed, ClientRecord)


def _cell(client_id: UUID) -> Cell:
    return Cell("client", "sealed", client_id)
