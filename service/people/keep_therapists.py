"""Add, read, list and change the therapists of a practice."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from service.foundation.crypto.sealing import Keyring
from service.foundation.database.connection import Begin, Connection
from service.foundation.retry_safe import Expected, Once, found, replayed
from service.people.invitation_queries import void_invitations
from service.people.sign_in_queries import revoke_sign_ins
from service.people.therapist_queries import (
    find_therapist,
    index_email,
    insert_therapist,
    list_therapists,
    update_therapist,
)
from service.people.therapists import Therapist, changed_therapist, email_taken, refuse_no_owner


async def all_therapists(begin: Begin) -> list[Therapist]:
    """Return everyone who works or worked in the practice, by name."""
    async with begin.read() as connection:
        return await list_therapists(connection, begin.tenant.practice_id)


async def read_therapist(begin: Begin, therapist_id: UUID) -> Therapist:
    """Return a therapist of the practice. Raises NotFound."""
    async with begin.read() as connection:
        return await _therapist(connection, begin.tenant.practice_id, therapist_id)


async def _therapist(connection: Connection, practice_id: UUID, therapist_id: UUID) -> Therapist:
    return found(await find_therapist(connection, practice_id, therapist_id))


async def add_therapist(
    begin: Begin, once: Once, keyring: Keyring, therapist: Therapist
) -> tuple[Therapist, bool]:
    """Add a therapist; also return whether they were added before. Raises IdTaken, Impossible.

    They cannot sign in before they accept an invitation.
    """
    async with begin.write(once) as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        if transaction.replays:
            return replayed(await find_therapist(connection, practice_id, therapist.id)), True
        email_index = keyring.email_index(therapist.email)
        if not await index_email(connection, email_index, practice_id, therapist.id):
            raise email_taken("reactivate them or, if they have not joined yet, invite them again")
        return await insert_therapist(transaction, therapist), False


async def change_therapist(
    begin: Begin,
    once: Once,
    therapist_id: UUID,
    changes: Mapping[str, Any],
    *,
    expected: Expected,
    now: datetime,
) -> Therapist:
    """Change name or role, deactivate or reactivate. Raises NotFound, Stale, Impossible.

    A deactivated therapist is signed out at once. A practice keeps at least one owner who can sign in.
    """
    async with begin.write(once) as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        therapist = await _therapist(connection, practice_id, therapist_id)
        if transaction.replays:
            return therapist
        expected.check(therapist.revision, this_write=transaction.revision)
        changed = changed_therapist(therapist, changes, now)
        if therapist.can_act_as_owner and not changed.can_act_as_owner:
            colleagues = await list_therapists(connection, practice_id)
            refuse_no_owner(each for each in colleagues if each.id != therapist_id)
        if changed.deactivated_at is not None:
            await void_invitations(connection, practice_id, therapist_id)
            await revoke_sign_ins(connection, practice_id, now, "deactivated", therapist_id=therapist_id)
        return await update_therapist(transaction, changed)
