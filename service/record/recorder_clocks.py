"""Recorders whose clock was wrong, or that named no zone: the shift that fits a recording to its session.

A fit is counted in fixes, never taken from the first and last time of a file: one impossible time among right
ones would stretch that span over years.
"""

import enum
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from msgspec.structs import replace

from service.foundation.retry_safe import Impossible
from service.geo.fixes import Instants
from service.record.clock_shift import MOST_SHIFT_S, UNCHECKED_S
from service.record.cuts import Window, milliseconds
from service.record.recordings import Recording, shifted

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
GPS_WEEKS_MS: Final = 1_024 * 7 * DAY_MS
"""GPS counts weeks in ten bits: a receiver that missed a rollover is 19.6 years off (IS-GPS-200)."""
FARTHEST_ZONE_H: Final = 14
FITS: Final = 0.8
"""A shift is offered where this share of the fixes that could lie in the session does."""
FITS_BADLY: Final = 0.6
FITS_WELL: Final = 0.95
"""For a recording of which a part fits: less than FITS_BADLY does, and with the shift FITS_WELL would."""


class ShiftReason(enum.StrEnum):
    """What was wrong with a recorder's clock."""

    ZONE = "zone"
    DATE = "date"
    GPS_WEEK_ROLLOVER = "gps_week_rollover"
    CLOCK = "clock"


class OfferedShift(msgspec.Struct, frozen=True):
    """A shift that would fit a recording to its session, and what it would correct."""

    shift_ms: int
    reason: ShiftReason


class WrongClock(Impossible):
    """Nothing of a recording lies within its session by its own clock; `offered` is a shift that fits."""

    def __init__(self, detail: str, *possible: str, offered: OfferedShift | None) -> None:
        if offered is not None:
            possible = (
                *possible,
                f"send it again with shift_s={offered.shift_ms // 1_000} if the recorder's clock was wrong",
            )
        super().__init__(detail, *possible)
        self.offered = offered


class SessionClock(msgspec.Struct, frozen=True):
    """When a session was, as far as is known, and in which zone a recorder may have written its times."""

    zone: str
    window: Window
    planned_start: datetime
    planned_end: datetime

    @property
    def start_ms(self) -> int:
        """Return the actual start, the planned one until it is known."""
        return milliseconds(self.planned_start) if self.window.start_ms is None else self.window.start_ms

    @property
    def end_ms(self) -> int:
        """Return the actual end; until it is known the session lasts as long as planned."""
        if self.window.end_ms is not None:
            return self.window.end_ms
        return self.start_ms + (self.planned_end - self.planned_start) // timedelta(milliseconds=1)

    @property
    def offset_ms(self) -> int:
        """Return how far the zone is ahead of UTC at the start of the session."""
        start = datetime.fromtimestamp(self.start_ms / 1_000, UTC)
        offset = start.astimezone(ZoneInfo(self.zone)).utcoffset() or timedelta()
        return offset // timedelta(milliseconds=1)


def read_local_times(recording: Recording, clock: SessionClock, shift_ms: int) -> Recording:
    """Return a recording whose times name no zone, read in UTC or in the practice's zone.

    The reading is taken that puts more fixes into the session; UTC where both put as many, as GPX wants it.
    `shift_ms` is the shift that was sent with it.
    """
    if not recording.names_no_zone:
        return recording
    offset_ms = clock.offset_ms
    as_utc, as_local = (_Fit.of(recording, clock).count(shift_ms + each) for each in (0, -offset_ms))
    if as_local <= as_utc:
        return replace(recording, times_read_as="UTC")
    return replace(recording, fixes=shifted(recording.fixes, -offset_ms), times_read_as=clock.zone)


def offer_shift(recording: Recording, clock: SessionClock) -> OfferedShift | None:
    """Return the shift that would fit to its session a recording of which nothing lies there.

    Tried in turn: the practice's zone and summer time, the rollover of GPS weeks, other zones, another date,
    and last any wrong clock. None where no shift that large is taken.
    """
    fit, most_ms = _Fit.of(recording, clock), (MOST_SHIFT_S if clock.window.is_known else UNCHECKED_S) * 1_000
    for reason, shifts in _kinds_of_shift(fit, clock):
        taken = [each for each in shifts if abs(each) <= most_ms]
        best = max(taken, key=lambda each: (fit.share(each), -abs(each)), default=0)
        if best and fit.share(best) >= FITS:
            return OfferedShift(best, reason)
    return None


def offer_better_shift(recording: Recording, clock: SessionClock) -> int | None:
    """Return the shift by an hour or by the practice's zone that fits much more of a recording, in ms.

    Devices that write local time as UTC leave a part of the walk in the session; cutting would destroy the
    rest.
    """
    fit = _Fit.of(recording, clock)
    if not fit.most or fit.share(recording.shift_ms) >= FITS_BADLY:
        return None
    shifts = [recording.shift_ms + each for each in _near_shifts(clock)]
    best = max(shifts, key=lambda each: (fit.share(each), -abs(each)))
    return best if fit.share(best) >= FITS_WELL else None


def _kinds_of_shift(fit: "_Fit", clock: SessionClock) -> Iterator[tuple[ShiftReason, list[int]]]:
    yield ShiftReason.ZONE, _near_shifts(clock)
    yield ShiftReason.GPS_WEEK_ROLLOVER, [weeks * GPS_WEEKS_MS for weeks in (-2, -1, 1, 2)]
    hours = range(-FARTHEST_ZONE_H, FARTHEST_ZONE_H + 1)
    yield ShiftReason.ZONE, [each * HOUR_MS for each in hours]
    yield ShiftReason.ZONE, [each * HOUR_MS + HOUR_MS // 2 for each in hours]
    aligned_ms = fit.aligning_ms()
    days = round(aligned_ms / DAY_MS)
    yield ShiftReason.DATE, [each * DAY_MS for each in (days - 1, days, days + 1)]
    yield ShiftReason.CLOCK, [round(aligned_ms / 1_000) * 1_000]


def _near_shifts(clock: SessionClock) -> list[int]:
    return [-clock.offset_ms, clock.offset_ms, -HOUR_MS, HOUR_MS]


class _Fit(msgspec.Struct, frozen=True, eq=False):
    """How many fixes of a recording lie within its session by one shift and by another."""

    times_ms: Instants
    """In order of time, by the recorder's own clock."""
    start_ms: int
    end_ms: int
    counts: Instants
    """How many fixes lie in the session if it began with each of them."""

    @classmethod
    def of(cls, recording: Recording, clock: SessionClock) -> "_Fit":
        times_ms = np.sort(recording.fixes.time_ms[recording.fixes.timed])
        ends = np.searchsorted(times_ms, times_ms + (clock.end_ms - clock.start_ms), side="right")
        return cls(times_ms, clock.start_ms, clock.end_ms, ends - np.arange(times_ms.size))

    @property
    def most(self) -> int:
        """Return how many fixes the session can hold at most, by any shift."""
        return int(self.counts.max()) if self.counts.size else 0

    def count(self, shift_ms: int) -> int:
        """Return how many fixes lie within the session by this shift."""
        ends = (self.start_ms - shift_ms, self.end_ms - shift_ms + 1)
        first, after = np.searchsorted(self.times_ms, ends)
        return int(after - first)

    def share(self, shift_ms: int) -> float:
        """Return the share of the most fixes that lie within the session by this shift."""
        return self.count(shift_ms) / self.most if self.most else 0.0

    def aligning_ms(self) -> int:
        """Return the shift by which the session begins with the fix that brings most others into it."""
        return self.start_ms - int(self.times_ms[int(np.argmax(self.counts))]) if self.counts.size else 0
