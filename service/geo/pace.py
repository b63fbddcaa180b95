"""Pace: how long a walk takes a client, and where to turn back, by flat pace, rests and slope."""

from typing import Final

import msgspec
import numpy as np

from service.geo.climb import without_dropouts
from service.geo.fixes import Fixes, Floats
from service.geo.geodesy import distances_m, elevation_profile_m, is_loop

FLAT_PACE_MPS: Final = 0.9
"""The mean pace of people of 65 and over is 0.8 to 0.9; pedestrian crossings assume 1.2."""
STRIDE_M: Final = 25.0
MOST_STRIDES: Final = 20_000
SMOOTHED_STRIDES: Final = 5
"""Heights are averaged over this many strides; without that, the noise of a receiver looks like a slope."""
STEEPEST: Final = 0.5
"""A steeper slope, steeper than stairs, is an error of the heights."""


class Pace(msgspec.Struct, frozen=True):
    """A client's pace on the flat, and the seconds of rest planned into a walk."""

    flat_mps: float = FLAT_PACE_MPS
    rests_s: float = 0.0

    def walking_time_s(self, equivalent_flat_m: float) -> float:
        """Return seconds to walk a line that takes as long as this many metres on the flat, with rests."""
        return equivalent_flat_m / self.flat_mps + self.rests_s


class TurnBack(msgspec.Struct, frozen=True):
    """The last point of a line from which the way back still ends in time.

    On a loop that can be walked whole, it is the point past which going on is shorter than going back.
    """

    distance_m: float
    after_s: float
    """Seconds from the start until the point is reached."""
    whole: bool
    """There is time for the whole line: there and back, or once round a loop."""


class Timetable(msgspec.Struct, frozen=True, eq=False):
    """For each stride along the line: seconds to walk there from the start, and seconds to walk back.

    Rests are not included.
    """

    along_m: Floats
    out_s: Floats
    back_s: Floats


class Profile(msgspec.Struct, frozen=True, eq=False):
    """Smoothed heights at each stride along a line."""

    along_m: Floats
    height_m: Floats


def walking_time_s(line: Fixes, pace: Pace) -> float:
    """Return seconds from the first point of the line to the last, rests included."""
    return float(timetable(line, pace).out_s[-1]) + pace.rests_s


def turn_back(line: Fixes, available_s: float, pace: Pace) -> TurnBack:
    """Return where and when to turn so that the walk, rests included, ends within `available_s`."""
    return turn_back_on(timetable(line, pace), available_s, pace, loop=is_loop(line))


def turn_back_on(table: Timetable, available_s: float, pace: Pace, *, loop: bool) -> TurnBack:
    """Return the same by the timetable of a line."""
    there_and_back_s = table.out_s + table.back_s
    whole_s = table.out_s[-1] if loop else there_and_back_s[-1]
    walking_s = min(max(available_s - pace.rests_s, 0.0), whole_s)
    distance_m = np.interp(walking_s, there_and_back_s, table.along_m)
    reached_s = np.interp(distance_m, table.along_m, table.out_s)
    rested_s = pace.rests_s * reached_s / walking_s if walking_s else 0.0
    return TurnBack(float(distance_m), float(reached_s + rested_s), whole=bool(walking_s >= whole_s))


def slope_ratio(slope: Floats) -> Floats:
    """Return the pace on a slope (rise over run) as a multiple of the pace on the flat.

    Tobler (1993) gives hikers 6·exp(-3.5·|slope + 0.05|) km/h. That is too fast for talking, so only its
    ratio to its own pace on the flat is used. The ratio is greatest, 1.19, on a gentle way down.
    """
    slope = np.clip(slope, -STEEPEST, STEEPEST)
    return np.asarray(np.exp(-3.5 * (np.abs(slope + 0.05) - 0.05)))


def timetable(line: Fixes, pace: Pace) -> Timetable:
    """Return when each stride of the line is reached, and how long the way back from it takes."""
    along_m = _strides_m(line)
    stride_m = np.diff(along_m)
    slope = np.divide(
        np.diff(_heights_m(line, along_m)), stride_m, out=np.zeros_like(stride_m), where=stride_m > 0
    )
    flat_s = stride_m / pace.flat_mps
    out_s, back_s = (np.cumsum([0.0, *(flat_s / slope_ratio(way))]) for way in (slope, -slope))
    return Timetable(along_m, out_s, back_s)


def line_profile(line: Fixes) -> Profile | None:
    """Return the heights that slopes are taken from; None where the line has none."""
    if np.isnan(line.ele_m).all():
        return None
    along_m = _strides_m(line)
    return Profile(along_m, _heights_m(line, along_m))


def _strides_m(line: Fixes) -> Floats:
    length_m = distances_m(line)[-1] if len(line) else 0.0
    return np.linspace(0, length_m, int(np.clip(np.ceil(length_m / STRIDE_M), 1, MOST_STRIDES)) + 1)


def _heights_m(line: Fixes, along_m: Floats) -> Floats:
    """Return smoothed heights along the line; 0 everywhere if none is known."""
    known, profile = elevation_profile_m(without_dropouts(line))
    if not known.size:
        return np.zeros_like(along_m)
    heights = np.interp(along_m, distances_m(line)[known], profile)
    padded = np.pad(heights, SMOOTHED_STRIDES // 2, mode="reflect", reflect_type="odd")
    return np.convolve(padded, np.full(SMOOTHED_STRIDES, 1 / SMOOTHED_STRIDES), mode="valid")
