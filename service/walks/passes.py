"""Where a line passes the features of its route: on an out-and-back walk, each twice."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from service.geo.fixes import Fixes, Floats, Indices
from service.geo.geodesy import LocalPlane, PlanePoints, distances_m, local_plane
from service.walks.features import Feature

SAMPLES_M: Final = 10.0
MOST_SAMPLES: Final = 2_000
PASS_WITHIN_M: Final = 15.0
"""A line passes a feature again where it comes this much less near than at its nearest."""


class SampledLine(msgspec.Struct, frozen=True, eq=False):
    """Places along a line, evenly apart."""

    along_m: Floats
    points: PlanePoints
    plane: LocalPlane


class Passes(msgspec.Struct, frozen=True, eq=False):
    """Where the line passes features: each pass of each. None for an end of the line."""

    feature: list[Feature | None]
    along_m: Floats
    offset_m: Floats


def sampled_line(line: Fixes) -> SampledLine:
    """Return places along a line, every SAMPLES_M or wider apart on a very long one."""
    reached_m = distances_m(line)
    samples = int(np.clip(np.ceil(reached_m[-1] / SAMPLES_M), 1, MOST_SAMPLES)) + 1
    along_m = np.linspace(0, reached_m[-1], samples)
    plane = local_plane(line)
    return SampledLine(along_m, np.interp(along_m, reached_m, plane.points(line)), plane)


def passes_of(line: SampledLine, features: Sequence[Feature]) -> Passes:
    """Return where the line comes near each feature."""
    if not features:
        return Passes([], np.empty(0), np.empty(0))
    lon, lat = np.array([(each.lon, each.lat) for each in features]).T
    x, y = line.plane.project(lon, lat)
    apart_m = np.abs(line.points[None, :] - (x + 1j * y)[:, None])
    before = np.pad(apart_m, ((0, 0), (1, 0)), constant_values=np.inf)[:, :-1]
    after = np.pad(apart_m, ((0, 0), (0, 1)), constant_values=np.inf)[:, 1:]
    near = apart_m <= apart_m.min(axis=1, keepdims=True) + PASS_WITHIN_M
    rows, columns = np.nonzero(near & (apart_m <= before) & (apart_m < after))
    here = (x + 1j * y)[rows]
    sides = [_on_chord(line, each, here) for each in (columns - 1, columns)]
    nearer = sides[0][1] < sides[1][1]
    along, offset = (np.where(nearer, *pair) for pair in zip(*sides, strict=True))
    return Passes([features[each] for each in rows.tolist()], along, offset)


def _on_chord(line: SampledLine, begins: Indices, here: PlanePoints) -> tuple[Floats, Floats]:
    """Return the place nearest each point on the chord that begins at a sample, and how far off it is."""
    along_m, points = line.along_m, line.points
    first = np.clip(begins, 0, len(points) - 2)
    chord = points[first + 1] - points[first]
    squared = np.abs(chord) ** 2
    ahead = ((here - points[first]) * chord.conj()).real
    share = np.clip(np.divide(ahead, squared, out=np.zeros_like(ahead), where=squared > 0), 0, 1)
    place_m = along_m[first] + share * (along_m[first + 1] - along_m[first])
    return place_m, np.abs(points[first] + share * chord - here)
