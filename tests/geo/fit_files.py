"""FIT files for tests, written message by message as Garmin's FIT protocol says."""

import struct
from collections.abc import Sequence
from typing import Final

TABLE: Final = (
    0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
    0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
)  # fmt: skip
EPOCH_S: Final = 631_065_600
"""1989-12-31T00:00:00Z in seconds since 1970."""
UNKNOWN_PLACE: Final = 0x7FFFFFFF
UNKNOWN_HEIGHT: Final = 0xFFFFFFFF

DEFINITIONS: Final = {
    "record": (1, 20, ((253, 4, 0x86), (0, 4, 0x85), (1, 4, 0x85), (78, 4, 0x86))),
    "event": (2, 21, ((253, 4, 0x86), (0, 1, 0x00), (1, 1, 0x00))),
    "file_id": (0, 0, ((0, 1, 0x00), (3, 4, 0x8C), (8, 12, 0x07))),
}


def checksum(content: bytes) -> int:
    value = 0
    for byte in content:
        for half in (byte & 15, byte >> 4):
            value = (value >> 4) ^ TABLE[value & 15] ^ TABLE[half]
    return value


def defined(name: str, *, developer: bool = False) -> bytes:
    """Return a definition message; with `developer` it has a field that nothing describes."""
    local, number, fields = DEFINITIONS[name]
    head = struct.pack("<BBBHB", (0x60 if developer else 0x40) | local, 0, 0, number, len(fields))
    own = bytes([1, 9, 2, 0]) if developer else b""
    return head + b"".join(bytes(field) for field in fields) + own


def a_record(
    at_s: int, lat: float | None, lon: float | None, ele_m: float | None = None, *, developer: bool = False
) -> bytes:
    """Return a record; `at_s` counts from 1970."""
    places = (UNKNOWN_PLACE if each is None else round(each * 2**31 / 180) for each in (lat, lon))
    height = UNKNOWN_HEIGHT if ele_m is None else round((ele_m + 500) * 5)
    return struct.pack("<BIiiI", 1, at_s - EPOCH_S, *places, height) + (b"xy" if developer else b"")


def a_timer_event(at_s: int, how: int) -> bytes:
    """Return an event of the timer: 0 starts it, 4 stops it."""
    return struct.pack("<BIBB", 2, at_s - EPOCH_S, 0, how)


def a_fit_file(messages: Sequence[bytes], *, developer: bool = False) -> bytes:
    """Return a FIT file of these messages, with a name of its owner's watch."""
    owner = struct.pack("<BBI12s", 0, 4, 4_711, b"Ada's watch")
    body = b"".join((
        defined("file_id"), owner, defined("record", developer=developer), defined("event"), *messages
    ))  # fmt: skip
    head = struct.pack("<BBHI4s", 14, 0x20, 2_132, len(body), b".FIT")
    head += struct.pack("<H", checksum(head))
    return head + body + struct.pack("<H", checksum(head + body))
