"""Clinical values: stored as JSON, sealed with the client's key.

The JSON is padded with spaces to a multiple of a fixed length. Otherwise the stored length would reveal, for
example, the kind of a moment.
"""

from typing import Final, TypeVar

import msgspec
import structlog

from service.foundation.crypto.sealing import Cell, ClientKey, SealBroken

logger = structlog.get_logger()

Value = TypeVar("Value", bound=msgspec.Struct)


SMALL_STEP: Final = 256
LARGE_STEP: Final = 4_096
"""The step of values that are longer than one such step."""
LENGTH_BYTES: Final = 4


def seal_value(key: ClientKey, cell: Cell, value: msgspec.Struct) -> bytes:
    """Return `value` sealed for one column of one row."""
    return key.seal(cell, padded(msgspec.json.encode(value)))


def padded(content: bytes) -> bytes:
    """Return JSON with spaces after it, to the next multiple of its step."""
    return content + b" " * (-len(content) % _step(content))


def _step(content: bytes) -> int:
    return SMALL_STEP if len(content) <= LARGE_STEP else LARGE_STEP


def seal_bytes(key: ClientKey, cell: Cell, content: bytes) -> bytes:
    """Return bytes sealed for one column of one row: their length, they, and padding as for JSON."""
    counted = len(content).to_bytes(LENGTH_BYTES, "big") + content
    return key.seal(cell, counted + bytes(-len(counted) % _step(counted)))


def open_bytes(key: ClientKey, cell: Cell, sealed: bytes) -> bytes:
    """Return the bytes that `seal_bytes` sealed. Raises SealBroken."""
    counted = key.open(cell, sealed)
    end = LENGTH_BYTES + int.from_bytes(counted[:LENGTH_BYTES], "big")
    return counted[LENGTH_BYTES:end]


def open_value(key: ClientKey, cell: Cell, sealed: bytes, kind: type[Value]) -> Value:
    """Return the value that `seal_value` sealed. Raises SealBroken."""
    return msgspec.json.decode(key.open(cell, sealed), type=kind)


def log_broken(broken: SealBroken) -> None:
    """Log which value does not open; the error names table, column and row, and no content."""
    logger.error("sealed value does not open", reason=str(broken))
