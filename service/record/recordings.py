"""Recordings: what a device recorded, and the parts of it that are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt

from service.geo.fixes import NO_TIME, Fixes, Indices

NO_FIXES: Final = Fixes(
    lon=np.empty(0),
    lat=np.empty(0),
    ele_m=np.empty(0),
    time_ms=np.empty(0, np.int64),
    starts=np.empty(0, np.int64),
)


NOWHERE: Final = np.empty(0, np.int64)


class SkippedPart(msgspec.Struct, frozen=True):
    """A part of an uploaded file that could not be used. `line` and `column` count from 1.

    `recording_id` says of which file, where a session has several.
    """

    line: int
    column: int
    what: str
    reason: str
    recording_id: UUID | None = None


class DestroyedPart(msgspec.Struct, frozen=True):
    """What was cut off a recording for good.

    Fixes before `from_ms` and after `to_ms`, by the recorder's clock; None where there were none.
    """

    before: int = 0
    after: int = 0
    from_ms: int | None = None
    to_ms: int | None = None

    @property
    def count(self) -> int:
        """Return how many fixes were destroyed."""
        return self.before + self.after


NOTHING_DESTROYED: Final = DestroyedPart()


class Recording(msgspec.Struct, frozen=True, eq=False):
    """What was read from a file: its fixes, where each of them stands in it, and what could not be used.

    The times of the fixes are the recorder's own; `shift_ms` is added to them where they are used. Lines and
    columns count from 1, one for each fix.
    """

    fixes: Fixes
    lines: Indices
    columns: Indices
    skipped: tuple[SkippedPart, ...] = ()
    skipped_count: int = 0
    shift_ms: int = 0
    destroyed: DestroyedPart = NOTHING_DESTROYED
    times_read_as: str | None = None
    """The zone in which times without one were read; None where they name theirs."""
    offered_shift_ms: int | None = None
    """A shift that would fit much more of it to the session; None where it fits well enough."""
    names_no_zone: bool = False
    """Whether none of the times in the file says its zone. Not kept."""
    joined: tuple[tuple[int, UUID | None], ...] = ()
    """Where the fixes of each recording end that was joined, and its id where there are several."""

    def part(self, index: int, what: str, reason: str) -> SkippedPart:
        """Return a fix as a part of its file that was left out."""
        source = next((each for end, each in self.joined if index < end), None)
        return SkippedPart(int(self.lines[index]), int(self.columns[index]), what, reason, source)


class KeptRecording(msgspec.Struct, frozen=True, eq=False):
    """A recording of a session; `recording` is None where what is stored does not open."""

    id: UUID
    fingerprint: bytes
    """A keyed hash of the file."""
    received_at: datetime
    recording: Recording | None


def join_readable(kept: Sequence[KeptRecording]) -> Recording:
    """Return recordings as one, by the session's clock, in the order of their first times.

    Those that do not open are left out. Where there are several, what was skipped names its recording.
    """
    opened = [(each.id, each.recording) for each in kept if each.recording is not None]
    if not opened:
        return Recording(NO_FIXES, NOWHERE, NOWHERE)
    opened.sort(key=lambda each: _first_ms(shifted(each[1].fixes, each[1].shift_ms)))
    recordings = [recording for _, recording in opened]
    ids = [recording_id if len(opened) > 1 else None for recording_id, _ in opened]
    sizes = [len(each.fixes) for each in recordings]
    return Recording(
        fixes=join_fixes([shifted(each.fixes, each.shift_ms) for each in recordings]),
        lines=np.concatenate([each.lines for each in recordings]),
        columns=np.concatenate([each.columns for each in recordings]),
        skipped=tuple(
            msgspec.structs.replace(part, recording_id=own)
            for own, each in zip(ids, recordings, strict=True)
            for part in each.skipped
        ),
        skipped_count=sum(each.skipped_count for each in recordings),
        destroyed=DestroyedPart(
            before=sum(each.destroyed.before for each in recordings),
            after=sum(each.destroyed.after for each in recordings),
        ),
        joined=tuple(zip(np.cumsum(sizes).tolist(), ids, strict=True)),
    )


def _first_ms(fixes: Fixes) -> int:
    return int(fixes.time_ms[fixes.timed].min()) if fixes.timed.any() else NO_TIME


def shifted(fixes: Fixes, shift_ms: int) -> Fixes:
    """Return the fixes with `shift_ms` added to every time."""
    times = np.where(fixes.timed, fixes.time_ms + shift_ms, NO_TIME)
    return msgspec.structs.replace(fixes, time_ms=times)


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
