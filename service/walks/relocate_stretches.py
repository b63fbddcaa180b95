"""Where the stretches of a line lie on another line that takes its place.

A stretch keeps its place on the ground where the old ground still lies near the new line. Both lines are
walked in order, so that each pass of an out-and-back walk, or of a crossing, finds its own.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from service.geo.fixes import Fixes, Floats, Indices
from service.geo.geodesy import PlanePoints, distances_m, local_plane
from service.walks.features import Feature
from service.walks.stretches import LineStretches, Stretch, tidy

NEAR_M: Final = 25.0
SPACING_M: Final = 10.0
MOST_SAMPLES: Final = 1_500
UNMATCHED: Final = -1


class _Path(msgspec.Struct, frozen=True, eq=False):
    """Points of a line on a plane, and how far along it they lie."""

    along_m: Floats
    points: PlanePoints

    def at(self, along_m: Floats) -> PlanePoints:
        """Return the points at these distances along the line."""
        return np.asarray(np.interp(along_m, self.along_m, self.points))


def relocate_stretches(old: Fixes, new: Fixes, stretches: Sequence[Stretch]) -> LineStretches:
    """Return stretches of `old` where they lie along `new`, and the parts that have no ground there.

    A line walked the other way is recognised: whichever direction keeps more wins. The parts that are kept
    end exactly where they did on the ground; near means within NEAR_M, or more where the samples of a very
    long line lie farther apart.
    """
    if not stretches:
        return LineStretches()
    plane = local_plane(new)
    old_path = _Path(distances_m(old), plane.points(old))
    new_path = _Path(distances_m(new), plane.points(new))
    samples = _samples(old_path, [end for each in stretches for end in (each.from_m, each.to_m)])
    kept = _carried(old_path, new_path, samples)
    if np.isnan(kept).any():
        backwards = _carried(old_path, _reversed(new_path), samples)
        if np.isnan(backwards).sum() < np.isnan(kept).sum():
            kept = new_path.along_m[-1] - backwards
    return _pieces(samples, kept, stretches)


def features_that_lost_their_place(before: Sequence[Feature], after: Sequence[Feature]) -> list[Feature]:
    """Return the features that lay near the old line, and lie farther from the new one."""
    return [new for old, new in zip(before, after, strict=True) if old.offset_m <= NEAR_M < new.offset_m]


def _reversed(path: _Path) -> _Path:
    return _Path(path.along_m[-1] - path.along_m[::-1], path.points[::-1])


def _samples(path: _Path, also_m: Sequence[float]) -> Floats:
    """Return places along a line: evenly spaced, and those asked for."""
    length_m = path.along_m[-1]
    even = np.linspace(0, length_m, int(np.clip(np.ceil(length_m / SPACING_M), 1, MOST_SAMPLES)) + 1)
    return np.unique(np.concatenate((even, np.clip(also_m, 0, length_m))))


def _carried(old: _Path, new: _Path, samples: Floats) -> Floats:
    """Return where along the new line each sample of the old one lies; NaN where it has no ground there."""
    nodes = _samples(new, [])
    spacing_m = float(nodes[1] - nodes[0])
    near_m = max(NEAR_M, spacing_m)
    points = old.at(samples)
    matched = _match_in_order(points, new.at(nodes), near_m)
    found = matched != UNMATCHED
    carried = np.full(len(samples), np.nan)
    around = nodes[matched[found]]
    carried[found] = _project(new, points[found], around - 1.5 * spacing_m, around + 1.5 * spacing_m)
    carried[found] = np.maximum.accumulate(carried[found])
    return carried


def _match_in_order(old: PlanePoints, new: PlanePoints, near_m: float) -> Indices:
    """Return for each old point the new one that stands for it, or UNMATCHED; their order never turns back.

    Dynamic programming: a pair costs its squared distance, an old point left out as much as one just too
    far away; new points in between cost nothing. Rows are whole arrays, so the loop is over old points only.
    """
    left_out = 1.0
    cost = np.zeros(len(new))
    best = np.empty((len(old), len(new)), dtype=np.int16)
    columns = np.arange(len(new), dtype=np.int16)
    for row, point in enumerate(old):
        paid = cost + np.minimum((np.abs(new - point) / near_m) ** 2, left_out)
        cost = np.minimum.accumulate(paid)
        best[row] = np.maximum.accumulate(np.where(paid <= cost, columns, 0))
    matched = np.empty(len(old), dtype=np.int64)
    column = len(new) - 1
    for row in range(len(old) - 1, -1, -1):
        column = int(best[row, column])
        matched[row] = column
    matched[np.abs(new[matched] - old) >= near_m] = UNMATCHED
    return matched


def _project(path: _Path, points: PlanePoints, from_m: Floats, to_m: Floats) -> Floats:
    """Return the place along the path nearest each point, between two places of its own."""
    first = np.clip(np.searchsorted(path.along_m, from_m, side="right") - 1, 0, len(path.points) - 2)
    last = np.clip(np.searchsorted(path.along_m, to_m), 1, len(path.points) - 1)
    return np.array([_nearest(path, *each) for each in zip(points, first, last, strict=True)])


def _nearest(path: _Path, point: complex, first: int, last: int) -> float:
    begins, steps = path.points[first:last], np.diff(path.points[first : last + 1])
    squared = np.abs(steps) ** 2
    ahead = ((point - begins) * steps.conj()).real
    share = np.clip(np.divide(ahead, squared, out=np.zeros_like(ahead), where=squared > 0), 0, 1)
    chosen = int(np.argmin(np.abs(begins + share * steps - point)))
    reached = path.along_m[first + chosen : first + chosen + 2]
    return float(reached[0] + share[chosen] * (reached[1] - reached[0]))


def _pieces(samples: Floats, carried: Floats, stretches: Sequence[Stretch]) -> LineStretches:
    """Return the parts between samples: on the new line where both of their ends are, and else as lost.

    Where the new line takes a detour between two samples, which are SPACING_M apart, the ground between them
    is taken to lie before the detour.
    """
    starts = np.array([each.from_m for each in stretches])
    owner = np.searchsorted(starts, samples[:-1], side="right") - 1
    runs, moved = np.diff(samples), np.diff(carried)
    moved = np.where(np.abs(moved) <= runs + 2 * NEAR_M, moved, np.sign(moved) * runs)
    kept: list[Stretch] = []
    lost: list[Stretch] = []
    for number in np.flatnonzero(owner >= 0):
        ground = stretches[owner[number]].ground
        from_m, to_m = samples[number], samples[number + 1]
        if from_m >= stretches[owner[number]].to_m:
            continue
        if np.isnan(moved[number]):
            lost.append(Stretch(float(from_m), float(to_m), ground))
        else:
            ends = sorted((carried[number], carried[number] + moved[number]))
            kept.append(Stretch(float(ends[0]), float(ends[1]), ground))
    kept.sort(key=lambda each: each.from_m)
    return LineStretches(tuple(tidy(kept)), tuple(tidy(lost)))
