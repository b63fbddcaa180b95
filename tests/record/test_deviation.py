"""Deviation: how far and how long a walk left its plan, and how much of the plan was walked, in order."""

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.geo.fixes import NO_TIME, Fixes, Floats
from service.geo.geodesy import distances_m, local_plane
from service.record import deviation
from service.record.deviation import TOLERANCE_M, Deviation
from tests.made_up_walks import NINE_O_CLOCK_MS, START, any_fixes, fixes_at, joined, on_the_ground, walk

Corners = list[tuple[float, float]]

ONE_WAY: Corners = [(0, 0), (800, 0), (800, 200)]
OUT_AND_BACK: Corners = [(0, 0), (800, 0), (800, 200), (800, 0), (0, 0)]
LOOP: Corners = [(0, 0), (500, 0), (500, 300), (0, 300), (0, 0)]


def compare(walked: Fixes, planned: Fixes, tolerance_m: float = TOLERANCE_M) -> Deviation:
    return deviation.compare(walked, distances_m(walked), planned, tolerance_m)


def plan(corners_m: Corners) -> Fixes:
    return walk(*corners_m, pace_mps=None, every_m=40)


def recorded(corners_m: Corners, stray_m: float = 5.0) -> Fixes:
    """Return a walk with the slow wander of a receiver."""
    track = walk(*corners_m, pace_mps=0.9, every_m=0.9)
    noise = np.random.default_rng(5)
    kept = 0.97
    wander = np.zeros((2, len(track)))
    for at in range(1, len(track)):
        wander[:, at] = kept * wander[:, at - 1] + noise.normal(0, stray_m * np.sqrt(1 - kept**2), 2)
    lon, lat = on_the_ground(*wander)
    return replace(track, lon=track.lon + lon - START[0], lat=track.lat + lat - START[1])


def test_a_walk_on_its_line_is_never_off_it() -> None:
    kept = compare(recorded(ONE_WAY), plan(ONE_WAY))
    assert kept.farthest_m < 25
    assert (kept.stretches, kept.off_m, kept.off_s) == ((), 0, 0)
    assert kept.share_walked == 1


def test_a_detour_is_told_by_how_far_how_long_and_where() -> None:
    walked = walk((0, 0), (300, 0), (300, 100), (500, 100), (500, 0), (800, 0), pace_mps=1)
    kept = compare(walked, plan([(0, 0), (800, 0)]))
    (stretch,) = kept.stretches
    assert kept.farthest_m == pytest.approx(100, abs=0.1)
    assert stretch.farthest_m == pytest.approx(100, abs=0.1)
    assert (stretch.began_m, stretch.ended_m) == pytest.approx((335, 665), abs=0.5)
    assert stretch.began_ms == pytest.approx(NINE_O_CLOCK_MS + 335_000, abs=500)
    assert stretch.ended_ms == pytest.approx(NINE_O_CLOCK_MS + 665_000, abs=500)
    assert kept.off_m == pytest.approx(330, abs=1)
    assert kept.off_s == pytest.approx(330, abs=1)
    assert kept.share_walked == pytest.approx(0.75, abs=0.06)


def test_the_crossing_lies_between_two_fixes_far_apart() -> None:
    walked = walk((0, 0), (0, 100), (100, 100), (100, 0), pace_mps=1, every_m=100)
    (stretch,) = compare(walked, plan([(0, 0), (100, 0)]), tolerance_m=20).stretches
    assert (stretch.began_m, stretch.ended_m) == pytest.approx((20, 280), abs=0.5)


def test_a_walk_that_ends_off_the_line_is_off_it_to_its_end() -> None:
    (stretch,) = compare(walk((0, 0), (300, 0), (300, 90), pace_mps=1), plan([(0, 0), (800, 0)])).stretches
    assert (stretch.began_m, stretch.ended_m) == pytest.approx((335, 390), abs=0.5)


def test_without_times_the_seconds_are_unknown() -> None:
    walked = walk((0, 0), (300, 0), (300, 90), pace_mps=None)
    kept = compare(walked, plan([(0, 0), (800, 0)]))
    assert kept.off_s is None
    assert kept.off_m == pytest.approx(55, abs=0.5)
    assert (kept.stretches[0].began_ms, kept.stretches[0].ended_ms) == (None, None)


def test_a_missing_time_at_the_crossing_leaves_that_of_the_fix_beyond() -> None:
    walked = walk((0, 0), (0, 30), (0, 60), (0, 90), pace_mps=1, every_m=30)
    times = np.where(np.arange(4) == 1, NO_TIME, walked.time_ms)
    (stretch,) = compare(replace(walked, time_ms=times), plan([(0, 0), (100, 0)])).stretches
    assert stretch.began_ms == NINE_O_CLOCK_MS + 60_000


def test_the_gap_in_a_plan_is_no_part_of_it() -> None:
    planned = joined(plan([(0, 0), (200, 0)]), plan([(600, 0), (800, 0)]))
    kept = compare(walk((0, 0), (800, 0), pace_mps=1), planned)
    assert kept.farthest_m == pytest.approx(200, abs=0.5)
    assert kept.share_walked == 1


@pytest.mark.parametrize(
    ("planned_m", "walked_m", "share"),
    [
        (ONE_WAY, ONE_WAY, 1),
        (ONE_WAY, ONE_WAY[::-1], 1),
        (ONE_WAY, [(0, 0), (500, 0)], 0.5),
        (ONE_WAY, OUT_AND_BACK, 1),
        (ONE_WAY, [(0, 100), (800, 100)], 0.02),
        (OUT_AND_BACK, OUT_AND_BACK, 1),
        (OUT_AND_BACK, ONE_WAY, 0.5),
        (OUT_AND_BACK, ONE_WAY[::-1], 0.5),
        (OUT_AND_BACK, [(0, 0), (500, 0), (0, 0)], 0.5),
        (LOOP, LOOP, 1),
        (LOOP, LOOP[::-1], 1),
        (LOOP, [(500, 100), (500, 300), (0, 300), (0, 0), (500, 0), (500, 100)], 1),
        (LOOP, LOOP[:4], 1_300 / 1_600),
        (LOOP + LOOP[1:], LOOP, 0.5),
        (LOOP, LOOP + LOOP[1:], 1),
    ],
    ids=[
        "one way",
        "the other way",
        "half of it",
        "there and back on a line drawn once",
        "across its end",
        "out and back",
        "only out",
        "only back",
        "half out and back",
        "a loop",
        "a loop against its direction",
        "a loop joined halfway",
        "a loop cut short",
        "one round of two",
        "two rounds of one",
    ],
)
def test_the_share_walked_is_counted_in_order(planned_m: Corners, walked_m: Corners, share: float) -> None:
    assert compare(recorded(walked_m), plan(planned_m)).share_walked == pytest.approx(share, abs=0.03)


def test_a_walk_elsewhere_walked_nothing_of_the_plan() -> None:
    kept = compare(walk((5_000, 0), (6_000, 0), pace_mps=1), plan(ONE_WAY))
    assert kept.share_walked == 0
    assert kept.off_s == 1_000


@pytest.mark.parametrize("walked", [fixes_at([START], time_ms=[0]), walk((0, 0), (10, 0), every_m=1)])
def test_a_single_planned_point_is_a_plan_too(walked: Fixes) -> None:
    kept = compare(walked, fixes_at([START]))
    assert kept.farthest_m <= 10.01
    assert kept.share_walked == 1


def test_over_the_antimeridian_nothing_changes() -> None:
    planned = fixes_at([(179.995, 0.0), (-179.995, 0.0)])
    walked = fixes_at([(179.995, 0.0001), (179.999, 0.0001), (-179.995, 0.0001)])
    kept = compare(walked, planned)
    assert kept.farthest_m == pytest.approx(11, abs=0.2)
    assert kept.share_walked == 1


def test_of_a_long_recording_every_fix_is_compared() -> None:
    walked = walk((0, 0), (3_000, 0), (3_000, 100), (3_200, 100), (3_200, 0), (9_000, 0), pace_mps=1)
    one_aside = walked.lat.copy()
    one_aside[7_001] += 60 / 111_195
    kept = compare(replace(walked, lat=one_aside), plan([(0, 0), (9_000, 0)]))
    detour, fix = kept.stretches
    assert (detour.began_m, detour.ended_m) == pytest.approx((3_035, 3_365), abs=5)
    assert kept.farthest_m == pytest.approx(100, abs=0.5)
    assert fix.farthest_m == pytest.approx(60, abs=0.5)


@given(any_fixes(min_size=1), any_fixes(min_size=1))
def test_any_two_lines_can_be_compared(walked: Fixes, planned: Fixes) -> None:
    kept = compare(walked, planned)
    assert 0 <= kept.share_walked <= 1
    assert kept.off_m >= 0
    assert (kept.farthest_m > kept.tolerance_m) == bool(kept.stretches)
    assert all(before.ended_m <= after.began_m + 1e-6 for before, after in pairwise(kept.stretches))
    assert max((each.farthest_m for each in kept.stretches), default=kept.farthest_m) == kept.farthest_m


CORNERS = st.lists(
    st.tuples(st.integers(-200, 200), st.integers(-200, 200)), min_size=2, max_size=6, unique=True
)


@given(CORNERS, CORNERS, st.integers(0, 40), st.integers(0, 9))
def test_the_farthest_is_that_of_every_fix_from_the_whole_plan(
    walked_m: Corners, plan_m: Corners, stray_m: int, seed: int
) -> None:
    walked, planned = walk(*walked_m, every_m=7), plan(plan_m)
    strays = np.random.default_rng(seed).normal(0, stray_m, (2, len(walked)))
    lon, lat = on_the_ground(*strays)
    walked = replace(walked, lon=walked.lon + lon - START[0], lat=walked.lat + lat - START[1])
    away_m = true_distances_m(walked, planned)
    kept = compare(walked, planned)
    assert kept.farthest_m == pytest.approx(away_m.max(), rel=1e-6, abs=1e-6)
    off = np.flatnonzero(away_m > kept.tolerance_m)
    runs = [run for run in np.split(off, np.flatnonzero(np.diff(off) > 1) + 1) if run.size]
    farthest_m = [each.farthest_m for each in kept.stretches]
    assert farthest_m == pytest.approx([away_m[run].max() for run in runs], rel=1e-6)


def true_distances_m(walked: Fixes, planned: Fixes) -> Floats:
    """Return how far each fix is from a plan of one segment, measured one by one."""
    plane = local_plane(planned)
    places, line = plane.points(walked), plane.points(planned)
    points = shapely.points(places.real, places.imag)
    return np.asarray(shapely.distance(points, shapely.linestrings(line.real, line.imag)))


@given(any_fixes(min_size=1))
def test_a_line_lies_on_itself(fixes: Fixes) -> None:
    assert compare(fixes, fixes).farthest_m == pytest.approx(0, abs=1e-6)
