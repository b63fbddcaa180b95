"""What whoever runs the installation does for a therapist who cannot: reset a password, revoke a phone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.crypto.passwords import PasswordHasher, refuse_weak
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.connection import Begin, Pool, a_connection
from service.foundation.retry_safe import Impossible, NotFound, found
from service.foundation.tenant import NOBODY, Tenant
from service.people.device_queries import list_devices
from service.people.devices import Device
from service.people.emails import normal_email
from service.people.invitation_queries import void_invitations
from service.people.keep_devices import revoke_device_in
from service.people.security_event_queries import record_security_event
from service.people.security_events import SecurityEventKind
from service.people.sign_in_queries import revoke_sign_ins
from service.people.sign_ins import Account, WhichPractice
from service.people.therapist_queries import Credentials, find_accounts, find_credentials, set_password
from service.people.throttle import Attempt, forget_failures

MOST_PRACTICES: Final = 100


class TherapistAccount(msgspec.Struct, frozen=True):
    """A therapist found by email: the practice, and what they sign in with there."""

    account: Account
    credentials: Credentials


def _begin(pool: Pool, account: Account) -> Begin:
    """Return what opens transactions in the practice as nobody in particular: they see nothing clinical."""
    return Begin(pool, Tenant(account.practice_id, NOBODY))


async def find_by_email(
    pool: Pool, keyring: Keyring, email: str, practice_id: UUID | None
) -> TherapistAccount:
    """Return the therapist who signs in with an email. Raises Unusable, NotFound, WhichPractice."""
    index = keyring.email_index(normal_email(email))
    async with a_connection(pool) as connection:
        accounts = await find_accounts(connection, index, practice_id, most=MOST_PRACTICES)
    if not accounts:
        raise NotFound(f"no therapist signs in as {email}")
    if len(accounts) > 1:
        raise WhichPractice(tuple(each.practice_id for each in accounts))
    account = accounts[0]
    async with _begin(pool, account).read() as connection:
        credentials = await find_credentials(connection, account.practice_id, account.therapist_id)
    return TherapistAccount(account, found(credentials))


async def reset_password(
    pool: Pool,
    keyring: Keyring,
    hasher: PasswordHasher,
    therapist: TherapistAccount,
    password: str,
    now: datetime,
) -> None:
    """Set a therapist's password, end their sign-ins and invitation, and forget failed attempts.

    Raises WeakPassword, Impossible.
    """
    credentials, account = therapist.credentials, therapist.account
    if credentials.deactivated_at is not None:
        raise Impossible("this therapist is deactivated", "an owner of the practice can reactivate them")
    refuse_weak(password, email=credentials.email, name=credentials.name)
    password_hash = await hasher.hash(password)
    attempt = Attempt(keyring, keyring.email_index(credentials.email), None, "")
    practice_id, therapist_id = account.practice_id, account.therapist_id
    async with _begin(pool, account).write() as transaction:
        connection = transaction.connection
        await set_password(connection, practice_id, therapist_id, password_hash)
        await revoke_sign_ins(connection, practice_id, now, "password_changed", therapist_id=therapist_id)
        await void_invitations(connection, practice_id, therapist_id)
        await forget_failures(connection, attempt)
        await record_security_event(transaction, SecurityEventKind.PASSWORD_CHANGED, therapist_id, now)


async def devices_of(pool: Pool, account: Account) -> list[Device]:
    """Return a therapist's devices, the last used first."""
    async with _begin(pool, account).read() as connection:
        return await list_devices(connection, account.practice_id, account.therapist_id)


async def revoke_devices(
    pool: Pool, therapist: TherapistAccount, device_ids: Sequence[UUID], now: datetime
) -> None:
    """End every sign-in of these devices of a therapist, and let them make no more. Raises NotFound."""
    account = therapist.account
    async with _begin(pool, account).write() as transaction:
        devices = await list_devices(transaction.connection, account.practice_id, account.therapist_id)
        theirs = {each.id: each for each in devices}
        if unknown := [each for each in device_ids if each not in theirs]:
            raise NotFound(f"{therapist.credentials.email} has no device {unknown[0]}")
        for device_id in dict.fromkeys(device_ids):
            await revoke_device_in(transaction, theirs[device_id], now)
