"""The figures of a track: what was recorded, and None for what was not."""

import numpy as np
import pytest
from msgspec.structs import replace

from service.geo.fixes import NO_TIME, Fixes
from service.record.halts import halts, walked_along_m
from service.record.track_statistics import TrackStatistics, statistics
from tests.made_up_walks import NINE_O_CLOCK_MS, fixes_at, joined, walk


def figures_of(fixes: Fixes) -> TrackStatistics:
    stays = halts(fixes)
    return statistics(fixes, stays, walked_along_m(fixes, stays))


def test_a_track_says_what_was_recorded() -> None:
    before = walk((0, 0), (300, 0))
    after = walk((300, 0), (300, 300), began_ms=NINE_O_CLOCK_MS + 600_000)
    track = joined(before, after)
    figures = figures_of(replace(track, ele_m=np.linspace(100, 130, len(track))))
    assert figures.points == len(track)
    assert figures.length_m == pytest.approx(600, abs=0.1)
    assert figures.ascent_m == pytest.approx(30, abs=0.1)
    assert figures.descent_m == 0
    assert (figures.began_ms, figures.ended_ms) == (NINE_O_CLOCK_MS, NINE_O_CLOCK_MS + 900_000)
    assert figures.duration_s == 900
    assert figures.moving_time_s == pytest.approx(600, abs=25)


def test_what_was_not_recorded_is_not_made_up() -> None:
    figures = figures_of(walk((0, 0), (300, 0), pace_mps=None))
    assert figures.length_m == pytest.approx(300, abs=0.1)
    assert (figures.ascent_m, figures.descent_m) == (None, None)
    assert (figures.began_ms, figures.ended_ms, figures.duration_s, figures.moving_time_s) == (None,) * 4


def test_a_track_without_points_has_no_figures() -> None:
    assert figures_of(fixes_at([])) == TrackStatistics(0, 0.0, None, None, None, None, None, None)


def test_fixes_without_times_do_not_disturb_those_with() -> None:
    track = walk((0, 0), (300, 0))
    times = np.where(np.arange(len(track)) % 3 == 1, NO_TIME, track.time_ms)
    assert figures_of(replace(track, time_ms=times)).moving_time_s == 300
