"""Recordings: cut to the session, in the segments they were in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.geo.fixes import Fixes
from service.record.recorded_times import check_times
from service.record.recordings import keep, within
from tests.made_up_walks import any_fixes, fixes_at


def numbered(times: list[int | None], starts: tuple[int, ...] = (0,)) -> Fixes:
    """Return fixes told apart by their longitude: the first at 0, the next at 1, and so on."""
    return fixes_at([(float(number), 0.0) for number in range(len(times))], time_ms=times, starts=starts)


def cut_to(fixes: Fixes, start_ms: int | None, end_ms: int | None) -> tuple[Fixes, int]:
    inside = within(fixes, start_ms, end_ms)
    return keep(fixes, inside), int(np.count_nonzero(~inside))


def numbers(fixes: Fixes) -> list[list[int]]:
    return [part.astype(int).tolist() for part in np.split(fixes.lon, fixes.starts[1:])]


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "kept"),
    [
        (None, None, [[0, 1, 2], [3, 4]]),
        (10, 30, [[1, 2], [3]]),
        (11, 29, [[2]]),
        (None, 10, [[0, 1]]),
        (30, None, [[3, 4]]),
        (31, 39, []),
        (50, 10, []),
    ],
)
def test_a_recording_is_cut_to_the_session(
    start_ms: int | None, end_ms: int | None, kept: list[list[int]]
) -> None:
    fixes, dropped = cut_to(numbered([0, 10, 20, 30, 40], starts=(0, 3)), start_ms, end_ms)
    assert (numbers(fixes) if len(fixes) else []) == kept
    assert dropped == 5 - len(fixes)
    assert len(fixes.starts) == len(kept)


def test_a_fix_without_a_time_stays_only_between_fixes_that_stay() -> None:
    fixes, dropped = cut_to(numbered([None, 10, None, 20, None, 30, None]), 10, 20)
    assert numbers(fixes) == [[0, 1, 2, 3]]
    assert dropped == 3


def test_a_recording_without_times_stays_whole() -> None:
    fixes, dropped = cut_to(numbered([None, None]), 10, 20)
    assert (numbers(fixes), dropped) == ([[0, 1]], 0)


@given(
    any_fixes(),
    st.integers(631_152_000_000, 4_102_444_800_000) | st.none(),
    st.integers(0, 10**12) | st.none(),
)
def test_nothing_outside_the_session_is_kept(
    fixes: Fixes, start_ms: int | None, lasts_ms: int | None
) -> None:
    end_ms = None if start_ms is None or lasts_ms is None else start_ms + lasts_ms
    ordered = check_times(fixes).fixes
    kept, dropped = cut_to(ordered, start_ms, end_ms)
    times = kept.time_ms[kept.timed]
    assert len(kept) + dropped == len(fixes)
    assert np.all(times >= (start_ms or 0))
    assert np.all(times <= (end_ms or times))
    inside = ordered.timed & (ordered.time_ms >= (start_ms or 0))
    assert len(times) == np.count_nonzero(inside & (ordered.time_ms <= (end_ms or ordered.time_ms)))
    assert not len(kept) or kept.starts[0] == 0
    assert np.all(np.diff(np.append(kept.starts, len(kept))) > 0)
