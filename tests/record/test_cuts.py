"""Cutting for good: what lies outside a session is gone, and what was destroyed is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.geo.fixes import NO_TIME, Fixes
from service.record.cuts import Window, cut_for_good, is_cut_too_far
from service.record.recordings import Recording
from tests.made_up_walks import any_fixes, fixes_at

INSTANTS = st.integers(631_152_000_000, 4_102_444_800_000)


def recorded(fixes: Fixes, shift_ms: int = 0) -> Recording:
    """Return a recording whose fixes stand in lines of their own."""
    lines = np.arange(len(fixes), dtype=np.int64) + 1
    return Recording(fixes, lines, np.ones_like(lines), shift_ms=shift_ms)


def at(*times: int | None) -> Fixes:
    return fixes_at([(0.001 * number, 0.0) for number in range(len(times))], time_ms=times)


def gone(recording: Recording) -> tuple[int, int, int | None, int | None]:
    destroyed = recording.destroyed
    return destroyed.before, destroyed.after, destroyed.from_ms, destroyed.to_ms


@pytest.mark.parametrize("window", [Window(None, None), Window(10, None), Window(None, 30)])
def test_nothing_is_destroyed_while_a_time_is_not_known(window: Window) -> None:
    recording = recorded(at(0, 10, 20, 30, 40))
    assert cut_for_good(recording, window) is recording


def test_what_was_destroyed_before_and_after_is_counted() -> None:
    cut = cut_for_good(recorded(at(0, 10, 20, None, 30, 40, None)), Window(10, 20))
    assert (cut.lines.tolist(), gone(cut)) == ([2, 3], (1, 4, 10, 20))


def test_a_recording_that_lies_inside_is_left_alone() -> None:
    recording = recorded(at(10, None, 20))
    assert cut_for_good(recording, Window(10, 20)) is recording


def test_the_window_is_kept_by_the_clock_of_the_recorder() -> None:
    cut = cut_for_good(recorded(at(0, 10, 20, 30), shift_ms=5), Window(15, 25))
    assert (cut.fixes.time_ms.tolist(), gone(cut)) == ([10, 20], (1, 1, 10, 20))
    assert not is_cut_too_far(cut, Window(15, 25))
    later = Recording(cut.fixes, cut.lines, cut.columns, shift_ms=6, destroyed=cut.destroyed)
    assert is_cut_too_far(later, Window(15, 25))


def test_a_second_cut_adds_to_the_first() -> None:
    cut = cut_for_good(cut_for_good(recorded(at(0, 10, 20, 30, 40)), Window(10, 40)), Window(20, 30))
    assert gone(cut) == (2, 1, 20, 30)
    assert is_cut_too_far(cut, Window(19, 30))
    assert is_cut_too_far(cut, Window(20, 31))
    assert is_cut_too_far(cut, Window(None, 30))
    assert not is_cut_too_far(cut, Window(20, 30))
    assert not is_cut_too_far(cut, Window(25, 26))


def test_only_the_side_on_which_something_was_destroyed_is_asked_for_again() -> None:
    cut = cut_for_good(recorded(at(0, 10, 20)), Window(10, 30))
    assert gone(cut) == (1, 0, 10, None)
    assert not is_cut_too_far(cut, Window(10, 99))


def test_a_recording_without_times_is_never_cut() -> None:
    recording = recorded(at(None, None))
    assert cut_for_good(recording, Window(10, 20)) is recording


def test_a_time_against_the_order_of_the_file_is_taken_from_its_fix() -> None:
    cut = cut_for_good(recorded(at(10, 12, 90, 14, 16)), Window(10, 20))
    assert cut.fixes.time_ms.tolist() == [10, 12, NO_TIME, 14, 16]
    assert gone(cut) == (0, 0, None, None)


@given(any_fixes(min_size=1), INSTANTS, st.integers(0, 10**12), st.integers(-(10**9), 10**9))
def test_after_any_cut_no_time_lies_outside_and_every_fix_is_accounted_for(
    fixes: Fixes, start_ms: int, lasts_ms: int, shift_ms: int
) -> None:
    window = Window(start_ms, start_ms + lasts_ms)
    cut = cut_for_good(recorded(fixes, shift_ms), window)
    times = cut.fixes.time_ms[cut.fixes.timed] + shift_ms
    assert np.all((times >= start_ms) & (times <= start_ms + lasts_ms))
    assert len(cut.fixes) + cut.destroyed.count == len(fixes)
    assert np.array_equal(cut.fixes.lon, fixes.lon[cut.lines - 1])
    assert not is_cut_too_far(cut, window)
    again = cut_for_good(cut, window)
    assert again.destroyed.count - cut.destroyed.count == len(cut.fixes) - len(again.fixes)
