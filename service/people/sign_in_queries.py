"""Sign-ins and their tokens."""

from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Pool, a_connection
from service.foundation.database.query import Query, Statement
from service.foundation.fair_shares import ASKING
from service.foundation.tenant import NOBODY, Tenant
from service.people.sign_ins import SIGN_IN_OVER, NotSignedIn, SignIn
from service.people.therapists import Role


class VerifiedSignIn(msgspec.Struct, frozen=True):
    """The sign-in of an access token: what every function that verifies one begins its row with."""

    sign_in_id: UUID
    practice_id: UUID
    therapist_id: UUID
    device_id: UUID
    role: Role
    wrapped_key: bytes
    """The practice's key, wrapped."""

    @property
    def sign_in(self) -> SignIn:
        """Return the sign-in."""
        return SignIn(self.sign_in_id, self.practice_id, self.therapist_id, self.device_id, self.role)


SIGN_IN_OF_TOKEN = Query(
    VerifiedSignIn,
    """
    SELECT id AS sign_in_id, practice_id, therapist_id, device_id, role, wrapped_key
      FROM sign_in_of_token($1, $2, $3)
""",
)


async def find_sign_in(pool: Pool, practice_id: UUID, digest: bytes, now: datetime) -> VerifiedSignIn | None:
    """Return the sign-in of an access token, in one round trip; None for an invalid token."""
    async with a_connection(pool, Tenant(practice_id, NOBODY)) as connection:
        verified = await SIGN_IN_OF_TOKEN.one_or_none(connection, practice_id, digest, now)
    if verified is not None:
        ASKING.set(practice_id)
    return verified


SignInRow = TypeVar("SignInRow", bound=VerifiedSignIn)


class TokenReader(msgspec.Struct, frozen=True):
    """An access token that a query verifies and reads with in one round trip, for the most frequent reads."""

    pool: Pool
    practice_id: UUID
    digest: bytes
    now: datetime

    async def read(self, query: Query[SignInRow], row_id: UUID) -> SignInRow:
        """Return the row `query` finds for the token's therapist. Raises NotSignedIn."""
        async with a_connection(self.pool, Tenant(self.practice_id, NOBODY)) as connection:
            row = await query.one_or_none(connection, self.practice_id, self.digest, self.now, row_id)
        if row is None:
            raise NotSignedIn(SIGN_IN_OVER)
        ASKING.set(self.practice_id)
        return row


INSERT_SIGN_IN = Statement(
    """
    INSERT INTO sign_in (practice_id, id, therapist_id, device_id, begun_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)
""",
)


async def insert_sign_in(
    connection: Connection,
    practice_id: UUID,
    sign_in_id: UUID,
    therapist_id: UUID,
    device_id: UUID,
    begun_at: datetime,
    expires_at: datetime,
) -> None:
    """Store a new sign-in."""
    await INSERT_SIGN_IN.run(
        connection, practice_id, sign_in_id, therapist_id, device_id, begun_at, expires_at
    )


INSERT_TOKEN = Statement(
    """
    INSERT INTO token (practice_id, digest, sign_in_id, kind, expires_at)
    VALUES ($1, $2, $3, $4, $5)
""",
)


async def insert_token(
    connection: Connection,
    practice_id: UUID,
    sign_in_id: UUID,
    kind: Literal["access", "refresh"],
    digest: bytes,
    expires_at: datetime,
) -> None:
    """Store the digest of a new token."""
    await INSERT_TOKEN.run(connection, practice_id, digest, sign_in_id, kind, expires_at)


DELETE_EXPIRED_TOKENS = Statement(
    """
    DELETE FROM token
     WHERE practice_id = $1
       AND sign_in_id = $2
       AND expires_at <= $3
""",
)


async def delete_expired_tokens(
    connection: Connection, practice_id: UUID, sign_in_id: UUID, before: datetime
) -> None:
    """Delete the tokens of a sign-in that expired before an instant."""
    await DELETE_EXPIRED_TOKENS.run(connection, practice_id, sign_in_id, before)


class RefreshToken(msgspec.Struct, frozen=True):
    """A refresh token and the state of the sign-in it belongs to."""

    sign_in_id: UUID
    therapist_id: UUID
    device_id: UUID
    expires_at: datetime
    spent_at: datetime | None
    successor: bytes | None
    sign_in_expires_at: datetime
    unused_access: bytes | None
    revoked_at: datetime | None
    deactivated_at: datetime | None


REFRESH_TOKEN = Query(
    RefreshToken,
    """
    SELECT token.sign_in_id, sign_in.therapist_id, sign_in.device_id, token.expires_at, token.spent_at,
           token.successor, sign_in.expires_at AS sign_in_expires_at, sign_in.unused_access,
           sign_in.revoked_at, therapist.deactivated_at
      FROM token
      JOIN sign_in ON sign_in.practice_id = token.practice_id AND sign_in.id = token.sign_in_id
      JOIN therapist ON therapist.practice_id = token.practice_id AND therapist.id = sign_in.therapist_id
     WHERE token.practice_id = $1
       AND token.digest = $2
       AND token.kind = 'refresh'
       FOR UPDATE OF token, sign_in
""",
)


async def lock_refresh_token(connection: Connection, practice_id: UUID, digest: bytes) -> RefreshToken | None:
    """Return a refresh token and lock it with its sign-in, so that of two exchanges at once one happens."""
    return await REFRESH_TOKEN.one_or_none(connection, practice_id, digest)


SPEND_REFRESH_TOKEN = Statement(
    """
    UPDATE token
       SET spent_at = $3, successor = $4
     WHERE practice_id = $1
       AND digest = $2
""",
)


async def spend_refresh_token(
    connection: Connection, practice_id: UUID, digest: bytes, now: datetime, successor: bytes
) -> None:
    """Mark a refresh token as exchanged, and store the answer sealed under the token itself."""
    await SPEND_REFRESH_TOKEN.run(connection, practice_id, digest, now, successor)


SET_UNUSED_ACCESS = Statement(
    """
    UPDATE sign_in
       SET unused_access = $3
     WHERE practice_id = $1
       AND id = $2
""",
)


async def set_unused_access(
    connection: Connection, practice_id: UUID, sign_in_id: UUID, access_digest: bytes
) -> None:
    """Let the refresh that answered this access token be asked for again until the token is used."""
    await SET_UNUSED_ACCESS.run(connection, practice_id, sign_in_id, access_digest)


REVOKE_ALL_SIGN_INS = Statement(
    """
    UPDATE sign_in
       SET revoked_at = $2, revoked_why = $3
     WHERE practice_id = $1
       AND revoked_at IS NULL
"""
)


async def revoke_all_sign_ins(connection: Connection, practice_id: UUID, now: datetime, why: str) -> None:
    """End every sign-in of a practice."""
    await REVOKE_ALL_SIGN_INS.run(connection, practice_id, now, why)


REVOKE_SIGN_INS = Query(
    UUID,
    """
    UPDATE sign_in
       SET revoked_at = $2, revoked_why = $3
     WHERE practice_id = $1
       AND revoked_at IS NULL
       AND ($4::uuid IS NULL OR id = $4)
       AND ($5::uuid IS NULL OR device_id = $5)
       AND ($6::uuid IS NULL OR therapist_id = $6)
       AND ($7::uuid IS NULL OR id <> $7)
 RETURNING id
""",
)


async def revoke_sign_ins(
    connection: Connection,
    practice_id: UUID,
    now: datetime,
    why: str,
    *,
    sign_in_id: UUID | None = None,
    device_id: UUID | None = None,
    therapist_id: UUID | None = None,
    spare: UUID | None = None,
) -> list[UUID]:
    """End one sign-in, those of a device or of a therapist, except the one to `spare`; return those ended."""
    if sign_in_id is device_id is therapist_id is None:
        raise ValueError("name the sign-in, the device or the therapist")
    return await REVOKE_SIGN_INS.all(
        connection, practice_id, now, why, sign_in_id, device_id, therapist_id, spare
    )
