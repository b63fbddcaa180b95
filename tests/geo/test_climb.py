"""Climbs: the noise of a receiver is no hill, and hills stay whole."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.geo.climb import ascent_descent_m, height_noise_m, without_dropouts
from service.geo.fixes import Fixes, Floats
from tests.made_up_walks import fixes_at, on_the_ground
from tests.recordings import recorded_tracks


def profile(heights_m: Floats | list[float], *, step_m: float = 0.9, starts: tuple[int, ...] = (0,)) -> Fixes:
    """Return a straight line with these heights, `step_m` metres from one fix to the next."""
    east_m = step_m * np.arange(len(heights_m), dtype=np.float64)
    lon, lat = on_the_ground(east_m, np.zeros(len(heights_m)))
    return fixes_at(list(zip(lon, lat, strict=True)), ele_m=list(heights_m), starts=starts)


def climbed_m(fixes: Fixes) -> float:
    climbs = ascent_descent_m(fixes)
    assert climbs is not None
    return climbs[0]


@pytest.mark.parametrize("every_s", [1, 5, 10, 30])
@pytest.mark.parametrize(("noise_m", "most_m"), [(3.0, 10.0), (5.0, 20.0)])
def test_level_ground_has_next_to_no_climb_whatever_the_receiver_says(
    every_s: int, noise_m: float, most_m: float
) -> None:
    receivers = (np.random.default_rng(seed).normal(20, noise_m, 3_000 // every_s) for seed in range(40))
    climbs = [climbed_m(profile(heights, step_m=0.9 * every_s)) for heights in receivers]
    assert np.percentile(climbs, 95) <= most_m


@pytest.mark.parametrize("every_s", [1, 5, 10, 30])
@pytest.mark.parametrize("noise_m", [0.0, 1.0, 3.0, 5.0])
@pytest.mark.parametrize(("height_m", "half_m"), [(40.0, 600.0), (100.0, 1_200.0), (25.0, 400.0)])
def test_a_hill_stays_within_a_tenth_of_what_was_surveyed(
    every_s: int, noise_m: float, height_m: float, half_m: float
) -> None:
    along_m = np.arange(0, 2_400, every_s * 0.9)
    surveyed = height_m * (1 - np.cos(np.pi * along_m / half_m)) / 2
    truth_m = float(np.diff(surveyed).clip(0).sum())
    noise = np.random.default_rng(7).normal(0, noise_m, along_m.size)
    assert climbed_m(profile(surveyed + noise, step_m=0.9 * every_s)) == pytest.approx(truth_m, rel=0.1)


def test_a_clean_profile_keeps_its_small_hills() -> None:
    along_m = np.arange(3_000) * 0.9
    waves = 8 * (1 - np.cos(2 * np.pi * along_m / 400)) / 2
    assert climbed_m(profile(waves)) == pytest.approx(float(np.diff(waves).clip(0).sum()), rel=0.05)


@pytest.mark.parametrize("zeros", [slice(0, 40), slice(200, 203), slice(380, 400)])
def test_heights_of_0_among_others_are_dropouts(zeros: slice) -> None:
    heights = np.full(400, 120.0)
    heights[zeros] = 0
    assert climbed_m(profile(heights)) == 0


def test_ground_at_sea_level_is_no_dropout() -> None:
    heights = np.concatenate((np.zeros(100), np.linspace(0, 9, 100), np.linspace(9, 0, 100), np.zeros(100)))
    assert not np.isnan(without_dropouts(profile(heights)).ele_m).any()
    assert climbed_m(profile(heights)) == pytest.approx(9)


def test_a_single_height_far_off_is_no_hill() -> None:
    heights = np.full(400, 120.0)
    heights[150], heights[300] = 180, 70
    assert climbed_m(profile(heights)) == 0


def test_noise_is_measured_and_hills_are_not_taken_for_it() -> None:
    along_m = np.arange(3_000) * 0.9
    hill = 60 * (1 - np.cos(2 * np.pi * along_m / 1_000)) / 2
    noise = np.random.default_rng(3).normal(0, 4, along_m.size)
    assert height_noise_m(hill) < 0.01
    assert height_noise_m(hill + noise) == pytest.approx(4, rel=0.1)


def test_a_drop_between_segments_is_not_walked() -> None:
    assert ascent_descent_m(profile([100, 110, 50, 70], starts=(0, 2))) == (30, 0)


def test_a_climb_goes_on_where_the_recorder_paused() -> None:
    assert ascent_descent_m(profile([100, 104, 104, 108, 108, 112], starts=(0, 2, 4))) == (12, 0)


def test_fixes_without_elevation_are_stepped_over() -> None:
    assert ascent_descent_m(profile([100, float("nan"), 120])) == (20, 0)


@pytest.mark.parametrize("heights_m", [[], [5.0], [float("nan"), 5.0]])
def test_without_two_elevations_the_climb_is_unknown(heights_m: list[float]) -> None:
    assert ascent_descent_m(profile(heights_m)) is None


@given(st.lists(st.integers(0, 200), min_size=2, max_size=60))
def test_climbs_never_exceed_the_plain_sums(heights: list[int]) -> None:
    climbs = ascent_descent_m(profile([float(each) for each in heights]))
    if climbs is not None:
        assert 0 <= climbs[0] <= sum(max(0, after - before) for before, after in pairwise(heights)) + 1e-6
        assert 0 <= climbs[1] <= sum(max(0, before - after) for before, after in pairwise(heights)) + 1e-6


def test_climbs_of_real_tracks_are_no_more_than_the_plain_sums() -> None:
    for name, fixes, truth in recorded_tracks():
        climbs = ascent_descent_m(fixes)
        if climbs is None:
            assert truth["trkpt_with_ele"] < 2, name
            continue
        assert climbs[0] <= truth["ascent_raw_m"] + 0.1, name
        assert climbs[1] <= truth["descent_raw_m"] + 0.1, name
