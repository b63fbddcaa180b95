"""Begin a sign-in whose therapist has proved who they are: store the device and issue tokens."""

from datetime import datetime
from uuid import UUID, uuid4

from service.foundation.crypto.tokens import mint_token, parse_token
from service.foundation.database.connection import Connection, Transaction
from service.people.device_queries import find_device, insert_device, see_device
from service.people.devices import Device, NewDevice, refuse_unusable_device
from service.people.sign_in_queries import insert_sign_in, insert_token
from service.people.sign_ins import ACCESS_LIFE, REFRESH_IDLE, SIGN_IN_LIFE, Account, SignInTokens


async def begin_sign_in_in(transaction: Transaction, device: NewDevice, now: datetime) -> SignInTokens:
    """Store device, sign-in and first tokens of the transaction's therapist. Raises Impossible."""
    tenant = transaction.tenant
    account = Account(tenant.practice_id, tenant.therapist_id)
    await _keep_device_in(transaction, device, now)
    end = now + SIGN_IN_LIFE
    tokens = mint_tokens(account, uuid4(), now, end)
    await insert_sign_in(
        transaction.connection,
        account.practice_id,
        tokens.sign_in_id,
        account.therapist_id,
        device.id,
        now,
        end,
    )
    await insert_tokens(transaction.connection, tokens)
    return tokens


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
    else:
        refuse_unusable_device(known, therapist_id)
        await see_device(transaction.connection, transaction.practice_id, new.id, now)


def mint_tokens(account: Account, sign_in_id: UUID, now: datetime, end: datetime) -> SignInTokens:
    """Return new tokens; none outlives the sign-in, which ends at `end`."""
    return SignInTokens(
        sign_in_id=sign_in_id,
        practice_id=account.practice_id,
        therapist_id=account.therapist_id,
        access_token=mint_token("access", account.practice_id)[0],
        access_expires_at=min(now + ACCESS_LIFE, end),
        refresh_token=mint_token("refresh", account.practice_id)[0],
        refresh_expires_at=min(now + REFRESH_IDLE, end),
    )


async def insert_tokens(connection: Connection, tokens: SignInTokens) -> None:
    """Store the digests of both tokens."""
    access = parse_token(tokens.access_token, "access")
    refresh = parse_token(tokens.refresh_token, "refresh")
    assert access is not None and refresh is not None  # noqa: PT018, S101  both were just minted
    owner = (tokens.practice_id, tokens.sign_in_id)
    await insert_token(connection, *owner, "access", access.digest, tokens.access_expires_at)
    await insert_token(connection, *owner, "refresh", refresh.digest, tokens.refresh_expires_at)
