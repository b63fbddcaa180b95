"""Tracks: what was walked in a session, cut to its times and summarised."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import numpy as np

from service.foundation.errors import DomainError
from service.foundation.retry_safe import Impossible
from service.geo.fixes import Fixes, Indices
from service.record.deviation import Deviation, compare
from service.record.halts import Halt, halts
from service.record.plausibility import find_plausible
from service.record.recorded_times import check_times
from service.record.recordings import Recording, SkippedPart, keep, within
from service.record.repeats import find_repeats
from service.record.track_statistics import TrackStatistics, statistics

SKIPPED_SHOWN: Final = 20


class NoTrack(DomainError):
    """The file is GPX, but holds no track."""


class Window(msgspec.Struct, frozen=True):
    """A session's actual times, in milliseconds since 1970 UTC; None if not reported yet."""

    start_ms: int | None
    end_ms: int | None

    @classmethod
    def between(cls, start: datetime | None, end: datetime | None) -> "Window":
        """Return the window from one instant to another."""
        return cls(_ms(start), _ms(end))


class TrackFrame(msgspec.Struct, frozen=True):
    """What a track is cut to and compared with: when its session was held, and on which planned line."""

    window: Window
    route_id: UUID | None
    route_version: int | None


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else round(instant.timestamp() * 1_000)


class TrackSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a track besides its fixes. All of it can be rebuilt from the original file."""

    statistics: TrackStatistics
    halts: tuple[Halt, ...]
    deviation: Deviation | None
    """How closely the walk followed its planned route; None without one."""
    window: Window
    """The times the track was cut to."""
    dropped: int
    """Fixes outside those times, such as the drive home."""
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


class Track(msgspec.Struct, frozen=True):
    """What is known of a session's track."""

    session_id: UUID
    summary: TrackSummary
    received_at: datetime
    updated_at: datetime
    revision: int


def cut_and_summarise(
    recording: Recording, window: Window, planned: Fixes | None
) -> tuple[Fixes, TrackSummary]:
    """Return the part of a recording that was walked within its session's times, and its summary.

    Raises Impossible if there is no such part, NothingPlausible if no walk can have passed it.
    """
    checked = check_times(recording.fixes)
    repeats = find_repeats(checked.fixes)
    inside = within(checked.fixes, window.start_ms, window.end_ms)
    once = inside & ~repeats.repeated
    if not once.any():
        raise Impossible(
            "nothing of this track lies within the session's actual times",
            "correct when the session started and ended, then send the track again",
        )
    held = check_times(keep(checked.fixes, once, repeats.breaks))  # what is left of two recorders in order
    reached = find_plausible(held.fixes)
    walked = keep(held.fixes, reached.kept, reached.breaks)
    unreached = np.sort(checked.origin[np.flatnonzero(once)[held.origin[~reached.kept]]])
    stays = halts(walked)
    summary = TrackSummary(
        statistics=statistics(walked, stays),
        halts=stays,
        deviation=None if planned is None else compare(walked, planned),
        window=window,
        dropped=int(np.count_nonzero(~inside)),
        duplicates=int(np.count_nonzero(repeats.repeated & inside)),
        out_of_order=checked.out_of_order,
        moved_segments=checked.moved_segments,
        implausible=unreached.size,
        skipped=_first_skipped(recording, unreached),
        skipped_count=recording.skipped_count + unreached.size,
    )
    return walked, summary


def _first_skipped(recording: Recording, unreached: Indices) -> tuple[SkippedPart, ...]:
    """Return the first parts of the file that were left out, with the fixes that no walk reaches."""
    reason = "no walk reaches it from the points around it"
    found = recording.positions(unreached[:SKIPPED_SHOWN])
    unreachable = [SkippedPart(line, column, "point", reason) for line, column in found]
    first = sorted((*recording.skipped, *unreachable), key=lambda part: (part.line, part.column))
    return tuple(first[:SKIPPED_SHOWN])
