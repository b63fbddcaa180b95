"""Create, read and change the practice."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec

from service.foundation.crypto.passwords import PasswordHasher, refuse_weak
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.connection import Begin, Connection, Pool, Transaction, a_connection
from service.foundation.retry_safe import Expected, Once, found
from service.foundation.tenant import NOBODY, Tenant
from service.people.emails import normal_email
from service.people.practice_queries import find_practice, insert_practice, list_practice_ids, update_practice
from service.people.practices import Practice, refuse_unknown_zone
from service.people.sign_in_queries import revoke_all_sign_ins
from service.people.sign_ins import Account
from service.people.therapist_queries import index_email, insert_therapist, set_password
from service.people.therapists import Role, Therapist

FIRST_REVISION: Final = 1


class NewPractice(msgspec.Struct, frozen=True):
    """A practice and its first owner."""

    name: str
    zone: str
    owner_email: str
    owner_name: str
    password: str


async def create_practice(
    pool: Pool, keyring: Keyring, hasher: PasswordHasher, new: NewPractice, now: datetime
) -> Account:
    """Create a practice with its key and its first owner. Raises WeakPassword, Unusable."""
    refuse_unknown_zone(new.zone)
    email = normal_email(new.owner_email)
    refuse_weak(new.password, email=email, name=new.owner_name)
    password_hash = await hasher.hash(new.password)
    practice_id = uuid4()
    practice = Practice(practice_id=practice_id, name=new.name, zone=new.zone, created_at=now, updated_at=now)
    owner = Therapist(
        id=uuid4(),
        email=email,
        name=new.owner_name,
        role=Role.OWNER,
        joined_at=now,
        created_at=now,
        updated_at=now,
    )
    tenant = Tenant(practice_id, NOBODY)
    async with Begin(pool, tenant).unstamped() as connection:
        transaction = Transaction(connection, tenant, FIRST_REVISION, replays=False)
        await insert_practice(transaction, practice, keyring.new_practice_key(practice_id), uuid4())
        await insert_therapist(transaction, owner)
        await set_password(connection, practice_id, owner.id, password_hash)
        await index_email(connection, keyring.email_index(owner.email), practice_id, owner.id)
    return Account(practice_id, owner.id)


async def list_practices(pool: Pool) -> list[Practice]:
    """Return every practice of this installation, the oldest first, for whoever runs it."""
    async with a_connection(pool) as connection:
        ids = await list_practice_ids(connection)
    return [await read_practice(Begin(pool, Tenant(each, NOBODY))) for each in ids]


async def read_practice(begin: Begin) -> Practice:
    """Return the practice."""
    async with begin.read() as connection:
        return await _practice(connection, begin.tenant.practice_id)


async def change_practice(
    begin: Begin, once: Once, changes: Mapping[str, Any], *, expected: Expected, now: datetime
) -> Practice:
    """Change the practice's settings. Raises Stale, Unusable."""
    async with begin.write(once) as transaction:
        practice = await _practice(transaction.connection, transaction.practice_id)
        if transaction.replays:
            return practice
        expected.check(practice.revision, this_write=transaction.revision)
        changed = msgspec.structs.replace(practice, updated_at=now, **changes)
        refuse_unknown_zone(changed.zone)
        return await update_practice(transaction, changed)


async def archive_practice(pool: Pool, practice_id: UUID, now: datetime, *, archived: bool) -> Practice:
    """Archive a practice and end all its sign-ins, or bring it back; its records stay. Raises NotFound."""
    begin = Begin(pool, Tenant(practice_id, NOBODY))
    async with begin.write() as transaction:
        practice = await _practice(transaction.connection, practice_id)
        if (practice.archived_at is not None) == archived:
            return practice
        if archived:
            await revoke_all_sign_ins(transaction.connection, practice_id, now, "deactivated")
        changed = msgspec.structs.replace(practice, updated_at=now, archived_at=now if archived else None)
        return await update_practice(transaction, changed)


async def _practice(connection: Connection, practice_id: UUID) -> Practice:
    return found(await find_practice(connection, practice_id))
