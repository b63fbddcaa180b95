"""Planned walks: which lines make one, how they are measured, and where points lie along them."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.foundation.retry_safe import Unusable
from service.geo.fixes import Fixes
from service.geo.geodesy import ground_distances_m, length_m
from service.geo.pace import Pace, walking_time_s
from service.walks.features import KIND_SIGNS, FeatureKind, LinePosition, guess_kind, locate_points
from service.walks.routes import line_fault, measure_line, normal_tags, point_at, without_times
from tests.made_up_walks import any_fixes, fixes_at, joined, walk


def position_of(line: Fixes, lon: float, lat: float) -> LinePosition:
    (only,) = locate_points(line, [(lon, lat)])
    return only


def test_a_line_of_one_point_makes_no_route() -> None:
    assert line_fault(fixes_at([(8, 52)])) == "a route needs two points, this has 1"
    assert line_fault(fixes_at([])) == "a route needs two points, this has 0"


def test_a_point_repeated_makes_no_route() -> None:
    assert line_fault(fixes_at([(8, 52)] * 40)) == "its 40 points lie in one place"


def test_segments_of_one_point_make_no_route() -> None:
    line = fixes_at([(8, 52), (9, 52)], starts=[0, 1])
    assert line_fault(line) == "each of its 2 points is a segment of its own, and gaps are not walked"


def test_two_metres_make_a_route() -> None:
    assert line_fault(walk((0, 0), (0, 2))) is None


def test_a_stored_line_has_no_times() -> None:
    line = without_times(walk((0, 0), (0, 50)))
    assert not line.timed.any()
    assert line_fault(line) is None


def test_the_walking_time_at_any_pace_follows_from_the_measures() -> None:
    line = walk((0, 0), (800, 0), (800, 700))
    line = fixes_at(
        list(zip(line.lon.tolist(), line.lat.tolist(), strict=True)),
        ele_m=(40 * np.sin(np.arange(len(line)) / 150)).tolist(),
    )
    measures = measure_line(line)
    for pace in (Pace(), Pace(flat_mps=1.3, rests_s=600)):
        assert measures.walking_time_s(pace) == pytest.approx(walking_time_s(line, pace))
    assert measures.equivalent_flat_m > measures.length_m


def test_a_level_line_is_as_long_on_the_flat_and_has_no_climbs() -> None:
    line = walk((0, 0), (500, 0))
    measures = measure_line(line)
    assert measures.equivalent_flat_m == pytest.approx(length_m(line))
    assert (measures.ascent_m, measures.descent_m, measures.points) == (None, None, len(line))


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        ((None, "Parking Area", "Lock"), FeatureKind.PARKING),
        (("bus_stop", None, "High Street"), FeatureKind.BUS_STOP),
        ((None, None, "TOILETS (closed)"), FeatureKind.TOILET),
        (("bench", "Danger Area", "Gate"), FeatureKind.BENCH),
        ((None, "Flag, Blue", "Kissing gate"), FeatureKind.GATE),
        ((None, None, "Investigate steppes"), FeatureKind.OTHER),
        ((None, "", None), FeatureKind.OTHER),
        ((None, None, None), FeatureKind.OTHER),
        ((None, "Summit", "Seat Hill"), FeatureKind.OTHER),
        (("user", "Summit", "Seat Hill"), FeatureKind.OTHER),
        (("other", "Pin", "Seat"), FeatureKind.OTHER),
        ((None, "Waypoint", "Seat by the weir"), FeatureKind.BENCH),
        (("user", "Navaid, Amber", "Seat by the weir"), FeatureKind.BENCH),
        (("user", None, "Seat by the weir"), FeatureKind.BENCH),
    ],
)
def test_a_waypoints_kind_is_guessed_from_its_words(
    texts: tuple[str | None, str | None, str | None], kind: FeatureKind
) -> None:
    assert guess_kind(*texts) is kind


def test_every_kind_can_be_exported_and_imported_again() -> None:
    assert [guess_kind(kind.value, None, "Nook by the gate") for kind in FeatureKind] == list(FeatureKind)
    assert {kind for kind in FeatureKind if not KIND_SIGNS[kind].words} == {FeatureKind.OTHER}


@given(*[st.text() | st.none()] * 3)
def test_a_kind_is_guessed_from_any_text(kind: str | None, symbol: str | None, name: str | None) -> None:
    assert guess_kind(kind, symbol, name) in FeatureKind


def test_a_point_beside_the_line_lies_where_one_passes_it() -> None:
    line = walk((0, 0), (300, 0))
    beside = walk((120, 40), (121, 40))
    found = position_of(line, beside.lon[0], beside.lat[0])
    assert found.along_m == pytest.approx(120, abs=0.1)
    assert found.offset_m == pytest.approx(40, abs=0.1)


def test_a_point_on_a_way_there_and_back_is_passed_on_the_way_there() -> None:
    line = walk((0, 0), (300, 0), (0, 0), every_m=300)
    beside = walk((120, 40), (121, 40))
    assert position_of(line, beside.lon[0], beside.lat[0]).along_m == pytest.approx(120, abs=0.1)


def test_the_gap_between_segments_is_not_passed() -> None:
    line = joined(walk((0, 0), (100, 0)), walk((300, 0), (400, 0)))
    beside = walk((190, 0), (191, 0))
    found = position_of(line, beside.lon[0], beside.lat[0])
    assert found.along_m == pytest.approx(100, abs=0.1)
    assert found.offset_m == pytest.approx(90, abs=0.1)


def test_a_point_is_found_across_the_antimeridian() -> None:
    line = fixes_at([(179.999, 52), (-179.999, 52)])
    found = position_of(line, 180, 52.0001)
    assert found.along_m == pytest.approx(length_m(line) / 2, rel=0.001)
    assert found.offset_m == pytest.approx(11.1, abs=0.1)
    lon, lat = point_at(line, length_m(line) * 0.75)
    assert (lon, lat) == pytest.approx((-179.9995, 52))


@given(any_fixes(min_size=2), st.floats(-180, 180), st.floats(-90, 90))
def test_any_point_lies_somewhere_along_any_line(line: Fixes, lon: float, lat: float) -> None:
    """On a plane half the Earth away from its middle, two places are up to twice that apart."""
    assume(line_fault(line) is None)
    found = position_of(line, lon, lat)
    assert 0 <= found.along_m <= length_m(line) * (1 + 1e-9)
    assert 0 <= found.offset_m < 2 * 20_100_000


@given(st.lists(st.tuples(st.floats(-900, 900), st.floats(-900, 900)), min_size=2, max_size=8, unique=True))
def test_no_point_of_the_line_is_nearer_than_the_one_found(corners: list[tuple[float, float]]) -> None:
    line = walk(*corners, every_m=5)
    assume(line_fault(line) is None)
    lon, lat = 8.004, 52.003
    apart = ground_distances_m(line.lon, line.lat, np.full(len(line), lon), np.full(len(line), lat))
    found = position_of(line, lon, lat)
    assert found.offset_m <= apart.min() + 0.05
    there = point_at(line, found.along_m)
    reached = ground_distances_m(*(np.array([each]) for each in (*there, lon, lat)))[0]
    assert reached == pytest.approx(found.offset_m, abs=0.5)


def test_tags_are_kept_once_in_lower_case_without_spaces_around() -> None:
    assert normal_tags(["Quiet ", "level", "QUIET"]) == ["quiet", "level"]
    with pytest.raises(Unusable) as refused:
        normal_tags(["level", "\t"])
    assert refused.value.pointer == "/tags/1"
