"""Recordings as they are stored: one sealed value each, read only to cut or to measure a track anew."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement


class RecordingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A recording as it is stored."""

    id: UUID
    session_id: UUID
    client_id: UUID
    therapist_id: UUID
    viewers: list[UUID]
    fingerprint: bytes
    sealed: bytes
    received_at: datetime
    updated_at: datetime
    content_revision: int = 0
    revision: int = 0


class RecordingChange(msgspec.Struct, frozen=True, kw_only=True):
    """What changes when a recording is cut or its clock is shifted."""

    id: UUID
    sealed: bytes
    updated_at: datetime
    revision: int = 0


RECORDING = Columns("recording", RecordingRow)
RECORDING_CHANGE = Columns("recording", RecordingChange, write_only=("sealed",))

RECORDINGS_OF_SESSION = Query(
    RecordingRow,
    f"""
    SELECT {RECORDING.listed}
      FROM recording
     WHERE practice_id = $1
       AND session_id = $2
     ORDER BY received_at, id
""",
)


async def list_recordings(connection: Connection, practice_id: UUID, session_id: UUID) -> list[RecordingRow]:
    """Return the recordings a session's track is made from."""
    return await RECORDINGS_OF_SESSION.all(connection, practice_id, session_id)


class KnownRecording(msgspec.Struct, frozen=True):
    """A recording without its content."""

    id: UUID
    fingerprint: bytes


KNOWN_RECORDINGS = Query(
    KnownRecording,
    """
    SELECT id, fingerprint
      FROM recording
     WHERE practice_id = $1
       AND session_id = $2
     ORDER BY received_at, id
""",
)


async def list_known_recordings(
    connection: Connection, practice_id: UUID, session_id: UUID
) -> list[KnownRecording]:
    """Return which recordings a session has."""
    return await KNOWN_RECORDINGS.all(connection, practice_id, session_id)


NEW_RECORDING = Columns("recording", RecordingRow, write_only=("sealed",))
INSERT_RECORDING = Query(UUID, NEW_RECORDING.insert)


async def insert_recording(transaction: Transaction, row: RecordingRow) -> None:
    """Store a new recording."""
    await INSERT_RECORDING.one(transaction.connection, *NEW_RECORDING.inserted(transaction, row))


UPDATE_RECORDING = Query(UUID, RECORDING_CHANGE.update)


async def update_recording(transaction: Transaction, change: RecordingChange) -> None:
    """Store a recording cut anew or with another shift in place of what it was."""
    await UPDATE_RECORDING.one(transaction.connection, *RECORDING_CHANGE.updated(transaction, change))


DELETE_RECORDINGS = Statement(
    """
    DELETE FROM recording
     WHERE practice_id = $1
       AND session_id = $2
       AND id = ANY ($3::uuid[])
"""
)
DELETE_RECORDINGS_OF_SESSION = Statement(
    """
    DELETE FROM recording
     WHERE practice_id = $1
       AND session_id = $2
"""
)


async def delete_recordings(transaction: Transaction, session_id: UUID, ids: Collection[UUID]) -> None:
    """Delete some of a session's recordings."""
    if ids:
        await DELETE_RECORDINGS.run(transaction.connection, transaction.practice_id, session_id, list(ids))


async def delete_every_recording(transaction: Transaction, session_id: UUID) -> None:
    """Delete all of a session's recordings."""
    await DELETE_RECORDINGS_OF_SESSION.run(transaction.connection, transaction.practice_id, session_id)
