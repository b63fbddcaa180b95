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
from service.people.therapist_queries import find_accounts, find_credentials, set_password
from service.people.throttle import Attempt, counted, forget_failures, forget_old_failures

MOST_ACCOUNTS: Final = 100
MOST_PRACTICES: Final = 5
"""How many practices one sign-in tries the password in; each costs a password hash."""


class PasswordProof(msgspec.Struct, frozen=True):
    """An account and the stored hash that the given password matched."""

    account: Account
    password_hash: str
    needs_rehash: bool


class Candidate(msgspec.Struct, frozen=True):
    """An account to try a password in, and whether it has signed in from this phone before."""

    account: Account
    password_hash: str
    knows_device: bool


async def sign_in(
    pool: Pool, keyring: Keyring, hasher: PasswordHasher, request: SignInRequest, now: datetime
) -> SignInTokens:
    """Begin a sign-in. Raises WrongCredentials, WhichPractice, TooManyAttempts, Impossible, Overloaded.

    The attempt is counted and committed before the password is checked. An unknown email takes as long as a
    wrong password.
    """
    email_index = keyring.email_index(request.email)
    candidates = await _find_candidates(pool, email_index, request.device.id)
    for attempt, tried in _attempts(keyring, email_index, request, candidates):
        async with counted(pool, attempt, now):
            proofs = await _matching(hasher, tried, request.password)
            if proofs:
                await _forget_failures(pool, attempt, now)
        if proofs:
            break
    else:
        raise WrongCredentials
    if len(proofs) > 1:
        raise WhichPractice(tuple(each.account.practice_id for each in proofs))
    rehashed = await hasher.hash(request.password) if proofs[0].needs_rehash else None
    return await begin_proved_sign_in(pool, proofs[0], rehashed, request.device, now)


async def _find_candidates(pool: Pool, email_index: bytes, device_id: UUID) -> list[Candidate]:
    """Return the accounts of an email that can sign in.

    Whoever was invited and has not accepted is none of them: any practice can invite any address.
    """
    async with a_connection(pool) as connection:
        accounts = await find_accounts(connection, email_index, None, most=MOST_ACCOUNTS)
    found = [await _find_candidate(pool, each, device_id) for each in accounts or [Account(NOBODY, NOBODY)]]
    return [each for each in found if each is not None]


async def _find_candidate(pool: Pool, account: Account, device_id: UUID) -> Candidate | None:
    practice_id, therapist_id = account.practice_id, account.therapist_id
    async with Begin(pool, Tenant(practice_id, NOBODY)).read() as connection:
        credentials = await find_credentials(connection, practice_id, therapist_id)
        device = await find_device(connection, practice_id, device_id)
    if credentials is None or credentials.deactivated_at is not None or credentials.password_hash is None:
        return None
    knows = device is not None and device.revoked_at is None and device.therapist_id == therapist_id
    return Candidate(account, credentials.password_hash, knows)


def _attempts(
    keyring: Keyring, email_index: bytes, request: SignInRequest, candidates: Sequence[Candidate]
) -> list[tuple[Attempt, list[Candidate]]]:
    """Return the accounts to try the password in: first those that know the phone, then the others.

    Each group has a count of its own. So nobody who shares the email in another practice takes the count of
    a known phone away, and a phone they made known there does not help them here.
    """
    is_shared = len(candidates) > 1
    wanted = [each for each in candidates if request.practice_id in (None, each.account.practice_id)]
    known = [each for each in wanted if each.knows_device][:MOST_PRACTICES]
    others = [each for each in wanted if not each.knows_device][:MOST_PRACTICES]
    attempts = []
    if known:
        attempt = Attempt(keyring, email_index, request.device.id, request.network, is_shared=is_shared)
        attempts.append((attempt, known))
    if others or not known:
        attempts.append((Attempt(keyring, email_index, None, request.network, is_shared=is_shared), others))
    return attempts


async def _matching(
    hasher: PasswordHasher, candidates: Sequence[Candidate], password: str
) -> list[PasswordProof]:
    """Return a proof for each account that this password opens; without any, take as long as for one."""
    if not candidates:
        await hasher.verify(None, password)
    proofs = []
    for each in candidates:
        verdict = await hasher.verify(each.password_hash, password)
        if verdict.matches:
            proofs.append(PasswordProof(each.account, each.password_hash, verdict.needs_rehash))
    return proofs


async def _forget_failures(pool: Pool, attempt: Attempt, now: datetime) -> None:
    async with system_write(pool) as connection:
        await forget_failures(connection, attempt)
        await forget_old_failures(connection, now)


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
