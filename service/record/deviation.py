"""Deviation: where a walk left its planned line, how far and for how long, and how much of it was walked."""

from bisect import bisect_left
from typing import Final, Self

import msgspec
import numpy as np
import numpy.typing as npt
import shapely

from service.geo.fixes import Fixes, Floats, Indices
from service.geo.geodesy import PlanePoints, distances_m, evenly_spaced, is_loop, local_plane

TOLERANCE_M: Final = 35.0
"""Under trees a good receiver is off by 10 m, a line drawn on a map by as much again, and paths are wide."""
PART_M: Final = 10.0
MOST_PARTS: Final = 600
MEASURED_EVERY: Final = 16
"""Of the points of a walk. How far the others can be follows from these."""
AT_ONCE: Final = 48
"""Points of one stretch that are measured together in the search for the farthest."""
MOST_PLANNED: Final = 4_000
"""Points of a planned line that are compared. Of a longer one, every second, third … point is used."""

Flags = npt.NDArray[np.bool_]


class OffStretch(msgspec.Struct, frozen=True):
    """A stretch off the planned line: metres along the walk, and times where they were recorded."""

    began_m: float
    ended_m: float
    began_ms: int | None
    ended_ms: int | None
    farthest_m: float


class Deviation(msgspec.Struct, frozen=True):
    """How closely a walk followed its planned line.

    `farthest_m` is the greatest distance from the line. `stretches` are the stretches farther from it than
    `tolerance_m`, in walking order; `off_m` and `off_s` are their total metres and seconds, `off_s` None
    without times. `share_walked` is the share of the planned line that was walked, 0 to 1.
    """

    tolerance_m: float
    farthest_m: float
    off_m: float
    off_s: float | None
    stretches: tuple[OffStretch, ...]
    share_walked: float


def compare(walked: Fixes, along_m: Floats, planned: Fixes, tolerance_m: float = TOLERANCE_M) -> Deviation:
    """Return how closely the walk followed the planned line. Both have at least one point.

    `along_m` is how far along the walk each of its fixes lies.
    """
    plane = local_plane(planned)
    walk = _MeasuredLine(along_m, plane.points(walked))
    plan = _MeasuredLine(distances_m(planned), plane.points(planned))
    away_m = _distances_from(walk.points, _Parts.of(planned, plan), tolerance_m)
    stretches = _off_stretches(walked, walk.along_m, away_m, tolerance_m)
    spells_ms = [
        each.ended_ms - each.began_ms
        for each in stretches
        if each.began_ms is not None and each.ended_ms is not None
    ]
    return Deviation(
        tolerance_m=tolerance_m,
        farthest_m=float(away_m.max()),
        off_m=float(sum(each.ended_m - each.began_m for each in stretches)),
        off_s=sum(spells_ms) / 1_000 if walked.timed.any() else None,
        stretches=stretches,
        share_walked=_share_walked(walk, plan, tolerance_m, loop=is_loop(planned)),
    )


class _MeasuredLine(msgspec.Struct, frozen=True, eq=False):
    """The points of a line on a plane, and how far along it each lies."""

    along_m: Floats
    points: PlanePoints

    def parts(self) -> tuple[Floats, PlanePoints]:
        return evenly_spaced(self.along_m, self.points, PART_M, MOST_PARTS)


def _thinned(fixes: Fixes, most: int) -> Indices:
    return np.arange(0, len(fixes), -(-len(fixes) // most))


def _segments(fixes: Fixes, chosen: Indices) -> Indices:
    """Return the number of each chosen fix's segment."""
    return np.searchsorted(fixes.starts, chosen, side="right")


class _Parts(msgspec.Struct, frozen=True, eq=False):
    """The straight parts of a line, in an index. The gap between two segments is not part of the line."""

    begins: PlanePoints
    ways: PlanePoints
    tree: shapely.STRtree

    @classmethod
    def of(cls, line: Fixes, measured: _MeasuredLine) -> Self:
        chosen = _thinned(line, MOST_PLANNED)
        begins = measured.points[chosen]
        segments = _segments(line, chosen)
        ends = begins.copy()
        ends[:-1] = np.where(segments[1:] == segments[:-1], begins[1:], begins[:-1])
        steps = np.stack((begins, ends), axis=1)
        parts = np.asarray(shapely.linestrings(np.stack((steps.real, steps.imag), axis=2)))
        return cls(begins, ends - begins, shapely.STRtree(parts))

    def nearest(self, places: PlanePoints) -> tuple[Indices, Floats]:
        """Return the part nearest to each place, and how far away it is."""
        points = shapely.points(places.real, places.imag)
        (_, parts), away_m = self.tree.query_nearest(points, return_distance=True, all_matches=False)
        return np.asarray(parts), np.asarray(away_m)

    def distances(self, places: PlanePoints, parts: Indices) -> Floats:
        """Return how far each place is from one part of its own."""
        way = self.ways[parts]
        since = places - self.begins[parts]
        length_m2 = np.maximum(_squared(way), np.finfo(np.float64).tiny)
        share = np.clip((since.real * way.real + since.imag * way.imag) / length_m2, 0.0, 1.0)
        return np.asarray(np.sqrt(_squared(since - share * way)))


def _squared(ways: PlanePoints) -> Floats:
    """Return the squared length of each; abs() takes several times as long."""
    return ways.real**2 + ways.imag**2


class _Distances:
    """How far the points of a walk are from a line: exactly where measured, and else at most and at least."""

    def __init__(self, walk: PlanePoints, parts: _Parts) -> None:
        """Measure every sixteenth point and the last. What is near them is near the others as well."""
        self._walk = walk
        self._parts = parts
        self.most_m: Floats
        self.measured = np.zeros(walk.size, dtype=np.bool_)
        self.measured[::MEASURED_EVERY] = self.measured[-1] = True
        at = np.flatnonzero(self.measured)
        nearest, away_m = parts.nearest(walk[at])
        before = np.arange(walk.size) // MEASURED_EVERY
        after = np.minimum(before + 1, at.size - 1)
        between = (nearest[before] + nearest[after]) // 2
        by_each = [parts.distances(walk, each) for each in (nearest[before], nearest[after], between)]
        self.most_m = np.minimum.reduce(by_each)
        self.most_m[at] = away_m
        way_m = np.concatenate(([0.0], np.cumsum(np.abs(np.diff(walk)))))
        changes_m = [np.abs(way_m - way_m[at[each]]) for each in (before, after)]
        self.least_m = np.maximum(away_m[before] - changes_m[0], away_m[after] - changes_m[1])

    def measure(self, which: Flags) -> None:
        """Measure those of these points that are not measured yet."""
        at = np.flatnonzero(which & ~self.measured)
        if at.size:
            _, self.most_m[at] = self._parts.nearest(self._walk[at])
            self.measured[at] = True

    def measure_farthest(self, begin: int, end: int) -> None:
        """Measure points of a stretch until the farthest is certain."""
        while True:
            own, measured = self.most_m[begin:end], self.measured[begin:end]
            known_m = own[measured].max(initial=0.0)
            candidates = begin + np.flatnonzero(~measured & (own > known_m))
            if not candidates.size:
                return
            which = np.zeros(self.measured.size, dtype=np.bool_)
            which[candidates[np.argsort(self.most_m[candidates])[-AT_ONCE:]]] = True
            self.measure(which)


def _distances_from(walk: PlanePoints, parts: _Parts, tolerance_m: float) -> Floats:
    """Return how far each point of a walk is from a line.

    Exact are the farthest of each stretch beyond the tolerance (of the walk, if there is none), and the two
    points between which the tolerance is crossed. Other values may be too high, but on the right side of it.
    """
    found = _Distances(walk, parts)
    found.measure((found.least_m <= tolerance_m) & (found.most_m > tolerance_m))
    off = found.most_m > tolerance_m
    crossed = off[1:] != off[:-1]
    found.measure(np.append(crossed, False) | np.append(False, crossed))
    firsts, ends = _runs(off)
    for first, end in zip(firsts, ends, strict=True) if firsts.size else ((0, walk.size),):
        found.measure_farthest(int(first), int(end))
    return found.most_m


def _runs(flags: Flags) -> tuple[Indices, Indices]:
    """Return where each run of true values begins, and where it has ended."""
    edges = np.diff(np.concatenate(([False], flags, [False])).astype(np.int8))
    return np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)


def _off_stretches(
    walked: Fixes, along_m: Floats, away_m: Floats, tolerance_m: float
) -> tuple[OffStretch, ...]:
    """Return the runs of fixes beyond the tolerance; each begins and ends where the walk crossed it."""
    firsts, ends = _runs(away_m > tolerance_m)
    lasts = ends - 1
    segments = _segments(walked, np.arange(len(walked)))
    time_ms = np.where(walked.timed, walked.time_ms, np.nan)
    edges = []
    for outside, inside in (
        (firsts, np.maximum(firsts - 1, 0)),
        (lasts, np.minimum(lasts + 1, len(walked) - 1)),
    ):
        share = _share_to_crossing(outside, inside, segments, away_m - tolerance_m)
        edges += [_part_of_way(values, outside, inside, share) for values in (along_m, time_ms)]
    farthest_m = [away_m[first : last + 1].max() for first, last in zip(firsts, lasts, strict=True)]
    rows = np.stack((*edges, np.array(farthest_m)), axis=1)
    return tuple(_stretch(*row) for row in rows.tolist())


def _share_to_crossing(outside: Indices, inside: Indices, segments: Indices, beyond_m: Floats) -> Floats:
    """Return where the tolerance is crossed, as a share of the way from a fix outside to the one inside.

    0 if there is no way between them: at an end of the walk, or where a segment begins or ends.
    """
    linked = (segments[outside] == segments[inside]) & (beyond_m[inside] <= 0)
    fall_m = beyond_m[outside] - beyond_m[inside]
    return np.divide(beyond_m[outside], fall_m, out=np.zeros(outside.size), where=linked)


def _part_of_way(values: Floats, outside: Indices, inside: Indices, share: Floats) -> Floats:
    """Return a value at a share of the way; if one of the two is unknown, the value of the fix outside."""
    between = values[outside] + share * (values[inside] - values[outside])
    return np.where(np.isnan(between), values[outside], between)


def _stretch(
    began_m: float, began_ms: float, ended_m: float, ended_ms: float, farthest_m: float
) -> OffStretch:
    times = [None if np.isnan(each) else round(each) for each in (began_ms, ended_ms)]
    return OffStretch(began_m, ended_m, times[0], times[1], farthest_m)


def _share_walked(walked: _MeasuredLine, planned: _MeasuredLine, tolerance_m: float, *, loop: bool) -> float:
    """Return the share of the planned line that was walked, in its direction or against it, 0 to 1.

    Both lines are cut into parts of about 10 m. The walk passes a part of the plan where it comes closest to
    it, within the tolerance and about as close as to any other part. Then the most parts that can be passed
    in order are counted: who only walks out has walked half of an out-and-back line. A loop may be started
    anywhere.
    """
    walk_m, walk = walked.parts()
    plan_m, plan = planned.parts()
    part_m = max(PART_M, 2 * walk_m[0], 2 * plan_m[0])
    passed = _passed(walk, plan, part_m, tolerance_m)
    first = int(np.argmin(np.abs(plan - walk[0]))) if loop else 0
    most = int(passed.any(axis=0).sum())
    best = 0
    for start in sorted({0, first}):
        order = np.roll(passed, -start, axis=1)
        for each in (order, order[:, ::-1]):
            if best < most:
                best = max(best, _most_in_order(each))
    return best / plan.size


def _passed(walk: PlanePoints, plan: PlanePoints, part_m: float, tolerance_m: float) -> Flags:
    """Return a row for each part of the walk: which parts of the plan it passes."""
    away_m = np.abs(walk[:, np.newaxis] - plan)
    nearest_m = away_m.min(axis=1, keepdims=True)
    passed = away_m <= np.minimum(np.hypot(tolerance_m, part_m / 2), nearest_m + part_m)
    passed[1:] &= away_m[1:] <= away_m[:-1]
    passed[:-1] &= away_m[:-1] <= away_m[1:]
    return np.asarray(passed)


def _most_in_order(passed: Flags) -> int:
    """Return how many columns can be passed at most, going down the rows and never back along the columns.

    It is a longest increasing run (patience sorting): the columns of each row in order, row after row.
    """
    rows = passed[passed.any(axis=1)]
    again = np.zeros(len(rows), dtype=np.bool_)
    again[1:] = (rows[1:] == rows[:-1]).all(axis=1)  # standing still passes nothing more
    reached: list[int] = []
    for column in np.nonzero(rows[~again])[1].tolist():
        place = bisect_left(reached, column)
        reached[place : place + 1] = [column]
    return len(reached)
