"""Halts: where a track stood still, and for how long. That says nothing about silence or talk."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec
import numpy as np

from service.geo.fixes import Fixes, Floats, Indices
from service.geo.geodesy import LocalPlane, PlanePoints, distances_m, local_plane
from service.record.recordings import timeline

HALT_RADIUS_M: Final = 15.0
HALT_AT_LEAST_S: Final = 60.0
MOST_SPELLS: Final = 5_000
"""Examined in one track at most: standing still every half minute for more than a day."""


class Halt(msgspec.Struct, frozen=True):
    """Where the track stood still: the middle, when it began, how long it lasted, how far along the track."""

    lon: float
    lat: float
    began_ms: int
    duration_s: float
    distance_m: float


class _Path(msgspec.Struct, frozen=True, eq=False):
    """A track as a line through at most one fix a second, and the integral of its points over time."""

    at: Indices
    time_ms: Floats
    places: PlanePoints
    summed: PlanePoints

    def mean(self, begin_ms: Floats, end_ms: Floats) -> PlanePoints:
        """Return the mean point over the time of each spell."""
        return np.asarray((self._integral(end_ms) - self._integral(begin_ms)) / (end_ms - begin_ms))

    def middle(self, first: int, last: int) -> complex:
        """Return the mean point over the time between two fixes."""
        return complex((self.summed[last] - self.summed[first]) / (self.time_ms[last] - self.time_ms[first]))

    def _integral(self, at_ms: Floats) -> PlanePoints:
        before = np.searchsorted(self.time_ms, at_ms, side="right") - 1
        here = np.interp(at_ms, self.time_ms, self.places)
        since_ms = at_ms - self.time_ms[before]
        return np.asarray(self.summed[before] + since_ms * (self.places[before] + here) / 2)


def halts(
    fixes: Fixes, radius_m: float = HALT_RADIUS_M, at_least_s: float = HALT_AT_LEAST_S
) -> tuple[Halt, ...]:
    """Return the halts of at least `at_least_s` seconds within about `radius_m` metres, in order of time.

    The track stands still while its mean point over one half of `at_least_s` is close to that over the next
    half. These means hide a receiver's jitter. They also show a pause of the recorder, within a segment or
    between two, as a halt. Walking less than `radius_m` in `at_least_s` counts as standing still.
    """
    chosen = _once_a_second(fixes, timeline(fixes))
    if chosen.size < 2:
        return ()
    plane = local_plane(fixes)
    path = _path(fixes, chosen, plane)
    at_least_ms = at_least_s * 1_000
    stays: list[tuple[int, int]] = []
    for spell in islice(_still_spells(path, radius_m, at_least_ms), MOST_SPELLS):
        first, last = _trimmed(path, *spell, radius_m / 2)
        if stays and _goes_on(path, stays[-1], (first, last), radius_m, at_least_ms):
            first, ended = stays.pop()
            last = max(last, ended)
        elif stays:
            first = max(first, stays[-1][1])
        if path.time_ms[last] - path.time_ms[first] >= at_least_ms:
            stays.append((first, last))
    return _described(fixes, path, plane, stays)


def moving_time_s(fixes: Fixes, stays: Sequence[Halt]) -> float | None:
    """Return the seconds recorded inside segments and outside halts; None for a track without times."""
    chosen = timeline(fixes)
    if not chosen.size:
        return None
    times = fixes.time_ms[chosen]
    segment = np.searchsorted(fixes.starts, chosen, side="right")
    began = np.array([stay.began_ms for stay in stays], dtype=np.int64)
    ended = began + np.array([round(stay.duration_s * 1_000) for stay in stays], dtype=np.int64)
    walked = np.searchsorted(began, times[:-1], side="right") == np.searchsorted(
        ended, times[:-1], side="right"
    )
    walked &= segment[1:] == segment[:-1]
    return float(np.sum(np.diff(times)[walked])) / 1_000


def _once_a_second(fixes: Fixes, chosen: Indices) -> Indices:
    """Return the first fix of each second, and the last fix: more would add work and no precision."""
    seconds = fixes.time_ms[chosen] // 1_000
    kept = np.ones(chosen.size, dtype=np.bool_)
    kept[1:-1] = seconds[1:-1] > seconds[:-2]
    return chosen[kept]


def _path(fixes: Fixes, chosen: Indices, plane: LocalPlane) -> _Path:
    places = plane.points(fixes)[chosen]
    time_ms = (fixes.time_ms[chosen] - fixes.time_ms[chosen[0]]).astype(np.float64)
    steps = np.diff(time_ms) * (places[1:] + places[:-1]) / 2
    return _Path(chosen, time_ms, places, np.concatenate(([0], np.cumsum(steps))))


def _still_spells(path: _Path, radius_m: float, at_least_ms: float) -> Iterator[tuple[float, float]]:
    """Yield begin and end of each run of windows in which the track stood still.

    Windows begin and end at every fix, so one window covers exactly the gap between two fixes. A run goes on
    over a short interruption.
    """
    begins = np.union1d(path.time_ms, path.time_ms - at_least_ms)
    begins = begins[(begins >= 0) & (begins + at_least_ms <= path.time_ms[-1])]
    halfway = begins + at_least_ms / 2
    drift_m = np.abs(path.mean(halfway, begins + at_least_ms) - path.mean(begins, halfway))
    still = np.flatnonzero(drift_m <= radius_m / 2)
    parted = (np.diff(still) > 1) & (np.diff(begins[still]) > at_least_ms / 4)
    for run in np.split(still, np.flatnonzero(parted) + 1):
        if run.size:
            yield float(begins[run[0]]), float(begins[run[-1]] + at_least_ms)


def _trimmed(path: _Path, begin_ms: float, end_ms: float, reach_m: float) -> tuple[int, int]:
    """Return the first and last fix of a spell within reach of its middle; the same fix twice if none is."""
    first = int(np.searchsorted(path.time_ms, begin_ms))
    last = int(np.searchsorted(path.time_ms, end_ms, side="right")) - 1
    for _ in range(2):  # the first middle is pulled towards the walk there and back
        if last <= first:
            break
        away_m = np.abs(path.places[first : last + 1] - path.middle(first, last))
        near = first + np.flatnonzero(away_m <= reach_m)
        first, last = (int(near[0]), int(near[-1])) if near.size else (first, first)
    return first, last


def _goes_on(
    path: _Path, before: tuple[int, int], after: tuple[int, int], radius_m: float, at_least_ms: float
) -> bool:
    """Return whether only jitter separates two stays: they nearly touch in time, at the same place."""
    if after[1] <= after[0]:
        return False
    apart_ms = path.time_ms[after[0]] - path.time_ms[before[1]]
    apart_m = abs(path.middle(*after) - path.middle(*before))
    return bool(apart_ms <= at_least_ms / 2 and apart_m <= radius_m)


def _described(
    fixes: Fixes, path: _Path, plane: LocalPlane, stays: Sequence[tuple[int, int]]
) -> tuple[Halt, ...]:
    along_m = distances_m(fixes)
    described = []
    for first, last in stays:
        middle = path.middle(first, last)
        lon, lat = plane.unproject(middle.real, middle.imag)
        at = path.at[first]
        duration_s = float(path.time_ms[last] - path.time_ms[first]) / 1_000
        described.append(Halt(lon, lat, int(fixes.time_ms[at]), duration_s, float(along_m[at])))
    return tuple(described)
