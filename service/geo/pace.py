"""How long a walk takes a client, and where to turn back: their own flat pace, their rests, the slope."""

from typing import Final

import msgspec
import numpy as np

from service.geo.fixes import Fixes, Floats
from service.geo.geodesy import distances_m, elevation_profile_m, is_loop

FLAT_PACE_MPS: Final = 0.9
"""Mean walking paces at 65 and over are 0.8 to 0.9; pedestrian crossings assume 1.2."""
STRIDE_M: Final = 25.0
MOST_STRIDES: Final = 20_000
EVENED_OVER: Final = 5
"""Heights are evened out over this many strides, or the noise of a receiver reads as steep ground."""
STEEPEST: Final = 0.5
"""Steeper than stairs is a fault of the heights."""


class Pace(msgspec.Struct, frozen=True):
    """A client's pace on the flat, in metres a second, and the seconds of rest planned into a walk."""

    flat_mps: float = FLAT_PACE_MPS
    rests_s: float = 0.0

    def walking_time_s(self, equivalent_flat_m: float) -> float:
        """Return seconds to walk what takes as long as this many metres on the flat, rests included."""
        return equivalent_flat_m / self.flat_mps + self.rests_s


class TurnBack(msgspec.Struct, frozen=True):
    """The last place from which the way back along the line still ends in time, and when it is reached.

    `whole` says that time is enough for all of the line: there and back, or once round where it ends where
    it began. The place on such a loop is the one past which the way on is the shorter one.
    """

    distance_m: float
    after_s: float
    whole: bool


class _Timetable(msgspec.Struct, frozen=True, eq=False):
    """At each stride along the line: seconds of walking to get there, and seconds to walk back from it."""

    along_m: Floats
    out_s: Floats
    back_s: Floats


def walking_time_s(line: Fixes, pace: Pace) -> float:
    """Return seconds from the first point of the line to the last, rests included."""
    return float(_timetable(line, pace).out_s[-1]) + pace.rests_s


def turn_back(line: Fixes, available_s: float, pace: Pace) -> TurnBack:
    """Return where and when to turn so that `available_s` seconds, rests included, bring all back."""
    table = _timetable(line, pace)
    there_and_back_s = table.out_s + table.back_s
    whole_s = table.out_s[-1] if is_loop(line) else there_and_back_s[-1]
    walking_s = min(max(available_s - pace.rests_s, 0.0), whole_s)
    distance_m = np.interp(walking_s, there_and_back_s, table.along_m)
    reached_s = np.interp(distance_m, table.along_m, table.out_s)
    rested_s = pace.rests_s * reached_s / walking_s if walking_s else 0.0
    return TurnBack(float(distance_m), float(reached_s + rested_s), whole=bool(walking_s >= whole_s))


def slope_ratio(slope: Floats) -> Floats:
    """Return the pace on a slope (rise over run) as a multiple of the pace on the flat.

    Tobler (1993) gives hikers 6·exp(-3.5·|slope + 0.05|) km/h, too fast for talking; only its ratio to
    its own pace on the flat is used here. It is greatest, 1.19, on a gentle way down.
    """
    slope = np.clip(slope, -STEEPEST, STEEPEST)
    return np.asarray(np.exp(-3.5 * (np.abs(slope + 0.05) - 0.05)))


def _timetable(line: Fixes, pace: Pace) -> _Timetable:
    along_m = _strides_m(line)
    stride_m = np.diff(along_m)
    slope = np.divide(
        np.diff(_heights_m(line, along_m)), stride_m, out=np.zeros_like(stride_m), where=stride_m > 0
    )
    flat_s = stride_m / pace.flat_mps
    out_s, back_s = (np.cumsum([0.0, *(flat_s / slope_ratio(way))]) for way in (slope, -slope))
    return _Timetable(along_m, out_s, back_s)


def _strides_m(line: Fixes) -> Floats:
    length_m = distances_m(line)[-1] if len(line) else 0.0
    return np.linspace(0, length_m, int(np.clip(np.ceil(length_m / STRIDE_M), 1, MOST_STRIDES)) + 1)


def _heights_m(line: Fixes, along_m: Floats) -> Floats:
    """Return evened heights along the line; level where they are unknown."""
    known, profile = elevation_profile_m(line)
    if not known.size:
        return np.zeros_like(along_m)
    heights = np.interp(along_m, distances_m(line)[known], profile)
    padded = np.pad(heights, EVENED_OVER // 2, mode="reflect", reflect_type="odd")
    return np.convolve(padded, np.full(EVENED_OVER, 1 / EVENED_OVER), mode="valid")
