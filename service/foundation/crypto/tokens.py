"""Opaque tokens: a phone sends one to show who it is, and the database stores its digest."""

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final, Literal
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

TokenKind = Literal["access", "refresh", "invitation"]

SECRET_BYTES: Final = 32
PRACTICE_BYTES: Final = 16
NONCE_BYTES: Final = 12

# A fixed prefix lets secret scanners find a token that leaked into a repository or a log.
_PREFIXES: Final[dict[TokenKind, str]] = {"access": "twa_", "refresh": "twr_", "invitation": "twi_"}

# 48 bytes are exactly 64 characters: no padding and no spare bits, so one token has one spelling.
_BODY: Final = re.compile(r"[A-Za-z0-9_-]{64}", re.ASCII)


class Token(Struct, frozen=True):
    """A token's practice, to be trusted only after the digest is found in that practice, and its digest."""

    practice_id: UUID
    digest: bytes


def mint_token(kind: TokenKind, practice_id: UUID, secret: bytes | None = None) -> tuple[str, bytes]:
    """Return a new token's text, for the phone alone, and its SHA-256 digest, to store.

    A plain hash is enough: unlike a password, the secret is 256 random bits. A token that a repeated write
    must answer again is made of `secret`, which nobody can guess either.
    """
    body = base64.urlsafe_b64encode(practice_id.bytes + (secret or secrets.token_bytes(SECRET_BYTES)))
    text = _PREFIXES[kind] + body.decode("ascii")
    return text, _digest(text)


def parse_token(text: str, kind: TokenKind) -> Token | None:
    """Return what `text` claims, or None where it is no token of this kind. Never raises."""
    prefix = _PREFIXES[kind]
    if not text.startswith(prefix) or not _BODY.fullmatch(text, len(prefix)):
        return None
    body = base64.urlsafe_b64decode(text[len(prefix) :])
    return Token(practice_id=UUID(bytes=body[:PRACTICE_BYTES]), digest=_digest(text))


def _digest(text: str) -> bytes:
    """Return the SHA-256 of the whole text, so neither kind nor practice can be replaced."""
    return hashlib.sha256(text.encode("ascii")).digest()


def seal_under_token(text: str, value: bytes) -> bytes:
    """Seal `value` so that only the token opens it; the database stores the token's digest alone."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(_sealing_key(text)).encrypt(nonce, value, None)


def open_under_token(text: str, sealed: bytes) -> bytes:
    """Return what was sealed under the token."""
    return AESGCM(_sealing_key(text)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)


def _sealing_key(text: str) -> bytes:
    """Return a key that cannot be derived from the stored digest."""
    return hmac.digest(text.encode("ascii"), b"towpath successor", "sha256")
