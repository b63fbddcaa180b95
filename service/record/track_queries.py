"""Tracks: several sealed blobs each, read one at a time.

`client_key` is joined here, so that a phone reads a track and its key in one round trip.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query
from service.people.sign_in_queries import TokenReader, VerifiedSignIn


class TrackForms(msgspec.Struct, frozen=True, kw_only=True):
    """What is made from a session's recordings, sealed: all of it changes when the track is cut anew."""

    session_id: UUID
    sealed_fixes: bytes
    sealed_summary: bytes
    sealed_geojson: bytes
    updated_at: datetime
    revision: int = 0


class TrackRow(TrackForms, frozen=True, kw_only=True):
    """A track as it is stored. Queries read one part of it at a time."""

    client_id: UUID
    therapist_id: UUID
    viewers: list[UUID]
    received_at: datetime
    content_revision: int = 0


BLOBS: Final = ("sealed_fixes", "sealed_summary", "sealed_geojson")
TRACK = Columns("track", TrackRow, key="session_id", write_only=BLOBS)
TRACK_FORMS = Columns("track", TrackForms, key="session_id", write_only=BLOBS)


class TrackSummaryRow(msgspec.Struct, frozen=True):
    """What is known of a track, still sealed, with its key."""

    session_id: UUID
    client_id: UUID
    sealed_summary: bytes
    received_at: datetime
    updated_at: datetime
    content_revision: int
    revision: int
    wrapped_key: bytes


class StoredFixes(msgspec.Struct, frozen=True):
    """The line of a track, sealed, with its key."""

    session_id: UUID
    client_id: UUID
    sealed_fixes: bytes
    updated_at: datetime
    revision: int
    wrapped_key: bytes


class StoredGeojson(msgspec.Struct, frozen=True):
    """A track for a map, compressed and sealed, with its key."""

    client_id: UUID
    sealed: bytes
    updated_at: datetime
    revision: int
    wrapped_key: bytes


FIXES_COLUMNS = Columns("track", StoredFixes, key="session_id", elsewhere=("wrapped_key",))

STORED_FIXES = Query(
    StoredFixes,
    f"""
    SELECT {FIXES_COLUMNS.qualified}, client_key.wrapped AS wrapped_key
      FROM track
      JOIN client_key ON client_key.practice_id = track.practice_id AND client_key.client_id = track.client_id
     WHERE track.practice_id = $1
       AND track.session_id = $2
""",
)


async def find_stored_fixes(
    connection: Connection, practice_id: UUID, session_id: UUID
) -> StoredFixes | None:
    """Return the line of a session's track; the recordings, which may be longer, are not read."""
    return await STORED_FIXES.one_or_none(connection, practice_id, session_id)


SUMMARY_COLUMNS = Columns("track", TrackSummaryRow, key="session_id", elsewhere=("wrapped_key",))

TRACK_SUMMARY = Query(
    TrackSummaryRow,
    f"""
    SELECT {SUMMARY_COLUMNS.qualified}, client_key.wrapped AS wrapped_key
      FROM track
      JOIN client_key ON client_key.practice_id = track.practice_id AND client_key.client_id = track.client_id
     WHERE track.practice_id = $1
       AND track.session_id = $2
""",
)


async def find_track_summary(
    connection: Connection, practice_id: UUID, session_id: UUID
) -> TrackSummaryRow | None:
    """Return what is known of a session's track."""
    return await TRACK_SUMMARY.one_or_none(connection, practice_id, session_id)


RECENT_SUMMARIES = Query(
    TrackSummaryRow,
    f"""
    SELECT {SUMMARY_COLUMNS.qualified}, client_key.wrapped AS wrapped_key
      FROM session
      JOIN track ON track.practice_id = session.practice_id AND track.session_id = session.id
      JOIN client_key ON client_key.practice_id = track.practice_id AND client_key.client_id = track.client_id
     WHERE session.practice_id = $1
       AND session.client_id = $2
     ORDER BY session.planned_start DESC, session.id DESC
     LIMIT $3
""",
)


async def list_recent_summaries(
    connection: Connection, practice_id: UUID, client_id: UUID, *, limit: int
) -> list[TrackSummaryRow]:
    """Return what is known of a client's latest tracks."""
    return await RECENT_SUMMARIES.all(connection, practice_id, client_id, limit)


class GeojsonOfToken(VerifiedSignIn, frozen=True):
    """A sign-in, and a track as it is sent for a map; null where it sees none."""

    client_id: UUID | None
    sealed: bytes | None
    updated_at: datetime | None
    revision: int | None
    client_key: bytes | None

    @property
    def asked(self) -> StoredGeojson | None:
        """Return what is sent, compressed and sealed."""
        if (
            self.client_id is None
            or self.sealed is None
            or self.updated_at is None
            or self.revision is None
            or self.client_key is None
        ):
            return None
        return StoredGeojson(self.client_id, self.sealed, self.updated_at, self.revision, self.client_key)


GEOJSON_OF_TOKEN = Query(
    GeojsonOfToken,
    """
    SELECT sign_in_id, practice_id, therapist_id, device_id, role, wrapped_key, client_id, sealed, updated_at,
           revision, client_key
      FROM track_geojson_of_token($1, $2, $3, $4)
""",
)


async def find_geojson_of_token(by_token: TokenReader, session_id: UUID) -> GeojsonOfToken:
    """Return the sign-in of an access token and a track's map, in one round trip. Raises NotSignedIn."""
    return await by_token.read(GEOJSON_OF_TOKEN, session_id)


INSERT_TRACK = Query(UUID, TRACK.insert)


async def insert_track(transaction: Transaction, row: TrackRow) -> None:
    """Store a session's first track."""
    await INSERT_TRACK.one(transaction.connection, *TRACK.inserted(transaction, row))


UPDATE_TRACK = Query(UUID, TRACK.update)


async def update_track(transaction: Transaction, row: TrackRow) -> None:
    """Store a track in place of the session's earlier one."""
    await UPDATE_TRACK.one(transaction.connection, *TRACK.updated(transaction, row))


UPDATE_TRACK_FORMS = Query(UUID, TRACK_FORMS.update)


async def update_track_forms(transaction: Transaction, forms: TrackForms) -> None:
    """Store what the service made anew from a track's recordings."""
    await UPDATE_TRACK_FORMS.one(transaction.connection, *TRACK_FORMS.updated(transaction, forms))


DELETE_TRACK = Query(
    UUID,
    """
    DELETE FROM track
     WHERE practice_id = $1
       AND session_id = $2
 RETURNING session_id
""",
)


async def delete_track(transaction: Transaction, session_id: UUID) -> None:
    """Delete a session's track."""
    await DELETE_TRACK.one(transaction.connection, transaction.practice_id, session_id)
