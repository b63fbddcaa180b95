"""Anchors: where on a track a moment or note lies, by its instant and then by the phone's position."""

import enum
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from msgspec.structs import replace

from service.geo.fixes import Fixes, Floats, Indices, Instants
from service.geo.geodesy import (
    WGS84,
    PlanePoints,
    distances_m,
    evenly_spaced,
    ground_distances_m,
    local_plane,
)
from service.record.clock_disagreement import Disagreement, Path, Sighting, compare_clocks
from service.record.halts import Halt, halts, walked_along_m
from service.record.positions import Position
from service.record.recordings import timeline

SLACK_S: Final = 60.0
"""An instant this far before or after the track is taken for its end: recorders start late and stop early."""
LONG_GAP_S: Final = 60.0
"""In a gap longer than this, the phone's own position is better than a straight line between two fixes."""
NEAR_LINE_M: Final = 50.0
"""A position farther from the line than this is not matched to it."""
UNMATCHED_COSTS_M: Final = 100.0
"""What leaving one position unmatched adds to the sum of offsets."""
EARLIER_BY: Final = 0.01
"""The earlier of two passes is taken, unless the later is nearer by this share of the way between them."""
LINE_PART_M: Final = 5.0
"""The line is cut into parts of this length, and positions are matched to parts."""
MOST_CHOICES: Final = 2_000_000
"""Parts times positions, at most; with more, the parts get longer."""


class AnchorKind(enum.StrEnum):
    """How an anchor was found: between fixes by time, from the phone's position, or not at all."""

    INTERPOLATED = "interpolated"
    PHONE = "phone"
    OUTSIDE_TRACK = "outside_track"


class Mark(msgspec.Struct, frozen=True):
    """What is to be anchored: an instant, and where the phone was then, if known."""

    at_ms: int
    position: Position | None = None


class Anchor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a mark lies. What is not known is None; with `outside_track` nothing is.

    `distance_m` is metres along the track, `elapsed_s` seconds from its first time. `gap_s` says how certain
    the place is: seconds between the timed fixes before and after the instant, 0 at a fix. Before the first
    and after the last fix it is the seconds to that fix.
    """

    how: AnchorKind
    lon: float | None = None
    lat: float | None = None
    distance_m: float | None = None
    elapsed_s: float | None = None
    gap_s: float | None = None
    clocks_disagree: bool = False
    """Whether the phone was elsewhere than the track at the instant, by more than both may be wrong."""
    position_apart_m: float | None = None
    """How far apart they were, if they disagree."""
    reconciling_shift_s: float | None = None
    """What to add to the recorder's times so that nearly all positions of the session agree."""


OUTSIDE: Final = Anchor(how=AnchorKind.OUTSIDE_TRACK)


def anchor(track: Fixes, marks: Sequence[Mark], stays: Sequence[Halt] | None = None) -> tuple[Anchor, ...]:
    """Return the anchor of each mark, in the order of the marks.

    `stays` are the halts of the track; they are found where they are not given.

    Time decides first, because an out-and-back walk passes each place twice. An instant within the track, or
    at most a minute outside it, gets the place between the fixes before and after, on the geodesic and in
    proportion to time. If the gap between those fixes is over a minute, the phone's position is used instead,
    if there is one. An instant further outside gets the phone's position or no place: a note written in the
    evening does not belong to the last place of the walk.

    On a track without times, the phone's positions are used and matched to the line in the order of the
    marks' instants. A mark without a position gets no place.
    """
    if not marks:
        return ()
    timed = timeline(track)
    if not timed.size:
        return _anchor_by_place(track, marks)
    course = _course(track, timed, halts(track) if stays is None else stays)
    return _compared(course, marks, [_anchor_by_time(course, mark) for mark in marks])


class _Course(msgspec.Struct, frozen=True, eq=False):
    """The part of a track from its first time to its last, every fix with a time (milliseconds since 1970).

    `recorded_ms` are the recorded times. A fix without one gets a time in proportion to its distance from the
    timed fixes before and after it.
    """

    lon: Floats
    lat: Floats
    distance_m: Floats
    time_ms: Floats
    recorded_ms: Instants

    def at(self, instant_ms: int) -> Anchor | None:
        """Return the place at an instant; None if it is outside the course by more than SLACK_S."""
        inside_ms = int(min(max(instant_ms, self.recorded_ms[0]), self.recorded_ms[-1]))
        beyond_s = abs(instant_ms - inside_ms) / 1_000
        if beyond_s > SLACK_S:
            return None
        before = int(np.searchsorted(self.time_ms, inside_ms, side="right")) - 1
        after = min(before + 1, len(self.time_ms) - 1)
        spell_ms = self.time_ms[after] - self.time_ms[before]
        share = float((inside_ms - self.time_ms[before]) / spell_ms) if spell_ms > 0 else 0.0
        lon, lat = self._between(before, after, share)
        return Anchor(
            how=AnchorKind.INTERPOLATED,
            lon=round(lon, 7),
            lat=round(lat, 7),
            distance_m=round(float(np.interp(share, (0, 1), self.distance_m[[before, after]])), 2),
            elapsed_s=float(inside_ms - self.recorded_ms[0]) / 1_000,
            gap_s=self._gap_s(inside_ms) or beyond_s,
        )

    def _between(self, before: int, after: int, share: float) -> tuple[float, float]:
        """Return the point at a share of the way from one fix to the next, on the geodesic."""
        lon, lat = float(self.lon[before]), float(self.lat[before])
        if share == 0:
            return lon, lat
        azimuth_deg, _, step_m = WGS84.inv(lon, lat, self.lon[after], self.lat[after])
        lon, lat, _ = WGS84.fwd(lon, lat, azimuth_deg, step_m * share)
        return float(lon), float(lat)

    def _gap_s(self, instant_ms: int) -> float:
        """Return the seconds between the recorded times before and after an instant; 0 at a recorded time."""
        after = int(np.searchsorted(self.recorded_ms, instant_ms))
        if self.recorded_ms[after] == instant_ms:
            return 0.0
        return float(self.recorded_ms[after] - self.recorded_ms[after - 1]) / 1_000


def _anchor_by_time(course: _Course, mark: Mark) -> Anchor:
    found = course.at(mark.at_ms)
    if found is None:
        return _by_phone(mark, OUTSIDE)
    return _by_phone(mark, found) if found.gap_s and found.gap_s > LONG_GAP_S else found


def _compared(course: _Course, marks: Sequence[Mark], anchors: Sequence[Anchor]) -> tuple[Anchor, ...]:
    """Return anchors that say where the phone's position disagrees with the place by time."""
    sightings = [None if mark.position is None else Sighting(mark.at_ms, mark.position) for mark in marks]
    seen = [each for each in sightings if each is not None]
    found = compare_clocks(Path(course.lon, course.lat, course.time_ms), seen)
    apart_m = iter(found.apart_m)
    told = [None if each is None else next(apart_m) for each in sightings]
    return tuple(
        each if far_m is None or each.how is not AnchorKind.INTERPOLATED else _disagreeing(each, far_m, found)
        for each, far_m in zip(anchors, told, strict=True)
    )


def _disagreeing(anchor: Anchor, apart_m: float, found: Disagreement) -> Anchor:
    return replace(anchor, clocks_disagree=True, position_apart_m=apart_m, reconciling_shift_s=found.shift_s)


def _by_phone(mark: Mark, found: Anchor) -> Anchor:
    """Return an anchor with the phone's position in place of the one found, if the phone sent one."""
    if mark.position is None:
        return found
    return replace(found, how=AnchorKind.PHONE, lon=mark.position.lon, lat=mark.position.lat)


def _course(track: Fixes, timed: Indices, stays: Sequence[Halt]) -> _Course:
    usable = ~track.timed
    usable[timed] = True
    at = np.flatnonzero(usable)
    at = at[(at >= timed[0]) & (at <= timed[-1])]
    recorded_ms = track.time_ms[timed]
    steps_m = ground_distances_m(track.lon[at[:-1]], track.lat[at[:-1]], track.lon[at[1:]], track.lat[at[1:]])
    way_m = np.concatenate(([0.0], np.cumsum(steps_m)))
    return _Course(
        lon=track.lon[at],
        lat=track.lat[at],
        distance_m=walked_along_m(track, stays)[at],
        time_ms=_spread(way_m, np.searchsorted(at, timed), recorded_ms),
        recorded_ms=recorded_ms,
    )


def _spread(way_m: Floats, timed: Indices, recorded_ms: Instants) -> Floats:
    """Return a time for each fix of a course, from the recorded times and how far along each fix lies."""
    before = np.searchsorted(timed, np.arange(way_m.size), side="right") - 1
    after = np.minimum(before + 1, timed.size - 1)
    walked_m = way_m - way_m[timed[before]]
    leg_m = way_m[timed[after]] - way_m[timed[before]]
    share = np.divide(walked_m, leg_m, out=np.zeros_like(way_m), where=leg_m > 0)
    return np.asarray(recorded_ms[before] + share * (recorded_ms[after] - recorded_ms[before]))


def _anchor_by_place(track: Fixes, marks: Sequence[Mark]) -> tuple[Anchor, ...]:
    """Return anchors on a track without times: the phone's positions, matched to the line in order."""
    anchors = [_by_phone(mark, OUTSIDE) for mark in marks]
    order = [at for at, mark in enumerate(marks) if mark.position is not None]
    order.sort(key=lambda at: marks[at].at_ms)
    lon = np.array([anchors[at].lon for at in order], dtype=np.float64)
    lat = np.array([anchors[at].lat for at in order], dtype=np.float64)
    for at, distance_m in zip(order, _match_in_order(track, lon, lat), strict=True):
        anchors[at] = replace(anchors[at], distance_m=distance_m)
    return tuple(anchors)


def _match_in_order(track: Fixes, lon: Floats, lat: Floats) -> list[float | None]:
    """Return how far along the line each position in turn was passed, or None if it is not near the line.

    The positions are matched to places on the line that never go back, with the least sum of offsets (dynamic
    programming). A position may be left out at UNMATCHED_COSTS_M. So what was passed before and after decides
    between the two passes of an out-and-back walk; if it does not, the earlier is taken.
    """
    if not len(track) or not lon.size:
        return [None] * lon.size
    plane = local_plane(track)
    along_m, line = evenly_spaced(
        distances_m(track), plane.points(track), LINE_PART_M, MOST_CHOICES // lon.size
    )
    x, y = plane.project(lon, lat)
    places = x + 1j * y
    least_m = [np.zeros(line.size)]
    for place in places:
        matched_m = np.minimum.accumulate(least_m[-1] + _offsets_m(line, place))
        least_m.append(np.minimum(matched_m, least_m[-1] + UNMATCHED_COSTS_M))
    return _trace_back(along_m, line, places, least_m)


def _offsets_m(line: PlanePoints, place: complex) -> Floats:
    offsets_m = np.abs(line - place)
    return np.where(offsets_m <= NEAR_LINE_M, offsets_m, np.inf)


def _trace_back(
    along_m: Floats, line: PlanePoints, places: PlanePoints, least_m: Sequence[Floats]
) -> list[float | None]:
    """Return the choices that lead to the least sum, found from the last position to the first.

    `least_m[n][p]` is the least sum of the first n positions if none of them lies beyond part p of the line.
    """
    found: list[float | None] = [None] * places.size
    part = along_m.size - 1
    for at in reversed(range(places.size)):
        if least_m[at][part] + UNMATCHED_COSTS_M > least_m[at + 1][part]:
            sum_m = least_m[at] + _offsets_m(line, places[at]) + EARLIER_BY * along_m
            part = int(np.argmin(sum_m[: part + 1]))
            found[at] = round(float(along_m[part]), 2)
    return found
