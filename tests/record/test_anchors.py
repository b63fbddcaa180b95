"""Anchors: by time first, then by the phone's position, and no place where neither says one."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.geo.fixes import NO_TIME, Fixes
from service.geo.geodesy import WGS84
from service.record.anchors import Anchor, AnchorKind, Mark, anchor
from service.record.positions import Position
from service.record.recorded_times import check_times
from service.record.recordings import timeline
from tests.made_up_walks import NINE_O_CLOCK_MS, START, any_fixes, fixes_at, joined, on_the_ground, walk

OUTSIDE = Anchor(how=AnchorKind.OUTSIDE_TRACK)
OUT_AND_BACK = walk((0, 0), (600, 0), (0, 0), pace_mps=1, every_m=5)


def at(seconds: float, east_m: float | None = None, north_m: float = 0) -> Mark:
    """Return a mark so many seconds after nine, with a position of the phone where one is given."""
    at_ms = NINE_O_CLOCK_MS + round(seconds * 1_000)
    if east_m is None:
        return Mark(at_ms)
    lon, lat = on_the_ground(np.array([east_m]), np.array([north_m]))
    return Mark(at_ms, Position(float(lon[0]), float(lat[0])))


def one(track: Fixes, mark: Mark) -> Anchor:
    (found,) = anchor(track, [mark])
    return found


def from_start_m(found: Anchor) -> float:
    assert found.lon is not None
    assert found.lat is not None
    return float(WGS84.inv(*START, found.lon, found.lat)[2])


def test_an_instant_lies_between_the_fixes_on_either_side() -> None:
    found = one(OUT_AND_BACK, at(102.5))
    assert found.how is AnchorKind.INTERPOLATED
    assert from_start_m(found) == pytest.approx(102.5, abs=0.02)
    assert found.distance_m == pytest.approx(102.5, abs=0.02)
    assert (found.elapsed_s, found.gap_s) == (102.5, 5.0)


def test_the_two_passes_of_one_place_are_told_apart() -> None:
    out, back = anchor(OUT_AND_BACK, [at(200), at(1_000)])
    assert (out.lon, out.lat) == pytest.approx((back.lon, back.lat), abs=1e-6)
    assert out.distance_m == pytest.approx(200, abs=0.1)
    assert back.distance_m == pytest.approx(1_000, abs=0.1)


def test_the_phones_position_does_not_go_before_the_track() -> None:
    found = one(OUT_AND_BACK, at(200, east_m=230))
    assert found.how is AnchorKind.INTERPOLATED
    assert from_start_m(found) == pytest.approx(200, abs=0.1)


@pytest.mark.parametrize("seconds", [-61, 1_261, 30_000])
def test_outside_the_track_no_place_is_made_up(seconds: float) -> None:
    assert one(OUT_AND_BACK, at(seconds)) == OUTSIDE


def test_outside_the_track_the_phones_position_stands() -> None:
    found = one(OUT_AND_BACK, at(30_000, east_m=5_000))
    assert found.how is AnchorKind.PHONE
    assert from_start_m(found) == pytest.approx(5_000, abs=0.1)
    assert (found.distance_m, found.elapsed_s, found.gap_s) == (None, None, None)


@pytest.mark.parametrize(
    ("seconds", "distance_m", "elapsed_s"),
    [(-60, 0, 0), (-1, 0, 0), (1_201, 1_200, 1_200), (1_260, 1_200, 1_200)],
)
def test_a_recorder_may_start_a_little_late_and_stop_a_little_early(
    seconds: float, distance_m: float, elapsed_s: float
) -> None:
    found = one(OUT_AND_BACK, at(seconds))
    assert found.how is AnchorKind.INTERPOLATED
    assert found.distance_m == pytest.approx(distance_m, abs=0.1)
    assert found.elapsed_s == elapsed_s
    assert found.gap_s == max(-seconds, seconds - 1_200)


def walk_with_a_gap() -> Fixes:
    """Return a walk whose recorder slept from 300 s at 300 m to 900 s at 700 m."""
    before = walk((0, 0), (300, 0), pace_mps=1)
    return joined(before, walk((700, 0), (900, 0), pace_mps=1, began_ms=NINE_O_CLOCK_MS + 900_000))


def test_a_long_gap_is_bridged_and_said() -> None:
    found = one(walk_with_a_gap(), at(600))
    assert found.how is AnchorKind.INTERPOLATED
    assert from_start_m(found) == pytest.approx(500, abs=0.1)
    assert found.distance_m == pytest.approx(300, abs=0.1)
    assert found.gap_s == 600


def test_in_a_long_gap_the_phone_knows_better() -> None:
    found = one(walk_with_a_gap(), at(600, east_m=450, north_m=80))
    assert found.how is AnchorKind.PHONE
    assert from_start_m(found) == pytest.approx(np.hypot(450, 80), abs=0.1)
    assert found.distance_m == pytest.approx(300, abs=0.1)
    assert (found.elapsed_s, found.gap_s) == (600, 600)


def test_over_the_antimeridian_the_short_way_is_taken() -> None:
    track = fixes_at([(179.999, 0.0), (-179.999, 0.0)], time_ms=[0, 10_000])
    found = one(track, Mark(7_500))
    assert found.lon == pytest.approx(-179.9995, abs=1e-7)


def test_fixes_without_a_time_still_bend_the_way() -> None:
    corner = walk((0, 0), (100, 0), (100, 100), every_m=100, pace_mps=1)
    times = corner.time_ms.copy()
    times[1] = NO_TIME
    found = one(replace(corner, time_ms=times), at(100))
    assert (found.lon, found.lat) == pytest.approx((corner.lon[1], corner.lat[1]), abs=1e-6)
    assert found.distance_m == pytest.approx(100, abs=0.1)
    assert found.gap_s == 200


def test_repeated_and_backward_times_do_no_harm() -> None:
    track = walk((0, 0), (50, 0), every_m=10, pace_mps=1)
    seconds = np.array([0, 10, 10, 5, 40, 50])
    odd = replace(track, time_ms=NINE_O_CLOCK_MS + 1_000 * seconds)
    distances = [found.distance_m or 0.0 for found in anchor(odd, [at(second) for second in range(51)])]
    assert all(before <= after for before, after in pairwise(distances))
    assert (distances[0], distances[40], distances[50]) == pytest.approx((0, 40, 50), abs=0.1)


@pytest.mark.parametrize("track", [fixes_at([]), OUT_AND_BACK])
def test_no_marks_have_no_anchors(track: Fixes) -> None:
    assert anchor(track, []) == ()


def test_on_a_track_without_fixes_only_the_phone_knows() -> None:
    here, nowhere = anchor(fixes_at([]), [at(0, east_m=10), at(0)])
    assert (here.how, here.distance_m) == (AnchorKind.PHONE, None)
    assert nowhere == OUTSIDE


WITHOUT_TIMES = walk((0, 0), (600, 0), (0, 0), pace_mps=None, every_m=5)


def test_without_times_positions_are_matched_in_walking_order() -> None:
    marks = [
        at(800, east_m=400, north_m=5),
        at(100, east_m=100, north_m=-8),
        at(600, east_m=590),
        at(1_150, east_m=50),
    ]
    found = anchor(WITHOUT_TIMES, marks)
    assert {each.how for each in found} == {AnchorKind.PHONE}
    assert [each.distance_m for each in found] == [
        pytest.approx(800, abs=6),
        pytest.approx(100, abs=6),
        pytest.approx(590, abs=6),
        pytest.approx(1_150, abs=6),
    ]
    assert {each.elapsed_s for each in found} == {None}
    position = marks[0].position
    assert position is not None
    assert (found[0].lon, found[0].lat) == (position.lon, position.lat)


def test_without_times_a_place_passed_twice_is_taken_early_when_nothing_speaks_against_it() -> None:
    found = anchor(WITHOUT_TIMES, [at(0, east_m=100, north_m=4), at(10, east_m=97, north_m=-3)])
    assert [each.distance_m for each in found] == [pytest.approx(100, abs=6)] * 2


def test_without_times_a_place_far_from_the_line_keeps_its_position_only() -> None:
    near, far, nearer = anchor(
        WITHOUT_TIMES, [at(0, east_m=100), at(10, east_m=200, north_m=60), at(20, east_m=300)]
    )
    assert near.distance_m == pytest.approx(100, abs=3)
    assert far.distance_m is None
    assert from_start_m(far) == pytest.approx(np.hypot(200, 60), abs=0.1)
    assert nearer.distance_m == pytest.approx(300, abs=3)


def test_without_times_a_place_out_of_order_is_left_unmatched() -> None:
    one_way = walk((0, 0), (600, 0), pace_mps=None, every_m=5)
    found = anchor(one_way, [at(0, east_m=100), at(10, east_m=500), at(20, east_m=200), at(30, east_m=300)])
    assert [each.distance_m is None for each in found] == [False, True, False, False]


def test_without_times_and_position_nothing_is_made_up() -> None:
    found = anchor(WITHOUT_TIMES, [at(0, east_m=100), at(10), at(20, east_m=120)])
    assert found[1] == OUTSIDE


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(-70, 70)), max_size=8))
def test_without_times_distances_never_go_back(places: list[tuple[int, int]]) -> None:
    marks = [at(number, east_m, north_m) for number, (east_m, north_m) in enumerate(places)]
    found = [each.distance_m for each in anchor(WITHOUT_TIMES, marks) if each.distance_m is not None]
    assert all(before <= after for before, after in pairwise(found))


@given(any_fixes(min_size=1, max_size=15), st.lists(st.floats(-0.1, 1.1), max_size=10))
def test_later_instants_never_lie_nearer_the_start(fixes: Fixes, shares: list[float]) -> None:
    track = check_times(fixes).fixes
    times = track.time_ms[timeline(track)]
    begin, end = (int(times[0]), int(times[-1])) if times.size else (0, 0)
    instants = sorted(round(begin + share * (end - begin)) for share in shares)
    found = anchor(track, [Mark(instant) for instant in instants])
    distances = [each.distance_m for each in found if each.distance_m is not None]
    assert all(before <= after for before, after in pairwise(distances))
    for each in found:
        assert (each.how is AnchorKind.INTERPOLATED) == (each.lon is not None)


@given(any_fixes(min_size=1, max_size=15))
def test_at_the_time_of_a_fix_lies_that_fix(fixes: Fixes) -> None:
    track = check_times(fixes).fixes
    chosen = timeline(track)
    found = anchor(track, [Mark(int(track.time_ms[index])) for index in chosen])
    for index, each in zip(chosen, found, strict=True):
        assert WGS84.inv(each.lon, each.lat, track.lon[index], track.lat[index])[2] < 0.02
        assert each.gap_s == 0
