"""Tracks: one sealed blob each, and what stands in a session when something about its track changes."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query
from service.people.sign_in_queries import ByToken, Verified


class Standing(msgspec.Struct, frozen=True):
    """What anchors depend on: a session, its client's key and permission, its track, its marks."""

    session_id: UUID
    client_id: UUID
    viewers: list[UUID]
    held: bool
    """False for a colleague who may read but not write."""
    started_at: datetime | None
    ended_at: datetime | None
    route_id: UUID | None
    route_version: int | None
    session_revision: int
    track_revision: int | None
    """None where there is no track."""
    marks_revision: int
    """The newest revision among the session's moments and notes; 0 without any."""
    location_agreed: bool | None
    wrapped_key: bytes


STANDING = Query(
    Standing,
    """
    SELECT session.id AS session_id, session.client_id, session.viewers,
           session.therapist_id = $3 AS held, session.started_at, session.ended_at, session.route_id,
           session.route_version, session.revision AS session_revision, track.revision AS track_revision,
           greatest((SELECT max(moment.revision) FROM moment
                      WHERE moment.practice_id = $1 AND moment.session_id = $2),
                    (SELECT max(note.revision) FROM note
                      WHERE note.practice_id = $1 AND note.session_id = $2), 0) AS marks_revision,
           client.location_agreed, client_key.wrapped AS wrapped_key
      FROM session
      JOIN client ON client.practice_id = session.practice_id AND client.id = session.client_id
      JOIN client_key ON client_key.practice_id = session.practice_id
                     AND client_key.client_id = session.client_id
      LEFT JOIN track ON track.practice_id = session.practice_id AND track.session_id = session.id
     WHERE session.practice_id = $1
       AND session.id = $2
""",
)


async def find_standing(
    connection: Connection, practice_id: UUID, therapist_id: UUID, session_id: UUID
) -> Standing | None:
    """Return what stands in a session."""
    return await STANDING.one_or_none(connection, practice_id, session_id, therapist_id)


class TrackRow(msgspec.Struct, frozen=True):
    """A track as it is kept, without the forms it is sent in."""

    session_id: UUID
    client_id: UUID
    fingerprint: bytes
    sealed_original: bytes
    sealed_fixes: bytes
    sealed_summary: bytes
    received_at: datetime
    updated_at: datetime
    revision: int


class TrackSummaryRow(msgspec.Struct, frozen=True):
    """What a phone shows of a track, still sealed, with its key."""

    client_id: UUID
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


TRACK_BY_SESSION = Query(
    TrackRow,
    """
    SELECT session_id, client_id, fingerprint, sealed_original, sealed_fixes, sealed_summary, received_at,
           updated_at, revision
      FROM track
     WHERE practice_id = $1
       AND session_id = $2
""",
)


async def find_track(connection: Connection, practice_id: UUID, session_id: UUID) -> TrackRow | None:
    """Return a session's track, the original too."""
    return await TRACK_BY_SESSION.one_or_none(connection, practice_id, session_id)


TRACK_SUMMARY = Query(
    TrackSummaryRow,
    """
    SELECT track.client_id, track.sealed_summary, track.received_at, track.updated_at, track.revision,
           client_key.wrapped AS wrapped_key
      FROM track
      JOIN client_key ON client_key.practice_id = track.practice_id AND client_key.client_id = track.client_id
     WHERE track.practice_id = $1
       AND track.session_id = $2
""",
)


async def find_track_summary(
    connection: Connection, practice_id: UUID, session_id: UUID
) -> TrackSummaryRow | None:
    """Return what a phone shows of a session's track."""
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
FORMS = {"gpx": GPX_OF_TRACK, "original": ORIGINAL_OF_TRACK}


async def find_sent_form(
    connection: Connection, practice_id: UUID, session_id: UUID, form: str
) -> SentForm | None:
    """Return a track in one of FORMS."""
    return await FORMS[form].one_or_none(connection, practice_id, session_id)


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


async def put_track(transaction: Transaction, standing: Standing, track: SealedTrack, now: datetime) -> None:
    """Keep a session's track in place of any it had."""
    await PUT_TRACK.one(
        transaction.connection,
        transaction.practice_id,
        standing.session_id,
        transaction.tenant.therapist_id,
        standing.viewers,
        standing.client_id,
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


ANCHOR_MOMENTS = Query(
    UUID,
    """
    UPDATE moment
       SET sealed_anchor = anchored.sealed, revision = $4
      FROM unnest($2::uuid[], $3::bytea[]) AS anchored (id, sealed)
     WHERE moment.practice_id = $1
       AND moment.id = anchored.id
 RETURNING moment.id
""",
)
ANCHOR_NOTES = Query(
    UUID,
    """
    UPDATE note
       SET sealed_anchor = anchored.sealed, revision = $4
      FROM unnest($2::uuid[], $3::bytea[]) AS anchored (id, sealed)
     WHERE note.practice_id = $1
       AND note.id = anchored.id
 RETURNING note.id
""",
)


async def store_anchors(
    transaction: Transaction, moments: dict[UUID, bytes | None], notes: dict[UUID, bytes | None]
) -> None:
    """Keep where moments and notes lie on the track; None for nowhere."""
    for query, anchors in ((ANCHOR_MOMENTS, moments), (ANCHOR_NOTES, notes)):
        if anchors:
            await query.all(
                transaction.connection,
                transaction.practice_id,
                list(anchors),
                list(anchors.values()),
                transaction.revision,
            )
