"""Keeping the practice: its settings, who works in it, and the devices they sign in from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from service.foundation.crypto.passwords import PasswordHasher, refuse_weak
from service.foundation.crypto.sealing import Keyring
from service.foundation.crypto.tokens import mint_token, parse_token
from service.foundation.database.connection import Begin, Connection, Pool, Transaction
from service.foundation.retry_safe import Expected, Impossible, Unusable, found, replayed
from service.foundation.tenant import NOBODY, Tenant
from service.people.practice_queries import (
    Account,
    find_credentials,
    find_invited,
    find_practice,
    find_therapist,
    index_email,
    insert_invitation,
    insert_practice,
    insert_therapist,
    list_therapists,
    set_password,
    spend_invitation,
    update_practice,
    update_therapist,
    void_invitations,
)
from service.people.practices import Practice, Therapist, normal_email, refuse_unknown_zone
from service.people.sign_in import Opened, begin_sign_in
from service.people.sign_in_queries import find_device, list_devices, revoke_device, revoke_sign_ins
from service.people.sign_ins import INVITATION_LIFE, Device, InvitationSpent, Role, SignIn
from service.people.throttle import Attempt, counted, forget_failures


class Invitation(msgspec.Struct, frozen=True):
    """An open invitation; its token is known only now."""

    therapist_id: UUID
    token: str
    expires_at: datetime


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
    refuse_weak(new.password, email=new.owner_email, name=new.owner_name)
    password_hash = await hasher.hash(new.password)
    practice = Practice(practice_id=uuid4(), name=new.name, zone=new.zone, created_at=now, updated_at=now)
    owner = Therapist(
        id=uuid4(),
        email=normal_email(new.owner_email),
        name=new.owner_name,
        role=Role.OWNER,
        joined_at=now,
        created_at=now,
        updated_at=now,
    )
    practice_id = practice.practice_id
    async with Begin(pool, Tenant(practice_id, NOBODY)).unstamped() as connection:
        await insert_practice(connection, practice, keyring.new_practice_key(practice_id), uuid4())
        await insert_therapist(connection, practice_id, owner, practice.revision)
        await set_password(connection, practice_id, owner.id, password_hash)
        await index_email(connection, keyring.email_index(owner.email), practice_id, owner.id)
    return Account(practice_id, owner.id)


async def read_practice(connection: Connection, practice_id: UUID) -> Practice:
    """Return the practice."""
    return found(await find_practice(connection, practice_id))


async def change_practice(
    transaction: Transaction, changes: Mapping[str, Any], *, expected: Expected, now: datetime
) -> Practice:
    """Change the practice's settings. Raises Stale, Unusable."""
    practice = await read_practice(transaction.connection, transaction.practice_id)
    if transaction.replays:
        return practice
    expected.check(practice.revision, this_write=transaction.revision)
    changed = msgspec.structs.replace(practice, updated_at=now, **changes)
    refuse_unknown_zone(changed.zone)
    return await update_practice(transaction, changed)


async def read_therapist(connection: Connection, practice_id: UUID, therapist_id: UUID) -> Therapist:
    """Return a therapist of the practice. Raises NotFound."""
    return found(await find_therapist(connection, practice_id, therapist_id))


async def add_therapist(transaction: Transaction, keyring: Keyring, therapist: Therapist) -> Therapist:
    """Add a therapist, who cannot sign in before accepting an invitation. Raises IdTaken, Impossible."""
    connection, practice_id = transaction.connection, transaction.practice_id
    if transaction.replays:
        return replayed(await find_therapist(connection, practice_id, therapist.id))
    colleagues = await list_therapists(connection, practice_id)
    if any(each.email == therapist.email for each in colleagues):
        raise _email_taken()
    kept = await insert_therapist(connection, practice_id, therapist, transaction.revision)
    if not await index_email(connection, keyring.email_index(kept.email), practice_id, kept.id):
        raise _email_taken()
    return kept


def _email_taken() -> Impossible:
    return Impossible(
        "this email belongs to a colleague already",
        "reactivate them or, if they have not joined yet, invite them again",
    )


async def change_therapist(
    transaction: Transaction,
    therapist_id: UUID,
    changes: Mapping[str, Any],
    *,
    expected: Expected,
    now: datetime,
) -> Therapist:
    """Change name or role, deactivate or reactivate. Raises NotFound, Stale, Impossible.

    A deactivated therapist is signed out at once; a practice keeps at least one owner who can sign in.
    """
    connection, practice_id = transaction.connection, transaction.practice_id
    therapist = await read_therapist(connection, practice_id, therapist_id)
    if transaction.replays:
        return therapist
    expected.check(therapist.revision, this_write=transaction.revision)
    changed = msgspec.structs.replace(therapist, updated_at=now, **changes)
    if therapist.deactivated_at and changed.deactivated_at:
        changed = msgspec.structs.replace(changed, deactivated_at=therapist.deactivated_at)
    if _owns(therapist) and not _owns(changed):
        await _refuse_no_owner(connection, practice_id, without=therapist_id)
    if changed.deactivated_at is not None:
        await void_invitations(connection, practice_id, therapist_id)
        await revoke_sign_ins(connection, practice_id, now, "deactivated", therapist_id=therapist_id)
    return await update_therapist(transaction, changed)


async def _refuse_no_owner(connection: Connection, practice_id: UUID, *, without: UUID) -> None:
    others = [each for each in await list_therapists(connection, practice_id) if each.id != without]
    if not any(_owns(each) for each in others):
        raise Impossible("the practice needs an owner who can sign in", "make a colleague owner first")


def _owns(therapist: Therapist) -> bool:
    """Return whether a therapist can act as owner: an invitation not accepted yet does not do."""
    return (
        therapist.role is Role.OWNER and therapist.joined_at is not None and therapist.deactivated_at is None
    )


async def invite(transaction: Transaction, therapist_id: UUID, now: datetime) -> Invitation:
    """Open the one invitation of a therapist who has not joined yet; an earlier one is void.

    Who holds an invitation becomes that therapist. Once they have clients, an owner must not: a new password
    is then set by whoever runs the installation. Raises NotFound, Impossible.
    """
    connection, practice_id = transaction.connection, transaction.practice_id
    known = found(await find_credentials(connection, practice_id, therapist_id))
    if known.deactivated_at is not None:
        raise Impossible("this therapist is deactivated", "reactivate them first")
    if known.password_hash is not None:
        raise Impossible(
            "this therapist has joined, and has a password of their own",
            "they change it from a phone that is signed in",
            "whoever runs the service sets another: towpath therapist reset-password",
        )
    text, digest = mint_token("invitation", practice_id)
    await insert_invitation(connection, practice_id, therapist_id, digest, now + INVITATION_LIFE)
    return Invitation(therapist_id, text, now + INVITATION_LIFE)


async def accept_invitation(
    pool: Pool, hasher: PasswordHasher, text: str, password: str, device: Device, now: datetime
) -> Opened:
    """Set the invited therapist's password and sign them in. Raises InvitationSpent, WeakPassword.

    A password too weak leaves the invitation open.
    """
    token = parse_token(text, "invitation")
    if token is None:
        raise _spent()
    practice_id = token.practice_id
    begin = Begin(pool, Tenant(practice_id, NOBODY))
    async with begin.read() as connection:
        therapist_id = await find_invited(connection, practice_id, token.digest, now)
        known = therapist_id and await find_credentials(connection, practice_id, therapist_id)
    if not known or known.deactivated_at is not None or known.password_hash is not None:
        raise _spent()
    refuse_weak(password, email=known.email, name=known.name)
    password_hash = await hasher.hash(password)
    async with begin.write() as transaction:
        return await _join(transaction, token.digest, password_hash, device, now)


async def _join(
    transaction: Transaction, digest: bytes, password_hash: str, device: Device, now: datetime
) -> Opened:
    """Spend the invitation and sign its therapist in, all or nothing."""
    connection, practice_id = transaction.connection, transaction.practice_id
    therapist_id = await spend_invitation(connection, practice_id, digest, now)
    if therapist_id is None:
        raise _spent()
    known = found(await find_credentials(connection, practice_id, therapist_id))
    if known.password_hash is not None:
        raise _spent()
    await set_password(connection, practice_id, therapist_id, password_hash)
    therapist = await read_therapist(connection, practice_id, therapist_id)
    await update_therapist(transaction, msgspec.structs.replace(therapist, joined_at=now, updated_at=now))
    return await begin_sign_in(transaction, Account(practice_id, therapist_id), device, now)


def _spent() -> InvitationSpent:
    return InvitationSpent("ask an owner of the practice for a new invitation")


class PasswordChange(msgspec.Struct, frozen=True):
    """The password until now, and from now on; and from which network it is asked."""

    current: str
    new: str
    network: str


async def change_password(
    pool: Pool, keyring: Keyring, hasher: PasswordHasher, who: SignIn, change: PasswordChange, now: datetime
) -> None:
    """Set a new password; every other sign-in of this therapist ends. Raises Unusable, WeakPassword.

    Asked again after a lost answer, the new password is the one there is, and all is well.
    """
    begin = Begin(pool, who.tenant)
    async with begin.read() as connection:
        known = found(await find_credentials(connection, who.practice_id, who.therapist_id))
    attempt = Attempt(keyring, keyring.email_index(known.email), who.device_id, change.network)
    async with counted(pool, attempt, now):
        if not await _is_password(hasher, known.password_hash, change):
            raise Unusable("/current", "this is not your password")
        refuse_weak(change.new, email=known.email, name=known.name)
        password_hash = await hasher.hash(change.new)
    async with begin.write() as transaction:
        await forget_failures(transaction.connection, attempt)
        await _replace_password(transaction, who, known.password_hash, password_hash, now)


async def _is_password(hasher: PasswordHasher, stored: str | None, change: PasswordChange) -> bool:
    """Return whether the change comes from who knows the password, or was made before."""
    if (await hasher.verify(stored, change.current)).matches:
        return True
    return (await hasher.verify(stored, change.new)).matches


async def _replace_password(
    transaction: Transaction, who: SignIn, checked: str | None, password_hash: str, now: datetime
) -> None:
    """Set the password unless it is another by now than the one that was checked."""
    connection, practice_id = transaction.connection, transaction.practice_id
    kept = found(await find_credentials(connection, practice_id, who.therapist_id))
    if kept.password_hash != checked:
        raise Unusable("/current", "this is not your password")
    await set_password(connection, practice_id, who.therapist_id, password_hash)
    await revoke_sign_ins(
        connection, practice_id, now, "password_changed", therapist_id=who.therapist_id, spare=who.id
    )


async def devices_of(connection: Connection, who: SignIn) -> list[Device]:
    """Return this therapist's devices, the last used first."""
    return await list_devices(connection, who.practice_id, who.therapist_id)


async def revoke(transaction: Transaction, who: SignIn, device_id: UUID, now: datetime) -> None:
    """Revoke a device of one's own, or as owner any of the practice. Raises NotFound."""
    device = await find_device(transaction.connection, transaction.practice_id, device_id)
    if device is not None and device.therapist_id != who.therapist_id and who.role is not Role.OWNER:
        device = None
    await revoke_device(transaction, found(device).id, now)
