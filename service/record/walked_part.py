"""The part of a recording that was walked in its session, and what is left out of it, by reason."""

import enum
from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from service.foundation.errors import DomainError
from service.foundation.retry_safe import Impossible
from service.geo.fixes import Fixes, Indices
from service.record.cuts import Window, fixes_within
from service.record.edits import NO_EDITS, Edits, apply_edits
from service.record.plausibility import find_plausible
from service.record.recorded_times import check_times
from service.record.recordings import Recording, keep, shifted, within
from service.record.repeats import find_repeats


class SessionNotHeld(DomainError):
    """A recording came before the start of its session was reported: nothing says what of it to keep."""

    def __init__(self, first: datetime | None, last: datetime | None) -> None:
        super().__init__(
            "it is not known when this session started: report its start and its end, then send this again"
        )
        self.first = first
        """The first instant in the file, by its clock as shifted; None where the file has no times."""
        self.last = last


def refuse_before_start(recording: Recording, window: Window) -> None:
    """Raise SessionNotHeld where the start is not known: the file may hold a drive, or somebody's home."""
    if window.start_ms is not None:
        return
    times_ms = recording.fixes.time_ms[recording.fixes.timed]
    if not times_ms.size:
        raise SessionNotHeld(None, None)
    span_ms = (int(each) + recording.shift_ms for each in (times_ms.min(), times_ms.max()))
    raise SessionNotHeld(*(datetime.fromtimestamp(each / 1_000, UTC) for each in span_ms))


class OmissionReason(enum.StrEnum):
    """Why a fix that lies within the session is not part of the track."""

    REPEATED = "repeated"
    IMPLAUSIBLE = "implausible"
    EDITED = "edited"


class WalkedPart(msgspec.Struct, frozen=True, eq=False):
    """A line that was walked; `origin` and `left_out` hold indices of the recording's fixes."""

    fixes: Fixes
    origin: Indices
    left_out: dict[OmissionReason, Indices]
    dropped: int
    """Fixes outside the session's times."""
    out_of_order: int
    moved_segments: int

    def count(self, why: OmissionReason) -> int:
        """Return how many fixes are left out for a reason."""
        return self.left_out[why].size


def find_walked(recording: Recording, window: Window, edits: Edits = NO_EDITS) -> WalkedPart:
    """Return the part of a recording that was walked within the session's times.

    Raises Impossible if there is none or the edits leave none, NothingPlausible if no walk can have passed
    it.
    """
    if not len(recording.fixes):
        raise nothing_inside()
    checked = check_times(recording.fixes)
    repeats = find_repeats(checked.fixes, recording.fixes.time_ms[checked.origin])
    inside = within(checked.fixes, window.start_ms, window.end_ms)
    once = inside & ~repeats.repeated
    if not once.any():
        raise nothing_inside()
    held = check_times(keep(checked.fixes, once, repeats.breaks))  # what is left of two recorders in order
    places = np.flatnonzero(once)[held.origin]
    line = _linked(held.fixes, checked.fixes, places)
    origin = checked.origin[places]
    reached = find_plausible(line)
    edited = apply_edits(keep(line, reached.kept, reached.breaks), origin[reached.kept], edits)
    return WalkedPart(
        fixes=edited.fixes,
        origin=origin[reached.kept][edited.kept],
        left_out={
            OmissionReason.REPEATED: np.sort(checked.origin[repeats.repeated & inside]),
            OmissionReason.IMPLAUSIBLE: np.sort(origin[~reached.kept]),
            OmissionReason.EDITED: np.sort(origin[reached.kept][~edited.kept]),
        },
        dropped=int(np.count_nonzero(~inside)),
        out_of_order=checked.out_of_order,
        moved_segments=checked.moved_segments,
    )


def _linked(line: Fixes, recorded: Fixes, places: Indices) -> Fixes:
    """Return a line without the gaps where one segment goes on as another does that repeats a part of it.

    `places` has the index of each fix of the line among those that were recorded. Where a recorder went from
    the fix before a gap straight to the one after it, or from its equal to the one after, it is no gap.
    """
    afters = line.starts[1:]
    befores = afters - 1
    first_of_segment = np.zeros(len(recorded) + 1, dtype=np.bool_)
    first_of_segment[recorded.starts] = True
    first_of_segment[-1] = True
    next_ones = places[befores] + 1
    earlier_ones = np.maximum(places[afters] - 1, 0)
    goes_on, came_on = ~first_of_segment[next_ones], ~first_of_segment[places[afters]]
    linked = goes_on & _same(recorded, np.minimum(next_ones, len(recorded) - 1), line, afters)
    linked |= came_on & _same(recorded, earlier_ones, line, befores)
    return replace(line, starts=np.concatenate((line.starts[:1], afters[~linked])))


def _same(one: Fixes, at: Indices, other: Fixes, other_at: Indices) -> npt.NDArray[np.bool_]:
    """Return which fixes of one line say the same as those of another."""
    same = one.time_ms[at] == other.time_ms[other_at]
    return np.asarray(same & (one.lon[at] == other.lon[other_at]) & (one.lat[at] == other.lat[other_at]))


def lies_within(recording: Recording, window: Window) -> bool:
    """Return whether something of one recording lies within the session's times, as far as known."""
    by_session = replace(recording, fixes=shifted(recording.fixes, recording.shift_ms))
    return len(fixes_within(by_session, window)) > 0


NOTHING_INSIDE: Final = (
    "nothing of this track lies within the session's actual times",
    "correct when the session started and ended, then send the track again",
)


def nothing_inside() -> Impossible:
    """Return the refusal of what was recorded before or after its session."""
    return Impossible(*NOTHING_INSIDE)
