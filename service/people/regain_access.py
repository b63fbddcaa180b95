"""What whoever runs the installation does for a therapist who cannot: a new password, a lost phone."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.crypto.passwords import PasswordHasher, refuse_weak
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.connection import Begin, Pool
from service.foundation.retry_safe import Impossible, NotFound, found
from service.foundation.tenant import NOBODY, Tenant
from service.people.practice_queries import (
    Account,
    Credentials,
    accounts_of,
    find_credentials,
    set_password,
    void_invitations,
)
from service.people.sign_in_queries import list_devices, revoke_device, revoke_sign_ins
from service.people.sign_ins import Device, WhichPractice
from service.people.throttle import Attempt, forget_failures

MOST_PRACTICES = 100


class Known(msgspec.Struct, frozen=True):
    """A therapist found by email: in which practice, and who they are there."""

    account: Account
    credentials: Credentials

    @property
    def tenant(self) -> Tenant:
        """Return the practice, as nobody in particular: nothing clinical is seen."""
        return Tenant(self.account.practice_id, NOBODY)


async def find_by_email(pool: Pool, keyring: Keyring, email: str, practice_id: UUID | None) -> Known:
    """Return the therapist an email stands for. Raises NotFound, WhichPractice."""
    async with pool.acquire() as connection:
        accounts = await accounts_of(connection, keyring.email_index(email), practice_id, most=MOST_PRACTICES)
    if not accounts:
        raise NotFound(f"no therapist signs in as {email}")
    if len(accounts) > 1:
        raise WhichPractice(tuple(each.practice_id for each in accounts))
    account = accounts[0]
    async with Begin(pool, Tenant(account.practice_id, NOBODY)).read() as connection:
        return Known(
            account, found(await find_credentials(connection, account.practice_id, account.therapist_id))
        )


async def reset_password(
    pool: Pool, keyring: Keyring, hasher: PasswordHasher, known: Known, password: str, now: datetime
) -> None:
    """Set a therapist's password and end their sign-ins and invitation; failed attempts are forgotten.

    Raises WeakPassword, Impossible.
    """
    who, account = known.credentials, known.account
    if who.deactivated_at is not None:
        raise Impossible("this therapist is deactivated", "an owner of the practice can reactivate them")
    refuse_weak(password, email=who.email, name=who.name)
    password_hash = await hasher.hash(password)
    attempt = Attempt(keyring, keyring.email_index(who.email), None, "")
    async with Begin(pool, known.tenant).unstamped() as connection:
        await set_password(connection, account.practice_id, account.therapist_id, password_hash)
        await revoke_sign_ins(
            connection, account.practice_id, now, "password_changed", therapist_id=account.therapist_id
        )
        await void_invitations(connection, account.practice_id, account.therapist_id)
        await forget_failures(connection, attempt)


async def devices_of(pool: Pool, known: Known) -> list[Device]:
    """Return a therapist's devices, the last used first."""
    async with Begin(pool, known.tenant).read() as connection:
        return await list_devices(connection, known.account.practice_id, known.account.therapist_id)


async def revoke_devices(pool: Pool, known: Known, device_ids: Sequence[UUID], now: datetime) -> None:
    """End every sign-in of these devices of a therapist, and let them make no more. Raises NotFound."""
    theirs = {each.id for each in await devices_of(pool, known)}
    if unknown := [each for each in device_ids if each not in theirs]:
        raise NotFound(f"{known.credentials.email} has no device {unknown[0]}")
    async with Begin(pool, known.tenant).write() as transaction:
        for device_id in device_ids:
            await revoke_device(transaction, device_id, now)
