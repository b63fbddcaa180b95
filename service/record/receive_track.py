"""Receive and delete a session's track."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin, Transaction
from service.foundation.database.tombstones import bury, is_buried
from service.foundation.off_loop import off_loop
from service.foundation.prepare_and_write import NotPrepared, prepare_and_write
from service.foundation.retry_safe import Impossible, NotFound
from service.record.anchor_marks import anchor_marks, session_marks, store_changed_anchors
from service.record.moment_queries import list_moments
from service.record.note_queries import list_notes
from service.record.prepare_track import (
    PreparedTrack,
    prepare_track,
    read_track_basis,
    store_prepared_track,
)
from service.record.read_track import open_track
from service.record.recorded_session_queries import RecordedSession, find_session_to_record
from service.record.track_queries import TrackSummaryRow, delete_track, find_track_summary
from service.record.tracks import LocationNotAgreed, Track


class UploadedTrack(msgspec.Struct, frozen=True):
    """A file a phone or a watch recorded, and whether it may take the place of another."""

    session_id: UUID
    content: bytes
    replace: bool


async def receive_track(
    begin: Begin, keys: PracticeKey, uploaded: UploadedTrack, now: datetime
) -> tuple[Track, bool]:
    """Keep a session's track; also return whether it is its first. The same file again changes nothing.

    Raises NotFound, LocationNotAgreed, GpxRefused, NoTrack, Impossible, Crowded.
    """
    session_id = uploaded.session_id
    fingerprint = keys.fingerprint(uploaded.content)

    async def prepare() -> PreparedTrack:
        basis = await read_track_basis(begin, keys, session_id)
        return await off_loop(prepare_track, basis, uploaded.content, fingerprint, now)

    async def write(transaction: Transaction, prepared: PreparedTrack | None) -> tuple[Track, bool]:
        session = await find_session_to_record(transaction, session_id)
        key = keys.client(session.client_id, session.wrapped_key)
        before = await find_track_summary(transaction.connection, transaction.practice_id, session_id)
        if before is not None and before.fingerprint == fingerprint:
            return open_track(key, before), False
        _refuse(session, before, replace=uploaded.replace)
        if prepared is None or prepared.session != session:
            raise NotPrepared(session_id)
        await store_prepared_track(transaction, key, prepared, now)
        received_at = before.received_at if before else now
        track = Track(session_id, prepared.summary, received_at, now, transaction.revision)
        return track, before is None

    return await prepare_and_write(begin, None, prepare=prepare, write=write)


def _refuse(session: RecordedSession, before: TrackSummaryRow | None, *, replace: bool) -> None:
    """Raise LocationNotAgreed or Impossible where this session may not have another track."""
    if not session.location_agreed:
        raise LocationNotAgreed("the client has not agreed that where they walk is recorded")
    if before is not None and not replace:
        raise Impossible("this session has another track", "send it again with replace=true")


async def remove_track(begin: Begin, keys: PracticeKey, session_id: UUID, now: datetime) -> None:
    """Delete a session's track; its notes keep their instants and lose their places. Raises NotFound."""
    async with begin.write() as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        session = await find_session_to_record(transaction, session_id)
        if session.track_revision is None:
            if await is_buried(connection, practice_id, "track", session_id):
                return
            raise NotFound
        key = keys.client(session.client_id, session.wrapped_key)
        moments = await list_moments(connection, practice_id, session_id)
        notes = await list_notes(connection, practice_id, session_id)
        await delete_track(transaction, session_id)
        await bury(transaction, "track", session_id, now, clinical=True, viewers=session.viewers)
        await store_changed_anchors(transaction, key, anchor_marks(None, session_marks(key, moments, notes)))
