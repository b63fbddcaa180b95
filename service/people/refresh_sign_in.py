"""Stay signed in: exchange a refresh token for the next pair of tokens."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.crypto.tokens import open_under_token, parse_token, seal_under_token
from service.foundation.database.connection import Begin, Connection, Pool
from service.foundation.tenant import NOBODY, Tenant
from service.people.begin_sign_in import insert_tokens, mint_tokens
from service.people.device_queries import see_device
from service.people.sign_in_queries import (
    RefreshToken,
    delete_expired_tokens,
    lock_refresh_token,
    revoke_sign_ins,
    spend_refresh_token,
)
from service.people.sign_ins import RETRY_WINDOW, Account, NotSignedIn, SignInTokens

KEEP_EXPIRED: Final = timedelta(days=1)


async def refresh_sign_in(pool: Pool, text: str, now: datetime) -> SignInTokens:
    """Exchange a refresh token for new tokens. Raises NotSignedIn.

    A lost answer can be had again: for 30 s the immediate predecessor answers the same pair. Any other spent
    token was stolen, from here or there, and the whole sign-in ends; that is committed, then said.
    """
    token = parse_token(text, "refresh")
    if token is None:
        raise NotSignedIn("that is no refresh token")
    begin = Begin(pool, Tenant(token.practice_id, NOBODY))
    async with begin.unstamped() as connection:
        tokens = await _exchange(connection, token.practice_id, token.digest, text, now)
    if tokens is None:
        raise NotSignedIn("the refresh token has expired, was used or revoked; sign in")
    return tokens


async def _exchange(
    connection: Connection, practice_id: UUID, digest: bytes, text: str, now: datetime
) -> SignInTokens | None:
    """Return the next pair, the same again, or None: then the sign-in may just have been ended."""
    kept = await lock_refresh_token(connection, practice_id, digest)
    if kept is None or kept.revoked_at or kept.deactivated_at or kept.sign_in_expires_at <= now:
        return None
    if kept.spent_at is not None:
        tokens = await _same_again(connection, practice_id, kept, text, now)
        if tokens is None:
            await revoke_sign_ins(connection, practice_id, now, "token_reused", sign_in_id=kept.sign_in_id)
        return tokens
    if kept.expires_at <= now:
        return None
    return await _rotate(connection, practice_id, digest, text, kept, now)


async def _same_again(
    connection: Connection, practice_id: UUID, kept: RefreshToken, text: str, now: datetime
) -> SignInTokens | None:
    """Return the answer a token was exchanged for; None when it is late, or the phone has gone on from it."""
    if kept.spent_at is None or kept.successor is None or now - kept.spent_at > RETRY_WINDOW:
        return None
    tokens = msgspec.json.decode(open_under_token(text, kept.successor), type=SignInTokens)
    token = parse_token(tokens.refresh_token, "refresh")
    successor = token and await lock_refresh_token(connection, practice_id, token.digest)
    return tokens if successor and successor.spent_at is None else None


async def _rotate(
    connection: Connection, practice_id: UUID, digest: bytes, text: str, kept: RefreshToken, now: datetime
) -> SignInTokens:
    """Spend a refresh token and keep the pair that follows it."""
    account = Account(practice_id, kept.therapist_id)
    tokens = mint_tokens(account, kept.sign_in_id, now, kept.sign_in_expires_at)
    sealed = seal_under_token(text, msgspec.json.encode(tokens))
    await spend_refresh_token(connection, practice_id, digest, now, sealed)
    await delete_expired_tokens(connection, practice_id, kept.sign_in_id, now - KEEP_EXPIRED)
    await insert_tokens(connection, tokens)
    await see_device(connection, practice_id, kept.device_id, now)
    return tokens
