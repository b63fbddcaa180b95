"""A therapist's own password, given again to confirm a change of the account."""

from service.foundation.crypto.sealing import Keyring
from service.foundation.database.connection import Begin, Transaction
from service.foundation.retry_safe import Unusable, found
from service.people.sign_ins import SignIn
from service.people.therapist_queries import Credentials, find_credentials
from service.people.throttle import Attempt


def wrong_password(pointer: str) -> Unusable:
    """Return the refusal of the password at `pointer`."""
    return Unusable(pointer, "this is not your password")


async def own_credentials(begin: Begin) -> Credentials:
    """Return the credentials of the therapist who asks."""
    async with begin.read() as connection:
        tenant = begin.tenant
        return found(await find_credentials(connection, tenant.practice_id, tenant.therapist_id))


def own_attempt(keyring: Keyring, credentials: Credentials, sign_in: SignIn, network: str) -> Attempt:
    """Return an attempt at one's own password: it counts with the sign-ins from this device."""
    return Attempt(keyring, keyring.email_index(credentials.email), sign_in.device_id, network)


async def refuse_new_password_in(transaction: Transaction, checked: Credentials, pointer: str) -> None:
    """Raise Unusable where the password has changed since `checked` was read."""
    stored = await find_credentials(transaction.connection, transaction.practice_id, checked.id)
    if stored is None or stored.password_hash != checked.password_hash:
        raise wrong_password(pointer)
