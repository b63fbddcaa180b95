"""The pace that was walked, as on the flat: to plan with, and no score of how anybody walks.

It is the way walked while moving, divided by the time moving. The way is measured over half a minute at a
time, because a receiver's jitter from fix to fix is no way. Where heights are known, each half minute is made
flat by Tobler's ratio, the one that planned walks are timed by (`service.geo.pace.slope_ratio`).
"""

from collections.abc import Sequence
from statistics import median
from typing import Final

import msgspec
import numpy as np

from service.geo.fixes import Fixes, Floats, Indices
from service.geo.geodesy import distances_m, local_plane
from service.geo.pace import line_profile, slope_ratio
from service.record.halts import PACE_OVER_S, Halt, moving_steps

LEAST_MOVING_S: Final = 300.0
"""Who moved for a shorter time showed no pace."""
MOST_WALKS: Final = 10
"""The last ones: a pace changes over the years."""


class MeasuredPace(msgspec.Struct, frozen=True):
    """The median of a client's paces on the flat, and of how many walks."""

    flat_mps: float
    walks: int


def measured_pace(paces_mps: Sequence[float | None]) -> MeasuredPace | None:
    """Return the median of the paces that are known; None without any."""
    known = [each for each in paces_mps if each is not None]
    return MeasuredPace(median(known), len(known)) if known else None


def flat_pace_mps(fixes: Fixes, stays: Sequence[Halt]) -> float | None:
    """Return the pace of a track whose halts are `stays`; None without times, or for too short a walk."""
    chosen, moving = moving_steps(fixes, stays)
    time_s = fixes.time_ms[chosen] / 1_000
    begins, ends = _spells(time_s, moving)
    moving_s = float(np.sum(time_s[ends] - time_s[begins]))
    if moving_s < LEAST_MOVING_S:
        return None
    places = local_plane(fixes).points(fixes)[chosen]
    way_m = np.abs(places[ends] - places[begins])
    slopes = _slopes(fixes, chosen[begins], chosen[ends], way_m)
    return float(np.sum(way_m / slope_ratio(slopes))) / moving_s


def _spells(time_s: Floats, moving: Indices) -> tuple[Indices, Indices]:
    """Return the first and the last time of each spell of half a minute, or of one longer step.

    `moving` are the indices of steps from one time to the next. A spell ends before a halt or a gap.
    """
    begins, ends = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for part in np.split(moving, np.flatnonzero(np.diff(moving) > 1) + 1):
        if part.size:
            spell = (time_s[part] - time_s[part[0]]) // PACE_OVER_S
            first = part[np.flatnonzero(np.diff(spell, prepend=-1.0) > 0)]
            begins.append(first)
            ends.append(np.append(first[1:], part[-1] + 1))
    return np.concatenate(begins), np.concatenate(ends)


def _slopes(fixes: Fixes, begins: Indices, ends: Indices, way_m: Floats) -> Floats:
    """Return the slopes from fixes to others; 0 where no heights are known, or nobody moved."""
    profile = line_profile(fixes)
    if profile is None:
        return np.zeros_like(way_m)
    along_m = distances_m(fixes)
    since_m, until_m = (
        np.interp(along_m[each], profile.along_m, profile.height_m) for each in (begins, ends)
    )
    return np.divide(until_m - since_m, way_m, out=np.zeros_like(way_m), where=way_m > 1)
