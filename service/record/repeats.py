"""Stretches that a recording holds twice: one stretch of time is walked once.

Exporters write segments that repeat the earlier ones, or the whole track again; two recorders that run side
by side leave two lines a few seconds and metres apart. Each would double the length and move the anchors.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from service.geo.fixes import NO_TIME, Fixes, Floats, Indices, Instants
from service.geo.geodesy import steps_m

PAUSE_S: Final = 60.0
"""A recorder that wrote nothing for longer than this, and three usual steps, was paused."""
PAUSE_OF_STEPS: Final = 3.0
OVERLAP_S: Final = 5.0
"""Two segments that share less time than this follow each other."""
ALIKE: Final = 0.8
"""Of two recorders about as dense as each other the smoother, so shorter, line is the better."""
LEAST_POINTS: Final = 3
"""A line without times is taken for a repeat from here on: two points may be alike by chance."""


class _Segment(msgspec.Struct, frozen=True, eq=False):
    """A segment with times: its timed fixes, how many a second it has, how fast its line goes."""

    number: int
    timed: Indices
    at_s: Floats
    density: float
    line_mps: float

    @property
    def begins_s(self) -> float:
        return float(self.at_s[0])

    @property
    def ends_s(self) -> float:
        return float(self.at_s[-1])


class Repeats(msgspec.Struct, frozen=True, eq=False):
    """Which fixes repeat others. `breaks` marks those after which another segment shows what was walked."""

    repeated: npt.NDArray[np.bool_]
    breaks: npt.NDArray[np.bool_]


def find_repeats(fixes: Fixes, recorded_ms: Instants) -> Repeats:
    """Return which fixes of a recording with checked times repeat what other fixes of it show.

    `recorded_ms` are the times before they were checked. A stretch written again inside its own segment has
    lost them, and is known by them all the same.
    """
    written_again = _written_again(fixes, recorded_ms)
    repeated = _repeated(fixes) | written_again
    elsewhere = repeated & ~_doubled_record(fixes) & ~written_again
    breaks = np.zeros(len(fixes), dtype=np.bool_)
    breaks[1:] = elsewhere[:-1] & ~repeated[1:]
    return Repeats(repeated, breaks)


def _written_again(fixes: Fixes, recorded_ms: Instants) -> npt.NDArray[np.bool_]:
    """Return the fixes whose time did not fit, but that say the same as one whose time does."""
    again = np.zeros(len(fixes), dtype=np.bool_)
    lost = np.flatnonzero(~fixes.timed & (recorded_ms != NO_TIME))
    if lost.size:
        at = np.concatenate((np.flatnonzero(fixes.timed), lost))  # lexsort is stable: a fitting one first
        order = at[np.lexsort((fixes.lat[at], fixes.lon[at], recorded_ms[at]))]
        columns = (recorded_ms[order], fixes.lon[order], fixes.lat[order])
        begins = np.ones(order.size, dtype=np.bool_)
        begins[1:] = np.logical_or.reduce([each[1:] != each[:-1] for each in columns])
        first = order[np.flatnonzero(begins)][np.cumsum(begins) - 1]
        again[order] = fixes.timed[first] & ~fixes.timed[order]
    return again


def _doubled_record(fixes: Fixes) -> npt.NDArray[np.bool_]:
    """Return the fixes that say the same as the one right before them in their segment."""
    doubled = np.zeros(len(fixes), dtype=np.bool_)
    same = [each[1:] == each[:-1] for each in (fixes.time_ms, fixes.lon, fixes.lat)]
    doubled[1:] = same[0] & same[1] & same[2]
    doubled[fixes.starts] = False
    return doubled


def _repeated(fixes: Fixes) -> npt.NDArray[np.bool_]:
    again = _same_fix_again(fixes) | _same_line_again(fixes)
    if fixes.starts.size < 2:
        return again
    segments = _timed_segments(fixes, again)
    latest = -np.inf
    for each in sorted(segments, key=lambda segment: segment.begins_s):
        if latest - each.begins_s > OVERLAP_S:
            return again | _by_another_recorder(fixes, segments)
        latest = max(latest, each.ends_s)
    return again


def _same_fix_again(fixes: Fixes) -> npt.NDArray[np.bool_]:
    """Return the timed fixes whose time and place another fix has.

    The one in the densest segment stays, for the other may be a thinned copy; of those about as dense, the
    one in the longest.
    """
    again = np.zeros(len(fixes), dtype=np.bool_)
    timed = np.flatnonzero(fixes.timed)
    if np.all(np.diff(fixes.time_ms[timed]) > 0):
        return again
    segment = np.searchsorted(fixes.starts, timed, side="right") - 1
    shorter = -np.diff(np.append(fixes.starts, len(fixes)))[segment]
    thinner = _thinness(fixes, timed, segment)[segment]
    places = (fixes.lat[timed], fixes.lon[timed], fixes.time_ms[timed])
    order = timed[np.lexsort((timed, shorter, thinner, *places))]
    same = fixes.time_ms[order[1:]] == fixes.time_ms[order[:-1]]
    same &= (fixes.lon[order[1:]] == fixes.lon[order[:-1]]) & (fixes.lat[order[1:]] == fixes.lat[order[:-1]])
    again[order[1:][same]] = True
    return again


def _thinness(fixes: Fixes, timed: Indices, segment: Indices) -> Indices:
    """Return for each segment how many kinds of segments are denser; segments of a kind are about alike."""
    counts = np.bincount(segment, minlength=fixes.starts.size)
    steps = np.maximum(counts - 1, 0)
    lasts = np.cumsum(counts) - 1
    lasts_ms = fixes.time_ms[timed[lasts]] - fixes.time_ms[timed[lasts - steps]]
    density = steps / np.maximum(lasts_ms, 1)
    thinness = np.zeros(density.size, dtype=np.int64)
    kind, densest = 0, np.inf
    for number in np.argsort(-density, kind="stable").tolist():
        if density[number] < ALIKE * densest:
            kind, densest = kind + 1, density[number]
        thinness[number] = kind
    return thinness


def _same_line_again(fixes: Fixes) -> npt.NDArray[np.bool_]:
    """Return the segments without times that are, or begin, another one to the letter."""
    again = np.zeros(len(fixes), dtype=np.bool_)
    ends = np.append(fixes.starts[1:], len(fixes))
    lines: list[tuple[bytes, int, int]] = []
    for start, end in zip(fixes.starts.tolist(), ends.tolist(), strict=True):
        if end - start >= LEAST_POINTS and not fixes.timed[start:end].any():
            line = np.column_stack((fixes.lon[start:end], fixes.lat[start:end]))
            lines.append((line.tobytes(), start, end))
    kept: list[bytes] = []
    for content, start, end in sorted(lines, key=lambda line: (-len(line[0]), line[1])):
        if any(longer.startswith(content) for longer in kept):
            again[start:end] = True
        else:
            kept.append(content)
    return again


def _timed_segments(fixes: Fixes, without: npt.NDArray[np.bool_]) -> list[_Segment]:
    ends = np.append(fixes.starts[1:], len(fixes))
    usable = fixes.timed & ~without
    steps = steps_m(fixes)
    found = []
    for number, (start, end) in enumerate(zip(fixes.starts.tolist(), ends.tolist(), strict=True)):
        timed = start + np.flatnonzero(usable[start:end])
        if timed.size:
            at_s = fixes.time_ms[timed] / 1_000
            lasts_s = max(float(at_s[-1] - at_s[0]), 1.0)
            way_m = float(steps[start + 1 : end].sum())
            found.append(_Segment(number, timed, at_s, timed.size / lasts_s, way_m / lasts_s))
    return found


def _by_another_recorder(fixes: Fixes, segments: Sequence[_Segment]) -> npt.NDArray[np.bool_]:
    """Return the fixes recorded while a better recorder was running."""
    worse = np.zeros(len(fixes), dtype=np.bool_)
    begins, ends = np.empty(0), np.empty(0)
    for segment in _best_first(segments):
        spell = np.searchsorted(begins, segment.at_s, side="right") - 1
        covered = (spell >= 0) & (segment.at_s <= np.append(ends, -np.inf)[spell])
        worse[segment.timed[covered]] = True
        begins, ends = _joined(begins, ends, *_running(segment))
    return _with_untimed_between(fixes, worse)


def _best_first(segments: Sequence[_Segment]) -> list[_Segment]:
    """Return segments by how dense they are; among those about alike the smoother first."""
    ranked: list[_Segment] = []
    for segment in sorted(segments, key=lambda each: -each.density):
        place = len(ranked)
        while (
            place
            and segment.density >= ALIKE * ranked[place - 1].density
            and segment.line_mps < ranked[place - 1].line_mps
        ):
            place -= 1
        ranked.insert(place, segment)
    return ranked


def _running(segment: _Segment) -> tuple[Floats, Floats]:
    """Return the spells a recorder was running: from each first fix after a pause to the last before one."""
    steps_s = np.diff(segment.at_s)
    usual_s = float(np.median(steps_s)) if steps_s.size else 0.0
    pauses = np.flatnonzero(steps_s > max(PAUSE_S, PAUSE_OF_STEPS * usual_s))
    return (
        segment.at_s[np.concatenate(([0], pauses + 1))],
        segment.at_s[np.append(pauses, segment.at_s.size - 1)],
    )


def _joined(begins: Floats, ends: Floats, more_begins: Floats, more_ends: Floats) -> tuple[Floats, Floats]:
    """Return spells joined with others, in order, none overlapping."""
    begins, ends = np.concatenate((begins, more_begins)), np.concatenate((ends, more_ends))
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], np.maximum.accumulate(ends[order])
    first = np.concatenate(([True], begins[1:] > ends[:-1]))
    return begins[first], ends[np.append(np.flatnonzero(first)[1:] - 1, ends.size - 1)]


def _with_untimed_between(fixes: Fixes, worse: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return also the fixes without a time whose timed neighbours in their segment are left out."""
    untimed = np.flatnonzero(fixes.time_ms == NO_TIME)
    if not untimed.size or not worse.any():
        return worse
    timed = np.flatnonzero(fixes.timed)
    segment = np.searchsorted(fixes.starts, np.arange(len(fixes)), side="right")
    places = np.searchsorted(timed, untimed)
    before, after = timed[(places - 1).clip(min=0)], timed[places.clip(max=timed.size - 1)]
    for neighbour in (before, after):
        own = segment[neighbour] == segment[untimed]
        worse[untimed[own & worse[neighbour]]] = True
    return worse
