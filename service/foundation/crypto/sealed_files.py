"""Files of any size, sealed under the key file piece by piece.

A sealed file is `magic (16) | key id (8) | salt (32)`, then pieces of 64 KiB, each AES-256-GCM. The
construction is STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, 2015), which age and Tink use too: a piece's
nonce is its number and whether it is the last, so that pieces cannot be moved, left out or cut off. Every
file has a key of its own, derived from a key of the key file, the salt and what the file is for.
"""

import hmac
import secrets
from collections.abc import Iterator
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.foundation.crypto.key_file import KEY_BYTES, KEY_ID_BYTES, Key, KeyFile, WrongKeyFile

MAGIC: Final = b"towpath sealed 1"
SALT_BYTES: Final = 32
HEADER_BYTES: Final = len(MAGIC) + KEY_ID_BYTES + SALT_BYTES
PIECE_BYTES: Final = 1 << 16
TAG_BYTES: Final = 16


class SealedFileBroken(Exception):
    """A sealed file does not open: it was damaged, changed or cut short. Never says its content."""


class FileSeal:
    """Seals files under the first key of a key file; opens those sealed under any of its keys."""

    __slots__ = ("_first", "_keys", "_own")

    def __init__(self, keys: KeyFile) -> None:
        self._own = keys
        self._first = keys.wrap[0]
        self._keys = {each.key_id: each for each in keys.wrap}

    @property
    def key_id(self) -> bytes:
        """Return which key it seals with."""
        return self._first.key_id

    def seal(self, purpose: str, plain: IO[bytes]) -> Iterator[bytes]:
        """Yield the sealed file of what `plain` holds. The same purpose opens it."""
        header = MAGIC + self._first.key_id + secrets.token_bytes(SALT_BYTES)
        cipher = _cipher(self._first, header, purpose)
        yield header
        for number, piece, last in _numbered(plain, PIECE_BYTES):
            yield cipher.encrypt(_nonce(number, last=last), piece, header)

    def open(self, purpose: str, sealed: IO[bytes]) -> Iterator[bytes]:
        """Yield what a sealed file holds, each piece once it is proven genuine.

        Raises SealedFileBroken, and WrongKeyFile where it was sealed under a key that is not here.
        """
        header = sealed.read(HEADER_BYTES)
        if len(header) != HEADER_BYTES or not header.startswith(MAGIC):
            raise SealedFileBroken("it is not a sealed file")
        cipher = _cipher(self._key(header[len(MAGIC) :][:KEY_ID_BYTES]), header, purpose)
        for number, piece, last in _numbered(sealed, PIECE_BYTES + TAG_BYTES):
            try:
                yield cipher.decrypt(_nonce(number, last=last), piece, header)
            except InvalidTag:
                raise SealedFileBroken("it was damaged, changed or cut short") from None

    def tag(self, content: bytes) -> bytes:
        """Return 32 bytes that only a holder of the key file can make for `content`."""
        return _tag(self._first, content)

    def is_genuine(self, content: bytes, tag: bytes, key_id: bytes) -> bool:
        """Return whether `tag` was made for `content` under the key `key_id`. Raises WrongKeyFile."""
        return hmac.compare_digest(_tag(self._key(key_id), content), tag)

    def _key(self, key_id: bytes) -> Key:
        if key_id not in self._keys:
            raise WrongKeyFile(self._own, key_id)
        return self._keys[key_id]


def _numbered(source: IO[bytes], size: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield each piece with its number and whether it is the last; an empty source has one empty piece."""
    number, piece = 0, source.read(size)
    while following := source.read(size):
        yield number, piece, False
        number, piece = number + 1, following
    yield number, piece, True


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes((last,))


def _cipher(key: Key, header: bytes, purpose: str) -> AESGCM:
    return AESGCM(_derived(key, header[-SALT_BYTES:], b"towpath file " + purpose.encode()))


def _tag(key: Key, content: bytes) -> bytes:
    return hmac.digest(_derived(key, None, b"towpath tag"), content, "sha256")


def _derived(key: Key, salt: bytes | None, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key.secret)
