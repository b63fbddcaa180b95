"""Make a track ready to store: cut, measured, encoded and sealed, with the anchors found on it.

All of it happens before a write is opened, from one snapshot of the session.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import numpy as np

from service.foundation.compression import gzip_bytes
from service.foundation.crypto.sealed_values import log_broken, seal_bytes, seal_value
from service.foundation.crypto.sealing import ClientKey, PracticeKey, SealBroken
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Impossible, found
from service.geo.blob import pack_fixes, unpack_fixes
from service.geo.fixes import Fixes
from service.geo.geojson import track_geojson
from service.record.anchor_queries import MarkRow, list_marks
from service.record.cuts import Window, cut_for_good
from service.record.edits import NO_EDITS, Edits
from service.record.plausibility import NothingPlausible
from service.record.recorded_session_queries import RecordedSession, find_recorded_session
from service.record.recording_queries import RecordingRow, list_recordings
from service.record.recordings import KeptRecording, Recording, join_readable
from service.record.sealed_record import open_marks
from service.record.sealed_recordings import open_recordings, recording_cell, seal_recording
from service.record.sealed_track import TRACK_NAME, open_fixes, open_track, track_cell
from service.record.session_marks import SessionMark, anchor_marks, session_marks
from service.record.track_queries import (
    StoredFixes,
    TrackForms,
    TrackSummaryRow,
    find_stored_fixes,
    find_track_summary,
)
from service.record.tracks import (
    TrackFrame,
    TrackSummary,
    cut_and_summarise,
    nothing_walked,
    summarise_recording,
)
from service.walks.route_queries import find_line

MAP_GZIP_LEVEL: Final = 4
"""Half the time of the usual level, for a map that is a twentieth larger."""


class PreparedRecording(msgspec.Struct, frozen=True):
    """A recording ready to be stored."""

    id: UUID
    fingerprint: bytes
    sealed: bytes
    is_new: bool


class TrackBasis(msgspec.Struct, frozen=True):
    """What a track is prepared from: the session, its frame, planned line, marks and recordings."""

    session: RecordedSession
    frame: TrackFrame
    key: ClientKey
    planned_line: bytes | None
    marks: list[MarkRow]
    recordings: list[RecordingRow]
    stored: StoredFixes | None
    known: TrackSummaryRow | None

    def edits(self) -> Edits | None:
        """Return what was taken out of the stored track; None where it does not open."""
        if self.known is None:
            return NO_EDITS
        try:
            return open_track(self.key, self.known).summary.edits
        except SealBroken as broken:
            log_broken(broken)
            return None

    def kept(self) -> list[KeptRecording]:
        """Return the recordings, opened."""
        return open_recordings(self.key, self.recordings)


class PreparedTrack(msgspec.Struct, frozen=True):
    """A track ready to be stored with its anchors, and the session it was prepared for.

    `recordings` are new or changed; `gone` are the ids of those that are not part of the track any more.
    """

    session: RecordedSession
    forms: TrackForms
    summary: TrackSummary
    anchors: list[SessionMark]
    recordings: list[PreparedRecording]
    gone: frozenset[UUID]


def frame_of(session: RecordedSession) -> TrackFrame:
    """Return what a session's track is cut to and compared with."""
    window = Window.between(session.started_at, session.ended_at)
    return TrackFrame(window, session.route_id, session.route_version)


async def read_track_basis(
    begin: Begin, keys: PracticeKey, session_id: UUID, frame: TrackFrame | None = None
) -> TrackBasis:
    """Read what a track is prepared from, for the session's own frame unless another is given.

    Raises NotFound.
    """
    tenant = begin.tenant
    async with begin.read() as connection:
        session = found(await find_recorded_session(connection, tenant, session_id))
        key = keys.client(session.client_id, session.wrapped_key)
        marks = []
        if session.marks_revision:
            marks = await list_marks(connection, tenant.practice_id, session_id)
        frame = frame or frame_of(session)
        planned_line = None
        if frame.route_id is not None and frame.route_version is not None:
            planned_line = await find_line(
                connection, tenant.practice_id, frame.route_id, frame.route_version
            )
        if session.track_revision is None:
            return TrackBasis(session, frame, key, planned_line, marks, [], None, None)
        recordings = await list_recordings(connection, tenant.practice_id, session_id)
        stored = await find_stored_fixes(connection, tenant.practice_id, session_id)
        known = await find_track_summary(connection, tenant.practice_id, session_id)
    return TrackBasis(session, frame, key, planned_line, marks, recordings, stored, known)


def prepare_track(
    basis: TrackBasis, kept: Sequence[KeptRecording], edits: Edits, now: datetime
) -> PreparedTrack:
    """Return the track of these recordings made ready to store; takes a second for a large one.

    Raises Impossible where nothing of it lies within the session's times, NothingPlausible.
    """
    cut = cut_every(kept, basis.frame.window)
    walked, summary = cut_and_summarise(join_readable(cut), basis.frame.window, _planned(basis), edits)
    return seal_track(basis, cut, walked, summary, now)


def prepare_track_again(basis: TrackBasis, now: datetime) -> PreparedTrack | None:
    """Return a stored track made ready for another frame; None where nothing that is stored opens.

    Where nothing of it lies within the session's times, the track is empty.
    """
    kept, edits = basis.kept(), basis.edits()
    if edits is None or not kept or any(each.recording is None for each in kept):
        return _prepare_from_line(basis, kept, edits or NO_EDITS, now)
    return prepare_what_is_left(basis, kept, edits, now)


def prepare_what_is_left(
    basis: TrackBasis, kept: Sequence[KeptRecording], edits: Edits, now: datetime
) -> PreparedTrack:
    """Return the track of these recordings made ready to store; empty where nothing lies in the session."""
    cut = cut_every(kept, basis.frame.window)
    walked, summary = _summarise_what_is_left(basis, join_readable(cut), edits)
    return seal_track(basis, cut, walked, summary, now)


def _prepare_from_line(
    basis: TrackBasis, kept: Sequence[KeptRecording], edits: Edits, now: datetime
) -> PreparedTrack | None:
    """Return the track cut anew from its own line, because something it is made from does not open."""
    if basis.stored is None:
        return None
    try:
        line = unpack_fixes(open_fixes(basis.key, basis.stored))
    except SealBroken as broken:
        log_broken(broken)
        return None
    nowhere = np.zeros(len(line), dtype=np.int64)
    walked, summary = _summarise_what_is_left(basis, Recording(line, nowhere, nowhere), NO_EDITS)
    told = msgspec.structs.replace(summary, edits=edits)
    return seal_track(basis, cut_every(kept, basis.frame.window), walked, told, now)


def _summarise_what_is_left(
    basis: TrackBasis, recording: Recording, edits: Edits
) -> tuple[Fixes, TrackSummary]:
    window = basis.frame.window
    try:
        return cut_and_summarise(recording, window, _planned(basis), edits)
    except (Impossible, NothingPlausible):
        return nothing_walked(recording, window, edits)


def cut_every(kept: Sequence[KeptRecording], window: Window) -> list[KeptRecording]:
    """Return recordings cut for good to the session's times, once both are known."""
    return [
        each
        if each.recording is None
        else msgspec.structs.replace(each, recording=cut_for_good(each.recording, window))
        for each in kept
    ]


def seal_track(
    basis: TrackBasis, kept: Sequence[KeptRecording], walked: Fixes, summary: TrackSummary, now: datetime
) -> PreparedTrack:
    """Return a track and the recordings it is made from as they are stored."""
    session_id = basis.session.session_id
    stored = {each.id for each in basis.recordings}
    listed = tuple(summarise_recording(each, basis.frame.window) for each in kept)
    summary = msgspec.structs.replace(summary, recordings=listed)
    return PreparedTrack(
        session=basis.session,
        forms=_seal_forms(basis, walked, summary, now),
        summary=summary,
        anchors=anchor_marks(walked, session_marks(open_marks(basis.key, basis.marks)), summary.halts),
        recordings=[
            PreparedRecording(
                each.id,
                each.fingerprint,
                seal_recording(basis.key, recording_cell(each.id, session_id, now), each.recording),
                is_new=each.id not in stored,
            )
            for each in kept
            if each.recording is not None
        ],
        gone=frozenset(stored - {each.id for each in kept}),
    )


def _planned(basis: TrackBasis) -> Fixes | None:
    return None if basis.planned_line is None else unpack_fixes(basis.planned_line)


def _seal_forms(basis: TrackBasis, walked: Fixes, summary: TrackSummary, now: datetime) -> TrackForms:
    """Return every form of a track as it is stored: compressed once, sealed once."""
    key, session_id = basis.key, basis.session.session_id
    geojson = gzip_bytes(track_geojson(walked, {"name": TRACK_NAME}), MAP_GZIP_LEVEL)
    return TrackForms(
        session_id=session_id,
        sealed_fixes=seal_bytes(key, track_cell("sealed_fixes", session_id, now), pack_fixes(walked)),
        sealed_summary=seal_value(key, track_cell("sealed_summary", session_id, now), summary),
        sealed_geojson=seal_bytes(key, track_cell("sealed_geojson", session_id, now), geojson),
        updated_at=now,
    )
