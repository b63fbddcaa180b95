"""Figures of a track, for the record and for planning. They are no score of how anybody walks."""

from collections.abc import Sequence
from typing import Final

import msgspec

from service.geo.climb import ascent_descent_m
from service.geo.fixes import Fixes, Floats
from service.record.flat_pace import flat_pace_mps
from service.record.halts import Halt, moving_time_s


class TrackStatistics(msgspec.Struct, frozen=True):
    """Figures of a track; None if the recording has no such values. `_ms` is milliseconds since 1970 UTC.

    `duration_s` is from the first time to the last; `moving_time_s` leaves out halts and gaps.
    """

    points: int
    length_m: float
    ascent_m: float | None
    descent_m: float | None
    began_ms: int | None
    ended_ms: int | None
    duration_s: float | None
    moving_time_s: float | None
    flat_pace_mps: float | None = None
    """None also for a track summarised before paces were measured."""


NO_STATISTICS: Final = TrackStatistics(0, 0.0, None, None, None, None, None, None)
"""Of a session of which nothing was recorded."""


def statistics(fixes: Fixes, stays: Sequence[Halt], along_m: Floats) -> TrackStatistics:
    """Return the figures of a recording whose halts are `stays`; `along_m` is how far along each fix lies."""
    times = fixes.time_ms[fixes.timed]
    began_ms, ended_ms = (int(times.min()), int(times.max())) if times.size else (None, None)
    ascent_m, descent_m = ascent_descent_m(fixes) or (None, None)
    return TrackStatistics(
        points=len(fixes),
        length_m=float(along_m[-1]) if along_m.size else 0.0,
        ascent_m=ascent_m,
        descent_m=descent_m,
        began_ms=began_ms,
        ended_ms=ended_ms,
        duration_s=None if began_ms is None or ended_ms is None else (ended_ms - began_ms) / 1_000,
        moving_time_s=moving_time_s(fixes, stays),
        flat_pace_mps=flat_pace_mps(fixes, stays),
    )
