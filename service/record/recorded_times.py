"""The times of a recording, checked against its order.

The order of the file is the walk; times are what is checked against it. A recorder whose clock jumps, or that
writes several records a place, gives times that go back. Sorting by them would tear the walk apart, so a time
that does not fit loses its say, and the fix stays where the file has it. Only whole segments in the wrong
order are put in order: programs that merge files write those. Where the file begins again with what it has
already, inside one segment, a segment begins.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from service.geo.fixes import NO_TIME, Fixes, Indices, Instants

COPIED_SHARE: Final = 0.9
"""A stretch between two times that go back is a copy where the file holds this much of it elsewhere."""
LEAST_COPIED: Final = 3
"""Fixes that are the same by chance are fewer."""


class CheckedTimes(msgspec.Struct, frozen=True, eq=False):
    """A recording whose times never go back inside a segment.

    `origin` is the index each fix had before. `out_of_order` counts the fixes that lost their time,
    `moved_segments` the segments that lay behind a later one.
    """

    fixes: Fixes
    origin: Indices
    out_of_order: int
    moved_segments: int


def check_times(fixes: Fixes) -> CheckedTimes:
    """Return the recording with only those times that go forward, and its segments in order of time.

    Of the times of a segment the most are kept that go forward (or stand still) in the order of the file. A
    segment without times stays behind the one before it.
    """
    if not len(fixes):
        return CheckedTimes(fixes, np.empty(0, np.int64), 0, 0)
    fixes = _parted_at_copies(fixes)
    doubtful = _going_back(fixes)
    times = np.where(doubtful, NO_TIME, fixes.time_ms)
    ends = np.append(fixes.starts[1:], len(fixes))
    begins = [_first_time(times[start:end]) for start, end in zip(fixes.starts, ends, strict=True)]
    sequence = _in_order(begins)
    moved = sum(each < before for before, each in pairwise(sequence))
    if not moved:
        origin = np.arange(len(fixes))
        starts = fixes.starts
    else:
        origin = np.concatenate([np.arange(fixes.starts[each], ends[each]) for each in sequence])
        lengths = (ends - fixes.starts)[sequence]
        starts = np.cumsum(lengths) - lengths
    return CheckedTimes(
        fixes=Fixes(fixes.lon[origin], fixes.lat[origin], fixes.ele_m[origin], times[origin], starts),
        origin=origin,
        out_of_order=int(np.count_nonzero(doubtful)),
        moved_segments=moved,
    )


def _parted_at_copies(fixes: Fixes) -> Fixes:
    """Return the recording with a gap where a segment begins again with fixes that the file has elsewhere."""
    timed = np.flatnonzero(fixes.timed)
    segment = np.searchsorted(fixes.starts, timed, side="right")
    goes_on = np.diff(segment) == 0
    back = (np.diff(fixes.time_ms[timed]) < 0) & goes_on
    if not back.any():
        return fixes
    stretch = np.concatenate(([0], np.cumsum(back | ~goes_on)))
    copied = np.bincount(stretch, weights=_held_elsewhere(fixes, timed, stretch))
    is_copy = copied >= np.maximum(COPIED_SHARE * np.bincount(stretch), LEAST_COPIED)
    parted = back & (is_copy[stretch[:-1]] | is_copy[stretch[1:]])
    return replace(fixes, starts=np.union1d(fixes.starts, timed[1:][parted]))


def _held_elsewhere(fixes: Fixes, timed: Indices, stretch: Indices) -> npt.NDArray[np.bool_]:
    """Return which of the timed fixes say the same as one in another stretch."""
    columns = [each[timed] for each in (fixes.time_ms, fixes.lon, fixes.lat)]
    order = np.lexsort((stretch, *columns))
    same = np.logical_and.reduce([each[order[1:]] == each[order[:-1]] for each in columns])
    group = np.concatenate(([0], np.cumsum(~same)))
    first = np.flatnonzero(np.append(True, ~same))
    last = np.append(first[1:], order.size) - 1
    elsewhere = np.zeros(order.size, dtype=np.bool_)
    elsewhere[order] = (stretch[order[first]] != stretch[order[last]])[group]
    return elsewhere


def _going_back(fixes: Fixes) -> npt.NDArray[np.bool_]:
    """Return the fixes whose time does not fit between those of the most other fixes of their segment."""
    doubtful = np.zeros(len(fixes), dtype=np.bool_)
    timed = np.flatnonzero(fixes.timed)
    times = fixes.time_ms[timed]
    segment = np.searchsorted(fixes.starts, timed, side="right")
    back = (np.diff(times) < 0) & (np.diff(segment) == 0)
    for which in np.unique(segment[1:][back]):
        own = timed[segment == which]
        fitting = _longest_forward(fixes.time_ms[own].tolist())
        doubtful[own] = True
        doubtful[own[fitting]] = False
    return doubtful


def _longest_forward(times: Sequence[int]) -> list[int]:
    """Return the places of a longest run of times that never goes back (patience sorting)."""
    tops: list[int] = []
    top_places: list[int] = []
    before = [-1] * len(times)
    for place, time in enumerate(times):
        pile = bisect_right(tops, time)
        if pile:
            before[place] = top_places[pile - 1]
        if pile == len(tops):
            tops.append(time)
            top_places.append(place)
        else:
            tops[pile], top_places[pile] = time, place
    run: list[int] = []
    place = top_places[-1] if top_places else -1
    while place >= 0:
        run.append(place)
        place = before[place]
    return run[::-1]


def _first_time(times: Instants) -> int | None:
    known = times[times != NO_TIME]
    return int(known[0]) if known.size else None


def _in_order(begins: Sequence[int | None]) -> list[int]:
    """Return the segments by their first times; one without times follows the one before it."""
    keys: list[tuple[int, int]] = []
    latest = min((each for each in begins if each is not None), default=0)
    for number, begin in enumerate(begins):
        latest = latest if begin is None else begin
        keys.append((latest, number))
    return [number for _, number in sorted(keys)]
