"""Practices and their therapists."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.people.practices import Practice, Therapist

PRACTICE_BY_ID = Query(
    Practice,
    """
    SELECT practice_id, name, zone, flat_pace_mps, rests_s, session_length_s, created_at, updated_at, revision
      FROM practice
     WHERE practice_id = $1
""",
)


async def find_practice(connection: Connection, practice_id: UUID) -> Practice | None:
    """Return the practice."""
    return await PRACTICE_BY_ID.one_or_none(connection, practice_id)


UPDATE_PRACTICE = Query(
    Practice,
    """
    UPDATE practice
       SET name = $2, zone = $3, flat_pace_mps = $4, rests_s = $5, session_length_s = $6, updated_at = $7,
           revision = $8
     WHERE practice_id = $1
 RETURNING practice_id, name, zone, flat_pace_mps, rests_s, session_length_s, created_at, updated_at, revision
""",
)


async def update_practice(transaction: Transaction, practice: Practice) -> Practice:
    """Keep a changed practice."""
    return await UPDATE_PRACTICE.one(
        transaction.connection,
        transaction.practice_id,
        practice.name,
        practice.zone,
        practice.flat_pace_mps,
        practice.rests_s,
        practice.session_length_s,
        practice.updated_at,
        transaction.revision,
    )


INSERT_DIRECTORY_ENTRY = Statement(
    """
    INSERT INTO practice_directory (practice_id, created_at)
    VALUES ($1, $2)
""",
)
INSERT_PRACTICE = Statement(
    """
    INSERT INTO practice (practice_id, name, zone, flat_pace_mps, rests_s, session_length_s, created_at,
                          updated_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $7, 1)
""",
)
INSERT_REVISION = Statement(
    """
    INSERT INTO practice_revision (practice_id, revision, epoch)
    VALUES ($1, 1, $2)
""",
)
INSERT_PRACTICE_KEY = Statement(
    """
    INSERT INTO practice_key (practice_id, wrapped, created_at)
    VALUES ($1, $2, $3)
""",
)


async def insert_practice(
    connection: Connection, practice: Practice, wrapped_key: bytes, epoch: UUID
) -> None:
    """Keep a new practice with its key and its counter at 1; the connection is already its tenant's."""
    await INSERT_DIRECTORY_ENTRY.run(connection, practice.practice_id, practice.created_at)
    await INSERT_PRACTICE.run(
        connection,
        practice.practice_id,
        practice.name,
        practice.zone,
        practice.flat_pace_mps,
        practice.rests_s,
        practice.session_length_s,
        practice.created_at,
    )
    await INSERT_REVISION.run(connection, practice.practice_id, epoch)
    await INSERT_PRACTICE_KEY.run(connection, practice.practice_id, wrapped_key, practice.created_at)


WRAPPED_KEY = Query(
    bytes,
    """
    SELECT wrapped
      FROM practice_key
     WHERE practice_id = $1
""",
)


async def find_wrapped_key(connection: Connection, practice_id: UUID) -> bytes | None:
    """Return the practice's key, wrapped."""
    return await WRAPPED_KEY.one_or_none(connection, practice_id)


THERAPISTS = Query(
    Therapist,
    """
    SELECT id, email, name, role, joined_at, deactivated_at, created_at, updated_at, revision
      FROM therapist
     WHERE practice_id = $1
     ORDER BY lower(name), id
""",
)


async def list_therapists(connection: Connection, practice_id: UUID) -> list[Therapist]:
    """Return everyone who works or worked in the practice, by name."""
    return await THERAPISTS.all(connection, practice_id)


THERAPIST_BY_ID = Query(
    Therapist,
    """
    SELECT id, email, name, role, joined_at, deactivated_at, created_at, updated_at, revision
      FROM therapist
     WHERE practice_id = $1
       AND id = $2
""",
)


async def find_therapist(connection: Connection, practice_id: UUID, therapist_id: UUID) -> Therapist | None:
    """Return a therapist, deactivated ones too."""
    return await THERAPIST_BY_ID.one_or_none(connection, practice_id, therapist_id)


INSERT_THERAPIST = Query(
    Therapist,
    """
    INSERT INTO therapist (practice_id, id, email, name, role, joined_at, created_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
 RETURNING id, email, name, role, joined_at, deactivated_at, created_at, updated_at, revision
""",
)


async def insert_therapist(
    connection: Connection, practice_id: UUID, therapist: Therapist, revision: int
) -> Therapist:
    """Keep a new therapist, still without a password. Raises IdTaken for the id or the email."""
    return await INSERT_THERAPIST.insert(
        connection,
        practice_id,
        therapist.id,
        therapist.email,
        therapist.name,
        therapist.role,
        therapist.joined_at,
        therapist.created_at,
        revision,
    )


UPDATE_THERAPIST = Query(
    Therapist,
    """
    UPDATE therapist
       SET name = $3, role = $4, joined_at = $5, deactivated_at = $6, updated_at = $7, revision = $8
     WHERE practice_id = $1
       AND id = $2
 RETURNING id, email, name, role, joined_at, deactivated_at, created_at, updated_at, revision
""",
)


async def update_therapist(transaction: Transaction, therapist: Therapist) -> Therapist:
    """Keep a changed therapist; the email stays."""
    return await UPDATE_THERAPIST.one(
        transaction.connection,
        transaction.practice_id,
        therapist.id,
        therapist.name,
        therapist.role,
        therapist.joined_at,
        therapist.deactivated_at,
        therapist.updated_at,
        transaction.revision,
    )


INDEX_EMAIL = Query(
    UUID,
    """
    INSERT INTO sign_in_index (email_index, practice_id, therapist_id)
    VALUES ($1, $2, $3)
    ON CONFLICT (email_index, practice_id) DO NOTHING
 RETURNING therapist_id
""",
)


async def index_email(
    connection: Connection, email_index: bytes, practice_id: UUID, therapist_id: UUID
) -> bool:
    """Let an email find its practice at sign-in; False where it finds a colleague there already."""
    row = await INDEX_EMAIL.one_or_none(connection, email_index, practice_id, therapist_id)
    return row is not None


class Account(msgspec.Struct, frozen=True):
    """Where an email may sign in."""

    practice_id: UUID
    therapist_id: UUID


ACCOUNTS_OF_EMAIL = Query(
    Account,
    """
    SELECT practice_id, therapist_id
      FROM sign_in_index
     WHERE email_index = $1
       AND ($2::uuid IS NULL OR practice_id = $2)
     ORDER BY practice_id
     LIMIT $3
""",
)


async def accounts_of(
    connection: Connection, email_index: bytes, practice_id: UUID | None, *, most: int
) -> list[Account]:
    """Return the practices an email signs in to, or the one asked for."""
    return await ACCOUNTS_OF_EMAIL.all(connection, email_index, practice_id, most)


class Credentials(msgspec.Struct, frozen=True):
    """What a therapist signs in with."""

    id: UUID
    email: str
    name: str
    password_hash: str | None
    deactivated_at: datetime | None


CREDENTIALS = Query(
    Credentials,
    """
    SELECT id, email, name, password_hash, deactivated_at
      FROM therapist
     WHERE practice_id = $1
       AND id = $2
""",
)


async def find_credentials(
    connection: Connection, practice_id: UUID, therapist_id: UUID
) -> Credentials | None:
    """Return what a therapist's password is checked against."""
    return await CREDENTIALS.one_or_none(connection, practice_id, therapist_id)


SET_PASSWORD = Statement(
    """
    UPDATE therapist
       SET password_hash = $3
     WHERE practice_id = $1
       AND id = $2
""",
)


async def set_password(
    connection: Connection, practice_id: UUID, therapist_id: UUID, password_hash: str
) -> None:
    """Keep a therapist's new password."""
    await SET_PASSWORD.run(connection, practice_id, therapist_id, password_hash)


VOID_INVITATIONS = Statement(
    """
    DELETE FROM invitation
     WHERE practice_id = $1
       AND therapist_id = $2
""",
)


async def void_invitations(connection: Connection, practice_id: UUID, therapist_id: UUID) -> None:
    """Let no open invitation of a therapist be accepted any more."""
    await VOID_INVITATIONS.run(connection, practice_id, therapist_id)


INSERT_INVITATION = Statement(
    """
    INSERT INTO invitation (practice_id, digest, therapist_id, expires_at)
    VALUES ($1, $2, $3, $4)
""",
)


async def insert_invitation(
    connection: Connection, practice_id: UUID, therapist_id: UUID, digest: bytes, expires_at: datetime
) -> None:
    """Keep a therapist's one open invitation; an earlier one is void."""
    await void_invitations(connection, practice_id, therapist_id)
    await INSERT_INVITATION.run(connection, practice_id, digest, therapist_id, expires_at)


SPEND_INVITATION = Query(
    UUID,
    """
    DELETE FROM invitation
     WHERE practice_id = $1
       AND digest = $2
       AND expires_at > $3
 RETURNING therapist_id
""",
)


async def spend_invitation(
    connection: Connection, practice_id: UUID, digest: bytes, now: datetime
) -> UUID | None:
    """Use an invitation up and return whose it was; None where it was used, has expired or never was."""
    return await SPEND_INVITATION.one_or_none(connection, practice_id, digest, now)


INVITED = Query(
    UUID,
    """
    SELECT therapist_id
      FROM invitation
     WHERE practice_id = $1
       AND digest = $2
       AND expires_at > $3
""",
)


async def find_invited(
    connection: Connection, practice_id: UUID, digest: bytes, now: datetime
) -> UUID | None:
    """Return whom an open invitation is for, leaving it open."""
    return await INVITED.one_or_none(connection, practice_id, digest, now)
