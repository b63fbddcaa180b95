"""Change one's own email address."""

from datetime import datetime

import msgspec

from service.foundation.crypto.sealing import Keyring
from service.foundation.database.connection import Begin, Transaction
from service.foundation.prepare_and_write import prepare_and_write
from service.foundation.retry_safe import Once, found
from service.people.emails import normal_email
from service.people.own_password import (
    ConfirmedPassword,
    PasswordGuard,
    confirm_password,
    refuse_unconfirmed_in,
)
from service.people.security_event_queries import record_security_event
from service.people.security_events import SecurityEventKind
from service.people.therapist_queries import find_therapist, index_email, unindex_email, update_therapist
from service.people.therapists import Therapist, email_taken


class EmailChange(msgspec.Struct, frozen=True):
    """The address from now on, and the password that confirms it."""

    email: str
    password: str


async def change_email(
    begin: Begin, once: Once, guard: PasswordGuard, change: EmailChange, now: datetime
) -> Therapist:
    """Let a therapist sign in with another address, confirmed by their password.

    Raises Unusable, Impossible, TooManyAttempts.
    """
    email = normal_email(change.email)

    async def write(transaction: Transaction, confirmed: ConfirmedPassword | None) -> Therapist:
        therapist_id = guard.sign_in.therapist_id
        therapist = found(await find_therapist(transaction.connection, transaction.practice_id, therapist_id))
        if transaction.replays:
            return therapist
        await refuse_unconfirmed_in(transaction, confirmed)
        if therapist.email == email:
            return therapist
        await _move_index_in(transaction, guard.keyring, therapist, email)
        await record_security_event(
            transaction,
            SecurityEventKind.EMAIL_CHANGED,
            therapist_id,
            now,
            device_id=guard.sign_in.device_id,
            old_email=therapist.email,
            new_email=email,
        )
        changed = msgspec.structs.replace(therapist, email=email, updated_at=now)
        return await update_therapist(transaction, changed)

    async def confirm() -> ConfirmedPassword:
        return await confirm_password(guard, [change.password], "/password", now)

    return await prepare_and_write(begin, once, prepare=confirm, write=write)


async def _move_index_in(
    transaction: Transaction, keyring: Keyring, therapist: Therapist, email: str
) -> None:
    """Let sign-ins find the therapist by the new address alone. Raises Impossible where a colleague has it.

    Two spellings of one address have the same index.
    """
    connection, practice_id = transaction.connection, transaction.practice_id
    old, new = keyring.email_index(therapist.email), keyring.email_index(email)
    if old == new:
        return
    if not await index_email(connection, new, practice_id, therapist.id):
        raise email_taken("choose another address")
    await unindex_email(connection, practice_id, old)
