"""Signing in, staying signed in, signing out."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import msgspec

from service.foundation.crypto.passwords import PasswordHasher
from service.foundation.crypto.sealing import Keyring
from service.foundation.crypto.tokens import mint_token, open_under_token, parse_token, seal_under_token
from service.foundation.database.connection import (
    Begin,
    Connection,
    Pool,
    Transaction,
    a_connection,
    system_write,
)
from service.foundation.retry_safe import Impossible
from service.foundation.tenant import NOBODY, Tenant
from service.people.practice_queries import (
    Account,
    Credentials,
    accounts_of,
    find_credentials,
    set_password,
)
from service.people.sign_in_queries import (
    RefreshToken,
    delete_expired_tokens,
    find_device,
    insert_device,
    insert_sign_in,
    insert_token,
    lock_refresh_token,
    revoke_sign_ins,
    see_device,
    spend_refresh_token,
)
from service.people.sign_ins import (
    ACCESS_LIFE,
    REFRESH_IDLE,
    RETRY_WINDOW,
    SIGN_IN_LIFE,
    Device,
    NotSignedIn,
    Role,
    SignIn,
    WhichPractice,
    WrongCredentials,
)
from service.people.throttle import Attempt, counted, forget_failures, forget_the_old

MOST_ACCOUNTS: Final = 100
MOST_PRACTICES: Final = 5
"""Practices one email is tried against at one sign-in; each costs a password hash."""


class Opened(msgspec.Struct, frozen=True):
    """A sign-in's tokens, in the clear for the only time."""

    sign_in_id: UUID
    practice_id: UUID
    therapist_id: UUID
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What a phone says to sign in."""

    email: str
    password: str
    practice_id: UUID | None
    device: Device
    network: str


class Proven(msgspec.Struct, frozen=True):
    """An account whose password was just given."""

    account: Account
    password_hash: str
    """What the password was checked against."""
    needs_rehash: bool


async def sign_in(
    pool: Pool, keyring: Keyring, hasher: PasswordHasher, asking: Asking, now: datetime
) -> Opened:
    """Open a sign-in. Raises WrongCredentials, WhichPractice, TooManyAttempts, Impossible, Overloaded.

    The attempt is counted and committed before the password is looked at; an unknown email takes as long
    as a wrong password.
    """
    email_index = keyring.email_index(asking.email)
    async with a_connection(pool) as connection:
        accounts = await accounts_of(connection, email_index, None, most=MOST_ACCOUNTS)
    tried = _to_try(accounts, asking.practice_id)
    known = await _is_known_device(pool, tried, asking.device.id)
    device_id = asking.device.id if known else None
    attempt = Attempt(keyring, email_index, device_id, asking.network, is_shared=len(accounts) > 1)
    async with counted(pool, attempt, now):
        proven = await _proven(pool, hasher, tried, asking.password)
    if not proven:
        raise WrongCredentials
    async with system_write(pool) as connection:
        await forget_failures(connection, attempt)
        await forget_the_old(connection, now)
    if len(proven) > 1:
        raise WhichPractice(tuple(each.account.practice_id for each in proven))
    rehashed = await hasher.hash(asking.password) if proven[0].needs_rehash else None
    return await open_sign_in(pool, proven[0], rehashed, asking.device, now)


def _to_try(accounts: list[Account], practice_id: UUID | None) -> list[Account]:
    """Return the accounts to try a password against: one that nobody has where the email has none."""
    asked = [each for each in accounts if practice_id in (None, each.practice_id)]
    return asked[:MOST_PRACTICES] or [Account(NOBODY, NOBODY)]


async def _is_known_device(pool: Pool, accounts: list[Account], device_id: UUID) -> bool:
    """Return whether each of these accounts has signed in from the device before.

    One of several does not do: whoever shares the email from another practice makes devices at will.
    """
    for account in accounts:
        async with Begin(pool, Tenant(account.practice_id, NOBODY)).read() as connection:
            device = await find_device(connection, account.practice_id, device_id)
        if device is None or device.revoked_at is not None or device.therapist_id != account.therapist_id:
            return False
    return True


async def _proven(pool: Pool, hasher: PasswordHasher, accounts: list[Account], password: str) -> list[Proven]:
    """Return the accounts this password opens."""
    proven = []
    for account in accounts:
        credentials = await _credentials(pool, account)
        usable = credentials is not None and credentials.deactivated_at is None
        stored = credentials.password_hash if credentials and usable else None
        verdict = await hasher.verify(stored, password)
        if verdict.matches and stored is not None:
            proven.append(Proven(account, stored, verdict.needs_rehash))
    return proven


async def _credentials(pool: Pool, account: Account) -> Credentials | None:
    async with Begin(pool, Tenant(account.practice_id, NOBODY)).read() as connection:
        return await find_credentials(connection, account.practice_id, account.therapist_id)


async def open_sign_in(
    pool: Pool, proven: Proven, rehashed: str | None, device: Device, now: datetime
) -> Opened:
    """Open a sign-in, unless the password has changed since it was checked. Raises Impossible."""
    account = proven.account
    begin = Begin(pool, Tenant(account.practice_id, account.therapist_id))
    async with begin.write() as transaction:
        connection = transaction.connection
        kept = await find_credentials(connection, account.practice_id, account.therapist_id)
        if kept is None or kept.deactivated_at or kept.password_hash != proven.password_hash:
            raise WrongCredentials
        if rehashed is not None:
            await set_password(connection, account.practice_id, account.therapist_id, rehashed)
        return await begin_sign_in(transaction, account, device, now)


async def begin_sign_in(transaction: Transaction, account: Account, device: Device, now: datetime) -> Opened:
    """Keep device, sign-in and the first pair of tokens. Raises Impossible."""
    await _keep_device(transaction, account, device, now)
    opened = _mint(account, uuid4(), now, now + SIGN_IN_LIFE)
    fresh = SignIn(
        opened.sign_in_id, account.practice_id, account.therapist_id, device.id, Role.THERAPIST, b""
    )
    await insert_sign_in(transaction.connection, fresh, now, now + SIGN_IN_LIFE)
    await _keep_tokens(transaction.connection, opened)
    return opened


async def _keep_device(transaction: Transaction, account: Account, device: Device, now: datetime) -> None:
    known = await find_device(transaction.connection, account.practice_id, device.id)
    if known is None:
        await insert_device(transaction, msgspec.structs.replace(device, therapist_id=account.therapist_id))
    elif known.therapist_id != account.therapist_id:
        raise Impossible("this device id belongs to a colleague", "make a new device id and sign in again")
    elif known.revoked_at is not None:
        raise Impossible("this device was revoked", "make a new device id and sign in again")
    else:
        await see_device(transaction.connection, account.practice_id, device.id, now)


def _mint(account: Account, sign_in_id: UUID, now: datetime, end: datetime) -> Opened:
    """Return a new pair of tokens; none outlives the sign-in itself."""
    return Opened(
        sign_in_id=sign_in_id,
        practice_id=account.practice_id,
        therapist_id=account.therapist_id,
        access_token=mint_token("access", account.practice_id)[0],
        access_expires_at=min(now + ACCESS_LIFE, end),
        refresh_token=mint_token("refresh", account.practice_id)[0],
        refresh_expires_at=min(now + REFRESH_IDLE, end),
    )


async def _keep_tokens(connection: Connection, opened: Opened) -> None:
    """Keep the digests of a pair of tokens."""
    access = parse_token(opened.access_token, "access")
    refresh = parse_token(opened.refresh_token, "refresh")
    assert access is not None and refresh is not None  # noqa: PT018, S101  both were minted a moment ago
    practice_id, sign_in_id = opened.practice_id, opened.sign_in_id
    await insert_token(connection, practice_id, sign_in_id, "access", access.digest, opened.access_expires_at)
    await insert_token(
        connection, practice_id, sign_in_id, "refresh", refresh.digest, opened.refresh_expires_at
    )


async def refresh_sign_in(pool: Pool, text: str, now: datetime) -> Opened:
    """Exchange a refresh token for a new pair. Raises NotSignedIn.

    A lost answer can be had again: for 30 s the immediate predecessor answers the same pair. Any other spent
    token was stolen, from here or there, and the whole sign-in ends; that is committed, then said.
    """
    token = parse_token(text, "refresh")
    if token is None:
        raise NotSignedIn("that is no refresh token")
    begin = Begin(pool, Tenant(token.practice_id, NOBODY))
    async with begin.unstamped() as connection:
        opened = await _exchange(connection, token.practice_id, token.digest, text, now)
    if opened is None:
        raise NotSignedIn("the refresh token has expired, was used or revoked; sign in")
    return opened


async def _exchange(
    connection: Connection, practice_id: UUID, digest: bytes, text: str, now: datetime
) -> Opened | None:
    """Return the next pair, the same again, or None: then the sign-in may just have been ended."""
    kept = await lock_refresh_token(connection, practice_id, digest)
    if kept is None or kept.revoked_at or kept.deactivated_at or kept.sign_in_expires_at <= now:
        return None
    if kept.spent_at is not None:
        opened = await _same_again(connection, practice_id, kept, text, now)
        if opened is None:
            await revoke_sign_ins(connection, practice_id, now, "token_reused", sign_in_id=kept.sign_in_id)
        return opened
    if kept.expires_at <= now:
        return None
    return await _rotate(connection, practice_id, digest, text, kept, now)


async def _same_again(
    connection: Connection, practice_id: UUID, kept: RefreshToken, text: str, now: datetime
) -> Opened | None:
    """Return the answer a token was exchanged for; None when it is late, or the phone has gone on from it."""
    if kept.spent_at is None or kept.successor is None or now - kept.spent_at > RETRY_WINDOW:
        return None
    opened = msgspec.json.decode(open_under_token(text, kept.successor), type=Opened)
    token = parse_token(opened.refresh_token, "refresh")
    successor = token and await lock_refresh_token(connection, practice_id, token.digest)
    return opened if successor and successor.spent_at is None else None


async def _rotate(
    connection: Connection, practice_id: UUID, digest: bytes, text: str, kept: RefreshToken, now: datetime
) -> Opened:
    """Spend a refresh token and keep the pair that follows it."""
    account = Account(practice_id, kept.therapist_id)
    opened = _mint(account, kept.sign_in_id, now, kept.sign_in_expires_at)
    sealed = seal_under_token(text, msgspec.json.encode(opened))
    await spend_refresh_token(connection, practice_id, digest, now, sealed)
    await delete_expired_tokens(connection, practice_id, kept.sign_in_id, now - timedelta(days=1))
    await _keep_tokens(connection, opened)
    await see_device(connection, practice_id, kept.device_id, now)
    return opened


async def sign_out(begin: Begin, who: SignIn, now: datetime) -> None:
    """End this sign-in; its tokens are worth nothing from now on."""
    async with begin.unstamped() as connection:
        await revoke_sign_ins(connection, who.practice_id, now, "signed_out", sign_in_id=who.id)
