"""Corners of a drawn line that lie far aside: there and back, much farther than its other steps.

A planned line has no times, so nothing says that nobody can walk there. It is kept as it was drawn, and what
looks like a slip is reported: a point at 0, 0, the last known place of a device, a click on the wrong map.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec
import numpy as np

from service.geo.fixes import Fixes, Floats
from service.geo.geodesy import ground_distances_m, steps_m

FAR_AT_LEAST_M: Final = 150.0
FAR_OF_LONG_STEPS: Final = 12.0
"""Of the step that four in five do not exceed. A line drawn with few points has long steps of its own."""
FAR_OF_SHORT_STEPS: Final = 100.0
"""Of the step that three in four exceed: where the far steps are among few."""
FAR_END_AT_LEAST_M: Final = 1_000.0
"""At an end there is no way back to judge by."""
MOST_POINTS_ASIDE: Final = 10
CORNERS_SHOWN: Final = 20


class FarCorner(msgspec.Struct, frozen=True):
    """Neighbouring points that lie far aside: the first, counted from 0 along the line, and how many.

    `off_m` is the step between the first and the point before them, at the beginning of the line the step
    after them; `adds_m` is how much longer they make the line.
    """

    point: int
    points: int
    lon: float
    lat: float
    off_m: float
    adds_m: float


def find_far_corners(line: Fixes) -> tuple[FarCorner, ...]:
    """Return the first corners of a line that lie far aside, in its order.

    Gaps between segments are no steps. Takes about 20 ms for 250,000 points.
    """
    return tuple(islice(_far_corners(line), CORNERS_SHOWN))


def _far_corners(line: Fixes) -> Iterator[FarCorner]:
    way_m = steps_m(line)
    count, far_m = len(line), _far_m(way_m[way_m > 0])
    aside = min(MOST_POINTS_ASIDE, (count - 1) // 2)
    jumps = iter([*np.flatnonzero(way_m > far_m).tolist(), count])
    at = next(jumps)
    while at < count:
        after = next(jumps)
        if after < count and after - at <= aside and _comes_back(line, way_m, at, after):
            yield _corner(line, way_m, at, after)
            after = next(jumps)
        elif way_m[at] > FAR_END_AT_LEAST_M and at <= aside:
            yield _corner(line, way_m, 0, at)
        elif way_m[at] > FAR_END_AT_LEAST_M and count - at <= aside:
            yield _corner(line, way_m, at, count)
        at = after


def _far_m(steps: Floats) -> float:
    if not steps.size:
        return np.inf
    short_m, long_m = np.percentile(steps, (25, 80))
    return max(FAR_AT_LEAST_M, min(FAR_OF_LONG_STEPS * float(long_m), FAR_OF_SHORT_STEPS * float(short_m)))


def _comes_back(line: Fixes, way_m: Floats, at: int, after: int) -> bool:
    return bool(_apart_m(line, at - 1, after) < min(way_m[at], way_m[after]) / 2)


def _apart_m(line: Fixes, one: int, other: int) -> float:
    ends = (each[[index]] for index in (one, other) for each in (line.lon, line.lat))
    return float(ground_distances_m(*ends)[0])


def _corner(line: Fixes, way_m: Floats, first: int, after: int) -> FarCorner:
    """Return the points from `first` to the one before `after`."""
    without_m = 0.0 if first == 0 or after == len(line) else _apart_m(line, first - 1, after)
    return FarCorner(
        point=first,
        points=after - first,
        lon=float(line.lon[first]),
        lat=float(line.lat[first]),
        off_m=round(float(way_m[first or after]), 1),
        adds_m=round(float(way_m[first : after + 1].sum()) - without_m, 1),
    )
