"""Halts: found through a receiver's jitter and a recorder's pauses, and nowhere else."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from msgspec.structs import replace

from service.geo.fixes import Fixes
from service.geo.geodesy import WGS84
from service.record.halts import Halt, halts, moving_time_s
from service.record.recorded_times import check_times
from tests.made_up_walks import NINE_O_CLOCK_MS, START, any_fixes, fixes_at, joined, on_the_ground, walk


def stood(*stretches: tuple[float, int], pace_mps: float = 0.9, jitter_m: float = 0.0) -> Fixes:
    """Return a walk to the east, one fix a second: metres walked and then seconds stood, time and again.

    Jitter wanders as a receiver's does: half of it is forgotten in 20 seconds.
    """
    speeds = np.concatenate(
        [np.repeat([pace_mps, 0.0], [round(way / pace_mps), rest]) for way, rest in stretches]
    )
    count = len(speeds) + 1
    noise = np.random.default_rng(11)
    wander = np.zeros((2, count))
    kept = 0.5 ** (1 / 20)
    for at in range(1, count):
        wander[:, at] = kept * wander[:, at - 1] + noise.normal(0, jitter_m * np.sqrt(1 - kept**2), 2)
    east = np.concatenate(([0.0], np.cumsum(speeds))) + wander[0]
    lon, lat = on_the_ground(east, wander[1])
    time_ms = NINE_O_CLOCK_MS + 1_000 * np.arange(count)
    return Fixes(
        lon=lon, lat=lat, ele_m=np.full(count, np.nan), time_ms=time_ms, starts=np.zeros(1, np.int64)
    )


def began_s(halt: Halt) -> float:
    return (halt.began_ms - NINE_O_CLOCK_MS) / 1_000


def east_of_start_m(halt: Halt) -> float:
    return float(WGS84.inv(*START, halt.lon, halt.lat)[2])


def test_a_walk_without_a_stop_has_no_halts() -> None:
    track = stood((1_800, 0))
    assert halts(track) == ()
    assert moving_time_s(track, ()) == 2_000


def test_a_halt_says_where_when_how_long_and_how_far() -> None:
    (halt,) = halts(stood((450, 180), (450, 0)))
    assert began_s(halt) == pytest.approx(500, abs=15)
    assert halt.duration_s == pytest.approx(180, abs=25)
    assert east_of_start_m(halt) == pytest.approx(450, abs=2)
    assert halt.distance_m == pytest.approx(450, abs=10)


@pytest.mark.parametrize("jitter_m", [2.0, 4.0])
def test_jitter_neither_hides_nor_splits_a_halt(jitter_m: float) -> None:
    found = halts(stood((300, 90), (300, 600), (300, 0), jitter_m=jitter_m))
    assert [halt.duration_s for halt in found] == [pytest.approx(90, abs=40), pytest.approx(600, abs=40)]
    assert [east_of_start_m(halt) for halt in found] == [pytest.approx(300, abs=8), pytest.approx(600, abs=8)]


def test_a_stop_at_a_gate_is_no_halt() -> None:
    assert halts(stood((300, 30), (300, 0))) == ()


@pytest.mark.parametrize("pace_mps", [0.4, 0.6])
def test_a_slow_walker_does_not_stand_still(pace_mps: float) -> None:
    assert halts(stood((600, 0), pace_mps=pace_mps, jitter_m=2)) == ()


def test_a_stay_shorter_than_asked_for_is_left_out() -> None:
    track = stood((300, 120), (300, 0))
    assert len(halts(track)) == 1
    assert halts(track, at_least_s=200) == ()


@pytest.mark.parametrize(
    "corners_m",
    [
        [(0, 0), (400, 0), (0, 0)],
        [(25 * np.sin(turn), 25 * np.cos(turn)) for turn in np.linspace(0, 40, 300)],
    ],
    ids=["turning back", "round a pond"],
)
def test_coming_back_to_a_place_is_no_halt(corners_m: list[tuple[float, float]]) -> None:
    assert halts(walk(*corners_m, pace_mps=0.9)) == ()


def test_a_bench_sat_on_out_and_back_is_two_halts() -> None:
    out = stood((300, 120), (300, 0))
    back = replace(out, lon=out.lon[::-1].copy(), lat=out.lat[::-1].copy(), time_ms=out.time_ms + 800_000)
    first, second = halts(joined(out, back))
    assert (first.lon, first.lat) == pytest.approx((second.lon, second.lat), abs=5e-5)
    assert first.distance_m == pytest.approx(300, abs=10)
    assert second.distance_m == pytest.approx(900, abs=10)


@pytest.mark.parametrize("join", ["in one segment", "between two segments"])
def test_a_pause_of_the_recorder_is_a_halt(join: str) -> None:
    before = walk((0, 0), (300, 0), pace_mps=1)
    after = walk((304, 0), (600, 0), pace_mps=1, began_ms=NINE_O_CLOCK_MS + 700_000)
    track = joined(before, after)
    if join == "in one segment":
        track = replace(track, starts=track.starts[:1])
    (halt,) = halts(track)
    assert halt.duration_s == pytest.approx(400, abs=25)
    assert east_of_start_m(halt) == pytest.approx(302, abs=3)
    assert moving_time_s(track, halts(track)) == pytest.approx(596, abs=25)


def test_a_gap_in_which_the_walk_went_on_is_no_halt() -> None:
    after = walk((500, 0), (800, 0), pace_mps=1, began_ms=NINE_O_CLOCK_MS + 700_000)
    track = joined(walk((0, 0), (300, 0), pace_mps=1), after)
    assert halts(track) == ()
    assert moving_time_s(track, ()) == pytest.approx(600, abs=1)


def test_a_recorder_that_writes_only_on_the_move_shows_a_halt_between_two_fixes() -> None:
    track = walk((0, 0), (600, 0), pace_mps=1, every_m=12)
    later = np.where(np.arange(len(track)) > 25, 240_000, 0)
    (halt,) = halts(replace(track, time_ms=track.time_ms + later))
    assert halt.duration_s == pytest.approx(252, abs=25)


def test_a_track_without_times_has_no_halts() -> None:
    track = walk((0, 0), (100, 0), pace_mps=None)
    assert halts(track) == ()
    assert moving_time_s(track, ()) is None


def test_a_single_fix_has_no_halts() -> None:
    assert halts(fixes_at([START], time_ms=[NINE_O_CLOCK_MS])) == ()


@given(any_fixes(max_size=40))
def test_halts_follow_one_another_and_never_outlast_the_track(fixes: Fixes) -> None:
    ordered = check_times(fixes).fixes
    found = halts(ordered)
    assert all(halt.duration_s >= 60 for halt in found)
    assert all(
        before.began_ms + before.duration_s * 1_000 <= after.began_ms for before, after in pairwise(found)
    )
    times = ordered.time_ms[ordered.timed]
    moving_s = moving_time_s(ordered, found)
    if moving_s is None:
        assert not times.size
    else:
        stood_s = sum(halt.duration_s for halt in found)
        assert 0 <= moving_s <= (times.max() - times.min()) / 1_000 - stood_s + 1e-6


def test_one_client_stands_where_another_walks() -> None:
    with_a_frame = stood((600, 0), pace_mps=0.2)
    assert halts(with_a_frame) == ()
    assert moving_time_s(with_a_frame, ()) == 3_000


def test_a_shuffle_between_two_halts_hides_neither() -> None:
    found = halts(stood((300, 150), (20, 330), (300, 0), jitter_m=2))
    assert [each.duration_s for each in found] == [pytest.approx(150, abs=25), pytest.approx(330, abs=25)]


@pytest.mark.parametrize("east_m", [304, 313, 360])
def test_a_pause_inside_a_segment_is_whole_wherever_the_watch_wakes(east_m: float) -> None:
    before = walk((0, 0), (300, 0), pace_mps=1)
    after = walk((east_m, 0), (700, 0), pace_mps=1, began_ms=NINE_O_CLOCK_MS + 900_000)
    track = joined(before, after)
    (halt,) = halts(replace(track, starts=track.starts[:1]))
    assert halt.duration_s == pytest.approx(600, abs=5)


def test_standing_before_the_watch_paused_belongs_to_the_halt() -> None:
    before = stood((300, 300))
    after = walk((313, 0), (600, 0), pace_mps=0.9, began_ms=int(before.time_ms[-1]) + 900_000)
    track = joined(before, after)
    (halt,) = halts(replace(track, starts=track.starts[:1]))
    assert halt.duration_s == pytest.approx(1_200, abs=30)


def test_a_recorder_that_was_off_and_woke_elsewhere_says_nothing_of_standing() -> None:
    after = walk((335, 0), (600, 0), pace_mps=1, began_ms=NINE_O_CLOCK_MS + 540_000)
    assert halts(joined(walk((0, 0), (300, 0), pace_mps=1), after)) == ()
