"""Clinical values are stored as JSON, sealed under the client's key."""

from typing import TypeVar
from uuid import UUID

import msgspec

from service.foundation.crypto.sealing import Cell, ClientKey, PracticeKey
from service.foundation.database.client_keys import find_client_key
from service.foundation.database.connection import Connection
from service.foundation.retry_safe import found

Value = TypeVar("Value", bound=msgspec.Struct)


async def client_key(
    connection: Connection, keys: PracticeKey, practice_id: UUID, client_id: UUID
) -> ClientKey:
    """Return the key of a client that the therapist may see. Raises NotFound."""
    wrapped = found(await find_client_key(connection, practice_id, client_id))
    return keys.client(client_id, wrapped)


def seal_value(key: ClientKey, cell: Cell, value: msgspec.Struct) -> bytes:
    """Return `value` sealed for one column of one row."""
    return key.seal(cell, msgspec.json.encode(value))


def open_value(key: ClientKey, cell: Cell, sealed: bytes, kind: type[Value]) -> Value:
    """Return the value that `seal_value` sealed. Raises SealBroken."""
    return msgspec.json.decode(key.open(cell, sealed), type=kind)
