"""What of a recording lies within a session's times: cut for good once both are known."""

from datetime import datetime

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from service.geo.fixes import NO_TIME, Fixes
from service.record.recorded_times import check_times
from service.record.recordings import DestroyedPart, Recording, keep, within


class Window(msgspec.Struct, frozen=True):
    """A session's actual times, in milliseconds since 1970 UTC; None if not reported yet."""

    start_ms: int | None
    end_ms: int | None

    @classmethod
    def between(cls, start: datetime | None, end: datetime | None) -> "Window":
        """Return the window from one instant to another."""
        start_ms, end_ms = (None if each is None else milliseconds(each) for each in (start, end))
        return cls(start_ms, end_ms)

    @property
    def is_known(self) -> bool:
        """Return whether both times were reported."""
        return self.start_ms is not None and self.end_ms is not None

    def shifted(self, by_ms: int) -> "Window":
        """Return the window by a clock that is `by_ms` ahead."""
        start, end = (None if each is None else each + by_ms for each in (self.start_ms, self.end_ms))
        return Window(start, end)


def milliseconds(instant: datetime) -> int:
    """Return an instant in milliseconds since 1970 UTC."""
    return round(instant.timestamp() * 1_000)


def cut_for_good(recording: Recording, window: Window) -> Recording:
    """Return only what was recorded within the session's times; the whole while one of them is not known.

    A time that contradicts the order of the file may name any instant. Where it lies outside the window the
    fix stays and loses its time.
    """
    if not window.is_known:
        return recording
    own = window.shifted(-recording.shift_ms)
    checked = check_times(recording.fixes)
    inside = within(checked.fixes, own.start_ms, own.end_ms)
    if inside.all() and not _outside(recording.fixes, own).any():
        return recording
    kept = np.zeros(len(inside), dtype=np.bool_)
    kept[checked.origin[inside]] = True
    return replace(
        recording,
        fixes=_without_times_outside(keep(recording.fixes, kept), own),
        lines=recording.lines[kept],
        columns=recording.columns[kept],
        destroyed=_destroyed(recording.destroyed, checked.fixes, inside, own),
    )


def fixes_within(recording: Recording, window: Window) -> Fixes:
    """Return the fixes of a recording within the session's times, as far as these are known."""
    checked = check_times(recording.fixes)
    inside = within(checked.fixes, window.start_ms, window.end_ms)
    kept = np.zeros(len(inside), dtype=np.bool_)
    kept[checked.origin[inside]] = True
    return _without_times_outside(keep(recording.fixes, kept), window)


def is_cut_too_far(recording: Recording, window: Window) -> bool:
    """Return whether fixes were destroyed that may lie within the times the session has now."""
    own, gone = window.shifted(-recording.shift_ms), recording.destroyed
    before = gone.from_ms is not None and (own.start_ms is None or own.start_ms < gone.from_ms)
    after = gone.to_ms is not None and (own.end_ms is None or own.end_ms > gone.to_ms)
    return before or after


def _destroyed(
    earlier: DestroyedPart, fixes: Fixes, inside: npt.NDArray[np.bool_], own: Window
) -> DestroyedPart:
    """Return what is destroyed by now; the fixes have checked times."""
    timed = np.flatnonzero(fixes.timed)
    if inside.all() or not timed.size or own.start_ms is None or own.end_ms is None:
        return earlier
    outside = np.flatnonzero(~inside)
    latest = timed[np.maximum(np.searchsorted(timed, outside, side="right") - 1, 0)]
    before = int(np.count_nonzero(fixes.time_ms[latest] < own.start_ms))
    after = outside.size - before
    return DestroyedPart(
        before=earlier.before + before,
        after=earlier.after + after,
        from_ms=max(earlier.from_ms or own.start_ms, own.start_ms) if before else earlier.from_ms,
        to_ms=min(earlier.to_ms or own.end_ms, own.end_ms) if after else earlier.to_ms,
    )


def _without_times_outside(fixes: Fixes, own: Window) -> Fixes:
    return replace(fixes, time_ms=np.where(_outside(fixes, own), NO_TIME, fixes.time_ms))


def _outside(fixes: Fixes, own: Window) -> npt.NDArray[np.bool_]:
    """Return the fixes whose times lie outside the window."""
    early = np.zeros(len(fixes), dtype=np.bool_) if own.start_ms is None else fixes.time_ms < own.start_ms
    late = early if own.end_ms is None else fixes.time_ms > own.end_ms
    return fixes.timed & (early | late)
