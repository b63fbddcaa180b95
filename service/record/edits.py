"""What a therapist takes out of a track: its ends, and bad fixes on the way. Nothing is destroyed by it.

Edits are kept in terms that a track cut anew still understands: instants, or where a recording has no times
the number of the fix in it.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from service.foundation.retry_safe import Impossible, Unusable
from service.geo.fixes import Fixes, Indices
from service.geo.geodesy import ground_distances_m
from service.record.recordings import keep

MOST_LEFT_OUT: Final = 200
CLICK_REACH_M: Final = 250.0
"""A place farther from the line than this was not meant."""
PASS_M: Final = 15.0
"""Fixes this much farther from a place than the nearest one belong to a pass of their own there."""
NEAREST_WITHIN_MS: Final = 60_000
"""An instant farther from every fix than this names none."""


class PickedFix(msgspec.Struct, frozen=True):
    """A fix as the phone names it: by its instant, its number, or a place on the line."""

    at_ms: int | None = None
    number: int | None = None
    lon: float | None = None
    lat: float | None = None


class PickedSpan(msgspec.Struct, frozen=True):
    """One fix, or all from the first to the last, both included."""

    first: PickedFix
    last: PickedFix | None = None


class PickedEdits(msgspec.Struct, frozen=True):
    """The edits of a track as the phone sends them."""

    begin: PickedFix | None = None
    end: PickedFix | None = None
    left_out: tuple[PickedSpan, ...] = ()


class EditPoint(msgspec.Struct, frozen=True):
    """An instant in milliseconds since 1970, or without times the number of a fix in its recording."""

    at_ms: int | None = None
    number: int | None = None

    @property
    def value(self) -> int:
        """Return the one of the two that is known."""
        return self.number or 0 if self.at_ms is None else self.at_ms


class Span(msgspec.Struct, frozen=True):
    """Fixes that are left out, from the first to the last, both included."""

    first: EditPoint
    last: EditPoint


class Edits(msgspec.Struct, frozen=True):
    """What is taken out of a track: all before `begin`, all after `end`, and some of what lies between."""

    begin: EditPoint | None = None
    end: EditPoint | None = None
    left_out: tuple[Span, ...] = ()

    def moved(self, first_ms: int, last_ms: int, by_ms: int) -> "Edits":
        """Return the edits after the clock that recorded `first_ms` to `last_ms` was moved."""

        def move(point: EditPoint) -> EditPoint:
            inside = point.at_ms is not None and first_ms <= point.at_ms <= last_ms
            return EditPoint(at_ms=point.value + by_ms) if inside else point

        return Edits(
            begin=self.begin and move(self.begin),
            end=self.end and move(self.end),
            left_out=tuple(Span(move(each.first), move(each.last)) for each in self.left_out),
        )


NO_EDITS: Final = Edits()


class EditedLine(msgspec.Struct, frozen=True, eq=False):
    """A line without what was taken out of it; `kept` marks what stayed."""

    fixes: Fixes
    kept: npt.NDArray[np.bool_]


def apply_edits(fixes: Fixes, numbers: Indices, edits: Edits) -> EditedLine:
    """Return a line without what is taken out. `numbers` has the number of each fix in its recording.

    Where more than one fix is left out the line has a gap. Raises Impossible if fewer than two fixes stay.
    """
    kept = np.ones(len(fixes), dtype=np.bool_)
    breaks = np.zeros(len(fixes), dtype=np.bool_)
    if edits == NO_EDITS:
        return EditedLine(fixes, kept)
    scale = _Scale.of(fixes, numbers)
    kept[: scale.first_from(edits.begin)] = False
    kept[scale.first_after(edits.end) :] = False
    for span in edits.left_out:
        first, after = scale.first_from(span.first), scale.first_after(span.last)
        kept[first:after] = False
        if after - first > 1 and after < len(fixes):
            breaks[after] = True
    if np.count_nonzero(kept) < 2:
        raise Impossible(
            "these edits leave nothing of the track", "take out less, or delete the track if nothing is right"
        )
    return EditedLine(keep(fixes, kept, _on_the_next_kept(breaks, kept)), kept)


def _on_the_next_kept(breaks: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return each break at the next fix that stays."""
    stay = np.flatnonzero(kept)
    places = np.searchsorted(stay, np.flatnonzero(breaks))
    moved = np.zeros(len(kept), dtype=np.bool_)
    moved[stay[places[places < stay.size]]] = True
    return moved


class _Scale(msgspec.Struct, frozen=True, eq=False):
    """What points are found on: the ascending times of the fixes that have one, or the numbers of all."""

    at: Indices
    values: Indices
    count: int

    @classmethod
    def of(cls, fixes: Fixes, numbers: Indices) -> "_Scale":
        timed = np.flatnonzero(fixes.timed)
        if not timed.size:
            return cls(np.arange(len(fixes)), numbers, len(fixes))
        return cls(timed, np.maximum.accumulate(fixes.time_ms[timed]), len(fixes))

    def first_from(self, point: EditPoint | None) -> int:
        """Return the first fix at or after a point; the first of all for None."""
        if point is None:
            return 0
        place = int(np.searchsorted(self.values, point.value))
        return int(self.at[place]) if place < self.at.size else self.count

    def first_after(self, point: EditPoint | None) -> int:
        """Return the fix after the last one at or before a point; the end for None."""
        if point is None:
            return self.count
        place = int(np.searchsorted(self.values, point.value, side="right"))
        return int(self.at[place - 1]) + 1 if place else 0


def resolve_edits(picked: PickedEdits, fixes: Fixes, numbers: Indices) -> Edits:
    """Return edits in lasting terms. `fixes` is the line without edits.

    A place on the line means its nearest fix: for the begin on the first pass there, for the end on the last.
    Raises Unusable, which names the member.
    """
    resolver = _Resolver(fixes, numbers)
    begin = None if picked.begin is None else resolver.limit(picked.begin, "/begin", latest=False)
    end = None if picked.end is None else resolver.limit(picked.end, "/end", latest=True)
    return Edits(begin, end, tuple(_spans(picked, resolver)))


def _spans(picked: PickedEdits, resolver: "_Resolver") -> Iterator[Span]:
    for number, each in enumerate(picked.left_out):
        pointer = f"/left_out/{number}"
        first = resolver.fix(each.first, f"{pointer}/first")
        last = first if each.last is None else resolver.fix(each.last, f"{pointer}/last")
        if last.value < first.value:
            raise Unusable(pointer, "the last of a span must not come before its first")
        yield Span(first, last)


def _refuse_unclear(picked: PickedFix, pointer: str) -> None:
    """Raise Unusable unless a fix is named in exactly one way."""
    place = (picked.lon, picked.lat)
    ways = [picked.at_ms is not None, picked.number is not None, place != (None, None)]
    if sum(ways) != 1 or (place != (None, None) and None in place):
        raise Unusable(pointer, "name a point by its instant, or by its number, or by longitude and latitude")


class _Resolver:
    """Finds the fixes of a line that a phone names."""

    def __init__(self, fixes: Fixes, numbers: Indices) -> None:
        self._is_timed = bool(fixes.timed.any())
        self._at = np.flatnonzero(fixes.timed) if self._is_timed else np.arange(len(fixes))
        self._values = fixes.time_ms[self._at] if self._is_timed else numbers
        self._lon, self._lat = fixes.lon[self._at], fixes.lat[self._at]

    def limit(self, picked: PickedFix, pointer: str, *, latest: bool) -> EditPoint:
        """Return where a track begins or ends; an instant is taken as it is."""
        _refuse_unclear(picked, pointer)
        if picked.lon is not None and picked.lat is not None:
            return self._point(self._nearest(picked.lon, picked.lat, pointer, latest=latest))
        return self._given(picked, pointer)

    def fix(self, picked: PickedFix, pointer: str) -> EditPoint:
        """Return one fix."""
        _refuse_unclear(picked, pointer)
        if picked.lon is not None and picked.lat is not None:
            return self._point(self._nearest(picked.lon, picked.lat, pointer))
        given = self._given(picked, pointer)
        place = int(np.argmin(np.abs(self._values - given.value)))
        away = abs(int(self._values[place]) - given.value)
        if away > (NEAREST_WITHIN_MS if self._is_timed else 0):
            raise Unusable(pointer, "no point of the track is there")
        return self._point(place)

    def _given(self, picked: PickedFix, pointer: str) -> EditPoint:
        if self._is_timed != (picked.at_ms is not None):
            wanted = "an instant" if self._is_timed else "a number, because the track has no times"
            raise Unusable(pointer, f"give {wanted}, or a place on the line")
        return EditPoint(picked.at_ms, picked.number)

    def _point(self, place: int) -> EditPoint:
        value = int(self._values[place])
        return EditPoint(at_ms=value) if self._is_timed else EditPoint(number=value)

    def _nearest(self, lon: float, lat: float, pointer: str, *, latest: bool | None = None) -> int:
        """Return the nearest fix; with `latest`, that of the first or the last pass."""
        count = self._lon.size
        away_m = ground_distances_m(self._lon, self._lat, np.full(count, lon), np.full(count, lat))
        nearest = int(np.argmin(away_m))
        if away_m[nearest] > CLICK_REACH_M:
            raise Unusable(pointer, f"the track does not come within {CLICK_REACH_M:.0f} m of this place")
        if latest is None:
            return nearest
        near = np.flatnonzero(away_m <= away_m[nearest] + PASS_M)
        passes = np.split(near, np.flatnonzero(np.diff(near) > 1) + 1)
        one = passes[-1 if latest else 0]
        return int(one[np.argmin(away_m[one])])
