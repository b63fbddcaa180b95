"""Change one's own password."""

from datetime import datetime

import msgspec

from service.foundation.crypto.passwords import PasswordHasher, refuse_weak
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.connection import Begin, Pool, Transaction
from service.foundation.retry_safe import Unusable
from service.people.own_password import own_attempt, own_credentials, refuse_new_password_in, wrong_password
from service.people.sign_in_queries import revoke_sign_ins
from service.people.sign_ins import SignIn
from service.people.therapist_queries import set_password
from service.people.throttle import counted, forget_failures


class PasswordChange(msgspec.Struct, frozen=True):
    """The password until now, the password from now on, and the network the request comes from."""

    current: str
    new: str
    network: str


async def change_password(
    pool: Pool,
    keyring: Keyring,
    hasher: PasswordHasher,
    sign_in: SignIn,
    change: PasswordChange,
    now: datetime,
) -> None:
    """Set a new password; every other sign-in of this therapist ends. Raises Unusable, WeakPassword.

    Sent again after a lost answer it succeeds too: then the stored password is the new one already.
    """
    begin = Begin(pool, sign_in.tenant)
    credentials = await own_credentials(begin)
    attempt = own_attempt(keyring, credentials, sign_in, change.network)
    async with counted(pool, attempt, now):
        if not await _matches(hasher, credentials.password_hash, change):
            raise wrong_password("/current")
        refuse_weak(change.new, email=credentials.email, name=credentials.name)
        password_hash = await hasher.hash(change.new)
    try:
        async with begin.write() as transaction:
            await forget_failures(transaction.connection, attempt)
            await refuse_new_password_in(transaction, credentials, "/current")
            await _set_password_in(transaction, sign_in, password_hash, now)
    except Unusable:
        # The phone may have sent this twice at once: then the other request has set the new password.
        stored = (await own_credentials(begin)).password_hash
        if not (await hasher.verify(stored, change.new)).matches:
            raise


async def _set_password_in(
    transaction: Transaction, sign_in: SignIn, password_hash: str, now: datetime
) -> None:
    """Store the password and end the therapist's other sign-ins."""
    connection, practice_id = transaction.connection, transaction.practice_id
    await set_password(connection, practice_id, sign_in.therapist_id, password_hash)
    await revoke_sign_ins(
        connection, practice_id, now, "password_changed", therapist_id=sign_in.therapist_id, spare=sign_in.id
    )


async def _matches(hasher: PasswordHasher, stored: str | None, change: PasswordChange) -> bool:
    """Return whether the stored password is the current one, or already the new one."""
    if (await hasher.verify(stored, change.current)).matches:
        return True
    return (await hasher.verify(stored, change.new)).matches
