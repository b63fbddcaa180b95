"""Plausibility: a fix that no walk reaches is left out, and nothing else is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.geo.fixes import NO_TIME, Fixes
from service.geo.geodesy import length_m
from service.record.plausibility import NothingPlausible, find_plausible
from service.record.recordings import keep
from tests.made_up_walks import NINE_O_CLOCK_MS, any_fixes, joined, walk

METRES_A_DEGREE = 111_195


def walked(every_s: int = 5) -> Fixes:
    return walk((0, 0), (1_350, 0), (0, 0), pace_mps=0.9, every_m=0.9 * every_s)


def left_out(fixes: Fixes) -> list[int]:
    return np.flatnonzero(~find_plausible(fixes).kept).tolist()


def plausible_length_m(fixes: Fixes) -> float:
    found = find_plausible(fixes)
    return length_m(keep(fixes, found.kept, found.breaks))


def moved(fixes: Fixes, which: slice | int, north_m: float) -> Fixes:
    lat = fixes.lat.copy()
    lat[which] += north_m / METRES_A_DEGREE
    return replace(fixes, lat=lat)


@pytest.mark.parametrize("every_s", [1, 5, 10, 30, 60])
@pytest.mark.parametrize("aside_m", [400, 800, 60_000])
@pytest.mark.parametrize("place", [0, 10, -1])
def test_a_far_fix_changes_no_length(every_s: int, aside_m: float, place: int) -> None:
    fixes = walked(every_s)
    far = moved(fixes, place, aside_m)
    assert left_out(far) == [place % len(fixes)]
    ends_m = 0.9 * every_s if place in (0, -1) else 0
    assert plausible_length_m(far) == pytest.approx(length_m(fixes) - ends_m, rel=0.001)


def test_a_first_fix_at_0_0_is_left_out() -> None:
    fixes = walked(60)
    lon, lat = fixes.lon.copy(), fixes.lat.copy()
    lon[0] = lat[0] = 0
    assert left_out(replace(fixes, lon=lon, lat=lat)) == [0]


@pytest.mark.parametrize("count", [3, 30, 100])
def test_a_cluster_far_aside_is_left_out_whole(count: int) -> None:
    fixes = walked(1)
    assert left_out(moved(fixes, slice(1_000, 1_000 + count), 900)) == list(range(1_000, 1_000 + count))


def test_without_times_a_corner_of_hundreds_of_kilometres_is_left_out() -> None:
    fixes = replace(walked(), time_ms=np.full(len(walked()), NO_TIME))
    assert left_out(moved(fixes, 100, 300_000)) == [100]


@pytest.mark.parametrize("noise_m", [3, 5, 8])
@pytest.mark.parametrize("every_s", [1, 10])
def test_a_poor_receiver_under_trees_is_believed(noise_m: float, every_s: int) -> None:
    fixes = walked(every_s)
    noise = np.random.default_rng(5).normal(0, noise_m / METRES_A_DEGREE, (2, len(fixes)))
    noisy = replace(fixes, lon=fixes.lon + noise[0], lat=fixes.lat + noise[1])
    assert len(left_out(noisy)) <= 0.02 * len(fixes)


def test_a_bus_between_two_segments_is_no_jump_and_is_not_walked() -> None:
    first = walk((0, 0), (500, 0), pace_mps=1)
    second = walk((5_000, 0), (5_500, 0), pace_mps=1, began_ms=NINE_O_CLOCK_MS + 1_100_000)
    ridden = joined(first, second)
    assert left_out(ridden) == []
    assert plausible_length_m(ridden) == pytest.approx(1_000, rel=0.01)


def test_a_walk_goes_on_after_a_bus_ride_inside_a_segment() -> None:
    first = walk((0, 0), (1_000, 0), pace_mps=1, every_m=60)
    bus = walk((1_000, 0), (9_000, 0), pace_mps=10, every_m=600, began_ms=int(first.time_ms[-1]))
    second = walk((9_000, 0), (9_600, 0), pace_mps=1, every_m=60, began_ms=int(bus.time_ms[-1]))
    day = joined(first, joined(bus, second))
    day = replace(day, starts=day.starts[:1])
    found = find_plausible(day)
    assert found.kept[: len(first)].all()
    assert found.kept[-len(second) + 1 :].all()
    assert plausible_length_m(day) == pytest.approx(1_600, abs=130)


def test_noise_all_over_the_world_is_refused() -> None:
    noise = np.random.default_rng(2)
    count = 250_000
    fixes = Fixes(
        lon=noise.uniform(-180, 180, count),
        lat=noise.uniform(-80, 80, count),
        ele_m=np.full(count, np.nan),
        time_ms=NINE_O_CLOCK_MS + 1_000 * np.arange(count),
        starts=np.zeros(1, np.int64),
    )
    with pytest.raises(NothingPlausible):
        find_plausible(fixes)


@given(st.integers(1, 590), st.sampled_from([300, 1_000, 20_000]), st.sampled_from([-1, 1]))
def test_one_far_fix_anywhere_changes_the_length_by_less_than_a_hundredth(
    place: int, aside_m: float, side: int
) -> None:
    fixes = walked(5)
    assert plausible_length_m(moved(fixes, place, side * aside_m)) == pytest.approx(length_m(fixes), rel=0.01)


@given(any_fixes())
def test_any_recording_is_judged_or_refused(fixes: Fixes) -> None:
    found = find_plausible(fixes)
    assert found.kept.any() or not len(fixes)
