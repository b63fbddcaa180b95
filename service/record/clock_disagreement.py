"""Whether the phone was where the track was at that instant; where not, the clocks may disagree.

A phone's clock is set by its network; a watch's may be minutes off, and then each note lies too far along the
track. One position that disagrees may be a poor one. So a shift is offered only if it reconciles nearly all
positions of the session.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from service.geo.fixes import Fixes, Floats
from service.geo.geodesy import LocalPlane, local_plane
from service.record.positions import Position

ACCURACIES: Final = 2.0
"""Phones give the radius around 68 % of positions (Android, Location.getAccuracy); twice it holds 95 %."""
UNKNOWN_ACCURACY_M: Final = 30.0
TRACK_ACCURACY_M: Final = 15.0
"""A watch under trees."""
RECONCILED: Final = 0.8
"""Of the session's positions: what a shift must bring into agreement. Some are poor whatever the clock."""
FARTHEST_MS: Final = 14 * 3_600_000
MOST_SIGHTINGS: Final = 40
MOST_COMPARISONS: Final = 1_000_000
TRIED_EVERY_S: Final = 1.0


class Path(msgspec.Struct, frozen=True, eq=False):
    """A track with a time at every fix, in milliseconds since 1970; times never go back."""

    lon: Floats
    lat: Floats
    time_ms: Floats


class Sighting(msgspec.Struct, frozen=True):
    """Where the phone was at an instant."""

    at_ms: int
    position: Position


class Disagreement(msgspec.Struct, frozen=True):
    """Metres between each sighting and the track, None where they agree; and the shift that reconciles them.

    `shift_s` is to be added to the recorder's times; None where no shift reconciles nearly all.
    """

    apart_m: tuple[float | None, ...]
    shift_s: float | None = None


def compare_clocks(path: Path, sightings: Sequence[Sighting]) -> Disagreement:
    """Return which sightings disagree with the track by more than the uncertainty of both."""
    if not sightings:
        return Disagreement(())
    compared = _Comparison.of(path, sightings)
    now = np.zeros(1)
    apart_m = compared.apart_m(now)[:, 0]
    apart = ~compared.agree(now)[:, 0] & compared.passes(now)[:, 0]
    told = tuple(
        round(float(far_m), 1) if is_apart else None for far_m, is_apart in zip(apart_m, apart, strict=True)
    )
    return Disagreement(told, compared.thinned().reconciling_s() if apart.any() else None)


class _Comparison(msgspec.Struct, frozen=True, eq=False):
    """A path and sightings on one plane; a matrix has a row for each sighting, a column for each shift."""

    x: Floats
    y: Floats
    time_ms: Floats
    at_ms: Floats
    seen_x: Floats
    seen_y: Floats
    allowed_m: Floats

    @classmethod
    def of(cls, path: Path, sightings: Sequence[Sighting]) -> "_Comparison":
        plane = _plane(path)
        x, y = plane.project(path.lon, path.lat)
        seen_x, seen_y = plane.project(
            np.array([each.position.lon for each in sightings]),
            np.array([each.position.lat for each in sightings]),
        )
        at_ms = np.array([each.at_ms for each in sightings], dtype=np.float64)
        accuracies = [each.position.accuracy_m for each in sightings]
        accuracy_m = np.array([UNKNOWN_ACCURACY_M if each is None else each for each in accuracies])
        after = np.searchsorted(path.time_ms, at_ms).clip(1, path.time_ms.size - 1)
        steps_m = np.hypot(x[after] - x[after - 1], y[after] - y[after - 1])
        allowed_m = ACCURACIES * accuracy_m + TRACK_ACCURACY_M + steps_m / 2
        return cls(x, y, path.time_ms, at_ms, seen_x, seen_y, allowed_m)

    def apart_m(self, shifts_ms: Floats) -> Floats:
        """Return how far each sighting is from the track after each shift."""
        by_recorder_ms = self.at_ms[:, None] - shifts_ms[None, :]
        x, y = (np.interp(by_recorder_ms, self.time_ms, axis) for axis in (self.x, self.y))
        return np.asarray(np.hypot(x - self.seen_x[:, None], y - self.seen_y[:, None]))

    def passes(self, shifts_ms: Floats) -> npt.NDArray[np.bool_]:
        """Return whether the track covers the instant of each sighting after each shift."""
        by_recorder_ms = self.at_ms[:, None] - shifts_ms[None, :]
        return np.asarray((by_recorder_ms >= self.time_ms[0]) & (by_recorder_ms <= self.time_ms[-1]))

    def agree(self, shifts_ms: Floats) -> npt.NDArray[np.bool_]:
        """Return which sightings agree with the track after each shift."""
        near = self.apart_m(shifts_ms) <= self.allowed_m[:, None]
        return np.asarray(near & self.passes(shifts_ms))

    def thinned(self) -> "_Comparison":
        """Return the comparison of at most MOST_SIGHTINGS, evenly chosen."""
        count = self.at_ms.size
        chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_SIGHTINGS)).round().astype(np.int64))
        return msgspec.structs.replace(
            self,
            at_ms=self.at_ms[chosen],
            seen_x=self.seen_x[chosen],
            seen_y=self.seen_y[chosen],
            allowed_m=self.allowed_m[chosen],
        )

    def reconciling_s(self) -> float | None:
        """Return the smallest shift, in whole seconds, that brings most sightings into agreement."""
        shifts_ms = self._shifts_to_try()
        agreeing = np.count_nonzero(self.agree(shifts_ms), axis=0)
        now = np.count_nonzero(self.agree(np.zeros(1)))
        most = int(agreeing.max())
        if most <= now or most < RECONCILED * self.at_ms.size:
            return None
        best = np.flatnonzero(agreeing == most)
        runs = np.split(best, np.flatnonzero(np.diff(best) > 1) + 1)
        nearest = min(runs, key=lambda run: float(np.abs(shifts_ms[run]).min()))
        squares = np.sum(self.apart_m(shifts_ms[nearest]) ** 2, axis=0)
        return float(shifts_ms[nearest[int(np.argmin(squares))]]) / 1_000

    def _shifts_to_try(self) -> Floats:
        """Return shifts in milliseconds by which the track may cover the sightings, in whole seconds."""
        least = max(self.at_ms.min() - self.time_ms[-1], -FARTHEST_MS)
        most = min(self.at_ms.max() - self.time_ms[0], FARTHEST_MS)
        finest_s = (most - least) / 1_000 * self.at_ms.size / MOST_COMPARISONS
        every_ms = 1_000 * max(TRIED_EVERY_S, np.ceil(finest_s))
        return np.arange(np.floor(least / 1_000) * 1_000, most + every_ms, every_ms)


def _plane(path: Path) -> LocalPlane:
    no_heights = np.full(path.lon.size, np.nan)
    return local_plane(
        Fixes(path.lon, path.lat, no_heights, np.zeros(path.lon.size, np.int64), np.zeros(1, np.int64))
    )
