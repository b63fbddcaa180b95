"""A therapist's own password, given again to confirm a change of the account."""

from datetime import datetime

import msgspec

from service.foundation.crypto.passwords import PasswordHasher
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.connection import Begin, Pool, Transaction
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
    """Credentials whose password was just given, and the attempt that counted it."""

    credentials: Credentials
    attempt: Attempt


async def confirm_password(
    guard: PasswordGuard, password: str, pointer: str, now: datetime
) -> ConfirmedPassword:
    """Check a therapist's own password; it counts with the sign-ins from this device.

    `pointer` says where the password was sent. Raises Unusable, TooManyAttempts, Overloaded.
    """
    credentials = await own_credentials(guard)
    attempt = own_attempt(guard, credentials)
    async with counted(guard.pool, attempt, now):
        if not (await guard.hasher.verify(credentials.password_hash, password)).matches:
            raise wrong_password(pointer)
    return ConfirmedPassword(credentials, attempt)


async def own_credentials(guard: PasswordGuard) -> Credentials:
    """Return the credentials of the therapist who asks."""
    tenant = guard.sign_in.tenant
    async with Begin(guard.pool, tenant).read() as connection:
        return found(await find_credentials(connection, tenant.practice_id, tenant.therapist_id))


def own_attempt(guard: PasswordGuard, credentials: Credentials) -> Attempt:
    """Return an attempt at one's own password."""
    email_index = guard.keyring.email_index(credentials.email)
    return Attempt(guard.keyring, email_index, guard.sign_in.device_id, guard.network)


def wrong_password(pointer: str) -> Unusable:
    """Return the refusal of the password at `pointer`."""
    return Unusable(pointer, "this is not your password")


async def accept_confirmation_in(transaction: Transaction, confirmed: ConfirmedPassword | None) -> None:
    """Forget failed attempts. Raises NotPrepared where no password was confirmed, or it has changed since."""
    therapist_id = transaction.tenant.therapist_id
    stored = await find_credentials(transaction.connection, transaction.practice_id, therapist_id)
    if confirmed is None or stored is None or stored.password_hash != confirmed.credentials.password_hash:
        raise NotPrepared(therapist_id)
    await forget_failures(transaction.connection, confirmed.attempt)
