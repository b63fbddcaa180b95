"""Accept an invitation: set the first password and sign in."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.crypto.passwords import PasswordHasher, refuse_weak
from service.foundation.crypto.tokens import Token, parse_token
from service.foundation.database.connection import Begin, Pool, Transaction
from service.foundation.retry_safe import found
from service.foundation.tenant import NOBODY, Tenant
from service.people.begin_sign_in import begin_sign_in_in
from service.people.devices import NewDevice
from service.people.invitation_queries import find_invited_therapist, spend_invitation
from service.people.invitations import InvitationSpent
from service.people.sign_ins import SignInTokens
from service.people.therapist_queries import (
    Credentials,
    find_credentials,
    find_therapist,
    set_password,
    update_therapist,
)


async def accept_invitation(
    pool: Pool, hasher: PasswordHasher, text: str, password: str, device: NewDevice, now: datetime
) -> SignInTokens:
    """Set the invited therapist's password and sign them in.

    A refused password or device leaves the invitation open. Raises InvitationSpent, WeakPassword, Impossible.
    """
    token = parse_token(text, "invitation")
    if token is None:
        raise InvitationSpent
    invited = await _find_invited(pool, token, now)
    refuse_weak(password, email=invited.email, name=invited.name)
    password_hash = await hasher.hash(password)
    async with Begin(pool, Tenant(token.practice_id, invited.id)).write() as transaction:
        await _join_in(transaction, token.digest, password_hash, now)
        return await begin_sign_in_in(transaction, device, now)


async def _find_invited(pool: Pool, token: Token, now: datetime) -> Credentials:
    """Return the therapist an open invitation is for. Raises InvitationSpent."""
    async with Begin(pool, Tenant(token.practice_id, NOBODY)).read() as connection:
        therapist_id = await find_invited_therapist(connection, token.practice_id, token.digest, now)
        if therapist_id is None:
            raise InvitationSpent
        invited = await find_credentials(connection, token.practice_id, therapist_id)
    if invited is None or invited.deactivated_at is not None or invited.password_hash is not None:
        raise InvitationSpent
    return invited


async def _join_in(transaction: Transaction, digest: bytes, password_hash: str, now: datetime) -> None:
    """Spend the invitation of the transaction's therapist and set their password. Raises InvitationSpent."""
    connection, tenant = transaction.connection, transaction.tenant
    owner: tuple[UUID, UUID] = (tenant.practice_id, tenant.therapist_id)
    spent_for = await spend_invitation(connection, tenant.practice_id, digest, now)
    credentials = await find_credentials(connection, *owner)
    if spent_for != tenant.therapist_id or credentials is None or credentials.password_hash is not None:
        raise InvitationSpent
    await set_password(connection, *owner, password_hash)
    therapist = found(await find_therapist(connection, *owner))
    await update_therapist(transaction, msgspec.structs.replace(therapist, joined_at=now, updated_at=now))
