"""Therapists, their passwords, and the index that finds them by email."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.people.sign_ins import Account
from service.people.therapists import Therapist

THERAPIST = Columns("therapist", Therapist)

THERAPISTS = Query(
    Therapist,
    f"""
    SELECT {THERAPIST.listed}
      FROM therapist
     WHERE practice_id = $1
     ORDER BY lower(name), id
""",
)


async def list_therapists(connection: Connection, practice_id: UUID) -> list[Therapist]:
    """Return everyone who works or worked in the practice, by name."""
    return await THERAPISTS.all(connection, practice_id)


THERAPIST_BY_ID = Query(Therapist, THERAPIST.by_id)


async def find_therapist(connection: Connection, practice_id: UUID, therapist_id: UUID) -> Therapist | None:
    """Return a therapist, deactivated ones too."""
    return await THERAPIST_BY_ID.one_or_none(connection, practice_id, therapist_id)


INSERT_THERAPIST = Query(Therapist, THERAPIST.insert)


async def insert_therapist(transaction: Transaction, therapist: Therapist) -> Therapist:
    """Store a new therapist, who has no password yet. Raises IdTaken."""
    return await INSERT_THERAPIST.insert(transaction.connection, *THERAPIST.inserted(transaction, therapist))


UPDATE_THERAPIST = Query(Therapist, THERAPIST.update)


async def update_therapist(transaction: Transaction, therapist: Therapist) -> Therapist:
    """Store a changed therapist."""
    return await UPDATE_THERAPIST.one(transaction.connection, *THERAPIST.updated(transaction, therapist))


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
    """Let sign-ins find a therapist by email. Return False where a colleague has that email."""
    row = await INDEX_EMAIL.one_or_none(connection, email_index, practice_id, therapist_id)
    return row is not None


UNINDEX_EMAIL = Statement(
    """
    DELETE FROM sign_in_index
     WHERE practice_id = $1
       AND email_index = $2
""",
)


async def unindex_email(connection: Connection, practice_id: UUID, email_index: bytes) -> None:
    """Let no sign-in find a therapist of the practice by this email any more."""
    await UNINDEX_EMAIL.run(connection, practice_id, email_index)


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


async def find_accounts(
    connection: Connection, email_index: bytes, practice_id: UUID | None, *, most: int
) -> list[Account]:
    """Return the accounts an email signs in to: in every practice, or in the one given."""
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
    """Store a therapist's new password."""
    await SET_PASSWORD.run(connection, practice_id, therapist_id, password_hash)
