"""How a route fits: its timetable, and what is near."""

from itertools import pairwise
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.geo.fixes import Fixes
from service.geo.geodesy import length_m
from service.geo.pace import Pace
from service.walks.features import Feature, FeatureKind, ThunderRefuge, locate_points
from service.walks.fit import Facility, Fit, NearestFacility, fit_route
from service.walks.stretches import Stretch, whole_line
from tests.http.sessions import HALF_PAST_TWO
from tests.made_up_walks import on_the_ground, walk

PACE = Pace(1.0, 300)
OUT_AND_BACK = walk((0, 0), (1_000, 0), (0, 0))
RING = walk((0, 0), (500, 0), (500, 500), (0, 500), (0, 0))


def feature(kind: str, line: Fixes, east_m: float, north_m: float, refuge: str = "unknown") -> Feature:
    lon, lat = (float(each[0]) for each in on_the_ground(np.array([east_m]), np.array([north_m])))
    [place] = locate_points(line, [(lon, lat)])
    return Feature(
        id=uuid4(),
        route_id=uuid4(),
        kind=FeatureKind(kind),
        thunder_refuge=ThunderRefuge(refuge),
        lon=lon,
        lat=lat,
        along_m=place.along_m,
        offset_m=place.offset_m,
        created_at=HALF_PAST_TWO,
        updated_at=HALF_PAST_TWO,
    )


def fit(
    line: Fixes, *features: Feature, minutes: int = 60, pace: Pace = PACE, cuts: tuple[float, ...] = ()
) -> Fit:
    stretches = [Stretch(*ends) for ends in pairwise((0.0, *cuts, length_m(line)))]
    return fit_route(line, stretches, features, pace, minutes * 60)


def of(known: Fit, facility: Facility) -> list[NearestFacility]:
    return [each for each in known.nearest if each.facility is facility]


def test_the_timetable_has_a_band_round_the_pace() -> None:
    known = fit(walk((0, 0), (1_000, 0)), cuts=(500,))
    middle = known.stretches[0].left
    assert (middle.earliest_s, middle.expected_s, middle.latest_s) == pytest.approx((425, 650, 875), abs=1)
    end = known.arrival
    assert (end.earliest_s, end.expected_s, end.latest_s) == pytest.approx((850, 1_300, 1_450), abs=1)
    assert known.stretches[0].entered.latest_s == 0


@pytest.mark.parametrize(
    ("minutes", "fits", "surely"), [(20, False, False), (23, True, False), (25, True, True)]
)
def test_it_fits_by_the_expected_and_surely_by_the_latest_arrival(
    minutes: int,
    fits: bool,  # noqa: FBT001  a parameter of the test
    surely: bool,  # noqa: FBT001  the same
) -> None:
    known = fit(walk((0, 0), (1_000, 0)), minutes=minutes)
    assert (known.fits, known.surely_fits) == (fits, surely)


def test_a_loop_has_a_point_of_no_return_and_another_line_has_none() -> None:
    assert fit(RING).no_return_m == pytest.approx(1_000, abs=1)
    assert fit(walk((0, 0), (1_000, 0))).no_return_m is None


def test_on_the_way_back_the_bench_is_as_near_as_on_the_way_out() -> None:
    known = of(fit(OUT_AND_BACK, feature("bench", OUT_AND_BACK, 300, 0)), Facility.BENCH)
    assert [round(each.along_m) for each in known] == [300, 300, 1_700, 1_700]
    assert [(round(each.from_m), round(each.to_m)) for each in known] == [
        (0, 300),
        (300, 1_000),
        (1_000, 1_700),
        (1_700, 2_000),
    ]
    ends_s = [time_s for each in known for time_s in (each.walk_from_s, each.walk_to_s)]
    assert ends_s == pytest.approx([300, 0, 0, 700, 700, 0, 0, 300], abs=2)


def test_the_way_off_the_line_counts() -> None:
    line = walk((0, 0), (1_000, 0))
    near, far = feature("toilet", line, 200, 0), feature("toilet", line, 800, 200)
    known = of(fit(line, near, far), Facility.TOILET)
    assert [each.feature for each in known] == [near, near, far, far]
    assert known[1].to_m == pytest.approx(600, abs=6)
    assert known[-1].offset_m == pytest.approx(200, abs=1)
    assert known[-1].walk_to_s == pytest.approx(400, abs=6)


def test_round_a_loop_the_nearest_may_lie_past_its_start() -> None:
    shelter = feature("shelter", RING, 100, 0)
    *_, last = of(fit(RING, shelter), Facility.SHELTER)
    assert last.to_m == pytest.approx(2_000, abs=1)
    assert last.walk_to_s == pytest.approx(100, abs=6)


def test_the_ends_are_ways_out_and_only_a_building_is_a_refuge() -> None:
    line = walk((0, 0), (1_000, 0))
    hut, cafe = feature("shelter", line, 300, 0), feature("cafe", line, 700, 0, "yes")
    known = fit(line, hut, cafe)
    assert [each.feature for each in of(known, Facility.EXIT)] == [None, None]
    assert {each.feature for each in of(known, Facility.THUNDER_REFUGE)} == {cafe}
    assert of(known, Facility.TOILET) == []


corners = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=2, max_size=5, unique=True)
places = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=1, max_size=5, unique=True)


@settings(max_examples=30, deadline=None)
@given(corners, places)
def test_what_is_nearest_covers_the_line_and_walking_times_join(
    points: list[tuple[int, int]], benches: list[tuple[int, int]]
) -> None:
    line = walk(*points, every_m=9)
    known = fit(line, *(feature("bench", line, *each) for each in benches), cuts=())
    parts = of(known, Facility.BENCH)
    assert parts[0].from_m == pytest.approx(0, abs=0.02)
    assert parts[-1].to_m == pytest.approx(length_m(line), abs=0.02)
    for before, after in pairwise(parts):
        assert before.to_m == pytest.approx(after.from_m, abs=0.02)
        assert before.walk_to_s == pytest.approx(after.walk_from_s, abs=0.05)


@settings(max_examples=30, deadline=None)
@given(corners, st.lists(st.floats(0, 1), max_size=6), st.floats(0.1, 3), st.integers(0, 7_200))
def test_times_only_go_on_and_the_band_only_widens(
    points: list[tuple[int, int]], shares: list[float], mps: float, rests_s: int
) -> None:
    line = walk(*points, every_m=9)
    cuts = sorted({round(each * length_m(line), 2) for each in shares})
    stretches = whole_line([Stretch(*each) for each in pairwise(cuts)], length_m(line))
    known = fit_route(line, stretches, [], Pace(mps, rests_s), 3_600)
    arrivals = [each.left for each in known.stretches]
    for each in arrivals:
        assert each.earliest_s <= each.expected_s <= each.latest_s
    for before, after in pairwise(arrivals):
        assert before.earliest_s <= after.earliest_s
        assert before.expected_s <= after.expected_s
        assert before.latest_s <= after.latest_s
