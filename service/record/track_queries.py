"""Tracks: one sealed blob each."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query
from service.people.sign_in_queries import ByToken, Verified
from service.record.recorded_session_queries import RecordedSession


class TrackOriginal(msgspec.Struct, frozen=True):
    """The file a track was made from, still sealed: up to 20 MB."""

    fingerprint: bytes
    sealed_original: bytes


class TrackSummaryRow(msgspec.Struct, frozen=True):
    """What is known of a track, still sealed, with its key."""

    session_id: UUID
    client_id: UUID
    fingerprint: bytes
    sealed_summary: bytes
    received_at: datetime
    updated_at: datetime
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


TRACK_ORIGINAL = Query(
    TrackOriginal,
    """
    SELECT fingerprint, sealed_original
      FROM track
     WHERE practice_id = $1
       AND session_id = $2
""",
)


async def find_track_original(
    connection: Connection, practice_id: UUID, session_id: UUID
) -> TrackOriginal | None:
    """Return the file a session's track is cut from."""
    return await TRACK_ORIGINAL.one_or_none(connection, practice_id, session_id)


TRACK_SUMMARY = Query(
    TrackSummaryRow,
    """
    SELECT track.session_id, track.client_id, track.fingerprint, track.sealed_summary, track.received_at,
           track.updated_at, track.revision, client_key.wrapped AS wrapped_key
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


class GeojsonOfToken(Verified, frozen=True):
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


async def find_geojson_of_token(by_token: ByToken, session_id: UUID) -> GeojsonOfToken:
    """Return the sign-in of an access token and a track's map, in one round trip. Raises NotSignedIn."""
    return await by_token.read(GEOJSON_OF_TOKEN, session_id)


class SealedTrack(msgspec.Struct, frozen=True):
    """Everything kept of a track, sealed and ready for the table."""

    fingerprint: bytes
    original: bytes
    fixes: bytes
    summary: bytes
    geojson: bytes
    gpx: bytes


PUT_TRACK = Query(
    UUID,
    """
    INSERT INTO track (practice_id, session_id, therapist_id, viewers, client_id, fingerprint,
                       sealed_original, sealed_fixes, sealed_summary, sealed_geojson, sealed_gpx,
                       received_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)
    ON CONFLICT (practice_id, session_id) DO UPDATE
       SET fingerprint = EXCLUDED.fingerprint,
           sealed_original = EXCLUDED.sealed_original,
           sealed_fixes = EXCLUDED.sealed_fixes,
           sealed_summary = EXCLUDED.sealed_summary,
           sealed_geojson = EXCLUDED.sealed_geojson,
           sealed_gpx = EXCLUDED.sealed_gpx,
           updated_at = EXCLUDED.updated_at,
           revision = EXCLUDED.revision
 RETURNING session_id
""",
)


async def put_track(
    transaction: Transaction, session: RecordedSession, track: SealedTrack, now: datetime
) -> None:
    """Keep a session's track in place of any it had."""
    await PUT_TRACK.one(
        transaction.connection,
        transaction.practice_id,
        session.session_id,
        transaction.tenant.therapist_id,
        session.viewers,
        session.client_id,
        track.fingerprint,
        track.original,
        track.fixes,
        track.summary,
        track.geojson,
        track.gpx,
        now,
        transaction.revision,
    )


DELETE_TRACK = Query(
    UUID,
    """
    DELETE FROM track
     WHERE practice_id = $1
       AND session_id = $2
 RETURNING session_id
""",
)


async def delete_track(transaction: Transaction, session_id: UUID) -> UUID | None:
    """Delete a session's track; None where this therapist may only read it."""
    return await DELETE_TRACK.one_or_none(transaction.connection, transaction.practice_id, session_id)
