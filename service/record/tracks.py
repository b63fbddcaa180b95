"""Tracks: what was walked in a session, cut to its times and summarised."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import numpy as np

from service.foundation.errors import DomainError
from service.geo.fixes import Fixes, Indices
from service.record.cuts import Window, is_cut_too_far
from service.record.deviation import Deviation, compare
from service.record.edits import NO_EDITS, Edits
from service.record.halts import Halt, halts, walked_along_m
from service.record.recorded_times import check_times
from service.record.recordings import (
    NO_FIXES,
    KeptRecording,
    Recording,
    SkippedPart,
    shifted,
    within,
)
from service.record.track_statistics import NO_STATISTICS, TrackStatistics, statistics
from service.record.walked_part import OmissionReason, find_walked

SKIPPED_SHOWN: Final = 20
EARLIEST_MS: Final = np.iinfo(np.int64).min
LATEST_MS: Final = np.iinfo(np.int64).max


class NoTrack(DomainError):
    """The file is GPX, but holds no track."""


class TrackFrame(msgspec.Struct, frozen=True):
    """What a track is cut to and compared with: when its session was held, and on which planned line."""

    window: Window
    route_id: UUID | None
    route_version: int | None


class RecordingSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one recording of a session: what of it lies within the session's times."""

    id: UUID
    received_at: datetime
    fixes: int = 0
    began_ms: int | None = None
    ended_ms: int | None = None
    shift_ms: int = 0
    destroyed_before: int = 0
    """Fixes before the session, which were destroyed."""
    destroyed_after: int = 0
    times_read_as: str | None = None
    offered_shift_ms: int | None = None
    upload_again: bool = False
    """Whether the session's times now include what was destroyed."""
    unreadable: bool = False

    @property
    def is_needed_again(self) -> bool:
        """Return whether sending its file again brings back what is not there."""
        return self.upload_again or self.unreadable


class TrackSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a track besides its fixes. All of it can be rebuilt from the recordings."""

    statistics: TrackStatistics
    halts: tuple[Halt, ...]
    deviation: Deviation | None
    """How closely the walk followed its planned route; None without one."""
    window: Window
    """The times the track was cut to."""
    dropped: int
    """Fixes outside those times, such as the drive home; once both are known they are destroyed."""
    duplicates: int
    """Fixes that repeat others: the same stretch again, or a second recorder."""
    out_of_order: int
    """Fixes whose times do not fit the order of the file; they count as untimed."""
    moved_segments: int = 0
    """Segments that stood behind a later one, and were put in order."""
    implausible: int = 0
    """Fixes that no walk reaches from those around them; they are among what was skipped."""
    skipped: tuple[SkippedPart, ...]
    skipped_count: int
    recordings: tuple[RecordingSummary, ...] = ()
    edits: Edits = NO_EDITS
    edited: int = 0
    """Fixes that the therapist took out."""


class Track(msgspec.Struct, frozen=True):
    """What is known of a session's track."""

    session_id: UUID
    summary: TrackSummary
    received_at: datetime
    updated_at: datetime
    revision: int


def cut_and_summarise(
    recording: Recording, window: Window, planned: Fixes | None, edits: Edits = NO_EDITS
) -> tuple[Fixes, TrackSummary]:
    """Return what of a recording was walked within its session's times, and its summary.

    Raises Impossible if there is no such part or the edits leave none, NothingPlausible if no walk can have
    passed it.
    """
    walked = find_walked(recording, window, edits)
    stays = halts(walked.fixes)
    along_m = walked_along_m(walked.fixes, stays)
    implausible = walked.left_out[OmissionReason.IMPLAUSIBLE]
    summary = TrackSummary(
        statistics=statistics(walked.fixes, stays, along_m),
        halts=stays,
        deviation=None if planned is None else compare(walked.fixes, along_m, planned),
        window=window,
        dropped=walked.dropped + recording.destroyed.count,
        duplicates=walked.count(OmissionReason.REPEATED),
        out_of_order=walked.out_of_order,
        moved_segments=walked.moved_segments,
        implausible=implausible.size,
        skipped=_first_skipped(recording, implausible),
        skipped_count=recording.skipped_count + implausible.size,
        edits=edits,
        edited=walked.count(OmissionReason.EDITED),
    )
    return walked.fixes, summary


def nothing_walked(
    recording: Recording, window: Window, edits: Edits = NO_EDITS
) -> tuple[Fixes, TrackSummary]:
    """Return an empty track and its summary, for a recording of which nothing lies within the session."""
    summary = TrackSummary(
        statistics=NO_STATISTICS,
        halts=(),
        deviation=None,
        window=window,
        dropped=len(recording.fixes) + recording.destroyed.count,
        duplicates=0,
        out_of_order=0,
        skipped=recording.skipped[:SKIPPED_SHOWN],
        skipped_count=recording.skipped_count,
        edits=edits,
    )
    return NO_FIXES, summary


def summarise_recording(kept: KeptRecording, window: Window) -> RecordingSummary:
    """Return what is known of one recording within the session's times."""
    recording = kept.recording
    if recording is None:
        return RecordingSummary(id=kept.id, received_at=kept.received_at, unreadable=True)
    fixes = shifted(recording.fixes, recording.shift_ms)
    inside = within(check_times(fixes).fixes, window.start_ms, window.end_ms)
    times = fixes.time_ms[fixes.timed]
    times = times[(times >= (window.start_ms or EARLIEST_MS)) & (times <= (window.end_ms or LATEST_MS))]
    return RecordingSummary(
        id=kept.id,
        received_at=kept.received_at,
        fixes=int(np.count_nonzero(inside)),
        began_ms=int(times.min()) if times.size else None,
        ended_ms=int(times.max()) if times.size else None,
        shift_ms=recording.shift_ms,
        destroyed_before=recording.destroyed.before,
        destroyed_after=recording.destroyed.after,
        times_read_as=recording.times_read_as,
        offered_shift_ms=recording.offered_shift_ms,
        upload_again=is_cut_too_far(recording, window),
    )


def _first_skipped(recording: Recording, unreached: Indices) -> tuple[SkippedPart, ...]:
    """Return the first parts of the files that were left out, with the fixes that no walk reaches."""
    reason = "no walk reaches it from the points around it"
    unreachable = [recording.part(each, "point", reason) for each in unreached[:SKIPPED_SHOWN].tolist()]
    every = sorted((*recording.skipped, *unreachable), key=_place)
    return tuple(every[:SKIPPED_SHOWN])


def _place(part: SkippedPart) -> tuple[str, int, int]:
    return str(part.recording_id), part.line, part.column
