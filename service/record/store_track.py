"""Store a prepared track: its forms, the recordings it is made from, and the anchors found on it."""

from datetime import datetime

import msgspec

from service.foundation.crypto.sealing import ClientKey
from service.foundation.database.connection import Transaction
from service.record.keep_anchors import store_changed_anchors
from service.record.prepare_track import PreparedRecording, PreparedTrack
from service.record.recorded_session_queries import RecordedSession
from service.record.recording_queries import (
    RecordingChange,
    RecordingRow,
    delete_recordings,
    insert_recording,
    update_recording,
)
from service.record.track_queries import TrackRow, insert_track, update_track, update_track_forms


async def store_track(transaction: Transaction, key: ClientKey, prepared: PreparedTrack) -> None:
    """Store what the therapist made of a session's track."""
    session = prepared.session
    row = TrackRow(
        **msgspec.structs.asdict(prepared.forms),
        client_id=session.client_id,
        therapist_id=transaction.tenant.therapist_id,
        viewers=session.viewers,
        received_at=prepared.forms.updated_at,
    )
    store = insert_track if session.track_revision is None else update_track
    await store(transaction, row)
    await _store_parts(transaction, key, prepared)


async def store_track_cut_anew(transaction: Transaction, key: ClientKey, prepared: PreparedTrack) -> None:
    """Store what the service made of a track when its session changed."""
    await update_track_forms(transaction, prepared.forms)
    await _store_parts(transaction, key, prepared)


async def _store_parts(transaction: Transaction, key: ClientKey, prepared: PreparedTrack) -> None:
    session, now = prepared.session, prepared.forms.updated_at
    await delete_recordings(transaction, session.session_id, prepared.gone)
    for each in prepared.recordings:
        if each.is_new:
            await insert_recording(transaction, _row(transaction, session, each, now))
        else:
            change = RecordingChange(id=each.id, sealed=each.sealed, updated_at=now)
            await update_recording(transaction, change)
    await store_changed_anchors(transaction, key, session.session_id, prepared.anchors)


def _row(
    transaction: Transaction, session: RecordedSession, recording: PreparedRecording, now: datetime
) -> RecordingRow:
    return RecordingRow(
        id=recording.id,
        session_id=session.session_id,
        client_id=session.client_id,
        therapist_id=transaction.tenant.therapist_id,
        viewers=session.viewers,
        fingerprint=recording.fingerprint,
        sealed=recording.sealed,
        received_at=now,
        updated_at=now,
    )
