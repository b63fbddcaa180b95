"""A therapist's own password, given again to confirm a change of the account."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from service.foundation.crypto.passwords import PasswordHasher
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.connection import Begin, Pool, Transaction, system_write
from service.foundation.prepare_and_write import NotPrepared
from service.foundation.retry_safe import Unusable, found
from service.people.sign_ins import SignIn
from service.people.therapist_queries import Credentials, find_credentials
from service.people.throttle import Attempt, counted, forget_failures


class PasswordGuard(msgspec.Struct, frozen=True):
    """What it takes to check a password, and from which sign-in and network it is sent."""

    pool: Pool
    keyring: Keyring
    hasher: PasswordHasher
    sign_in: SignIn
    network: str


class ConfirmedPassword(msgspec.Struct, frozen=True):
    """The credentials of the therapist who asks, and which of the passwords they sent is the stored one."""

    credentials: Credentials
    password: str


async def own_credentials(guard: PasswordGuard) -> Credentials:
    """Return the credentials of the therapist who asks."""
    tenant = guard.sign_in.tenant
    async with Begin(guard.pool, tenant).read() as connection:
        return found(await find_credentials(connection, tenant.practice_id, tenant.therapist_id))


async def confirm_password(
    guard: PasswordGuard, passwords: Sequence[str], pointer: str, now: datetime
) -> ConfirmedPassword:
    """Find the stored password among those a therapist sent; a failure counts with the sign-ins from there.

    `pointer` says where the first one was sent. Raises Unusable, TooManyAttempts, Overloaded.
    """
    credentials = await own_credentials(guard)
    email_index = guard.keyring.email_index(credentials.email)
    attempt = Attempt(guard.keyring, email_index, guard.sign_in.device_id, guard.network)
    async with counted(guard.pool, attempt, now):
        for password in passwords:
            if (await guard.hasher.verify(credentials.password_hash, password)).matches:
                break
        else:
            raise Unusable(pointer, "this is not your password")
    async with system_write(guard.pool) as connection:
        await forget_failures(connection, attempt)
    return ConfirmedPassword(credentials, password)


async def refuse_unconfirmed_in(transaction: Transaction, confirmed: ConfirmedPassword | None) -> None:
    """Raise NotPrepared where no password was confirmed yet, or where it has changed since."""
    therapist_id = transaction.tenant.therapist_id
    stored = await find_credentials(transaction.connection, transaction.practice_id, therapist_id)
    if confirmed is None or stored is None or stored.password_hash != confirmed.credentials.password_hash:
        raise NotPrepared(therapist_id)
