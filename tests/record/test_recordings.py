"""Recordings: put in the order of their times, and cut to the session."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.geo.fixes import NO_TIME, Fixes
from service.record.recordings import cut_to, put_in_order
from tests.made_up_walks import any_fixes, fixes_at
from tests.recordings import recorded_tracks


def numbered(times: list[int | None], starts: tuple[int, ...] = (0,)) -> Fixes:
    """Return fixes told apart by their longitude: the first at 0, the next at 1, and so on."""
    return fixes_at([(float(number), 0.0) for number in range(len(times))], time_ms=times, starts=starts)


def numbers(fixes: Fixes) -> list[list[int]]:
    return [part.astype(int).tolist() for part in np.split(fixes.lon, fixes.starts[1:])]


def test_a_recording_in_order_is_left_alone() -> None:
    fixes = numbered([0, 10, None, 20])
    assert put_in_order(fixes).fixes is fixes
    assert (put_in_order(fixes).duplicates, put_in_order(fixes).out_of_order) == (0, 0)


def test_fixes_out_of_order_are_put_in_order_and_counted() -> None:
    ordered = put_in_order(numbered([0, 30, 10, 20, 20, 40]))
    assert numbers(ordered.fixes) == [[0, 2, 3, 4, 1, 5]]
    assert (ordered.duplicates, ordered.out_of_order) == (1, 1)


def test_a_recording_written_backwards_is_turned_round() -> None:
    assert numbers(put_in_order(numbered([40, 30, 20, 10], starts=(0, 2))).fixes) == [[3, 2], [1, 0]]


def test_segments_are_put_in_order_whole() -> None:
    ordered = put_in_order(numbered([100, 110, 120, 0, 10, 20], starts=(0, 3)))
    assert numbers(ordered.fixes) == [[3, 4, 5], [0, 1, 2]]


def test_a_fix_without_a_time_stays_with_the_one_before_it() -> None:
    assert numbers(put_in_order(numbered([None, 30, None, 10, None, 20])).fixes) == [[3, 4, 5, 0, 1, 2]]


def test_a_segment_without_times_stays_behind_the_one_before_it() -> None:
    ordered = put_in_order(numbered([None, 100, 110, None, None, 0, 10], starts=(0, 1, 3, 5)))
    assert numbers(ordered.fixes) == [[0], [5, 6], [1, 2], [3, 4]]


@given(any_fixes())
def test_ordering_loses_nothing_and_a_second_time_changes_nothing(fixes: Fixes) -> None:
    ordered = put_in_order(fixes).fixes
    rows = [Counter(zip(each.lon, each.lat, each.time_ms, strict=True)) for each in (fixes, ordered)]
    assert rows[0] == rows[1]
    assert len(ordered.starts) == len(fixes.starts)
    for part in np.split(ordered.time_ms, ordered.starts[1:]):
        timed = part[part != NO_TIME]
        assert np.all(timed[1:] >= timed[:-1])
    assert put_in_order(ordered).fixes.time_ms.tolist() == ordered.time_ms.tolist()


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
    fixes = numbered([None, None])
    assert cut_to(fixes, 10, 20) == (fixes, 0)


@given(
    any_fixes(),
    st.integers(631_152_000_000, 4_102_444_800_000) | st.none(),
    st.integers(0, 10**12) | st.none(),
)
def test_nothing_outside_the_session_is_kept(
    fixes: Fixes, start_ms: int | None, lasts_ms: int | None
) -> None:
    end_ms = None if start_ms is None or lasts_ms is None else start_ms + lasts_ms
    ordered = put_in_order(fixes).fixes
    kept, dropped = cut_to(ordered, start_ms, end_ms)
    times = kept.time_ms[kept.timed]
    assert len(kept) + dropped == len(fixes)
    assert np.all(times >= (start_ms or 0))
    assert np.all(times <= (end_ms or times))
    inside = ordered.timed & (ordered.time_ms >= (start_ms or 0))
    assert len(times) == np.count_nonzero(inside & (ordered.time_ms <= (end_ms or ordered.time_ms)))
    assert not len(kept) or kept.starts[0] == 0
    assert np.all(np.diff(np.append(kept.starts, len(kept))) > 0)


def test_what_is_odd_about_the_times_of_real_tracks_is_the_truth() -> None:
    for name, fixes, truth in recorded_tracks():
        ordered = put_in_order(fixes)
        assert ordered.duplicates == truth["duplicate_times"], name
        assert ordered.out_of_order == truth["out_of_order_times"], name
