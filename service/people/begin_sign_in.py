"""Begin a sign-in whose therapist has proved who they are: store the device and issue tokens."""

from datetime import datetime
from uuid import UUID, uuid4

import msgspec

from service.foundation.crypto.tokens import mint_token
from service.foundation.database.connection import Connection, Transaction
from service.foundation.retry_safe import found
from service.people.device_queries import find_device, insert_device, see_device
from service.people.devices import Device, NewDevice, refuse_unusable_device
from service.people.practice_queries import find_practice
from service.people.practices import refuse_archived
from service.people.security_event_queries import record_security_event
from service.people.security_events import SecurityEventKind
from service.people.sign_in_queries import insert_sign_in, insert_token
from service.people.sign_ins import ACCESS_LIFE, REFRESH_IDLE, SIGN_IN_LIFE, Account, SignInTokens


async def begin_sign_in_in(transaction: Transaction, device: NewDevice, now: datetime) -> SignInTokens:
    """Store device, sign-in and first tokens of the transaction's therapist. Raises Impossible."""
    tenant = transaction.tenant
    refuse_archived(found(await find_practice(transaction.connection, tenant.practice_id)))
    account = Account(tenant.practice_id, tenant.therapist_id)
    await _keep_device_in(transaction, device, now)
    sign_in_id, end = uuid4(), now + SIGN_IN_LIFE
    await insert_sign_in(
        transaction.connection,
        account.practice_id,
        sign_in_id,
        account.therapist_id,
        device.id,
        now,
        end,
    )
    issued = await issue_tokens_in(transaction.connection, account, sign_in_id, now, end)
    return issued.tokens


async def _keep_device_in(transaction: Transaction, new: NewDevice, now: datetime) -> None:
    """Store a device that is new, or record that a known one was seen. Raises Impossible."""
    therapist_id = transaction.tenant.therapist_id
    known = await find_device(transaction.connection, transaction.practice_id, new.id)
    if known is None:
        device = Device(
            id=new.id,
            therapist_id=therapist_id,
            name=new.name,
            platform=new.platform,
            created_at=now,
            last_seen_at=now,
        )
        await insert_device(transaction, device)
        new_device = SecurityEventKind.NEW_DEVICE
        await record_security_event(transaction, new_device, therapist_id, now, device_id=new.id)
    else:
        refuse_unusable_device(known, therapist_id)
        await see_device(transaction.connection, transaction.practice_id, new.id, now)


class IssuedTokens(msgspec.Struct, frozen=True):
    """New tokens, and the digest by which the access token is stored."""

    tokens: SignInTokens
    access_digest: bytes


async def issue_tokens_in(
    connection: Connection, account: Account, sign_in_id: UUID, now: datetime, end: datetime
) -> IssuedTokens:
    """Make a pair of tokens and store their digests; neither outlives the sign-in, which ends at `end`."""
    practice_id = account.practice_id
    access_token, access_digest = mint_token("access", practice_id)
    refresh_token, refresh_digest = mint_token("refresh", practice_id)
    tokens = SignInTokens(
        sign_in_id=sign_in_id,
        practice_id=practice_id,
        therapist_id=account.therapist_id,
        access_token=access_token,
        access_expires_at=min(now + ACCESS_LIFE, end),
        refresh_token=refresh_token,
        refresh_expires_at=min(now + REFRESH_IDLE, end),
    )
    owner = (practice_id, sign_in_id)
    await insert_token(connection, *owner, "access", access_digest, tokens.access_expires_at)
    await insert_token(connection, *owner, "refresh", refresh_digest, tokens.refresh_expires_at)
    return IssuedTokens(tokens, access_digest)
