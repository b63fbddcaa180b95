"""Clinical values are stored as JSON, sealed under the client's key."""

from typing import TypeVar

import msgspec

from service.foundation.crypto.sealing import Cell, ClientKey

Value = TypeVar("Value", bound=msgspec.Struct)


def seal_value(key: ClientKey, cell: Cell, value: msgspec.Struct) -> bytes:
    """Return `value` sealed for one column of one row."""
    return key.seal(cell, msgspec.json.encode(value))


def open_value(key: ClientKey, cell: Cell, sealed: bytes, kind: type[Value]) -> Value:
    """Return the value that `seal_value` sealed. Raises SealBroken."""
    return msgspec.json.decode(key.open(cell, sealed), type=kind)
