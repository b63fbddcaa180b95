"""Recordings: what a device recorded, and the parts of it that are kept."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from service.geo.fixes import Fixes, Indices


class SkippedPart(msgspec.Struct, frozen=True):
    """A part of the uploaded file that could not be used. `line` and `column` count from 1."""

    line: int
    column: int
    what: str
    reason: str


class Recording(msgspec.Struct, frozen=True, eq=False):
    """A file as it was read: its fixes, where each of them stands in it, and what could not be used."""

    fixes: Fixes
    positions: Callable[[Indices], list[tuple[int, int]]]
    """Return the line and column of each of these fixes, given in ascending order."""
    skipped: tuple[SkippedPart, ...]
    skipped_count: int


def join_fixes(parts: Sequence[Fixes]) -> Fixes:
    """Return the parts one after the other, each with its segments."""
    offsets = np.cumsum([0, *(len(part) for part in parts[:-1])])
    return Fixes(
        lon=np.concatenate([part.lon for part in parts]),
        lat=np.concatenate([part.lat for part in parts]),
        ele_m=np.concatenate([part.ele_m for part in parts]),
        time_ms=np.concatenate([part.time_ms for part in parts]),
        starts=np.concatenate([part.starts + offset for part, offset in zip(parts, offsets, strict=True)]),
    )


def timeline(fixes: Fixes) -> Indices:
    """Return the indices of the fixes that have a later time than all fixes before them.

    Along these fixes time only moves forward, even if the recorder repeated times or went back.
    """
    timed = np.flatnonzero(fixes.timed)
    latest = np.maximum.accumulate(fixes.time_ms[timed])
    later = np.ones(timed.size, dtype=np.bool_)
    later[1:] = latest[1:] > latest[:-1]
    chosen: Indices = timed[later]
    return chosen


def within(fixes: Fixes, start_ms: int | None, end_ms: int | None) -> npt.NDArray[np.bool_]:
    """Return which fixes of a recording with checked times lie from `start_ms` to `end_ms`.

    Both ends are included; None leaves one open. A fix without a time stays only if the timed fixes on either
    side stay: it may be on the drive home. A recording without times stays whole: nothing says what to cut.
    """
    timed = np.flatnonzero(fixes.timed)
    if not timed.size:
        return np.ones(len(fixes), dtype=np.bool_)
    times = fixes.time_ms[timed]
    inside = np.ones(timed.size, dtype=np.bool_)
    if start_ms is not None:
        inside &= times >= start_ms
    if end_ms is not None:
        inside &= times <= end_ms
    at = np.arange(len(fixes))
    before = np.maximum(np.searchsorted(timed, at, side="right") - 1, 0)
    after = np.minimum(np.searchsorted(timed, at), timed.size - 1)
    return np.asarray(inside[before] & inside[after])


def keep(fixes: Fixes, kept: npt.NDArray[np.bool_], breaks: npt.NDArray[np.bool_] | None = None) -> Fixes:
    """Return the kept fixes in the segments they were in; those marked in `breaks` begin one as well."""
    chosen = np.flatnonzero(kept)
    begins = np.searchsorted(chosen, fixes.starts)
    if breaks is not None:
        begins = np.concatenate((begins, np.flatnonzero(breaks[chosen])))
    starts: Indices = np.unique(begins)
    return choose(fixes, chosen, starts[starts < chosen.size])


def choose(fixes: Fixes, chosen: Indices, starts: Indices) -> Fixes:
    """Return the fixes at these indices, with these starts of segments."""
    return Fixes(
        lon=fixes.lon[chosen],
        lat=fixes.lat[chosen],
        ele_m=fixes.ele_m[chosen],
        time_ms=fixes.time_ms[chosen],
        starts=starts.astype(np.int64),
    )
