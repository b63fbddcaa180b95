"""Sign in with email and password."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.crypto.passwords import PasswordHasher
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.connection import Begin, Pool, a_connection, system_write
from service.foundation.tenant import NOBODY, Tenant
from service.people.begin_sign_in import begin_sign_in_in
from service.people.device_queries import find_device
from service.people.devices import NewDevice
from service.people.sign_ins import Account, SignInRequest, SignInTokens, WhichPractice, WrongCredentials
from service.people.therapist_queries import Credentials, find_accounts, find_credentials, set_password
from service.people.throttle import Attempt, counted, forget_failures, forget_old_failures

MOST_ACCOUNTS: Final = 100
MOST_PRACTICES: Final = 5
"""How many practices one sign-in tries the password in; each costs a password hash."""


class PasswordProof(msgspec.Struct, frozen=True):
    """An account and the stored hash that the given password matched."""

    account: Account
    password_hash: str
    needs_rehash: bool


async def sign_in(
    pool: Pool, keyring: Keyring, hasher: PasswordHasher, request: SignInRequest, now: datetime
) -> SignInTokens:
    """Begin a sign-in. Raises WrongCredentials, WhichPractice, TooManyAttempts, Impossible, Overloaded.

    The attempt is counted and committed before the password is checked. An unknown email takes as long as a
    wrong password.
    """
    email_index = keyring.email_index(request.email)
    async with a_connection(pool) as connection:
        accounts = await find_accounts(connection, email_index, None, most=MOST_ACCOUNTS)
    candidates = _candidates(accounts, request.practice_id)
    known = await _is_known_device(pool, candidates, request.device.id)
    device_id = request.device.id if known else None
    attempt = Attempt(keyring, email_index, device_id, request.network, is_shared=len(accounts) > 1)
    async with counted(pool, attempt, now):
        proofs = await _matching(pool, hasher, candidates, request.password)
    if not proofs:
        raise WrongCredentials
    async with system_write(pool) as connection:
        await forget_failures(connection, attempt)
        await forget_old_failures(connection, now)
    if len(proofs) > 1:
        raise WhichPractice(tuple(each.account.practice_id for each in proofs))
    rehashed = await hasher.hash(request.password) if proofs[0].needs_rehash else None
    return await begin_proved_sign_in(pool, proofs[0], rehashed, request.device, now)


def _candidates(accounts: Sequence[Account], practice_id: UUID | None) -> list[Account]:
    """Return the accounts to try a password in; a made-up one where there are none, to take as long."""
    wanted = [each for each in accounts if practice_id in (None, each.practice_id)]
    return wanted[:MOST_PRACTICES] or [Account(NOBODY, NOBODY)]


async def _is_known_device(pool: Pool, accounts: Sequence[Account], device_id: UUID) -> bool:
    """Return whether each of these accounts has signed in from the device before.

    One of several is not enough: whoever shares the email in another practice can make devices there.
    """
    for account in accounts:
        async with Begin(pool, Tenant(account.practice_id, NOBODY)).read() as connection:
            device = await find_device(connection, account.practice_id, device_id)
        if device is None or device.revoked_at is not None or device.therapist_id != account.therapist_id:
            return False
    return True


async def _matching(
    pool: Pool, hasher: PasswordHasher, accounts: Sequence[Account], password: str
) -> list[PasswordProof]:
    """Return a proof for each account that this password opens."""
    proofs = []
    for account in accounts:
        credentials = await _credentials(pool, account)
        usable = credentials is not None and credentials.deactivated_at is None
        stored = credentials.password_hash if credentials and usable else None
        verdict = await hasher.verify(stored, password)
        if verdict.matches and stored is not None:
            proofs.append(PasswordProof(account, stored, verdict.needs_rehash))
    return proofs


async def _credentials(pool: Pool, account: Account) -> Credentials | None:
    async with Begin(pool, Tenant(account.practice_id, NOBODY)).read() as connection:
        return await find_credentials(connection, account.practice_id, account.therapist_id)


async def begin_proved_sign_in(
    pool: Pool, proof: PasswordProof, rehashed: str | None, device: NewDevice, now: datetime
) -> SignInTokens:
    """Begin a sign-in. Raises WrongCredentials where the password has changed since, Impossible."""
    account = proof.account
    async with Begin(pool, account.tenant).write() as transaction:
        connection = transaction.connection
        stored = await find_credentials(connection, account.practice_id, account.therapist_id)
        if stored is None or stored.deactivated_at or stored.password_hash != proof.password_hash:
            raise WrongCredentials
        if rehashed is not None:
            await set_password(connection, account.practice_id, account.therapist_id, rehashed)
        return await begin_sign_in_in(transaction, device, now)
