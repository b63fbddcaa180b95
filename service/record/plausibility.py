"""Which fixes of a recording no walk reaches.

Receivers without a position write 0, 0, the last known place, or a place hundreds of metres aside. A limit on
range alone would cut a bus ride and keep a fix 80 m aside. So a fix is judged by the speed into it and out of
it and by the way it adds: of all ways through the recording, the one with the most fixes and the fewest
impossible metres is kept. A fix aside costs the way there and the way back; a ride costs little, and the walk
goes on after it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from service.foundation.errors import DomainError
from service.geo.fixes import Fixes, Floats, Indices
from service.geo.geodesy import ground_distances_m

WALK_MPS: Final = 3.0
"""Faster than anybody walks and talks: a slow run. Ways beyond it are impossible on foot."""
NOISE_M: Final = 25.0
"""A poor receiver under trees jumps this far from one fix to the next without moving."""
METRES_A_FIX: Final = 5.0
"""Impossible metres that one more fix is worth."""
DEAREST_SHARE: Final = 0.1
"""Of all fixes: what a step costs at most, so that one jump never costs the longer part of a walk."""
RIDE_MPS: Final = 40.0
"""Between two segments, or across a long gap, somebody may have taken a car or a train."""
LONG_GAP_S: Final = 60.0
GAP_OF_STEPS: Final = 3.0
"""A gap is long where it is this many times the usual step in time, and over LONG_GAP_S."""
MOST_RUNS: Final = 2_000
"""Stretches between impossible steps. A recording with more of them is noise, whatever it shows."""
LOOK_BACK: Final = 500
"""Runs passed over at most in one go: ten minutes on a bus with a fix every second one."""
RIDE_COSTS: Final = 3.0
"""What a step costs at most that is too fast to walk but not to ride, in fixes: the walk goes on after it."""
REVERSAL_OF_STEPS: Final = 2.5
"""A lone fix aside: there and back, this many times as far as the steps around it."""
UNTIMED_OF_STEPS: Final = 50.0
UNTIMED_AT_LEAST_M: Final = 500.0


class NothingPlausible(DomainError):
    """No two neighbouring fixes of the recording can both be where somebody walked."""


class Plausible(msgspec.Struct, frozen=True, eq=False):
    """Which fixes a walk can have passed; `breaks` marks kept ones no walk reaches from the one before."""

    kept: npt.NDArray[np.bool_]
    breaks: npt.NDArray[np.bool_]


def find_plausible(fixes: Fixes) -> Plausible:
    """Return which fixes a walk can have passed, and where a ride or a jump parts two of them.

    Raises NothingPlausible.
    """
    count = len(fixes)
    kept = np.ones(count, dtype=np.bool_)
    breaks = np.zeros(count, dtype=np.bool_)
    if count < 3:
        return Plausible(kept, breaks)
    kept &= ~_lone_reversals(fixes)
    at = np.flatnonzero(kept)
    way = _Way.through(fixes, at)
    runs = way.runs()
    if runs.size > MOST_RUNS:
        raise NothingPlausible(
            f"{runs.size} times the recording jumps farther than anybody walks: it is not usable as a track"
        )
    if runs.size > 1:
        chosen = way.best(runs)
        ends = np.append(runs[1:], at.size)
        for run in set(range(runs.size)) - set(chosen):
            kept[at[runs[run] : ends[run]]] = False
        for before, after in pairwise(chosen):
            first = int(runs[after])
            breaks[at[first]] = way.excess_m(int(ends[before]) - 1, first) > NOISE_M
    return Plausible(kept, breaks)


class _Way(msgspec.Struct, frozen=True, eq=False):
    """The way from fix to fix. `reach_m` is how far somebody may have come by each, from the first on."""

    lon: Floats
    lat: Floats
    at_s: Floats
    reach_m: Floats

    @classmethod
    def through(cls, fixes: Fixes, at: Indices) -> "_Way":
        lon, lat = fixes.lon[at], fixes.lat[at]
        same_segment = np.diff(np.searchsorted(fixes.starts, at, side="right")) == 0
        timed = fixes.timed[at]
        both = timed[1:] & timed[:-1]
        steps_s = np.where(both, np.diff(fixes.time_ms[at]) / 1_000, 0.0).clip(0.0)
        usual_s = _usual(steps_s[same_segment])
        on_foot = same_segment & (steps_s <= max(LONG_GAP_S, GAP_OF_STEPS * usual_s))
        reach_m = np.where(on_foot, WALK_MPS, RIDE_MPS) * steps_s
        if not both.all():
            usual_m = _usual(ground_distances_m(lon[:-1], lat[:-1], lon[1:], lat[1:]))
            reach_m[~both] = max(UNTIMED_AT_LEAST_M, UNTIMED_OF_STEPS * usual_m)
        at_s = np.concatenate(([0.0], np.cumsum(steps_s)))
        return cls(lon, lat, at_s, np.concatenate(([0.0], np.cumsum(reach_m))))

    def excesses_m(self, first: Indices, last: Indices) -> Floats:
        way_m = ground_distances_m(self.lon[first], self.lat[first], self.lon[last], self.lat[last])
        return np.maximum(way_m - (self.reach_m[last] - self.reach_m[first]) - NOISE_M, 0.0)

    def costs(self, first: Indices, last: Indices) -> Floats:
        """Return what going from one fix straight to another costs, in fixes."""
        excess_m = self.excesses_m(first, last)
        ridden_m = RIDE_MPS * (self.at_s[last] - self.at_s[first])
        costs = np.minimum(excess_m / METRES_A_FIX, max(RIDE_COSTS, DEAREST_SHARE * self.lon.size))
        way_m = excess_m + (self.reach_m[last] - self.reach_m[first]) + NOISE_M
        return np.where(way_m <= ridden_m, np.minimum(costs, RIDE_COSTS), costs)

    def excess_m(self, first: int, last: int) -> float:
        return float(self.excesses_m(np.array([first]), np.array([last]))[0])

    def runs(self) -> Indices:
        """Return where the runs begin: stretches in which each fix is reached from the one before."""
        all_but_last = np.arange(self.lon.size - 1)
        impossible = self.excesses_m(all_but_last, all_but_last + 1) > 0
        return np.concatenate(([0], np.flatnonzero(impossible) + 1))

    def best(self, runs: Indices) -> Sequence[int]:
        """Return the runs on the best way through: most fixes, fewest impossible metres."""
        ends = np.append(runs[1:], self.lon.size) - 1
        sizes = (ends - runs + 1).astype(np.float64)
        gain = sizes.copy()
        before = np.full(runs.size, -1)
        for run in range(1, runs.size):
            earlier = np.arange(max(0, run - LOOK_BACK), run)
            costs = self.costs(ends[earlier], np.full(earlier.size, runs[run]))
            reached = gain[earlier] - costs
            top = int(np.argmax(reached))
            if reached[top] > 0:
                gain[run] += reached[top]
                before[run] = earlier[top]
        chosen = [int(np.argmax(gain))]
        while before[chosen[-1]] >= 0:
            chosen.append(int(before[chosen[-1]]))
        return chosen[::-1]


def _lone_reversals(fixes: Fixes) -> npt.NDArray[np.bool_]:
    """Return the single fixes aside: a long step there and about as long a step back."""
    lon, lat = fixes.lon, fixes.lat
    steps_m = ground_distances_m(lon[:-1], lat[:-1], lon[1:], lat[1:])
    far = steps_m > np.maximum(REVERSAL_OF_STEPS * _usual_steps_m(fixes, steps_m), NOISE_M)
    past_m = ground_distances_m(lon[:-2], lat[:-2], lon[2:], lat[2:])
    lone = far[:-1] & far[1:] & (past_m < np.minimum(steps_m[:-1], steps_m[1:]) / 2)
    segment = np.searchsorted(fixes.starts, np.arange(len(fixes)), side="right")
    lone &= (segment[:-2] == segment[1:-1]) & (segment[1:-1] == segment[2:])
    found = np.zeros(len(fixes), dtype=np.bool_)
    found[1:-1] = lone
    return found


def _usual_steps_m(fixes: Fixes, steps_m: Floats) -> Floats:
    """Return how far each step would take at the walk's own pace; of steps without times, the usual step.

    A pause has many short steps. So the pace is that at or above which half of the way was walked.
    """
    usual_m = np.full(steps_m.size, _usual(steps_m))
    timed = fixes.timed[1:] & fixes.timed[:-1]
    steps_s = np.where(timed, np.diff(fixes.time_ms) / 1_000, 0.0)
    walked = (steps_s > 0) & (steps_m > 0) & (steps_m <= WALK_MPS * steps_s)
    if walked.any():
        speeds_mps = steps_m[walked] / steps_s[walked]
        slowest_first = np.argsort(speeds_mps)
        way_m = np.cumsum(steps_m[walked][slowest_first])
        pace_mps = speeds_mps[slowest_first[np.searchsorted(way_m, way_m[-1] / 2)]]
        usual_m[timed] = pace_mps * steps_s[timed]
    return usual_m


def _usual(values: Floats) -> float:
    """Return the median of the values above 0; 0 without any."""
    positive = values[values > 0]
    return float(np.median(positive)) if positive.size else 0.0
