"""Edits of a route's line, as a finger on a phone makes them. Each returns a new line and leaves the old one.

A point is named by its number along the line, and a cut by metres: where a line crosses itself, or goes out
and back, a place on the ground names two.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec
import numpy as np

from service.foundation.retry_safe import Unusable
from service.geo.fixes import NO_TIME, Fixes, Floats, Indices
from service.geo.geodesy import distances_m, ground_distances_m
from service.geo.gpx.model import DEFAULT_LIMITS
from service.walks.routes import line_fault

MOST_EDITS: Final = 500
ONE_PLACE_M: Final = 1.0
"""Ends nearer to each other than this are one place: joining them adds no point."""
SAME_PLACE_M: Final = 0.005
"""Lengths are answered to the centimetre: a cut as near to a point is at it, and keeps its height."""


class AddPoint(msgspec.Struct, frozen=True):
    """Add a point after another; `after` -1 puts it before the first."""

    after: int
    lon: float
    lat: float
    ele_m: float | None = None


class MovePoint(msgspec.Struct, frozen=True):
    """Move a point; its height is unknown there unless given."""

    point: int
    lon: float
    lat: float
    ele_m: float | None = None


class RemovePoints(msgspec.Struct, frozen=True):
    """Remove the points from the first to the last, both included."""

    first: int
    last: int


class Reverse(msgspec.Struct, frozen=True):
    """Walk the line the other way."""


class Keep(msgspec.Struct, frozen=True):
    """Keep the part from one place to another, in metres along the line."""

    from_m: float
    to_m: float | None


class Join(msgspec.Struct, frozen=True):
    """Go on along another route's line, or come from it; the two are joined by a straight line."""

    route_id: UUID
    version: int | None = None
    """The one in use if None."""
    backwards: bool = False
    before: bool = False
    """Put it before the line, not after."""


class OutAndBack(msgspec.Struct, frozen=True):
    """Walk back the way the line goes out."""


class CloseLoop(msgspec.Struct, frozen=True):
    """Go straight from the end of the line to its beginning."""


LineEdit = AddPoint | MovePoint | RemovePoints | Reverse | Keep | Join | OutAndBack | CloseLoop


def edit_line(line: Fixes, edits: Sequence[LineEdit], others: Mapping[Join, Fixes]) -> Fixes:
    """Return a line after edits, one after the other; `others` has the lines to join.

    Raises Unusable, with a pointer to the edit that cannot be made.
    """
    for number, edit in enumerate(edits):
        pointer = f"/edits/{number}"
        line = _edited(line, edit, others, pointer)
        if len(line) > DEFAULT_LIMITS.points:
            raise Unusable(pointer, f"the line would have more than {DEFAULT_LIMITS.points:,} points")
        if not len(line):
            raise Unusable(pointer, "it leaves no point")
    fault = line_fault(line)
    if fault is not None:
        raise Unusable(f"/edits/{len(edits) - 1}", f"no route can follow what is left: {fault}")
    return line


def _edited(line: Fixes, edit: LineEdit, others: Mapping[Join, Fixes], pointer: str) -> Fixes:
    match edit:
        case AddPoint():
            edited = _with_point(line, edit, pointer)
        case MovePoint():
            edited = _with_moved(line, edit, pointer)
        case RemovePoints():
            edited = _without_points(line, edit, pointer)
        case Reverse():
            edited = reverse(line)
        case Keep():
            edited = _part(line, edit, pointer)
        case Join():
            other = reverse(others[edit]) if edit.backwards else others[edit]
            edited = join(other, line) if edit.before else join(line, other)
        case OutAndBack():
            edited = join(line, reverse(line))
        case _:
            edited = join(line, _slice(line, np.array([0])))
    return edited


def _refuse_no_point(line: Fixes, number: int, pointer: str) -> None:
    if not 0 <= number < len(line):
        raise Unusable(pointer, f"the line has points 0 to {len(line) - 1} here, and no {number}")


def _with_point(line: Fixes, edit: AddPoint, pointer: str) -> Fixes:
    if edit.after != -1:
        _refuse_no_point(line, edit.after, f"{pointer}/after")
    at = edit.after + 1
    return Fixes(
        lon=np.insert(line.lon, at, edit.lon),
        lat=np.insert(line.lat, at, edit.lat),
        ele_m=np.insert(line.ele_m, at, _height(edit.ele_m)),
        time_ms=np.insert(line.time_ms, at, NO_TIME),
        starts=np.where((line.starts >= at) & (line.starts > 0), line.starts + 1, line.starts),
    )


def _with_moved(line: Fixes, edit: MovePoint, pointer: str) -> Fixes:
    _refuse_no_point(line, edit.point, f"{pointer}/point")
    lon, lat, ele_m = (each.copy() for each in (line.lon, line.lat, line.ele_m))
    lon[edit.point], lat[edit.point], ele_m[edit.point] = edit.lon, edit.lat, _height(edit.ele_m)
    return msgspec.structs.replace(line, lon=lon, lat=lat, ele_m=ele_m)


def _height(ele_m: float | None) -> float:
    return float("nan") if ele_m is None else ele_m


def _without_points(line: Fixes, edit: RemovePoints, pointer: str) -> Fixes:
    _refuse_no_point(line, edit.first, f"{pointer}/first")
    _refuse_no_point(line, edit.last, f"{pointer}/last")
    if edit.last < edit.first:
        raise Unusable(f"{pointer}/last", "the last point lies before the first")
    numbers = np.arange(len(line))
    return _slice(line, numbers[(numbers < edit.first) | (numbers > edit.last)])


def reverse(line: Fixes) -> Fixes:
    """Return a line walked the other way."""
    ends = np.append(line.starts[1:], len(line))
    flipped = _slice(line, np.arange(len(line))[::-1])
    return msgspec.structs.replace(flipped, starts=np.sort(len(line) - ends))


def join(line: Fixes, other: Fixes) -> Fixes:
    """Return one line and then the other, with a straight line between; one place where they meet."""
    ends = (line.lon[-1:], line.lat[-1:], other.lon[:1], other.lat[:1])
    if float(ground_distances_m(*ends)[0]) < ONE_PLACE_M:
        other = _slice(other, np.arange(1, len(other))) if len(other) > 1 else other
    later = other.starts[other.starts > 0] + len(line)
    return Fixes(
        lon=np.concatenate((line.lon, other.lon)),
        lat=np.concatenate((line.lat, other.lat)),
        ele_m=np.concatenate((line.ele_m, other.ele_m)),
        time_ms=np.concatenate((line.time_ms, other.time_ms)),
        starts=np.concatenate((line.starts, later)),
    )


def _part(line: Fixes, edit: Keep, pointer: str) -> Fixes:
    """Return the part of a line between two places; its ends are new points where none lies there."""
    along_m = distances_m(line)
    to_m = float(along_m[-1]) if edit.to_m is None else edit.to_m
    if edit.from_m >= along_m[-1]:
        raise Unusable(f"{pointer}/from_m", f"the line ends at {along_m[-1]:.2f} m here")
    if to_m <= edit.from_m:
        raise Unusable(f"{pointer}/to_m", "it must lie after from_m")
    first = int(np.searchsorted(along_m, edit.from_m, side="right"))
    last = int(np.searchsorted(along_m, to_m)) - 1
    inside = np.arange(first, last + 1)
    begin, end = (_point_at(line, along_m, each) for each in (edit.from_m, min(to_m, float(along_m[-1]))))
    middle = _slice(line, inside) if inside.size else None
    parts = [begin, end] if middle is None else [begin, middle, end]
    starts = [] if middle is None else [each + 1 for each in middle.starts.tolist() if each > 0]
    return Fixes(
        lon=np.concatenate([each.lon for each in parts]),
        lat=np.concatenate([each.lat for each in parts]),
        ele_m=np.concatenate([each.ele_m for each in parts]),
        time_ms=np.concatenate([each.time_ms for each in parts]),
        starts=np.array([0, *starts], dtype=np.int64),
    )


def _point_at(line: Fixes, along_m: Floats, place_m: float) -> Fixes:
    """Return the place so many metres along a line as a line of one point."""
    nearest = int(np.argmin(np.abs(along_m - place_m)))
    if abs(along_m[nearest] - place_m) < SAME_PLACE_M:
        return _slice(line, np.array([nearest]))
    lon = float(np.interp(place_m, along_m, np.unwrap(line.lon, period=360.0)))
    return Fixes(
        lon=np.array([(lon + 180) % 360 - 180]),
        lat=np.array([np.interp(place_m, along_m, line.lat)]),
        ele_m=np.array([np.interp(place_m, along_m, line.ele_m)]),
        time_ms=np.array([NO_TIME]),
        starts=np.zeros(1, np.int64),
    )


def _slice(line: Fixes, chosen: Indices) -> Fixes:
    """Return the points with these numbers, in this order, in the segments that are left."""
    segment = np.searchsorted(line.starts, chosen, side="right")
    begins = np.flatnonzero(np.diff(segment) != 0) + 1
    return Fixes(
        lon=line.lon[chosen],
        lat=line.lat[chosen],
        ele_m=line.ele_m[chosen],
        time_ms=line.time_ms[chosen],
        starts=np.concatenate((np.zeros(min(1, chosen.size), np.int64), begins)),
    )
