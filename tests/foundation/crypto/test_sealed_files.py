"""Sealed files: they open whole and unchanged, with their key file and for their purpose, or not at all."""

from io import BytesIO

import pytest

from service.foundation.crypto.key_file import Key, KeyFile, WrongKeyFile
from service.foundation.crypto.sealed_files import (
    HEADER_BYTES,
    PIECE_BYTES,
    TAG_BYTES,
    FileSeal,
    SealedFileBroken,
)

KEYS = KeyFile.new()
SEAL = FileSeal(KEYS)
SEALED_PIECE = PIECE_BYTES + TAG_BYTES
THREE_PIECES = bytes(range(256)) * (PIECE_BYTES // 128) + b"the end"


def seal(plain: bytes) -> bytes:
    return b"".join(SEAL.seal("records", BytesIO(plain)))


def opened(sealed: bytes, by: FileSeal = SEAL, purpose: str = "records") -> bytes:
    return b"".join(by.open(purpose, BytesIO(sealed)))


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES])
def test_a_file_of_any_size_opens_as_it_was(size: int) -> None:
    plain = THREE_PIECES[:size]
    assert opened(seal(plain)) == plain
    assert seal(plain) != seal(plain)


def test_nothing_is_read_ahead_of_what_is_sealed() -> None:
    source = BytesIO(THREE_PIECES)
    sealing = SEAL.seal("records", source)
    next(sealing)
    next(sealing)
    assert source.tell() <= 2 * PIECE_BYTES


def piece(number: int) -> slice:
    return slice(HEADER_BYTES + number * SEALED_PIECE, HEADER_BYTES + (number + 1) * SEALED_PIECE)


@pytest.mark.parametrize(
    "kept",
    [
        [],
        [piece(0)],
        [piece(0), piece(1)],
        [piece(0), piece(2)],
        [piece(1), piece(0), piece(2)],
        [piece(0), piece(1), piece(2), piece(2)],
        [piece(0), piece(1), slice(-TAG_BYTES - 1, -1)],
    ],
)
def test_pieces_cannot_be_left_out_moved_doubled_or_cut_short(kept: list[slice]) -> None:
    sealed = seal(THREE_PIECES)
    with pytest.raises(SealedFileBroken):
        opened(sealed[:HEADER_BYTES] + b"".join(sealed[each] for each in kept))


@pytest.mark.parametrize("at", [0, 30, HEADER_BYTES, HEADER_BYTES + SEALED_PIECE, -1])
def test_no_byte_can_be_changed(at: int) -> None:
    sealed = bytearray(seal(THREE_PIECES))
    sealed[at] ^= 1
    with pytest.raises(SealedFileBroken):
        opened(bytes(sealed))


def test_a_file_sealed_for_one_purpose_does_not_open_for_another() -> None:
    with pytest.raises(SealedFileBroken):
        opened(seal(b"keys"), purpose="client-keys")


def test_another_key_file_is_refused_with_the_keys_found_and_wanted() -> None:
    other = KeyFile.new()
    found, wanted = (each.wrap[0].key_id.hex() for each in (other, KEYS))
    with pytest.raises(
        WrongKeyFile, match=f"holds the key {found}, and they were sealed with the key {wanted}"
    ):
        opened(seal(b"keys"), FileSeal(other))


def test_a_file_opens_after_a_new_key_was_put_first() -> None:
    rotated = FileSeal(KeyFile((Key.new(), *KEYS.wrap), KEYS.index))
    assert opened(seal(b"keys"), rotated) == b"keys"
    assert rotated.is_genuine(b"manifest", SEAL.tag(b"manifest"), SEAL.key_id)
    assert not rotated.is_genuine(b"manifest", SEAL.tag(b"another"), SEAL.key_id)
