"""Disturbed recordings: the length stays within 1 %, the climb within 10 m, each anchor within 15 m."""

from typing import Final

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.geo.fixes import Fixes
from service.geo.geodesy import WGS84
from service.record.anchors import Mark, anchor
from service.record.cuts import Window
from service.record.recordings import Recording, join_fixes
from service.record.tracks import cut_and_summarise
from tests.made_up_walks import NINE_O_CLOCK_MS, on_the_ground

MINUTES: Final = 40
WINDOW: Final = Window(NINE_O_CLOCK_MS, NINE_O_CLOCK_MS + 4 * 3_600_000)
INSTANTS_S: Final = (100, 700, 1_333, 2_111)


class Measured(msgspec.Struct, frozen=True):
    """What a recording comes to: metres, metres climbed, and the places of the marks."""

    length_m: float
    ascent_m: float
    places: list[tuple[float, float]]


def measured(fixes: Fixes, instants_s: tuple[int, ...] = INSTANTS_S) -> Measured:
    numbers = np.arange(len(fixes)) + 1
    walked, summary = cut_and_summarise(Recording(fixes, numbers, numbers), WINDOW, None)
    marks = [Mark(NINE_O_CLOCK_MS + each * 1_000) for each in instants_s]
    anchors = anchor(walked, marks)
    places = [(each.lon or 0.0, each.lat or 0.0) for each in anchors]
    return Measured(summary.statistics.length_m, summary.statistics.ascent_m or 0.0, places)


def assert_same_walk(found: Measured, plain: Measured) -> None:
    assert abs(found.length_m - plain.length_m) <= 0.01 * plain.length_m
    assert abs(found.ascent_m - plain.ascent_m) <= 10
    for one, other in zip(found.places, plain.places, strict=True):
        assert WGS84.inv(*one, *other)[2] <= 15


@st.composite
def walks(draw: st.DrawFn) -> Fixes:
    """Draw a walk of forty minutes: straight, curved, out and back or round, on hills or not."""
    pace_mps, every_s = draw(st.sampled_from([0.6, 0.9, 1.3])), draw(st.sampled_from([1, 5, 10, 30]))
    seconds = np.arange(0, MINUTES * 60 + 1, every_s)
    way_m = pace_mps * np.arange(0, MINUTES * 60 + 1)
    heading = {
        "straight": np.zeros(way_m.size),
        "curved": np.sin(way_m / 150),
        "out and back": np.where(way_m < way_m[-1] / 2, 0.0, np.pi),
        "round": 2 * np.pi * way_m / way_m[-1],
    }[draw(st.sampled_from(["straight", "curved", "out and back", "round"]))]
    east_m, north_m = (
        np.concatenate(([0.0], np.cumsum(pace_mps * turned(heading)[:-1])))[seconds]
        for turned in (np.cos, np.sin)
    )
    noise = np.random.default_rng(draw(st.integers(0, 99)))
    noise_m = draw(st.sampled_from([0.0, 0.05]))
    lon, lat = on_the_ground(
        east_m + noise.normal(0, noise_m, seconds.size), north_m + noise.normal(0, noise_m, seconds.size)
    )
    heights = 60 + draw(st.sampled_from([0, 20])) * np.sin(seconds / 500)
    starts = [0, seconds.size // 3] if draw(st.booleans()) else [0]
    return Fixes(lon, lat, heights, NINE_O_CLOCK_MS + seconds * 1_000, np.array(starts))


@given(walks(), st.data())
def test_a_stretch_that_is_repeated_counts_once(walk: Fixes, data: st.DataObject) -> None:
    begin = int(walk.starts[-1])
    first = data.draw(st.integers(begin, len(walk) - 4))
    last = data.draw(st.integers(first + 3, len(walk)))
    part = slice(first, last)
    again = Fixes(walk.lon[part], walk.lat[part], walk.ele_m[part], walk.time_ms[part], np.zeros(1, np.int64))
    parts = [walk, again, walk] if data.draw(st.booleans()) else [walk, again]
    together = join_fixes(parts)
    if len(parts) == 2 and data.draw(st.booleans()):  # in the segment that is open
        together = replace(together, starts=walk.starts)
    assert_same_walk(measured(together), measured(walk))


@given(walks(), st.integers(1, 3), st.floats(0, 1), st.floats(2.5, 6.6), st.floats(0, 360))
def test_fixes_far_aside_are_left_out(
    walk: Fixes, count: int, where: float, magnitude: float, azimuth_deg: float
) -> None:
    at = round(where * (len(walk) - 1))
    lon, lat, _ = WGS84.fwd(walk.lon[at], walk.lat[at], azimuth_deg, 10**magnitude)
    early_ms = np.arange(-count, 0) * 100 + int(walk.time_ms[at])
    disturbed = Fixes(
        np.insert(walk.lon, [at] * count, lon),
        np.insert(walk.lat, [at] * count, lat),
        np.insert(walk.ele_m, [at] * count, walk.ele_m[at]),
        np.insert(walk.time_ms, [at] * count, early_ms),
        np.where(walk.starts > at, walk.starts + count, walk.starts),
    )
    assert_same_walk(measured(disturbed), measured(walk))


@given(walks(), st.floats(0.1, 0.45), st.integers(180, 900), st.booleans(), st.integers(0, 99))
def test_a_pause_is_no_way(walk: Fixes, where: float, pause_s: int, wanders: bool, seed: int) -> None:  # noqa: FBT001  drawn
    at = round(where * (len(walk) - 1))
    later_ms = walk.time_ms + np.where(np.arange(len(walk)) >= at, pause_s * 1_000, 0)
    paused = replace(walk, time_ms=later_ms)
    if wanders:
        paused = _wandering(paused, at, pause_s, np.random.default_rng(seed))
    begin_s = int(walk.time_ms[at - 1] - NINE_O_CLOCK_MS) // 1_000
    instants = tuple(each + pause_s if each > begin_s else each for each in INSTANTS_S)
    assert_same_walk(measured(paused, instants), measured(walk))


def _wandering(walk: Fixes, at: int, pause_s: int, noise: np.random.Generator) -> Fixes:
    """Return a walk in whose pause before `at` the receiver wanders by 2 m, a fix every five seconds."""
    seconds = np.arange(5, pause_s - 4, 5)
    wander = np.zeros((2, seconds.size))
    for number in range(1, seconds.size):
        wander[:, number] = 0.92 * wander[:, number - 1] + noise.normal(0, 0.8, 2)
    return Fixes(
        np.insert(walk.lon, at, walk.lon[at - 1] + wander[0] / 69_000),
        np.insert(walk.lat, at, walk.lat[at - 1] + wander[1] / 111_320),
        np.insert(walk.ele_m, at, np.full(seconds.size, walk.ele_m[at - 1])),
        np.insert(walk.time_ms, at, walk.time_ms[at - 1] + seconds * 1_000),
        np.where(walk.starts >= at, walk.starts + seconds.size, walk.starts),
    )


@given(walks(), st.integers(1, 9), st.booleans(), st.integers(0, 99))
def test_a_second_recorder_adds_nothing(walk: Fixes, late_s: int, before: bool, seed: int) -> None:  # noqa: FBT001  drawn
    walk = replace(walk, starts=walk.starts[:1])
    noise = np.random.default_rng(seed)
    own = slice(0, -10, 2)  # it stops before the first one does
    count = walk.lon[own].size
    other = Fixes(
        walk.lon[own] + noise.normal(0, 2, count) / 69_000,
        walk.lat[own] + noise.normal(0, 2, count) / 111_320,
        walk.ele_m[own],
        walk.time_ms[own] + late_s * 1_000,
        np.zeros(1, np.int64),
    )
    assert_same_walk(measured(join_fixes([other, walk] if before else [walk, other])), measured(walk))


@given(st.sampled_from([3, 5]), st.sampled_from([1, 5]), st.integers(0, 999))
def test_noisy_heights_on_level_ground_climb_little(noise_m: int, every_s: int, seed: int) -> None:
    seconds = np.arange(0, 3_001, every_s)
    lon, lat = on_the_ground(seconds * np.float64(0.9), np.zeros(seconds.size))
    heights = 12 + np.random.default_rng(seed).normal(0, noise_m, seconds.size)
    level = Fixes(lon, lat, heights, NINE_O_CLOCK_MS + seconds * 1_000, np.zeros(1, np.int64))
    assert measured(level).ascent_m <= {3: 10, 5: 20}[noise_m]
