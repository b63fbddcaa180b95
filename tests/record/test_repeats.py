"""Repeats: one stretch of time is walked once, however often a file shows it."""

import numpy as np
import pytest
from msgspec.structs import replace

from service.geo.fixes import NO_TIME, Fixes
from service.geo.geodesy import length_m
from service.record.recorded_times import check_times
from service.record.recordings import keep
from service.record.repeats import find_repeats
from tests.made_up_walks import NINE_O_CLOCK_MS, joined, walk


def once(fixes: Fixes) -> Fixes:
    """Return a recording without its repeats, as a track keeps it."""
    checked = check_times(fixes).fixes
    repeats = find_repeats(checked, checked.time_ms)
    return check_times(keep(checked, ~repeats.repeated, repeats.breaks)).fixes


def part(fixes: Fixes, first: int, last: int) -> Fixes:
    columns = {name: getattr(fixes, name)[first:last] for name in ("lon", "lat", "ele_m", "time_ms")}
    return replace(fixes, **columns, starts=np.zeros(1, np.int64))


WALK = walk((0, 0), (600, 0), (600, 300), pace_mps=1, every_m=10)


@pytest.mark.parametrize("timed", [True, False], ids=["with times", "without times"])
def test_the_same_track_twice_is_one_walk(timed: bool) -> None:  # noqa: FBT001  a case
    fixes = WALK if timed else replace(WALK, time_ms=np.full(len(WALK), NO_TIME))
    assert length_m(once(joined(fixes, fixes))) == pytest.approx(length_m(WALK))
    twice = joined(fixes, fixes)
    assert np.count_nonzero(find_repeats(twice, twice.time_ms).repeated) == len(WALK)


@pytest.mark.parametrize("timed", [True, False], ids=["with times", "without times"])
def test_segments_that_repeat_the_ones_before_are_one_walk(timed: bool) -> None:  # noqa: FBT001  a case
    fixes = WALK if timed else replace(WALK, time_ms=np.full(len(WALK), NO_TIME))
    growing = joined(part(fixes, 0, 30), joined(part(fixes, 0, 60), fixes))
    assert length_m(once(growing)) == pytest.approx(length_m(WALK))


def test_records_written_twice_are_one_line() -> None:
    doubled = {name: np.repeat(getattr(WALK, name), 2) for name in ("lon", "lat", "ele_m", "time_ms")}
    assert length_m(once(replace(WALK, **doubled))) == pytest.approx(length_m(WALK))


@pytest.mark.parametrize("later_ms", [0, 3_000, -7_000])
@pytest.mark.parametrize("denser_first", [True, False])
def test_of_two_recorders_the_denser_one_is_kept(later_ms: int, denser_first: bool) -> None:  # noqa: FBT001  a case
    sparse = walk((3, 4), (603, 4), (603, 304), pace_mps=1, every_m=30, began_ms=NINE_O_CLOCK_MS + later_ms)
    pair = joined(WALK, sparse) if denser_first else joined(sparse, WALK)
    assert length_m(once(pair)) == pytest.approx(length_m(WALK), rel=0.01)


@pytest.mark.parametrize("every", [2, 3, 5])
def test_of_a_track_and_a_thinned_copy_of_it_the_whole_one_is_kept(every: int) -> None:
    copy = {name: getattr(WALK, name)[::every] for name in ("lon", "lat", "ele_m", "time_ms")}
    paused = replace(WALK, starts=np.arange(0, len(WALK), 15))
    for pair in (joined(paused, replace(WALK, **copy)), joined(replace(WALK, **copy), paused)):
        assert length_m(once(pair)) == pytest.approx(length_m(paused))


def test_two_recorders_that_disagree_by_a_kilometre_are_one_walk() -> None:
    aside = walk((0, 1_000), (600, 1_000), (600, 1_300), pace_mps=1, every_m=30)
    assert once(joined(aside, WALK)).lat.tolist() == WALK.lat.tolist()


def test_a_second_recorder_fills_in_where_the_first_had_ended() -> None:
    first = part(WALK, 0, 40)
    second = walk((2, 3), (602, 3), (602, 303), pace_mps=1, every_m=30)
    kept = once(joined(first, second))
    assert length_m(kept) == pytest.approx(length_m(WALK), rel=0.05)
    times = kept.time_ms
    assert np.all(np.diff(times) > 0)


def test_a_second_recorder_fills_in_where_the_first_paused() -> None:
    first = joined(part(WALK, 0, 20), part(WALK, 60, len(WALK)))
    first = replace(first, starts=first.starts[:1])
    second = walk((2, 3), (602, 3), (602, 303), pace_mps=1, every_m=30)
    both = joined(first, second)
    assert np.count_nonzero(~find_repeats(both, both.time_ms).repeated[len(first) :]) > 5


def test_an_out_and_back_walk_repeats_nothing() -> None:
    there_and_back = walk((0, 0), (600, 0), (0, 0), pace_mps=1)
    assert not find_repeats(there_and_back, there_and_back.time_ms).repeated.any()
    untimed = replace(there_and_back, time_ms=np.full(len(there_and_back), NO_TIME))
    assert not find_repeats(untimed, untimed.time_ms).repeated.any()


def test_laps_at_other_times_repeat_nothing() -> None:
    lap = walk((0, 0), (100, 0), (100, 100), (0, 0), pace_mps=1)
    later = replace(lap, time_ms=lap.time_ms + 3_600_000)
    assert not find_repeats(joined(lap, later), joined(lap, later).time_ms).repeated.any()
