"""Change a stored track: shift a recorder's clock, take back a recording, take bad fixes out."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin, Transaction
from service.foundation.database.tombstones import bury, refuse_unless_buried
from service.foundation.prepare_and_write import NotPrepared, prepare_and_write
from service.foundation.retry_safe import Expected, NotFound, Once, found
from service.foundation.threads import off_loop
from service.record.clock_shift import shifted_by
from service.record.edits import NO_EDITS, Edits, PickedEdits, resolve_edits
from service.record.prepare_track import (
    PreparedTrack,
    TrackBasis,
    prepare_track,
    prepare_what_is_left,
    read_track_basis,
)
from service.record.receive_track import forget_track
from service.record.recorded_session_queries import RecordedSession, find_session_to_record
from service.record.recording_queries import list_known_recordings
from service.record.recordings import KeptRecording, Recording, join_readable
from service.record.sealed_track import open_track
from service.record.store_track import store_track
from service.record.track_queries import find_track_summary
from service.record.tracks import Track
from service.record.walked_part import find_walked, lies_within, nothing_inside

Change = Callable[[TrackBasis, datetime], PreparedTrack]


async def change_track(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    session_id: UUID,
    change: Change,
    expected: Expected,
    now: datetime,
    *,
    recording_id: UUID | None = None,
) -> Track:
    """Store what `change` makes of a session's track, which has `recording_id` if that is given.

    Raises NotFound, Stale, Crowded, and what `change` raises.
    """
    tenant = begin.tenant

    async def prepare() -> PreparedTrack:
        basis = await read_track_basis(begin, keys, session_id)
        found(basis.known)  # it may have been deleted since the write looked
        return await off_loop(change, basis, now)

    async def write(transaction: Transaction, prepared: PreparedTrack | None) -> Track:
        session = await find_session_to_record(transaction.connection, tenant, session_id)
        key = keys.client(session.client_id, session.wrapped_key)
        before = found(await find_track_summary(transaction.connection, tenant.practice_id, session_id))
        if transaction.replays:
            return open_track(key, before)
        known = await list_known_recordings(transaction.connection, tenant.practice_id, session_id)
        if recording_id is not None and recording_id not in {each.id for each in known}:
            raise NotFound
        expected.check(before.content_revision, this_write=transaction.revision)
        if prepared is None or prepared.session != session:
            raise NotPrepared(session_id)
        await store_track(transaction, key, prepared)
        return Track(session_id, prepared.summary, before.received_at, now, transaction.revision)

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


async def shift_recording(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    session_id: UUID,
    recording_id: UUID,
    shift_ms: int,
    expected: Expected,
    now: datetime,
) -> Track:
    """Add `shift_ms` to the times of a recording, in place of an earlier shift; anchors follow.

    Raises NotFound, Stale, Impossible, NothingPlausible, Crowded.
    """

    def shift(basis: TrackBasis, now: datetime) -> PreparedTrack:
        before, window = basis.kept(), basis.frame.window
        own = found(next((each for each in before if each.id == recording_id), None))
        shifted = shifted_by(own, shift_ms, window)
        if shifted.recording is not None and not lies_within(shifted.recording, window):
            raise nothing_inside()
        edits = _moved_along(basis.edits() or NO_EDITS, own.recording, shifted.recording)
        after = [shifted if each.id == recording_id else each for each in before]
        return prepare_track(basis, after, edits, now)

    return await change_track(begin, keys, once, session_id, shift, expected, now, recording_id=recording_id)


async def shift_track(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    session_id: UUID,
    by_ms: int,
    expected: Expected,
    now: datetime,
) -> Track:
    """Add `by_ms` to the times of all recordings of a track; anchors follow.

    Raises NotFound, Stale, Impossible, NothingPlausible, Crowded.
    """

    def shift(basis: TrackBasis, now: datetime) -> PreparedTrack:
        before, window = basis.kept(), basis.frame.window
        after = [shifted_by(each, _shift_ms(each) + by_ms, window) for each in before]
        joined = join_readable(before)
        edits = _moved_along(basis.edits() or NO_EDITS, joined, replace(joined, shift_ms=by_ms))
        return prepare_track(basis, after, edits, now)

    return await change_track(begin, keys, once, session_id, shift, expected, now)


def _shift_ms(kept: KeptRecording) -> int:
    return 0 if kept.recording is None else kept.recording.shift_ms


def _moved_along(edits: Edits, before: Recording | None, after: Recording | None) -> Edits:
    """Return edits that stay on their fixes when the clock of a recording is shifted."""
    if before is None or after is None or before.shift_ms == after.shift_ms:
        return edits
    times = before.fixes.time_ms[before.fixes.timed] + before.shift_ms
    return edits.moved(int(times.min()), int(times.max()), after.shift_ms - before.shift_ms)


async def remove_recording(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    session_id: UUID,
    recording_id: UUID,
    expected: Expected,
    now: datetime,
) -> None:
    """Take a recording out of a session's track; with the last one the track goes.

    Raises NotFound, Stale, Crowded.
    """
    tenant = begin.tenant

    async def prepare() -> PreparedTrack:
        basis = await read_track_basis(begin, keys, session_id)
        return await off_loop(_prepare_without, basis, recording_id, now)

    async def write(transaction: Transaction, prepared: PreparedTrack | None) -> None:
        if transaction.replays:
            return
        session = await find_session_to_record(transaction.connection, tenant, session_id)
        before = await find_track_summary(transaction.connection, tenant.practice_id, session_id)
        known = await list_known_recordings(transaction.connection, tenant.practice_id, session_id)
        if before is None or recording_id not in {each.id for each in known}:
            await refuse_unless_buried(transaction, "recording", recording_id, parent_id=session_id)
            return
        expected.check(before.content_revision, this_write=transaction.revision)
        if len(known) == 1:
            await forget_track(transaction, session, now)
        elif prepared is None or prepared.session != session:
            raise NotPrepared(session_id)
        else:
            await store_track(transaction, keys.client(session.client_id, session.wrapped_key), prepared)
        await _bury_recording(transaction, session, recording_id, now)

    await prepare_and_write(begin, once, prepare=prepare, write=write)


async def _bury_recording(
    transaction: Transaction, session: RecordedSession, recording_id: UUID, now: datetime
) -> None:
    viewers, parent_id = session.viewers, session.session_id
    await bury(
        transaction, "recording", recording_id, now, clinical=True, viewers=viewers, parent_id=parent_id
    )


def _prepare_without(basis: TrackBasis, recording_id: UUID, now: datetime) -> PreparedTrack:
    others = [each for each in basis.kept() if each.id != recording_id]
    return prepare_what_is_left(basis, others, basis.edits() or NO_EDITS, now)


async def edit_track(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    session_id: UUID,
    picked: PickedEdits,
    expected: Expected,
    now: datetime,
) -> Track:
    """Take fixes out of a session's track, in place of what was taken out before.

    Raises NotFound, Stale, Unusable, Impossible, NothingPlausible, Crowded.
    """

    def edit(basis: TrackBasis, now: datetime) -> PreparedTrack:
        kept = basis.kept()
        walked = find_walked(join_readable(kept), basis.frame.window)
        return prepare_track(basis, kept, resolve_edits(picked, walked.fixes, walked.origin), now)

    return await change_track(begin, keys, once, session_id, edit, expected, now)
