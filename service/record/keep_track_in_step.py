"""Cut a session's track anew when its times change, and compare it anew when its planned line does.

Once both times are known, what was recorded outside them is destroyed: the recordings are cut as well.
Whoever changes a session calls both functions with `prepare_and_write`: the first outside, the second in the
write, before the session's row is changed.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.crypto.sealed_values import log_broken
from service.foundation.crypto.sealing import PracticeKey, SealBroken
from service.foundation.database.connection import Begin, Transaction
from service.foundation.prepare_and_write import NotPrepared
from service.foundation.retry_safe import found
from service.foundation.threads import off_loop
from service.record.prepare_track import (
    PreparedTrack,
    frame_of,
    prepare_track_again,
    read_track_basis,
)
from service.record.recorded_session_queries import (
    RecordedSession,
    find_recorded_session,
    find_session_to_record,
)
from service.record.store_track import store_track_cut_anew
from service.record.tracks import TrackFrame


class TrackInStep(msgspec.Struct, frozen=True):
    """A session's track, made ready for the frame the session is about to have."""

    session: RecordedSession
    frame: TrackFrame
    track: PreparedTrack | None
    """None where what is stored of it does not open: the times are kept, the track stays as it is."""

    def fits(self, session: RecordedSession, frame: TrackFrame) -> bool:
        """Return whether the session is unchanged, and is about to have this very frame."""
        return (self.session, self.frame) == (session, frame)


async def prepare_track_in_step(
    begin: Begin, keys: PracticeKey, session_id: UUID, frame: TrackFrame, now: datetime
) -> TrackInStep:
    """Return the session's track cut to new times and compared with a new line. Raises NotFound."""
    try:
        basis = await read_track_basis(begin, keys, session_id, frame)
    except SealBroken as broken:  # the client's key: what happened is kept all the same
        log_broken(broken)
        async with begin.read() as connection:
            session = found(await find_recorded_session(connection, begin.tenant, session_id))
        return TrackInStep(session, frame, None)
    track = None if basis.stored is None else await off_loop(prepare_track_again, basis, now)
    return TrackInStep(basis.session, frame, track)


async def keep_track_in_step(
    transaction: Transaction,
    keys: PracticeKey,
    session_id: UUID,
    frame: TrackFrame,
    prepared: TrackInStep | None,
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
        await store_track_cut_anew(transaction, key, prepared.track)
