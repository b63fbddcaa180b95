"""Cut a session's track anew when its times change, and compare it anew when its planned line does.

Whoever changes a session calls both functions with `prepare_and_write`: the first outside, the second in the
write, before the session's row is changed.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.crypto.sealed_values import log_broken
from service.foundation.crypto.sealing import Cell, PracticeKey, SealBroken
from service.foundation.database.connection import Begin, Transaction
from service.foundation.prepare_and_write import NotPrepared
from service.foundation.retry_safe import Impossible
from service.foundation.threads import off_loop
from service.record.keep_anchors import store_changed_anchors
from service.record.plausibility import NothingPlausible
from service.record.prepare_track import (
    PreparedTrack,
    TrackBasis,
    frame_of,
    prepare_track,
    read_track_basis,
)
from service.record.read_track import original_of
from service.record.recorded_session_queries import RecordedSession, find_session_to_record
from service.record.track_queries import find_sealed_original, update_track_forms
from service.record.tracks import TrackFrame


class TrackInStep(msgspec.Struct, frozen=True):
    """A session's track, made ready for the frame the session is about to have."""

    session: RecordedSession
    frame: TrackFrame
    track: PreparedTrack | None
    """None where nothing of the track lies within the new times: the times are kept, the track stays."""

    def fits(self, session: RecordedSession, frame: TrackFrame) -> bool:
        """Return whether the session is unchanged, and is about to have this very frame."""
        return (self.session, self.frame) == (session, frame)


async def prepare_track_in_step(
    begin: Begin, keys: PracticeKey, session_id: UUID, frame: TrackFrame, now: datetime
) -> TrackInStep:
    """Return the session's track cut to new times and compared with a new line. Raises NotFound."""
    basis = await read_track_basis(begin, keys, session_id, frame)
    async with begin.read() as connection:
        original = await find_sealed_original(connection, begin.tenant.practice_id, session_id)
    prepared = None if original is None else await off_loop(_prepare_anew, basis, original, now)
    return TrackInStep(basis.session, frame, prepared)


def _prepare_anew(basis: TrackBasis, sealed_original: bytes, now: datetime) -> PreparedTrack | None:
    """Return a track made anew; None where nothing lies within the times, or its original is damaged."""
    cell = Cell("track", "sealed_original", basis.session.session_id)
    try:
        return prepare_track(basis, original_of(basis.key.open(cell, sealed_original)), now)
    except (Impossible, NothingPlausible):
        return None
    except SealBroken as broken:
        log_broken(broken)
        return None


async def keep_track_in_step(
    transaction: Transaction,
    keys: PracticeKey,
    session_id: UUID,
    frame: TrackFrame,
    prepared: TrackInStep | None,
    now: datetime,
) -> None:
    """Store a session's track cut to new times or compared with a new line, where it has one.

    Raises NotFound, and NotPrepared unless `prepared` fits.
    """
    session = await find_session_to_record(transaction.connection, transaction.tenant, session_id)
    if session.track_revision is None or frame == frame_of(session):
        return
    if prepared is None or not prepared.fits(session, frame):
        raise NotPrepared(session_id)
    if prepared.track is not None:
        key = keys.client(session.client_id, session.wrapped_key)
        await update_track_forms(transaction, msgspec.structs.replace(prepared.track.forms, updated_at=now))
        await store_changed_anchors(transaction, key, session_id, prepared.track.anchors)
