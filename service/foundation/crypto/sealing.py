"""Envelope encryption: key file → practice key → client key → values, each AES-256-GCM.

A sealed value is `version (1) | algorithm (1) | key id (8) | nonce (12) | ciphertext and tag`. Its
associated data, which is not stored but must be the same when it is opened, is the header's first ten
bytes, then practice, client, table, column and row, then the plain columns that the cell names as bound: a
value moved to any other place does not open, nor does one beside a bound column that was changed.

Moments, notes and changes of sessions bind their session, their instants and the time of their last change,
recordings their session and that time, sessions, clients' labels and records and the forms of tracks that
time. So an old value put back into its own place does not open. The row's revision is not bound, because it
is known only inside the write transaction and also counts anchors. Not detected: a whole row put back with
all its columns, and a row deleted. Only an audit chain could tell of these.
"""

import hmac
import secrets
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from service.foundation.crypto.key_file import KEY_BYTES, KEY_ID_BYTES, Key, KeyFile, WrongKeyFile

VERSION: Final = 1
AES_256_GCM: Final = 1
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
OVERHEAD_BYTES: Final = 2 + KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES

_PRACTICES_CACHED: Final = 1_024
_NOBODY: Final = UUID(int=0)


class SealBroken(Exception):
    """A sealed value does not open: damaged, moved, or sealed with another key. Never shows its content."""


Bound = UUID | datetime | str | None
"""A plain column that a sealed value is bound to."""


class Cell(Struct, frozen=True):
    """Where a sealed value is stored: a column of a row, and the plain columns it is bound to."""

    table: str
    column: str
    row_id: UUID
    bound: tuple[Bound, ...] = ()


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


_CHECK_CELL: Final = Cell("key_check", "value", _NOBODY)


class _Seal:
    """One key, bound to a practice and, unless it is the practice's own, to a client."""

    __slots__ = ("_cipher", "_header", "_owner")

    def __init__(self, key: Key, practice_id: UUID, client_id: UUID = _NOBODY) -> None:
        self._cipher = AESGCM(key.secret)
        self._header = bytes((VERSION, AES_256_GCM)) + key.key_id
        self._owner = practice_id.bytes + client_id.bytes

    def seal(self, cell: Cell, value: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self._header + nonce + self._cipher.encrypt(nonce, value, self._associated(cell))

    def open(self, cell: Cell, sealed: bytes) -> bytes:
        head = len(self._header)
        if len(sealed) < OVERHEAD_BYTES or sealed[:head] != self._header:
            raise _broken(cell, "it is cut short or was sealed with another key")
        nonce, ciphertext = sealed[head : head + NONCE_BYTES], sealed[head + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, self._associated(cell))
        except InvalidTag:
            raise _broken(cell, "it was changed, or moved from another place") from None

    def _associated(self, cell: Cell) -> bytes:
        """Return what a value is bound to; each part has a fixed size or is preceded by its length."""
        names = b"".join(_counted(each.encode()) for each in (cell.table, cell.column))
        bound = b"".join(_counted(_bound_bytes(each)) for each in cell.bound)
        return self._header + self._owner + names + cell.row_id.bytes + bound


def _counted(part: bytes) -> bytes:
    return len(part).to_bytes(2, "big") + part


def _bound_bytes(value: Bound) -> bytes:
    """Return a bound column as bytes; an instant in microseconds, as PostgreSQL keeps it."""
    match value:
        case UUID():
            return b"u" + value.bytes
        case datetime():
            return b"t" + str((value - _EPOCH) // _MICROSECOND).encode()
        case str():
            return b"s" + value.encode()
        case None:
            return b""


class ClientKey:
    """Seals one client's values. Never cached: when a client is erased, the key must be gone at once."""

    __slots__ = ("_seal",)

    def __init__(self, key: Key, practice_id: UUID, client_id: UUID) -> None:
        self._seal = _Seal(key, practice_id, client_id)

    def seal(self, cell: Cell, value: bytes) -> bytes:
        return self._seal.seal(cell, value)

    def open(self, cell: Cell, sealed: bytes) -> bytes:
        """Return the value. Raises SealBroken."""
        return self._seal.open(cell, sealed)


class PracticeKey:
    """Wraps the keys of a practice's clients and fingerprints its requests.

    Each use has a derived key of its own, so a value made for one use is not valid for another.
    """

    __slots__ = ("_fingerprint", "_practice_id", "_wrap")

    def __init__(self, key: Key, practice_id: UUID) -> None:
        self._practice_id = practice_id
        self._wrap = _Seal(Key(_derived(key, b"client keys")), practice_id)
        self._fingerprint = _derived(key, b"fingerprints")

    def new_client_key(self, client_id: UUID) -> bytes:
        """Return a new key for a client, wrapped, to be stored. Deleting it erases the client."""
        return self._wrap.seal(_client_key_cell(client_id), Key.new().secret)

    def client(self, client_id: UUID, wrapped: bytes) -> ClientKey:
        """Return the key of a client. Raises SealBroken, also where `wrapped` is another client's."""
        secret = self._wrap.open(_client_key_cell(client_id), wrapped)
        return ClientKey(Key(secret), self._practice_id, client_id)

    def fingerprint(self, payload: bytes) -> bytes:
        """Return 32 bytes that are equal for equal payloads, and tell nothing else without the key."""
        return hmac.digest(self._fingerprint, payload, "sha256")


class Keyring:
    """What the key file opens: the practices' keys, and the email addresses of the sign-in index."""

    def __init__(self, keys: KeyFile) -> None:
        self._own = keys
        self._keys = {each.key_id: each for each in keys.wrap}
        self._first = keys.wrap[0]
        self._index = _derived(keys.index, b"email")
        self._throttle = _derived(keys.index, b"throttle")
        self._check = _derived(keys.index, b"check")
        self._unwrapped = lru_cache(_PRACTICES_CACHED)(self._unwrap)

    def new_practice_key(self, practice_id: UUID) -> bytes:
        """Return a new key for a practice, wrapped, to be stored."""
        return self._wrapped(practice_id, Key.new().secret)

    def practice(self, practice_id: UUID, wrapped: bytes) -> PracticeKey:
        """Return the key of a practice. Raises WrongKeyFile or SealBroken."""
        return self._unwrapped(practice_id, wrapped)

    def email_index(self, email: str) -> bytes:
        """Return 32 bytes that find an address, however its letters are cased.

        Made with the index key, which stays the same when a new wrapping key is put first.
        """
        return hmac.digest(self._index, _same_email(email), "sha256")

    def throttle_bucket(self, counted: str) -> bytes:
        """Return 32 bytes that name what is counted, such as an account; only this key can make them.

        Made with the index key, so that counts outlast a new wrapping key.
        """
        return hmac.digest(self._throttle, counted.encode(), "sha256")

    def check_value(self) -> bytes:
        """Return what a new database stores, to recognise its key file later."""
        return _Seal(self._first, _NOBODY).seal(_CHECK_CELL, self._check)

    def refuse_other(self, check: bytes) -> None:
        """Return where `matches(check)`. Raises WrongKeyFile, which names the keys found and wanted."""
        if not self.matches(check):
            raise WrongKeyFile(self._own, key_id_of(check))

    def matches(self, check: bytes) -> bool:
        """Return whether the database that holds `check` was sealed with a key of this file, old or new."""
        key = self._keys.get(key_id_of(check))
        if key is None:
            return False
        try:
            return hmac.compare_digest(_Seal(key, _NOBODY).open(_CHECK_CELL, check), self._check)
        except SealBroken:
            return False

    def _unwrap(self, practice_id: UUID, wrapped: bytes) -> PracticeKey:
        return PracticeKey(Key(self._secret(practice_id, wrapped)), practice_id)

    def _secret(self, practice_id: UUID, wrapped: bytes) -> bytes:
        key = self._keys.get(key_id_of(wrapped))
        if key is None:
            raise WrongKeyFile(self._own, key_id_of(wrapped))
        return _Seal(key, practice_id).open(_practice_key_cell(practice_id), wrapped)

    def _wrapped(self, practice_id: UUID, secret: bytes) -> bytes:
        return _Seal(self._first, practice_id).seal(_practice_key_cell(practice_id), secret)


def _practice_key_cell(practice_id: UUID) -> Cell:
    return Cell("practice_key", "wrapped", practice_id)


def _client_key_cell(client_id: UUID) -> Cell:
    return Cell("client_key", "wrapped", client_id)


def key_id_of(sealed: bytes) -> bytes:
    """Return the id of the key that sealed a value."""
    return sealed[2 : 2 + KEY_ID_BYTES]


def _derived(key: Key, use: bytes) -> bytes:
    """Return a key for one use (HKDF-SHA256, RFC 5869; the salt is optional for a random key)."""
    derivation = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"towpath " + use)
    return derivation.derive(key.secret)


def _same_email(email: str) -> bytes:
    """Return one spelling for an address: no outer space, no case, letters composed alike (NFKC)."""
    folded = unicodedata.normalize("NFKC", email).strip().casefold()
    return unicodedata.normalize("NFKC", folded).encode("utf-8", "surrogatepass")


def _broken(cell: Cell, reason: str) -> SealBroken:
    return SealBroken(f"{cell.table}.{cell.column} of row {cell.row_id} does not open: {reason}")
