"""Receive and delete a session's track."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import msgspec
from msgspec.structs import replace

from service.clients.location_permission import refuse_location_not_agreed
from service.foundation.crypto.sealed_values import log_broken
from service.foundation.crypto.sealing import ClientKey, PracticeKey, SealBroken
from service.foundation.database.connection import Begin, Transaction
from service.foundation.database.tombstones import bury, refuse_unless_buried
from service.foundation.prepare_and_write import NotPrepared, prepare_and_write
from service.foundation.retry_safe import Expected, Impossible, Once, found
from service.foundation.threads import off_loop
from service.geo.gpx.model import DEFAULT_LIMITS
from service.record.anchor_queries import clear_anchors
from service.record.clock_shift import shift_clock
from service.record.edits import NO_EDITS
from service.record.prepare_track import PreparedTrack, TrackBasis, prepare_track, read_track_basis
from service.record.read_recording import read_recording, read_whenever
from service.record.recorded_session_queries import RecordedSession, find_session_to_record
from service.record.recorder_clocks import (
    SessionClock,
    WrongClock,
    offer_better_shift,
    offer_shift,
    read_local_times,
)
from service.record.recording_queries import KnownRecording, delete_every_recording, list_known_recordings
from service.record.recordings import KeptRecording, Recording
from service.record.sealed_track import open_track
from service.record.store_track import store_track
from service.record.track_queries import TrackSummaryRow, delete_track, find_track_summary
from service.record.tracks import Track
from service.record.walked_part import NOTHING_INSIDE, lies_within, refuse_before_start

MOST_RECORDINGS: Final = 12
"""Of one session: a watch that is started anew every few minutes, on two people."""


class UploadedTrack(msgspec.Struct, frozen=True):
    """A file a phone or a watch recorded, and what becomes of those the session has already."""

    session_id: UUID
    content: bytes
    fingerprint: bytes
    """A keyed hash of the content."""
    replace: bool = False
    """Take their place."""
    add: bool = False
    """Join them."""
    shift_ms: int | None = None
    """What is added to its times; None for what is known of the file already, or nothing."""
    untimed: bool = False
    """Whether a file without any times is to be taken whole."""


async def receive_track(
    begin: Begin, keys: PracticeKey, once: Once, uploaded: UploadedTrack, expected: Expected, now: datetime
) -> tuple[Track, bool]:
    """Keep a session's track; also return whether it is its first. The same file again changes nothing.

    The same file is stored anew where the session's times now include what was destroyed of it. A repeated
    write returns the track there is by now, whatever came after the first.

    Raises NotFound, Stale, LocationNotAgreed, GpxRefused, NoTrack, NothingPlausible, Impossible,
    SessionNotHeld, Crowded.
    """
    tenant, session_id = begin.tenant, uploaded.session_id

    async def prepare() -> PreparedTrack:
        basis = await read_track_basis(begin, keys, session_id)
        return await off_loop(_prepare_upload, basis, _clock_of(basis), uploaded, now)

    async def write(transaction: Transaction, prepared: PreparedTrack | None) -> tuple[Track, bool]:
        session = await find_session_to_record(transaction.connection, tenant, session_id)
        key = keys.client(session.client_id, session.wrapped_key)
        before, known = None, []
        if session.track_revision is not None:
            before = await find_track_summary(transaction.connection, tenant.practice_id, session_id)
            known = await list_known_recordings(transaction.connection, tenant.practice_id, session_id)
        if transaction.replays:
            return open_track(key, found(before)), False
        same = next((each for each in known if each.fingerprint == uploaded.fingerprint), None)
        if before is not None and same is not None:
            track = _whole_track(key, before, same, uploaded.shift_ms)
            if track is not None:
                return track, False
        refuse_location_not_agreed(session.location_agreed)
        changed_in = transaction.revision if before is None else before.content_revision
        expected.check(changed_in, this_write=transaction.revision)
        if same is None:
            _refuse_another(known, uploaded)
        if prepared is None or prepared.session != session:
            raise NotPrepared(session_id)
        await store_track(transaction, key, prepared)
        received_at = before.received_at if before else now
        track = Track(session_id, prepared.summary, received_at, now, transaction.revision)
        return track, before is None

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


def _clock_of(basis: TrackBasis) -> SessionClock:
    session = basis.session
    return SessionClock(
        zone=session.zone,
        window=basis.frame.window,
        planned_start=session.planned_start,
        planned_end=session.planned_end,
    )


def _refuse_another(known: Sequence[KnownRecording], uploaded: UploadedTrack) -> None:
    """Raise Impossible where another file neither joins the track nor takes its place."""
    if known and not (uploaded.replace or uploaded.add):
        raise Impossible(
            "this session has another track",
            "send it again with add=true to join the two",
            "send it again with replace=true to keep this one alone",
        )
    if uploaded.add and len(known) >= MOST_RECORDINGS:
        raise Impossible(
            f"a track is made from at most {MOST_RECORDINGS} recordings", "delete one of them first"
        )


def _whole_track(
    key: ClientKey, row: TrackSummaryRow, same: KnownRecording, shift_ms: int | None
) -> Track | None:
    """Return the track made from a file with this shift; None where the file is needed again."""
    try:
        track = open_track(key, row)
    except SealBroken as broken:
        log_broken(broken)
        return None
    told = next((each for each in track.summary.recordings if each.id == same.id), None)
    if told is None or told.is_needed_again or shift_ms not in (None, told.shift_ms):
        return None
    return track


def _prepare_upload(
    basis: TrackBasis, clock: SessionClock, uploaded: UploadedTrack, now: datetime
) -> PreparedTrack:
    earlier = {each.fingerprint: each for each in basis.kept()}
    same = earlier.pop(uploaded.fingerprint, None)
    shift_ms = uploaded.shift_ms
    if shift_ms is None:
        shift_ms = same.recording.shift_ms if same and same.recording else 0
    recording = _read_upload(uploaded, clock, shift_ms, now)
    new = KeptRecording(
        id=same.id if same else uuid4(),
        fingerprint=uploaded.fingerprint,
        received_at=same.received_at if same else now,
        recording=recording,
    )
    others = [] if uploaded.replace else list(earlier.values())
    _refuse_unjoinable([*others, new])
    is_same_walk = same is not None or uploaded.add
    edits = basis.edits() if is_same_walk and not uploaded.replace else None
    return prepare_track(basis, [*others, new], edits or NO_EDITS, now)


def _read_upload(uploaded: UploadedTrack, clock: SessionClock, shift_ms: int, now: datetime) -> Recording:
    """Return what was recorded, by the session's clock. Raises what receive_track does of a file."""
    content, window = uploaded.content, clock.window
    recording = read_local_times(read_recording(content, now, shift_ms), clock, shift_ms)
    _refuse_times(recording, uploaded, content, clock)
    recording = shift_clock(recording, shift_ms, window)
    refuse_before_start(recording, window)
    if not lies_within(recording, window):
        raise WrongClock(*NOTHING_INSIDE, offered=offer_shift(recording, clock))
    if uploaded.shift_ms is None:
        recording = replace(recording, offered_shift_ms=offer_better_shift(recording, clock))
    return recording


def _refuse_times(recording: Recording, uploaded: UploadedTrack, content: bytes, clock: SessionClock) -> None:
    """Raise Impossible for a file without usable times: nothing says what of it lies outside the session.

    One that has no times at all is taken whole if the request says so.
    """
    if recording.fixes.timed.any():
        return
    if any(part.what == "time" for part in recording.skipped):
        raise WrongClock(
            "none of the times in this file can be used, so it cannot be cut to the session",
            "send it with shift_s if the recorder's clock was wrong",
            offered=offer_shift(read_local_times(read_whenever(content), clock, 0), clock),
        )
    if not uploaded.untimed:
        raise Impossible(
            "this file has no times, so it cannot be cut to the session",
            "send it again with untimed=true if all of it was walked in the session",
        )


def _refuse_unjoinable(kept: Sequence[KeptRecording]) -> None:
    """Raise Impossible for recordings that cannot be one track. A single one always can."""
    if len(kept) == 1:
        return
    recordings = [each.recording for each in kept if each.recording is not None]
    if not all(each.fixes.timed.any() for each in recordings):
        raise Impossible(
            "a recording without times cannot be joined: nothing says where in the walk it belongs",
            "send it again with replace=true to keep this one alone",
        )
    if sum(len(each.fixes) for each in recordings) > DEFAULT_LIMITS.points:
        raise Impossible(f"together they have more than {DEFAULT_LIMITS.points:,} points")


async def remove_track(begin: Begin, once: Once, session_id: UUID, expected: Expected, now: datetime) -> None:
    """Delete a session's track with its recordings; its marks keep their instants and lose their anchors.

    Raises NotFound, Stale.
    """
    tenant = begin.tenant
    async with begin.write(once) as transaction:
        if transaction.replays:
            return
        connection, practice_id = transaction.connection, tenant.practice_id
        session = await find_session_to_record(connection, tenant, session_id)
        track = await find_track_summary(connection, practice_id, session_id)
        if track is None:
            await refuse_unless_buried(transaction, "track", session_id)
            return
        expected.check(track.content_revision, this_write=transaction.revision)
        await forget_track(transaction, session, now)


async def forget_track(transaction: Transaction, session: RecordedSession, now: datetime) -> None:
    """Delete a session's track with its recordings and the anchors found on it."""
    session_id = session.session_id
    await delete_every_recording(transaction, session_id)
    await delete_track(transaction, session_id)
    await bury(transaction, "track", session_id, now, clinical=True, viewers=session.viewers)
    await clear_anchors(transaction, session_id)
