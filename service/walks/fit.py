"""Whether a route fits a client and a length of time: when each stretch is reached, and what is near.

The earliest arrival takes PACE_SHARE less time than the client's pace and no rest before; the latest takes as
much more, and all rests before. Expected, rests are spread evenly over the walking time.
"""

import enum
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import msgspec
import numpy as np

from service.geo.fixes import Fixes, Floats, Indices
from service.geo.geodesy import is_loop
from service.geo.pace import Pace, Timetable, TurnBack, timetable, turn_back_on
from service.walks.features import Feature, FeatureKind, ThunderRefuge
from service.walks.passes import Passes, SampledLine, passes_of, sampled_line
from service.walks.stretches import Stretch

PACE_SHARE: Final = 0.15
ROUNDING_M: Final = 0.01


class Facility(enum.StrEnum):
    """What one may want to reach from anywhere on a walk."""

    EXIT = "exit"
    SHELTER = "shelter"
    THUNDER_REFUGE = "thunder_refuge"
    TOILET = "toilet"
    BENCH = "bench"
    QUIET_SPOT = "quiet_spot"


KINDS_OF: Final = {
    Facility.EXIT: frozenset({FeatureKind.EXIT, FeatureKind.PARKING, FeatureKind.BUS_STOP}),
    Facility.SHELTER: frozenset({FeatureKind.SHELTER, FeatureKind.CAFE}),
    Facility.TOILET: frozenset({FeatureKind.TOILET}),
    Facility.BENCH: frozenset({FeatureKind.BENCH}),
    Facility.QUIET_SPOT: frozenset({FeatureKind.PRIVATE_SPOT}),
}


class Arrival(msgspec.Struct, frozen=True):
    """Seconds from the start until a place is reached."""

    earliest_s: float
    expected_s: float
    latest_s: float


class StretchTimes(msgspec.Struct, frozen=True):
    """When a stretch is entered and left."""

    stretch: Stretch
    entered: Arrival
    left: Arrival


class NearestFacility(msgspec.Struct, frozen=True):
    """From `from_m` to `to_m` of the line, the nearest facility of a kind, and the way to it.

    Walking times are along the line and then off it, at its beginning and at its end, and about linear
    between: it does not go on past the facility.
    """

    facility: Facility
    from_m: float
    to_m: float
    along_m: float
    """Where the line passes it."""
    offset_m: float
    """From there, off the line."""
    walk_from_s: float
    walk_to_s: float
    feature: Feature | None = None
    """None for an end of the line, which is always a way out."""


class LineFit(msgspec.Struct, frozen=True, kw_only=True):
    """A line in the time there is for it."""

    pace: Pace
    available_s: float
    arrival: Arrival
    """At the end of the line."""
    fits: bool
    """The expected arrival is in time."""
    surely_fits: bool
    """The latest is."""
    turn_back: TurnBack
    no_return_m: float | None
    """On a loop, from here on going on is quicker than going back; None on other lines."""


class Fit(LineFit, frozen=True, kw_only=True):
    """A route in the time there is for it."""

    stretches: list[StretchTimes]
    nearest: list[NearestFacility]


def fit_route(
    line: Fixes, stretches: Sequence[Stretch], features: Sequence[Feature], pace: Pace, available_s: float
) -> Fit:
    """Return how a route fits; `stretches` cover the whole line."""
    table, loop = timetable(line, pace), is_loop(line)
    ends = np.array([each.to_m for each in stretches])
    starts = np.array([each.from_m for each in stretches])
    entered, left = (arrivals(table, pace, each) for each in (starts, ends))
    return Fit(
        **msgspec.structs.asdict(_fit_timetable(table, pace, available_s, loop=loop)),
        stretches=[StretchTimes(*each) for each in zip(stretches, entered, left, strict=True)],
        nearest=list(_nearest_facilities(sampled_line(line), table, features, pace, loop=loop)),
    )


def fit_line(line: Fixes, pace: Pace, available_s: float) -> LineFit:
    """Return how a line fits, without what is known along it."""
    return _fit_timetable(timetable(line, pace), pace, available_s, loop=is_loop(line))


def _fit_timetable(table: Timetable, pace: Pace, available_s: float, *, loop: bool) -> LineFit:
    [arrival] = arrivals(table, pace, table.along_m[-1:])
    return LineFit(
        pace=pace,
        available_s=available_s,
        arrival=arrival,
        fits=arrival.expected_s <= available_s,
        surely_fits=arrival.latest_s <= available_s,
        turn_back=turn_back_on(table, available_s, pace, loop=loop),
        no_return_m=_no_return_m(table) if loop else None,
    )


def arrivals(table: Timetable, pace: Pace, along_m: Floats) -> list[Arrival]:
    """Return when places along the line are reached."""
    walked_s = np.interp(along_m, table.along_m, table.out_s)
    share = walked_s / table.out_s[-1] if table.out_s[-1] > 0 else np.zeros_like(walked_s)
    columns = (
        walked_s * (1 - PACE_SHARE),
        walked_s + pace.rests_s * share,
        walked_s * (1 + PACE_SHARE) + np.where(walked_s > 0, pace.rests_s, 0.0),
    )
    return [Arrival(*each) for each in np.stack(columns, axis=1).tolist()]


def _no_return_m(table: Timetable) -> float:
    """Return where the way on takes as long as the way back."""
    ahead_s = table.out_s[-1] - table.out_s
    return float(np.interp(0.0, table.back_s - ahead_s, table.along_m))


def _nearest_facilities(
    sampled: SampledLine, table: Timetable, features: Sequence[Feature], pace: Pace, *, loop: bool
) -> Iterator[NearestFacility]:
    for facility in Facility:
        passes = passes_of(sampled, [each for each in features if _is(each, facility)])
        if facility is Facility.EXIT:
            passes = Passes(
                [*passes.feature, None, None],
                np.append(passes.along_m, [0.0, table.along_m[-1]]),
                np.append(passes.offset_m, [0.0, 0.0]),
            )
        if passes.feature:
            yield from _nearest_passes(facility, table, passes, pace, loop=loop)


def _is(feature: Feature, facility: Facility) -> bool:
    if facility is Facility.THUNDER_REFUGE:
        return feature.thunder_refuge is ThunderRefuge.YES
    return feature.kind in KINDS_OF[facility]


def _nearest_passes(
    facility: Facility, table: Timetable, passes: Passes, pace: Pace, *, loop: bool
) -> Iterator[NearestFacility]:
    """Yield the parts of the line from which one and the same pass is the nearest to walk to."""
    order = np.argsort(passes.along_m, kind="stable")
    along_m, off_s = passes.along_m[order], passes.offset_m[order] / pace.flat_mps
    length_m, round_s, back_round_s = table.along_m[-1], table.out_s[-1], table.back_s[-1]
    ahead_s = np.interp(along_m, table.along_m, table.out_s) + off_s
    behind_s = off_s - np.interp(along_m, table.along_m, table.back_s)
    if loop:
        order = np.concatenate((order, order, order))
        along_m = np.concatenate((along_m - length_m, along_m, along_m + length_m))
        ahead_s = np.concatenate((ahead_s - round_s, ahead_s, ahead_s + round_s))
        behind_s = np.concatenate((behind_s + back_round_s, behind_s, behind_s - back_round_s))
    nodes = np.unique(np.concatenate((table.along_m, along_m[(along_m >= 0) & (along_m <= length_m)])))
    for from_m, to_m, chosen, costs_s in _parts(nodes, along_m, ahead_s, behind_s, table):
        number = int(order[chosen])
        yield NearestFacility(
            facility=facility,
            from_m=from_m,
            to_m=to_m,
            along_m=float(passes.along_m[number]),
            offset_m=float(passes.offset_m[number]),
            walk_from_s=max(costs_s[0], 0.0),
            walk_to_s=max(costs_s[1], 0.0),
            feature=passes.feature[number],
        )


def _parts(
    nodes: Floats, along_m: Floats, ahead_s: Floats, behind_s: Floats, table: Timetable
) -> Iterator[tuple[float, float, int, tuple[float, float]]]:
    """Yield parts of the line with the pass that is nearest there, and the walking times at both ends.

    A part ends at its pass: on the way to it the times fall, and past it they rise.

    Between two nodes one pass ahead and one behind can be the nearest; times to both are linear there.
    """
    count = len(along_m)
    first = np.searchsorted(along_m, nodes[1:], side="left")
    last = np.searchsorted(along_m, nodes[:-1], side="right") - 1
    onward = count - 1 - _running_least(ahead_s[::-1])[::-1]
    back = _running_least(behind_s)
    ahead, behind = onward[np.minimum(first, count - 1)], back[np.maximum(last, 0)]
    out_s = np.interp(nodes, table.along_m, table.out_s)
    back_s = np.interp(nodes, table.along_m, table.back_s)
    pairs = np.stack((nodes[:-1], nodes[1:]), axis=1)
    on_s = ahead_s[ahead][:, None] - np.stack((out_s[:-1], out_s[1:]), axis=1)
    off_s = behind_s[behind][:, None] + np.stack((back_s[:-1], back_s[1:]), axis=1)
    on_s[first >= count], off_s[last < 0] = np.inf, np.inf
    pieces = _pieces(pairs.tolist(), on_s.tolist(), off_s.tolist(), ahead.tolist(), behind.tolist())
    for _, group in groupby(pieces, key=lambda each: (each.chosen, each.from_m < along_m[each.chosen])):
        same = list(group)
        if same[-1].to_m - same[0].from_m >= ROUNDING_M:
            yield same[0].from_m, same[-1].to_m, same[0].chosen, (same[0].from_s, same[-1].to_s)


class _Piece(NamedTuple):
    """A part of the line from which one pass is the nearest, and the walking times at both ends."""

    from_m: float
    to_m: float
    chosen: int
    from_s: float
    to_s: float


def _pieces(
    pairs: list[list[float]],
    on_s: list[list[float]],
    off_s: list[list[float]],
    ahead: list[int],
    behind: list[int],
) -> Iterator[_Piece]:
    """Yield one piece between two nodes, or two where it is first nearer to go back and then to go on."""
    for (from_m, to_m), on, off, one, other in zip(pairs, on_s, off_s, ahead, behind, strict=True):
        gains = (on[0] - off[0], on[1] - off[1])
        if gains[0] <= 0:
            yield _Piece(from_m, to_m, one, on[0], on[1])
        elif gains[1] >= 0:
            yield _Piece(from_m, to_m, other, off[0], off[1])
        else:
            share = gains[0] / (gains[0] - gains[1])
            cross_m, cross_s = from_m + share * (to_m - from_m), off[0] + share * (off[1] - off[0])
            yield _Piece(from_m, cross_m, other, off[0], cross_s)
            yield _Piece(cross_m, to_m, one, cross_s, on[1])


def _running_least(values: Floats) -> Indices:
    """Return for each place the index of the least value up to it."""
    least = np.minimum.accumulate(values)
    return np.maximum.accumulate(np.where(values == least, np.arange(len(values)), 0))
