"""Where a track stood still, and for how long. It says nothing of silence, or of talk.

Standing still is judged against the walk's own pace: 0.2 m/s is standing for one client and walking for
another. A recorder that pauses by itself writes nothing meanwhile and may wake some way on. So a long gap is
judged by itself, by how little of it the walk's own pace explains.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec
import numpy as np

from service.geo.fixes import Fixes, Floats, Indices
from service.geo.geodesy import (
    LocalPlane,
    PlanePoints,
    distances_m,
    ground_distances_m,
    local_plane,
    steps_m,
)
from service.record.recordings import timeline

HALT_RADIUS_M: Final = 15.0
HALT_AT_LEAST_S: Final = 60.0
STILL_SHARE: Final = 0.4
"""Of the walk's own pace: slower than this is standing still."""
PAUSE_SHARE: Final = 0.25
"""Of a gap inside a segment: the walk's own pace explains no more of it than this where the walk stood."""
PAUSE_OF_STEPS: Final = 3.0
"""A gap is a pause where it is this many times the usual step in time, and as long as a halt."""
PACE_OVER_S: Final = 30.0
USUAL_PACE_MPS: Final = 0.9
"""Of a walk too short to show its own."""
MOST_SPELLS: Final = 5_000
"""Looked at in one track: more than a day of standing still every half minute."""


class Halt(msgspec.Struct, frozen=True):
    """A stay: its middle, when it began, how long it lasted, and how far along the track it was."""

    lon: float
    lat: float
    began_ms: int
    duration_s: float
    distance_m: float


class _Path(msgspec.Struct, frozen=True, eq=False):
    """Where the track was when, as a line through at most one fix a second, and the integral of that."""

    at: Indices
    time_ms: Floats
    places: PlanePoints
    summed: PlanePoints

    def mean(self, begin_ms: Floats, end_ms: Floats) -> PlanePoints:
        """Return the mean place over the time of each spell."""
        return np.asarray((self._integral(end_ms) - self._integral(begin_ms)) / (end_ms - begin_ms))

    def middle(self, first: int, last: int) -> complex:
        """Return the mean place over the time between two fixes."""
        return complex((self.summed[last] - self.summed[first]) / (self.time_ms[last] - self.time_ms[first]))

    def _integral(self, at_ms: Floats) -> PlanePoints:
        before = np.searchsorted(self.time_ms, at_ms, side="right") - 1
        here = np.interp(at_ms, self.time_ms, self.places)
        since_ms = at_ms - self.time_ms[before]
        return np.asarray(self.summed[before] + since_ms * (self.places[before] + here) / 2)


def halts(
    fixes: Fixes, radius_m: float = HALT_RADIUS_M, at_least_s: float = HALT_AT_LEAST_S
) -> tuple[Halt, ...]:
    """Return the stays of at least `at_least_s` seconds within about `radius_m` metres, in order of time.

    The track stands still while the mean place over one half of `at_least_s` is hardly away from that over
    the next half: such means are deaf to a receiver's jitter. What a spell of standing still has beyond the
    radius is looked at again, so a shuffle between two stays hides neither. Who walks so slowly that crossing
    the radius takes longer than `at_least_s` stands still only after the time of such a crossing.
    """
    chosen = _once_a_second(fixes, timeline(fixes))
    if chosen.size < 2:
        return ()
    plane = local_plane(fixes)
    path = _path(fixes, chosen, plane)
    pace_mps = _own_pace_mps(path)
    at_least_s = max(at_least_s, 2 * radius_m / pace_mps)
    at_least_ms = at_least_s * 1_000
    pauses = _pauses(fixes, path, pace_mps, radius_m, at_least_ms)
    still_m = min(radius_m / 2, STILL_SHARE * pace_mps * at_least_s / 2)
    stays = [(first, first + 1) for first in pauses]
    for begin, end in zip([0, *(each + 1 for each in pauses)], [*pauses, chosen.size - 1], strict=True):
        if path.time_ms[end] - path.time_ms[begin] >= at_least_ms:
            stays += _stays_between(path, begin, end, still_m, radius_m, at_least_ms)
    return _described(fixes, path, plane, _joined(path, sorted(stays), radius_m, at_least_ms))


def _own_pace_mps(path: _Path) -> float:
    """Return the speed at or above which half of the way was walked, over half a minute each."""
    span_ms = max(PACE_OVER_S * 1_000, float(path.time_ms[-1]) / MOST_SPELLS)
    begins = np.arange(0.0, path.time_ms[-1] - span_ms, span_ms)
    if begins.size < 2:
        return USUAL_PACE_MPS
    corners = np.interp(np.append(begins, begins[-1] + span_ms), path.time_ms, path.places)
    speeds = np.sort(np.abs(np.diff(corners)) / (span_ms / 1_000))
    walked = np.cumsum(speeds)
    if walked[-1] <= 0:
        return USUAL_PACE_MPS
    return float(speeds[np.searchsorted(walked, walked[-1] / 2)])


def _pauses(fixes: Fixes, path: _Path, pace_mps: float, radius_m: float, at_least_ms: float) -> list[int]:
    """Return the fixes after which nothing was recorded for long, and the walk hardly went on.

    Inside a segment the recorder was running: a pace far below the walk's own is standing. Between two it was
    off: only a place within the radius says that the walk stood there.
    """
    steps_ms = np.diff(path.time_ms)
    steps_m = np.abs(np.diff(path.places))
    segment = np.searchsorted(fixes.starts, path.at, side="right")
    inside = np.diff(segment) == 0
    usual_ms = float(np.median(steps_ms[inside])) if inside.any() else 0.0
    long = steps_ms >= max(at_least_ms, PAUSE_OF_STEPS * usual_ms)
    slow = steps_m <= PAUSE_SHARE * pace_mps * steps_ms / 1_000
    stood = np.where(inside, slow | (steps_m <= radius_m / 2), steps_m <= radius_m)
    return np.flatnonzero(long & stood & (steps_m <= STILL_SHARE * pace_mps * steps_ms / 1_000)).tolist()


def _stays_between(
    path: _Path, begin: int, end: int, still_m: float, radius_m: float, at_least_ms: float
) -> Iterator[tuple[int, int]]:
    """Yield first and last fix of each stay between two fixes."""
    spells = list(islice(_still_spells(path, begin, end, still_m, at_least_ms), MOST_SPELLS))
    looked_at = 0
    while spells and looked_at < MOST_SPELLS:
        looked_at += 1
        begin_ms, end_ms = spells.pop()
        first, last = _trimmed(path, begin_ms, end_ms, radius_m / 2)
        if path.time_ms[last] - path.time_ms[first] < at_least_ms:
            continue
        yield first, last
        rest = ((begin_ms, path.time_ms[first]), (path.time_ms[last], end_ms))
        spells += [(since, until) for since, until in rest if until - since >= at_least_ms]


def _joined(
    path: _Path, stays: Sequence[tuple[int, int]], radius_m: float, at_least_ms: float
) -> list[tuple[int, int]]:
    """Return stays in order, those joined that jitter alone parts: they all but touch, at one place."""
    joined: list[tuple[int, int]] = []
    for first, last in stays:
        if joined and last <= joined[-1][1]:
            continue
        if joined and _goes_on(path, joined[-1], (first, last), radius_m, at_least_ms):
            joined[-1] = (joined[-1][0], last)
        else:
            begin = max(first, joined[-1][1]) if joined else first
            if path.time_ms[last] - path.time_ms[begin] >= at_least_ms:
                joined.append((begin, last))
    return joined


def walked_along_m(fixes: Fixes, stays: Sequence[Halt]) -> Floats:
    """Return how far along the walk each fix lies, without the wandering of the receiver in the `stays`.

    A receiver that stands still wanders by metres a minute, which would be the longer part of a slow walk.
    A stay counts as far as the fix after it is from its first: a watch that paused may wake some way off, and
    come back with the next step.
    """
    if not stays:
        return distances_m(fixes)
    timed = timeline(fixes)
    times = fixes.time_ms[timed]
    ended = [stay.began_ms + round(stay.duration_s * 1_000) for stay in stays]
    firsts = timed[np.searchsorted(times, [stay.began_ms for stay in stays])]
    lasts = timed[np.searchsorted(times, ended)]
    return _along_m(fixes, zip(firsts.tolist(), lasts.tolist(), strict=True))


def _along_m(fixes: Fixes, stays: Iterable[tuple[int, int]]) -> Floats:
    """Return how far along each fix lies; from the first fix of a stay to the one after it straight on."""
    way_m = steps_m(fixes)
    ends_segment = set((fixes.starts - 1).tolist()) | {len(fixes) - 1}
    for first, last in stays:
        after = last if last in ends_segment else last + 1
        wandered_m = float(way_m[first + 1 : after + 1].sum())
        ends = (each[[index]] for index in (first, after) for each in (fixes.lon, fixes.lat))
        apart_m = float(ground_distances_m(*ends)[0])
        if wandered_m > apart_m:
            way_m[first + 1 : after + 1] *= apart_m / wandered_m
    return np.cumsum(way_m)


def moving_time_s(fixes: Fixes, stays: Sequence[Halt]) -> float | None:
    """Return the seconds recorded inside segments and outside the `stays`; None for a track without times."""
    chosen, moving = moving_steps(fixes, stays)
    if not chosen.size:
        return None
    return float(np.sum(np.diff(fixes.time_ms[chosen])[moving])) / 1_000


def moving_steps(fixes: Fixes, stays: Sequence[Halt]) -> tuple[Indices, Indices]:
    """Return the fixes whose times go on, and the steps between them inside segments and outside `stays`."""
    chosen = timeline(fixes)
    times = fixes.time_ms[chosen]
    segment = np.searchsorted(fixes.starts, chosen, side="right")
    began = np.array([stay.began_ms for stay in stays], dtype=np.int64)
    ended = began + np.array([round(stay.duration_s * 1_000) for stay in stays], dtype=np.int64)
    walked = np.searchsorted(began, times[:-1], side="right") == np.searchsorted(
        ended, times[:-1], side="right"
    )
    walked &= segment[1:] == segment[:-1]
    return chosen, np.flatnonzero(walked)


def _once_a_second(fixes: Fixes, chosen: Indices) -> Indices:
    """Return the first fix of each second and the very last: more would be work without a gain."""
    seconds = fixes.time_ms[chosen] // 1_000
    kept = np.ones(chosen.size, dtype=np.bool_)
    kept[1:-1] = seconds[1:-1] > seconds[:-2]
    return chosen[kept]


def _path(fixes: Fixes, chosen: Indices, plane: LocalPlane) -> _Path:
    places = plane.points(fixes)[chosen]
    time_ms = (fixes.time_ms[chosen] - fixes.time_ms[chosen[0]]).astype(np.float64)
    steps = np.diff(time_ms) * (places[1:] + places[:-1]) / 2
    return _Path(chosen, time_ms, places, np.concatenate(([0], np.cumsum(steps))))


def _still_spells(
    path: _Path, begin: int, end: int, still_m: float, at_least_ms: float
) -> Iterator[tuple[float, float]]:
    """Yield begin and end of each run of windows in which the track stood still, between two fixes.

    Windows begin and end at every fix, so that a gap between two is looked at by itself as well. A run goes
    on over windows that are not still for a moment.
    """
    own_ms = path.time_ms[begin : end + 1]
    begins = np.union1d(own_ms, own_ms - at_least_ms)
    begins = begins[(begins >= own_ms[0]) & (begins + at_least_ms <= own_ms[-1])]
    halfway = begins + at_least_ms / 2
    drift_m = np.abs(path.mean(halfway, begins + at_least_ms) - path.mean(begins, halfway))
    still = np.flatnonzero(drift_m <= still_m)
    parted = (np.diff(still) > 1) & (np.diff(begins[still]) > at_least_ms / 4)
    for run in np.split(still, np.flatnonzero(parted) + 1):
        if run.size:
            yield float(begins[run[0]]), float(begins[run[-1]] + at_least_ms)


def _trimmed(path: _Path, begin_ms: float, end_ms: float, reach_m: float) -> tuple[int, int]:
    """Return the first and last fix of a spell within reach of its middle; one fix twice if none is."""
    first = int(np.searchsorted(path.time_ms, begin_ms))
    last = int(np.searchsorted(path.time_ms, end_ms, side="right")) - 1
    for _ in range(2):  # the walk to the place and from it pulls at the first middle
        if last <= first:
            break
        away_m = np.abs(path.places[first : last + 1] - path.middle(first, last))
        near = first + np.flatnonzero(away_m <= reach_m)
        first, last = (int(near[0]), int(near[-1])) if near.size else (first, first)
    return first, last


def _goes_on(
    path: _Path, before: tuple[int, int], after: tuple[int, int], radius_m: float, at_least_ms: float
) -> bool:
    apart_ms = path.time_ms[after[0]] - path.time_ms[before[1]]
    apart_m = abs(path.places[after[0]] - path.places[before[1]])
    between_m = abs(path.middle(*after) - path.middle(*before)) if apart_ms > 0 else 0.0
    return bool(apart_ms <= at_least_ms / 2 and max(apart_m, between_m) <= radius_m)


def _described(
    fixes: Fixes, path: _Path, plane: LocalPlane, stays: Sequence[tuple[int, int]]
) -> tuple[Halt, ...]:
    along_m = _along_m(fixes, [(int(path.at[first]), int(path.at[last])) for first, last in stays])
    described = []
    for first, last in stays:
        middle = path.middle(first, last)
        lon, lat = plane.unproject(middle.real, middle.imag)
        at = path.at[first]
        duration_s = float(path.time_ms[last] - path.time_ms[first]) / 1_000
        described.append(Halt(lon, lat, int(fixes.time_ms[at]), duration_s, float(along_m[at])))
    return tuple(described)
