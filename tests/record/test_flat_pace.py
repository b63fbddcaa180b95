"""The pace that was walked, as on the flat."""

import msgspec
import numpy as np
import pytest
from hypothesis import given

from service.geo.fixes import Fixes
from service.geo.pace import slope_ratio
from service.record.flat_pace import MeasuredPace, flat_pace_mps, measured_pace
from service.record.halts import halts
from tests.made_up_walks import NINE_O_CLOCK_MS, any_fixes, fixes_at, joined, walk
from tests.record.test_halts import stood


def pace_of(fixes: Fixes) -> float | None:
    return flat_pace_mps(fixes, halts(fixes))


@pytest.mark.parametrize("jitter_m", [0.0, 4.0], ids=["without jitter", "with jitter"])
def test_halts_and_jitter_do_not_change_the_pace(jitter_m: float) -> None:
    track = stood((900, 300), (900, 120), (600, 0), pace_mps=0.8, jitter_m=jitter_m)
    assert pace_of(track) == pytest.approx(0.8, rel=0.06 if jitter_m else 0.02)


def test_gaps_between_segments_were_not_walked() -> None:
    later = walk((3_000, 0), (3_600, 0), began_ms=NINE_O_CLOCK_MS + 7_200_000)
    assert pace_of(joined(walk((0, 0), (600, 0)), later)) == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("slope", [0.1, -0.1])
def test_a_hill_is_made_flat_by_the_ratio_that_plans_are_timed_by(slope: float) -> None:
    ratio = float(slope_ratio(np.array([slope]))[0])
    track = walk((0, 0), (1_200, 0), pace_mps=0.9 * ratio)
    hill = np.linspace(100, 100 + 1_200 * slope, len(track))
    assert pace_of(msgspec.structs.replace(track, ele_m=hill)) == pytest.approx(0.9, rel=0.02)
    assert pace_of(track) == pytest.approx(0.9 * ratio, rel=0.01)


@given(any_fixes())
def test_any_recording_shows_a_pace_or_none(track: Fixes) -> None:
    pace = pace_of(track)
    assert pace is None or (np.isfinite(pace) and pace >= 0)


def test_a_short_walk_and_one_without_times_show_no_pace() -> None:
    for track in (walk((0, 0), (200, 0)), walk((0, 0), (900, 0), pace_mps=None), fixes_at([])):
        assert pace_of(track) is None
    assert measured_pace([None, None]) is None
    assert measured_pace([0.7, None, 0.9, 1.4]) == MeasuredPace(0.9, 3)
