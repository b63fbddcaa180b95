"""Which routes are found, how far away they are, and in which order."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from service.clients.needs import Need
from service.geo.daylight import is_dark
from service.geo.fixes import Fixes
from service.walks.features import Feature, FeatureKind
from service.walks.find_routes import _box
from service.walks.found_routes import FoundRoutes, KnownRoute, NearWhat, Wanted, look_at
from service.walks.routes import RouteSummary, measure_line
from service.walks.stretches import Ground, Light, Stretch, Surface, whole_line
from tests.made_up_walks import START, on_the_ground, walk

NOW = datetime(2026, 5, 4, 14, 30, tzinfo=UTC)
WGS84 = Geod(ellps="WGS84")
HERE = Wanted(lon=START[0], lat=START[1], within_m=2_000)


def a_route(
    line: Fixes, *stretches: Stretch, features: tuple[Feature, ...] = (), name: str = "Weir"
) -> KnownRoute:
    measures = measure_line(line)
    route = RouteSummary(
        **{each: getattr(measures, each) for each in measures.__struct_fields__},
        id=uuid4(),
        name=name,
        description=None,
        tags=[name.lower()],
        version=1,
        archived_at=None,
        created_at=NOW,
        updated_at=NOW,
        revision=1,
        flat_pace_mps=1.0,
        rests_s=0,
        practice_revision=1,
    )
    return KnownRoute(route, line, whole_line(stretches, measures.length_m), features)


def a_feature(kind: FeatureKind, east_m: float, north_m: float) -> Feature:
    lon, lat = on_the_ground(np.array([east_m]), np.array([north_m]))
    return Feature(
        id=uuid4(),
        route_id=UUID(int=1),
        kind=kind,
        lon=float(lon[0]),
        lat=float(lat[0]),
        along_m=0,
        offset_m=0,
        created_at=NOW,
        updated_at=NOW,
    )


def find(*known: KnownRoute, wanted: Wanted = HERE, dark: bool = False) -> FoundRoutes:
    return look_at(known, wanted, dark=dark, more=False, limit=20)


def names(found: FoundRoutes) -> list[str]:
    return [each.route.name for each in found.routes]


def test_the_nearest_comes_first_and_of_those_as_near_the_longest() -> None:
    far = a_route(walk((0, 900), (900, 900)), name="Far")
    short = a_route(walk((-100, 20), (100, 20)), name="Short")
    long = a_route(walk((-800, 40), (800, 40)), name="Long")
    away = a_route(walk((0, 2_100), (900, 2_100)), name="Away")
    found = find(far, short, long, away)
    assert names(found) == ["Long", "Short", "Far"]
    assert [each.away_m for each in found.routes] == pytest.approx([40, 20, 900], rel=0.01)
    assert (found.found, found.facets.loops) == (3, 0)
    assert found.facets.tags == {"far": 1, "long": 1, "short": 1}


def test_what_takes_longer_is_left_out() -> None:
    kilometre = a_route(walk((0, 0), (1_000, 0)))
    assert names(find(kilometre, wanted=Wanted(lon=START[0], lat=START[1], within_m=100, most_s=1_010)))
    assert not names(find(kilometre, wanted=Wanted(lon=START[0], lat=START[1], within_m=100, most_s=990)))


def test_distances_are_measured_to_what_was_asked_for() -> None:
    stop = a_feature(FeatureKind.BUS_STOP, 500, 0)
    farther = a_feature(FeatureKind.BUS_STOP, 700, 0)
    route = a_route(walk((-1_000, 0), (1_000, 0)), features=(farther, stop))
    measured = {
        near: find(route, wanted=Wanted(lon=START[0], lat=START[1], within_m=5_000, near=near)).routes
        for near in NearWhat
    }
    assert measured[NearWhat.PARKING] == []
    found = {near: each[0] for near, each in measured.items() if each}
    away_m = {near: each.away_m for near, each in found.items()}
    assert away_m == pytest.approx(
        {NearWhat.LINE: 0, NearWhat.START: 1_000, NearWhat.BUS_STOP: 500}, rel=0.01, abs=1
    )
    assert found[NearWhat.BUS_STOP].feature_id == stop.id


def test_a_gap_is_no_line_to_be_near() -> None:
    both = walk((-1_000, 0), (-500, 0)), walk((500, 0), (1_000, 0))
    line = Fixes(
        lon=np.concatenate([each.lon for each in both]),
        lat=np.concatenate([each.lat for each in both]),
        ele_m=np.concatenate([each.ele_m for each in both]),
        time_ms=np.concatenate([each.time_ms for each in both]),
        starts=np.array([0, len(both[0])]),
    )
    (found,) = find(a_route(line)).routes
    assert found.away_m == pytest.approx(500, rel=0.01)


def test_what_stands_against_a_need_leaves_a_route_out_and_the_unknown_is_named() -> None:
    line = walk((0, 0), (1_000, 0))
    steps = a_route(line, Stretch(100, 110, Ground(surface=Surface.STEPS)), name="Steps")
    paved = a_route(line, Stretch(0, 1_000, Ground(surface=Surface.PAVED)), name="Paved")
    nobody_said = a_route(line, name="Unsaid")
    step_free = Wanted(lon=START[0], lat=START[1], within_m=100, needs=(Need.STEP_FREE,))
    found = {
        each.route.name: each.unknown for each in find(steps, paved, nobody_said, wanted=step_free).routes
    }
    assert found == {"Paved": (), "Unsaid": (Need.STEP_FREE,)}


def test_after_dark_all_of_it_has_to_be_lit() -> None:
    line = walk((0, 0), (1_000, 0))
    lit = a_route(line, Stretch(0, 1_001, Ground(light=Light.LIT)), name="Lit")
    partly = a_route(line, Stretch(0, 400, Ground(light=Light.UNLIT)), name="Dark")
    assert set(names(find(lit, partly))) == {"Lit", "Dark"}
    assert names(find(lit, partly, dark=True)) == ["Lit"]


def test_facets_count_each_route_once() -> None:
    benches = tuple(a_feature(FeatureKind.BENCH, each, 0) for each in (10, 20, 30))
    loop = a_route(walk((0, 0), (300, 0), (300, 300), (0, 0)), features=benches)
    found = look_at([loop, a_route(walk((0, 0), (500, 0)))], HERE, dark=False, more=True, limit=1)
    assert (found.found, len(found.routes), found.more) == (2, 1, True)
    assert (found.facets.loops, found.facets.features) == (1, {"bench": 1})
    assert found.facets.tags == {"weir": 2}


@pytest.mark.parametrize(
    ("at", "dark"),
    [
        ("2026-12-21T16:00:00Z", False),
        ("2026-12-21T16:45:00Z", True),
        ("2026-06-21T21:00:00Z", False),
        ("2026-06-21T22:15:00Z", True),
        ("2026-12-21T07:20:00Z", True),
        ("2026-12-21T07:35:00Z", False),
    ],
)
def test_it_is_dark_once_civil_twilight_has_ended(at: str, dark: bool) -> None:  # noqa: FBT001  the answer
    """In London civil twilight lasts to 16:33 and from 07:24 in midwinter, to 22:09 in midsummer."""
    assert is_dark(-0.1276, 51.5072, datetime.fromisoformat(at)) == dark


@given(st.floats(-180, 180), st.floats(-90, 90), st.datetimes(timezones=st.just(UTC)))
def test_it_is_dark_or_not_everywhere(lon: float, lat: float, at: datetime) -> None:
    assert is_dark(lon, lat, at) in {True, False}


@given(
    st.floats(-180, 180),
    st.floats(-89.9, 89.9),
    st.integers(1, 50_000),
    st.floats(0, 360),
    st.floats(0, 0.999),
)
def test_the_box_holds_all_that_is_near_enough(
    lon: float, lat: float, within_m: int, azimuth: float, share: float
) -> None:
    box = _box(Wanted(lon=lon, lat=lat, within_m=within_m))
    east, north, _ = WGS84.fwd(lon, lat, azimuth, within_m * share)
    assert box.south <= north <= box.north
    inside = box.west <= east <= box.east if box.west <= box.east else east >= box.west or east <= box.east
    assert inside
