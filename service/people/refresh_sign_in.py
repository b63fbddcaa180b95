"""Stay signed in: exchange a refresh token for the next pair of tokens."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from service.foundation.crypto.tokens import Token, open_under_token, parse_token, seal_under_token
from service.foundation.database.connection import Begin, Connection, Pool
from service.foundation.tenant import NOBODY, Tenant
from service.people.begin_sign_in import issue_tokens_in
from service.people.device_queries import see_device
from service.people.security_event_queries import record_security_event
from service.people.security_events import SecurityEventKind
from service.people.sign_in_queries import (
    RefreshToken,
    delete_expired_tokens,
    lock_refresh_token,
    revoke_sign_ins,
    set_unused_access,
    spend_refresh_token,
)
from service.people.sign_ins import RETRY_LIMIT, Account, NotSignedIn, RefreshRequest, SignInTokens

KEEP_EXPIRED: Final = timedelta(days=1)


class _TokenReused(Exception):
    """A refresh token was sent by somebody who should not have it."""

    def __init__(self, stored: RefreshToken) -> None:
        super().__init__()
        self.stored = stored


async def refresh_sign_in(pool: Pool, request: RefreshRequest, now: datetime) -> SignInTokens:
    """Exchange a refresh token for a new pair of tokens. Raises NotSignedIn.

    A phone that lost the answer sends the token again and gets the same pair: until the pair is first used,
    for 24 hours at most, from the same device. Refreshing with the new refresh token is a use; so is any
    request with the new access token, which `sign_in_of_token` records: one write a pair, not one a request.
    Every other repeat is a reuse and ends the whole sign-in. So a thief with an old token gets at most the
    pair that the phone gets, for the ten minutes of its access token: after one of them has refreshed and
    gone on, the other's token is a reuse.
    """
    token = parse_token(request.refresh_token, "refresh")
    if token is None:
        raise NotSignedIn("that is no refresh token")
    begin = Begin(pool, Tenant(token.practice_id, NOBODY))
    try:
        async with begin.unstamped() as connection:
            return await _exchange_in(connection, token, request, now)
    except _TokenReused as reused:
        await _end_stolen(begin, reused.stored, now)
        raise _refused() from None


async def _exchange_in(
    connection: Connection, token: Token, request: RefreshRequest, now: datetime
) -> SignInTokens:
    """Return the next pair, or the same pair again. Raises NotSignedIn, _TokenReused."""
    stored = await lock_refresh_token(connection, token.practice_id, token.digest)
    if stored is None or stored.revoked_at or stored.deactivated_at or stored.sign_in_expires_at <= now:
        raise _refused()
    if stored.device_id != request.device_id:
        raise _TokenReused(stored)
    if stored.spent_at is not None:
        return _same_pair(stored, request.refresh_token, now - stored.spent_at)
    if stored.expires_at <= now:
        raise _refused()
    return await _rotate_in(connection, token, stored, request.refresh_token, now)


def _same_pair(stored: RefreshToken, text: str, since: timedelta) -> SignInTokens:
    """Return the pair a token was exchanged for. Raises _TokenReused where it was used or it is too late."""
    if stored.successor is None or since > RETRY_LIMIT:
        raise _TokenReused(stored)
    tokens = msgspec.json.decode(open_under_token(text, stored.successor), type=SignInTokens)
    access = parse_token(tokens.access_token, "access")
    if access is None or access.digest != stored.unused_access:
        raise _TokenReused(stored)
    return tokens


async def _rotate_in(
    connection: Connection, token: Token, stored: RefreshToken, text: str, now: datetime
) -> SignInTokens:
    """Spend a refresh token; store the pair that follows it, and the answer in case it is lost."""
    practice_id, sign_in_id = token.practice_id, stored.sign_in_id
    account = Account(practice_id, stored.therapist_id)
    issued = await issue_tokens_in(connection, account, sign_in_id, now, stored.sign_in_expires_at)
    sealed = seal_under_token(text, msgspec.json.encode(issued.tokens))
    await spend_refresh_token(connection, practice_id, token.digest, now, sealed)
    await set_unused_access(connection, practice_id, sign_in_id, issued.access_digest)
    await delete_expired_tokens(connection, practice_id, sign_in_id, now - KEEP_EXPIRED)
    await see_device(connection, practice_id, stored.device_id, now)
    return issued.tokens


async def _end_stolen(begin: Begin, stored: RefreshToken, now: datetime) -> None:
    """End a sign-in and record it, in a transaction of its own: the refusal rolls the first one back."""
    async with begin.write() as transaction:
        ended = await revoke_sign_ins(
            transaction.connection, transaction.practice_id, now, "token_reused", sign_in_id=stored.sign_in_id
        )
        if ended:
            await record_security_event(
                transaction,
                SecurityEventKind.TOKEN_REUSED,
                stored.therapist_id,
                now,
                device_id=stored.device_id,
            )


def _refused() -> NotSignedIn:
    return NotSignedIn("the refresh token has expired, was used or revoked; sign in")
