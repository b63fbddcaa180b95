"""The practice, its key and its change counter."""

from uuid import UUID

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.people.practices import Practice

PRACTICE = Columns("practice", Practice)

PRACTICE_BY_ID = Query(Practice, PRACTICE.by_id)


async def find_practice(connection: Connection, practice_id: UUID) -> Practice | None:
    """Return the practice."""
    return await PRACTICE_BY_ID.one_or_none(connection, practice_id)


PRACTICE_IDS = Query(
    UUID,
    """
    SELECT practice_id
      FROM practice_directory
  ORDER BY created_at, practice_id
""",
)


async def list_practice_ids(connection: Connection) -> list[UUID]:
    """Return the ids of all practices of this installation, the oldest first."""
    return await PRACTICE_IDS.all(connection)


UPDATE_PRACTICE = Query(Practice, PRACTICE.update)


async def update_practice(transaction: Transaction, practice: Practice) -> Practice:
    """Store a changed practice."""
    return await UPDATE_PRACTICE.one(transaction.connection, *PRACTICE.updated(transaction, practice))


INSERT_DIRECTORY_ENTRY = Statement(
    """
    INSERT INTO practice_directory (practice_id, created_at)
    VALUES ($1, $2)
""",
)
INSERT_PRACTICE = Query(Practice, PRACTICE.insert)
INSERT_REVISION = Statement(
    """
    INSERT INTO practice_revision (practice_id, revision, epoch)
    VALUES ($1, $2, $3)
""",
)
INSERT_PRACTICE_KEY = Statement(
    """
    INSERT INTO practice_key (practice_id, wrapped, created_at)
    VALUES ($1, $2, $3)
""",
)


async def insert_practice(
    transaction: Transaction, practice: Practice, wrapped_key: bytes, epoch: UUID
) -> None:
    """Store a new practice, its key, and its counter at the revision of this transaction."""
    connection, practice_id = transaction.connection, transaction.practice_id
    await INSERT_DIRECTORY_ENTRY.run(connection, practice_id, practice.created_at)
    await INSERT_PRACTICE.insert(connection, *PRACTICE.inserted(transaction, practice))
    await INSERT_REVISION.run(connection, practice_id, transaction.revision, epoch)
    await INSERT_PRACTICE_KEY.run(connection, practice_id, wrapped_key, practice.created_at)
