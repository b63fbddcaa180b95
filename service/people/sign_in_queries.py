"""Sign-ins, their tokens, and the devices they are made from."""

from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Pool, Transaction, a_connection
from service.foundation.database.query import Query, Statement
from service.people.sign_ins import SIGN_IN_OVER, Device, NotSignedIn, Role, SignIn

SIGN_IN_OF_TOKEN = Query(
    SignIn,
    """
    SELECT id, practice_id, therapist_id, device_id, role, wrapped_key
      FROM sign_in_of_token($1, $2, $3)
""",
)


async def find_sign_in(pool: Pool, practice_id: UUID, digest: bytes, now: datetime) -> SignIn | None:
    """Return the sign-in an access token stands for, in one round trip; None where it stands for none."""
    async with a_connection(pool) as connection:
        return await SIGN_IN_OF_TOKEN.one_or_none(connection, practice_id, digest, now)


class Verified(msgspec.Struct, frozen=True):
    """What a function that verifies a token begins its row with; what was asked for follows, as `asked`."""

    sign_in_id: UUID
    practice_id: UUID
    therapist_id: UUID
    device_id: UUID
    role: Role
    wrapped_key: bytes

    @property
    def sign_in(self) -> SignIn:
        """Return the sign-in the token stands for."""
        return SignIn(
            self.sign_in_id, self.practice_id, self.therapist_id, self.device_id, self.role, self.wrapped_key
        )


VerifiedRow = TypeVar("VerifiedRow", bound=Verified)


class ByToken(msgspec.Struct, frozen=True):
    """An access token that is verified in the round trip in which it reads: for the reads made most."""

    pool: Pool
    practice_id: UUID
    digest: bytes
    now: datetime

    async def read(self, query: Query[VerifiedRow], row_id: UUID) -> VerifiedRow:
        """Return what `query` finds for whoever the token stands for. Raises NotSignedIn."""
        async with a_connection(self.pool) as connection:
            row = await query.one_or_none(connection, self.practice_id, self.digest, self.now, row_id)
        if row is None:
            raise NotSignedIn(SIGN_IN_OVER)
        return row


INSERT_SIGN_IN = Statement(
    """
    INSERT INTO sign_in (practice_id, id, therapist_id, device_id, begun_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)
""",
)


async def insert_sign_in(
    connection: Connection, sign_in: SignIn, begun_at: datetime, expires_at: datetime
) -> None:
    """Keep a new sign-in."""
    await INSERT_SIGN_IN.run(
        connection,
        sign_in.practice_id,
        sign_in.id,
        sign_in.therapist_id,
        sign_in.device_id,
        begun_at,
        expires_at,
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
    kind: str,
    digest: bytes,
    expires_at: datetime,
) -> None:
    """Keep the digest of a new token."""
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
    connection: Connection, practice_id: UUID, sign_in_id: UUID, now: datetime
) -> None:
    """Forget tokens that can no longer be used, nor tell of theft."""
    await DELETE_EXPIRED_TOKENS.run(connection, practice_id, sign_in_id, now)


class RefreshToken(msgspec.Struct, frozen=True):
    """A refresh token and the state of the sign-in it belongs to."""

    sign_in_id: UUID
    therapist_id: UUID
    device_id: UUID
    expires_at: datetime
    spent_at: datetime | None
    successor: bytes | None
    sign_in_expires_at: datetime
    revoked_at: datetime | None
    deactivated_at: datetime | None


REFRESH_TOKEN = Query(
    RefreshToken,
    """
    SELECT token.sign_in_id, sign_in.therapist_id, sign_in.device_id, token.expires_at, token.spent_at,
           token.successor, sign_in.expires_at AS sign_in_expires_at, sign_in.revoked_at,
           therapist.deactivated_at
      FROM token
      JOIN sign_in ON sign_in.practice_id = token.practice_id AND sign_in.id = token.sign_in_id
      JOIN therapist ON therapist.practice_id = token.practice_id AND therapist.id = sign_in.therapist_id
     WHERE token.practice_id = $1
       AND token.digest = $2
       AND token.kind = 'refresh'
       FOR UPDATE OF token
""",
)


async def lock_refresh_token(connection: Connection, practice_id: UUID, digest: bytes) -> RefreshToken | None:
    """Return a refresh token and hold it, so that of two at once exactly one is exchanged."""
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
    """Mark a refresh token as exchanged and keep the answer, readable only by who holds the token."""
    await SPEND_REFRESH_TOKEN.run(connection, practice_id, digest, now, successor)


REVOKE_SIGN_INS = Statement(
    """
    UPDATE sign_in
       SET revoked_at = $2, revoked_why = $3
     WHERE practice_id = $1
       AND revoked_at IS NULL
       AND ($4::uuid IS NULL OR id = $4)
       AND ($5::uuid IS NULL OR device_id = $5)
       AND ($6::uuid IS NULL OR therapist_id = $6)
       AND ($7::uuid IS NULL OR id <> $7)
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
) -> None:
    """End sign-ins at once: one, those of a device or of a therapist, all but the one spared."""
    if sign_in_id is device_id is therapist_id is None:
        raise ValueError("say whose sign-ins end")
    await REVOKE_SIGN_INS.run(connection, practice_id, now, why, sign_in_id, device_id, therapist_id, spare)


DEVICE_BY_ID = Query(
    Device,
    """
    SELECT id, therapist_id, name, platform, created_at, last_seen_at, revoked_at, revision
      FROM device
     WHERE practice_id = $1
       AND id = $2
""",
)


async def find_device(connection: Connection, practice_id: UUID, device_id: UUID) -> Device | None:
    """Return a device, revoked ones too."""
    return await DEVICE_BY_ID.one_or_none(connection, practice_id, device_id)


DEVICES_OF_THERAPIST = Query(
    Device,
    """
    SELECT id, therapist_id, name, platform, created_at, last_seen_at, revoked_at, revision
      FROM device
     WHERE practice_id = $1
       AND therapist_id = $2
     ORDER BY last_seen_at DESC, id
""",
)


async def list_devices(connection: Connection, practice_id: UUID, therapist_id: UUID) -> list[Device]:
    """Return a therapist's devices, the last used first."""
    return await DEVICES_OF_THERAPIST.all(connection, practice_id, therapist_id)


INSERT_DEVICE = Statement(
    """
    INSERT INTO device (practice_id, id, therapist_id, name, platform, created_at, last_seen_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $6, $7)
""",
)


async def insert_device(transaction: Transaction, device: Device) -> None:
    """Keep a new device."""
    await INSERT_DEVICE.run(
        transaction.connection,
        transaction.practice_id,
        device.id,
        device.therapist_id,
        device.name,
        device.platform,
        device.created_at,
        transaction.revision,
    )


SEE_DEVICE = Statement(
    """
    UPDATE device
       SET last_seen_at = $3
     WHERE practice_id = $1
       AND id = $2
""",
)


async def see_device(connection: Connection, practice_id: UUID, device_id: UUID, now: datetime) -> None:
    """Note that a device signed in or refreshed; not a change a phone need hear of."""
    await SEE_DEVICE.run(connection, practice_id, device_id, now)


REVOKE_DEVICE = Statement(
    """
    UPDATE device
       SET revoked_at = $3, revision = $4
     WHERE practice_id = $1
       AND id = $2
       AND revoked_at IS NULL
""",
)


async def revoke_device(transaction: Transaction, device_id: UUID, now: datetime) -> None:
    """End every sign-in of a device, and let it make no more."""
    await REVOKE_DEVICE.run(
        transaction.connection, transaction.practice_id, device_id, now, transaction.revision
    )
    await revoke_sign_ins(
        transaction.connection, transaction.practice_id, now, "device_revoked", device_id=device_id
    )


class Count(msgspec.Struct, frozen=True):
    """What one more attempt came to: allowed, or to be made later."""

    allowed: bool
    blocked_until: datetime


COUNT_ATTEMPT = Query(
    Count,
    """
    INSERT INTO throttle AS kept (bucket, failures, last_failed_at, blocked_until)
    VALUES ($1, 1, $2, to_timestamp(0))
    ON CONFLICT (bucket) DO UPDATE
       SET failures = CASE WHEN kept.last_failed_at < $2 - $5::interval THEN 1
                           WHEN kept.blocked_until > $2 THEN kept.failures
                           ELSE kept.failures + 1 END,
           last_failed_at = CASE WHEN kept.blocked_until > $2 THEN kept.last_failed_at ELSE $2 END,
           blocked_until = CASE WHEN kept.blocked_until > $2 THEN kept.blocked_until
                                WHEN kept.failures < $3 OR kept.last_failed_at < $2 - $5::interval
                                THEN to_timestamp(0)
                                ELSE $2 + least($4::interval, make_interval(
                                              secs => power(2, least(kept.failures - $3 + 1, 20))))
                           END,
           attempts_refused = CASE WHEN kept.blocked_until > $2 THEN kept.attempts_refused + 1 ELSE 0 END
 RETURNING attempts_refused = 0 AS allowed, blocked_until
""",
)

FORGIVE = Statement(
    """
    DELETE FROM throttle
     WHERE bucket = $1
""",
)

UNCOUNT_ATTEMPT = Statement(
    """
    UPDATE throttle
       SET failures = greatest(failures - 1, 0), blocked_until = to_timestamp(0)
     WHERE bucket = $1
""",
)

SWEEP_THROTTLE = Statement(
    """
    DELETE FROM throttle
     WHERE bucket IN (SELECT bucket
                        FROM throttle
                       WHERE last_failed_at < $1
                       LIMIT 100
                         FOR UPDATE SKIP LOCKED)
""",
)


async def count_attempt(
    connection: Connection, bucket: bytes, now: datetime, *, free: int, longest: timedelta, forget: timedelta
) -> Count:
    """Count an attempt before it is judged, so that many at once are not judged for free."""
    return await COUNT_ATTEMPT.one(connection, bucket, now, free, longest, forget)


async def forgive(connection: Connection, bucket: bytes) -> None:
    """Forget the failures that led up to a success."""
    await FORGIVE.run(connection, bucket)


async def uncount_attempt(connection: Connection, bucket: bytes) -> None:
    """Take back the count of an attempt that was no failure; those before it stay."""
    await UNCOUNT_ATTEMPT.run(connection, bucket)


async def sweep_throttle(connection: Connection, before: datetime) -> None:
    """Delete some of what was last counted so long ago that it no longer matters."""
    await SWEEP_THROTTLE.run(connection, before)
