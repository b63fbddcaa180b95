"""Recordings: what a device recorded, put in the order of its times and cut to its session."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from service.geo.fixes import NO_TIME, Fixes, Indices, Instants


class SkippedPart(msgspec.Struct, frozen=True):
    """A part of the uploaded file that could not be used. `line` and `column` count from 1."""

    line: int
    column: int
    what: str
    reason: str


class Recording(msgspec.Struct, frozen=True, eq=False):
    """A file as it was read: its fixes, and the parts that could not be used."""

    fixes: Fixes
    skipped: tuple[SkippedPart, ...]
    skipped_count: int


def join_fixes(parts: Sequence[Fixes]) -> Fixes:
    """Return the parts one after the other, each with its segments."""
    offsets = np.cumsum([0, *(len(part) for part in parts[:-1])])
    return Fixes(
        lon=np.concatenate([part.lon for part in parts]),
        lat=np.concatenate([part.lat for part in parts]),
        ele_m=np.concatenate([part.ele_m for part in parts]),
        time_ms=np.concatenate([part.time_ms for part in parts]),
        starts=np.concatenate([part.starts + offset for part, offset in zip(parts, offsets, strict=True)]),
    )


class OrderedRecording(msgspec.Struct, frozen=True, eq=False):
    """A recording in the order of its times. Nothing is left out and no time is changed.

    `duplicates` counts the fixes with the same time as the timed fix before them in their segment,
    `out_of_order` those with an earlier time.
    """

    fixes: Fixes
    duplicates: int
    out_of_order: int


def put_in_order(fixes: Fixes) -> OrderedRecording:
    """Return a recording with the fixes of each segment, and the segments, in the order of their times.

    Fixes with the same time keep their order. A fix without a time follows the timed fix before it in its
    segment; if there is none, it precedes the next timed fix. A segment without times follows the segment
    before it. Segments that overlap in time, from two recorders, are ordered by their first times.
    """
    timed = np.flatnonzero(fixes.timed)
    times = fixes.time_ms[timed]
    segment = np.searchsorted(fixes.starts, timed, side="right")
    same_segment = segment[1:] == segment[:-1]
    earlier = times[1:] < times[:-1]
    return OrderedRecording(
        fixes=_in_order(fixes) if earlier.any() else fixes,
        duplicates=int(np.count_nonzero(same_segment & (times[1:] == times[:-1]))),
        out_of_order=int(np.count_nonzero(same_segment & earlier)),
    )


def timeline(fixes: Fixes) -> Indices:
    """Return the indices of the fixes that have a later time than all fixes before them.

    Along these fixes time only moves forward, even if the recorder repeated times or went back.
    """
    timed = np.flatnonzero(fixes.timed)
    latest = np.maximum.accumulate(fixes.time_ms[timed])
    later = np.ones(timed.size, dtype=np.bool_)
    later[1:] = latest[1:] > latest[:-1]
    chosen: Indices = timed[later]
    return chosen


def cut_to(fixes: Fixes, start_ms: int | None, end_ms: int | None) -> tuple[Fixes, int]:
    """Return the part of an ordered recording from `start_ms` to `end_ms`, and how many fixes were dropped.

    Both ends are included; None leaves one open. A fix without a time stays only if the timed fixes on either
    side stay: it may be on the drive home. A recording without times stays whole: nothing says what to cut.
    """
    timed = np.flatnonzero(fixes.timed)
    if not timed.size:
        return fixes, 0
    times = fixes.time_ms[timed]
    inside = np.ones(timed.size, dtype=np.bool_)
    if start_ms is not None:
        inside &= times >= start_ms
    if end_ms is not None:
        inside &= times <= end_ms
    at = np.arange(len(fixes))
    before = np.maximum(np.searchsorted(timed, at, side="right") - 1, 0)
    after = np.minimum(np.searchsorted(timed, at), timed.size - 1)
    kept = inside[before] & inside[after]
    return _choose_segments(fixes, kept), int(np.count_nonzero(~kept))


def _choose_segments(fixes: Fixes, kept: npt.NDArray[np.bool_]) -> Fixes:
    """Return the kept fixes, in the segments they were in."""
    chosen = np.flatnonzero(kept)
    starts: Indices = np.unique(np.searchsorted(chosen, fixes.starts))
    return _choose(fixes, chosen, starts[starts < chosen.size])


def _in_order(fixes: Fixes) -> Fixes:
    lengths = np.diff(np.append(fixes.starts, len(fixes)))
    segment = np.repeat(np.arange(lengths.size), lengths)
    times = _sort_times(fixes, segment)
    begins = np.minimum.reduceat(times, fixes.starts)
    before = np.maximum.accumulate(np.where(begins == NO_TIME, 0, np.arange(begins.size)))
    sequence = np.argsort(begins[before], kind="stable")
    place = np.argsort(sequence)
    starts = np.cumsum(lengths[sequence]) - lengths[sequence]
    return _choose(fixes, np.lexsort((times, place[segment])), starts)


def _sort_times(fixes: Fixes, segment: Indices) -> Instants:
    """Return the time by which each fix is put in order; `NO_TIME` throughout a segment without times."""
    at = np.arange(len(fixes))
    before = np.maximum.accumulate(np.where(fixes.timed, at, -1))
    after = np.minimum.accumulate(np.where(fixes.timed, at, at.size)[::-1])[::-1]
    source = np.where(before >= fixes.starts[segment], before, np.minimum(after, at.size - 1))
    return np.where(segment[source] == segment, fixes.time_ms[source], NO_TIME)


def _choose(fixes: Fixes, chosen: Indices, starts: Indices) -> Fixes:
    return Fixes(
        lon=fixes.lon[chosen],
        lat=fixes.lat[chosen],
        ele_m=fixes.ele_m[chosen],
        time_ms=fixes.time_ms[chosen],
        starts=starts.astype(np.int64),
    )
