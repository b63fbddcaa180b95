"""Walking times: the client's own pace, slower uphill, and back in time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.geo.fixes import Fixes
from service.geo.geodesy import distances_m, length_m
from service.geo.pace import Pace, slope_ratio, turn_back, walking_time_s
from tests.made_up_walks import any_fixes, fixes_at, joined, walk

LOOP = walk((0, 0), (500, 0), (500, 500), (0, 500), (0, 0), every_m=10)
ONE_WAY = walk((0, 0), (2_000, 0), every_m=10)


def sloping(line: Fixes, slope: float) -> Fixes:
    return replace(line, ele_m=100 + slope * distances_m(line))


def test_without_elevation_a_line_is_walked_flat() -> None:
    assert walking_time_s(ONE_WAY, Pace()) == pytest.approx(2_000 / 0.9, rel=1e-4)


def test_rests_are_added() -> None:
    assert walking_time_s(ONE_WAY, Pace(rests_s=600)) == pytest.approx(2_000 / 0.9 + 600, rel=1e-4)


@pytest.mark.parametrize(
    ("slope", "ratio"), [(0, 1), (-0.05, 1.191), (0.1, 0.705), (-0.1, 1.0), (-0.2, 0.705)]
)
def test_the_ratios_are_those_of_tobler(slope: float, ratio: float) -> None:
    hiking_kmh = 6 * np.exp(-3.5 * abs(slope + 0.05))
    assert slope_ratio(np.array([slope]))[0] == pytest.approx(hiking_kmh / (6 * np.exp(-3.5 * 0.05)))
    assert slope_ratio(np.array([slope]))[0] == pytest.approx(ratio, abs=0.001)


@pytest.mark.parametrize("slope", [0.1, -0.05, -0.2])
def test_an_even_slope_changes_the_pace_by_its_ratio(slope: float) -> None:
    expected = 2_000 / 0.9 / slope_ratio(np.array([slope]))[0]
    assert walking_time_s(sloping(ONE_WAY, slope), Pace()) == pytest.approx(expected, rel=1e-3)


def test_noise_of_the_receiver_hardly_slows_a_flat_walk() -> None:
    noise = np.random.default_rng(7).normal(0, 2, len(ONE_WAY))
    assert walking_time_s(replace(ONE_WAY, ele_m=noise), Pace()) == pytest.approx(2_000 / 0.9, rel=0.05)


def test_a_wild_elevation_does_not_turn_a_walk_into_days() -> None:
    ele_m = np.zeros(len(ONE_WAY))
    ele_m[50] = 90_000
    assert walking_time_s(replace(ONE_WAY, ele_m=ele_m), Pace()) < 2 * 2_000 / 0.9


def test_heights_of_0_before_the_first_real_one_are_no_slope() -> None:
    ele_m = np.full(len(ONE_WAY), 120.0)
    ele_m[:10] = 0
    assert walking_time_s(replace(ONE_WAY, ele_m=ele_m), Pace()) == pytest.approx(2_000 / 0.9, rel=1e-4)


def test_a_jump_between_segments_is_no_slope() -> None:
    raised = replace(ONE_WAY, ele_m=np.full(len(ONE_WAY), 500.0))
    low = replace(ONE_WAY, ele_m=np.full(len(ONE_WAY), 0.0))
    assert walking_time_s(joined(low, raised), Pace()) == pytest.approx(2 * walking_time_s(ONE_WAY, Pace()))


@pytest.mark.parametrize(
    "line", [fixes_at([]), fixes_at([(8.0, 52.0)]), fixes_at([(8.0, 52.0)] * 2, ele_m=[0, 9])]
)
def test_a_line_without_length_takes_only_the_rests(line: Fixes) -> None:
    assert walking_time_s(line, Pace(rests_s=60)) == 60
    assert turn_back(line, 600, Pace(rests_s=60)).distance_m == 0


def test_an_out_and_back_on_the_flat_turns_at_half_time() -> None:
    turn = turn_back(ONE_WAY, 1_800, Pace())
    assert turn.after_s == pytest.approx(900, abs=1)
    assert turn.distance_m == pytest.approx(810, abs=1)
    assert not turn.whole


def test_rests_are_taken_off_the_time_and_spread_over_it() -> None:
    turn = turn_back(ONE_WAY, 1_800, Pace(rests_s=600))
    assert turn.after_s == pytest.approx(900, abs=1)
    assert turn.distance_m == pytest.approx(540, abs=1)


def test_a_climb_out_is_turned_later_than_half_time_for_the_way_down_is_quicker() -> None:
    assert turn_back(sloping(ONE_WAY, 0.08), 1_800, Pace()).after_s > 950


def test_with_time_enough_the_line_is_walked_to_its_end_and_back() -> None:
    turn = turn_back(ONE_WAY, 5_000, Pace())
    assert turn.whole
    assert turn.distance_m == pytest.approx(2_000, abs=0.1)


def test_a_loop_that_fits_has_its_turning_point_halfway_in_time() -> None:
    turn = turn_back(LOOP, 3_000, Pace())
    assert turn.whole
    assert turn.distance_m == pytest.approx(1_000, abs=1)


def test_a_loop_too_long_for_the_time_is_turned_back_on() -> None:
    turn = turn_back(LOOP, 1_200, Pace())
    assert not turn.whole
    assert turn.distance_m == pytest.approx(540, abs=1)


def test_less_time_than_the_rests_goes_nowhere() -> None:
    turn = turn_back(ONE_WAY, 300, Pace(rests_s=600))
    assert (turn.distance_m, turn.after_s, turn.whole) == (0, 0, False)


@given(any_fixes(min_size=1), st.floats(0, 20_000), st.floats(0.1, 3), st.floats(0, 7_200))
def test_whoever_turns_there_is_back_in_time(
    line: Fixes, available_s: float, flat_mps: float, rests_s: float
) -> None:
    turn = turn_back(line, available_s, Pace(flat_mps, rests_s))
    assert 0 <= turn.distance_m <= length_m(line) * (1 + 1e-9)
    assert 0 <= turn.after_s <= available_s + 1e-6
