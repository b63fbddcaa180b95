"""Change one's own password."""

from datetime import datetime

import msgspec

from service.foundation.crypto.passwords import refuse_weak
from service.foundation.database.connection import Begin, Transaction
from service.foundation.prepare_and_write import prepare_and_write
from service.people.own_password import (
    ConfirmedPassword,
    PasswordGuard,
    confirm_password,
    own_credentials,
    refuse_unconfirmed_in,
)
from service.people.security_event_queries import record_security_event
from service.people.security_events import SecurityEventKind
from service.people.sign_in_queries import revoke_sign_ins
from service.people.therapist_queries import set_password


class PasswordChange(msgspec.Struct, frozen=True):
    """The password until now, and the password from now on."""

    current: str
    new: str


class PreparedPassword(msgspec.Struct, frozen=True):
    """A confirmed change; `password_hash` is None where the stored password is the new one already."""

    confirmed: ConfirmedPassword
    password_hash: str | None


async def change_password(guard: PasswordGuard, change: PasswordChange, now: datetime) -> None:
    """Set a new password; every other sign-in of this therapist ends.

    Sent again after a lost answer, it changes nothing. Raises Unusable, WeakPassword, TooManyAttempts.
    """

    async def write(transaction: Transaction, prepared: PreparedPassword | None) -> None:
        await refuse_unconfirmed_in(transaction, prepared.confirmed if prepared else None)
        if prepared and prepared.password_hash is not None:
            await _set_password_in(transaction, guard, prepared.password_hash, now)

    begin = Begin(guard.pool, guard.sign_in.tenant)
    await prepare_and_write(begin, None, prepare=lambda: _prepare(guard, change, now), write=write)


async def _prepare(guard: PasswordGuard, change: PasswordChange, now: datetime) -> PreparedPassword:
    """Check both passwords and hash the new one. Raises Unusable, WeakPassword, TooManyAttempts."""
    credentials = await own_credentials(guard)
    refuse_weak(change.new, email=credentials.email, name=credentials.name)
    confirmed = await confirm_password(guard, [change.current, change.new], "/current", now)
    is_repeated = confirmed.password != change.current
    return PreparedPassword(confirmed, None if is_repeated else await guard.hasher.hash(change.new))


async def _set_password_in(
    transaction: Transaction, guard: PasswordGuard, password_hash: str, now: datetime
) -> None:
    """Store the new password, end every other sign-in, and record it."""
    connection, practice_id, sign_in = transaction.connection, transaction.practice_id, guard.sign_in
    therapist_id = sign_in.therapist_id
    await set_password(connection, practice_id, therapist_id, password_hash)
    await revoke_sign_ins(
        connection, practice_id, now, "password_changed", therapist_id=therapist_id, spare=sign_in.id
    )
    changed = SecurityEventKind.PASSWORD_CHANGED
    await record_security_event(transaction, changed, therapist_id, now, device_id=sign_in.device_id)
