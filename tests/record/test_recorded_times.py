"""Times of a recording: the order of the file is the walk, and times are checked against it."""

import numpy as np
import pytest
from hypothesis import given

from service.geo.fixes import NO_TIME, Fixes
from service.record.recorded_times import check_times
from tests.made_up_walks import any_fixes, fixes_at


def numbered(times: list[int | None], starts: tuple[int, ...] = (0,)) -> Fixes:
    """Return fixes told apart by their longitude: the first at 0, the next at 1, and so on."""
    return fixes_at([(float(number), 0.0) for number in range(len(times))], time_ms=times, starts=starts)


def kept(times: list[int | None], starts: tuple[int, ...] = (0,)) -> list[list[tuple[int, int | None]]]:
    """Return the number and the time of each fix, segment by segment, once the times are checked."""
    fixes = check_times(numbered(times, starts)).fixes
    rows = [
        (round(lon), None if time_ms == NO_TIME else time_ms)
        for lon, time_ms in zip(fixes.lon.tolist(), fixes.time_ms.tolist(), strict=True)
    ]
    ends = [*fixes.starts[1:].tolist(), len(rows)]
    return [rows[start:end] for start, end in zip(fixes.starts.tolist(), ends, strict=True)]


def test_times_in_order_are_left_alone() -> None:
    checked = check_times(numbered([0, 10, None, 10, 20]))
    assert (checked.out_of_order, checked.moved_segments) == (0, 0)
    assert kept([0, 10, None, 10, 20]) == [[(0, 0), (1, 10), (2, None), (3, 10), (4, 20)]]


def test_a_time_that_goes_back_loses_its_say_and_its_fix_stays_where_it_is() -> None:
    assert kept([0, 10, 90, 20, 30]) == [[(0, 0), (1, 10), (2, None), (3, 20), (4, 30)]]
    assert check_times(numbered([0, 10, 90, 20, 30])).out_of_order == 1


def test_a_few_times_among_many_fixes_move_nothing() -> None:
    times: list[int | None] = [None] * 588
    times[10], times[200], times[300], times[500] = 40, 30, 20, 10
    fixes = check_times(numbered(times)).fixes
    assert fixes.lon.tolist() == list(range(588))
    assert np.count_nonzero(fixes.timed) == 1


def test_whole_segments_in_the_wrong_order_are_put_in_order_and_counted() -> None:
    times: list[int | None] = [100, 110, None, 0, 10]
    assert kept(times, (0, 3)) == [[(3, 0), (4, 10)], [(0, 100), (1, 110), (2, None)]]
    assert check_times(numbered(times, (0, 3))).moved_segments == 1


def test_a_segment_without_times_stays_behind_the_one_before_it() -> None:
    rows = kept([100, 110, None, None, 0, 10], (0, 2, 4))
    assert [[number for number, _ in part] for part in rows] == [[4, 5], [0, 1], [2, 3]]


def test_a_quarter_of_a_million_times_that_go_back_are_checked_within_the_limits() -> None:
    times: list[int | None] = [*np.random.default_rng(1).integers(0, 10**9, 250_000).tolist()]
    assert check_times(numbered(times)).out_of_order > 200_000


@pytest.mark.parametrize("jitter_s", [2, 4])
def test_several_records_a_place_keep_the_walk_in_the_order_of_the_file(jitter_s: int) -> None:
    times: list[int | None] = [
        6_000 * place + 1_000 * offset for place in range(30) for offset in (jitter_s, 0, 2 * jitter_s)
    ]
    fixes = check_times(numbered(times)).fixes
    assert fixes.lon.tolist() == list(range(90))


@given(any_fixes())
def test_nothing_is_lost_and_times_only_go_forward(fixes: Fixes) -> None:
    checked = check_times(fixes)
    assert sorted(checked.origin.tolist()) == list(range(len(fixes)))
    assert checked.fixes.lon.tolist() == fixes.lon[checked.origin].tolist()
    for part in np.split(checked.fixes.time_ms, checked.fixes.starts[1:]):
        timed = part[part != NO_TIME]
        assert np.all(timed[1:] >= timed[:-1])
    again = check_times(checked.fixes)
    assert (again.out_of_order, again.moved_segments) == (0, 0)
