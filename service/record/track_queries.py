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
    """What is made from an uploaded track, sealed: all of it changes when the track is cut anew."""

    session_id: UUID
    sealed_fixes: bytes
    sealed_summary: bytes
    sealed_geojson: bytes
    sealed_gpx: bytes
    updated_at: datetime
    revision: int = 0


class TrackRow(TrackForms, frozen=True, kw_only=True):
    """A track as it is stored. Queries read parts of it, because the original may have 20 MB."""

    client_id: UUID
    therapist_id: UUID
    viewers: list[UUID]
    fingerprint: bytes
    sealed_original: bytes
    received_at: datetime
    content_revision: int = 0


BLOBS: Final = ("sealed_original", "sealed_fixes", "sealed_summary", "sealed_geojson", "sealed_gpx")
TRACK = Columns("track", TrackRow, key="session_id", write_only=BLOBS)
TRACK_FORMS = Columns("track", TrackForms, key="session_id", write_only=BLOBS)


class TrackSummaryRow(msgspec.Struct, frozen=True):
    """What is known of a track, still sealed, with its key."""

    session_id: UUID
    client_id: UUID
    fingerprint: bytes
    sealed_summary: bytes
    received_at: datetime
    updated_at: datetime
    content_revision: int
    revision: int
    wrapped_key: bytes


class SentForm(msgspec.Struct, frozen=True):
    """One form a track is sent in, compressed and sealed, with its key."""

    client_id: UUID
    sealed: bytes
    revision: int
    wrapped_key: bytes


SEALED_FIXES = Query(
    bytes,
    """
    SELECT sealed_fixes
      FROM track
     WHERE practice_id = $1
       AND session_id = $2
""",
)


async def find_sealed_fixes(connection: Connection, practice_id: UUID, session_id: UUID) -> bytes | None:
    """Return the fixes of a session's track; the original file, which is much larger, is not read."""
    return await SEALED_FIXES.one_or_none(connection, practice_id, session_id)


SEALED_ORIGINAL = Query(
    bytes,
    """
    SELECT sealed_original
      FROM track
     WHERE practice_id = $1
       AND session_id = $2
""",
)


async def find_sealed_original(connection: Connection, practice_id: UUID, session_id: UUID) -> bytes | None:
    """Return the file a session's track is cut from."""
    return await SEALED_ORIGINAL.one_or_none(connection, practice_id, session_id)


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


GPX_OF_TRACK = Query(
    SentForm,
    """
    SELECT track.client_id, track.sealed_gpx AS sealed, track.revision, client_key.wrapped AS wrapped_key
      FROM track
      JOIN client_key ON client_key.practice_id = track.practice_id AND client_key.client_id = track.client_id
     WHERE track.practice_id = $1
       AND track.session_id = $2
""",
)
ORIGINAL_OF_TRACK = Query(
    SentForm,
    """
    SELECT track.client_id, track.sealed_original AS sealed, track.revision, client_key.wrapped AS wrapped_key
      FROM track
      JOIN client_key ON client_key.practice_id = track.practice_id AND client_key.client_id = track.client_id
     WHERE track.practice_id = $1
       AND track.session_id = $2
""",
)


async def find_sent_form(
    connection: Connection, practice_id: UUID, session_id: UUID, form: Query[SentForm]
) -> SentForm | None:
    """Return a track in one form: GPX_OF_TRACK or ORIGINAL_OF_TRACK."""
    return await form.one_or_none(connection, practice_id, session_id)


class GeojsonOfToken(VerifiedSignIn, frozen=True):
    """A sign-in, and a track as it is sent for a map; null where it sees none."""

    client_id: UUID | None
    sealed: bytes | None
    revision: int | None
    client_key: bytes | None

    @property
    def asked(self) -> SentForm | None:
        """Return what is sent, compressed and sealed."""
        if self.client_id is None or self.sealed is None or self.revision is None or self.client_key is None:
            return None
        return SentForm(self.client_id, self.sealed, self.revision, self.client_key)


GEOJSON_OF_TOKEN = Query(
    GeojsonOfToken,
    """
    SELECT sign_in_id, practice_id, therapist_id, device_id, role, wrapped_key, client_id, sealed, revision,
           client_key
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
    """Store what was made anew from a track's original; the original stays."""
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
