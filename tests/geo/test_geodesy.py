"""Lengths, boxes, planes and climbs: true to the geodesic, deaf to the receiver's noise."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.geo.fixes import Fixes, Floats
from service.geo.geodesy import (
    WGS84,
    PlanePoints,
    bounding_box,
    distances_m,
    elevation_profile_m,
    evenly_spaced,
    ground_distances_m,
    is_loop,
    length_m,
    local_plane,
)
from tests.made_up_walks import any_fixes, fixes_at, joined, walk
from tests.recordings import recorded_tracks


@pytest.mark.parametrize("make", [lambda: fixes_at([]), lambda: fixes_at([(8.0, 52.0)])])
def test_less_than_two_fixes_have_no_length(make: Any) -> None:
    fixes = make()
    assert length_m(fixes) == 0
    assert len(distances_m(fixes)) == len(fixes)


@given(any_fixes(min_size=2))
def test_any_length_is_that_of_the_geodesic(fixes: Fixes) -> None:
    inside = np.setdiff1d(np.arange(1, len(fixes)), fixes.starts)
    expected = sum(
        WGS84.inv(fixes.lon[at - 1], fixes.lat[at - 1], fixes.lon[at], fixes.lat[at])[2] for at in inside
    )
    assert length_m(fixes) == pytest.approx(expected, rel=2e-5, abs=1e-6)


@given(st.floats(-180, 180), st.floats(-89.9, 89.9), st.floats(0, 360), st.floats(0.01, 20_000))
def test_a_short_step_is_as_long_as_the_geodesic(
    lon: float, lat: float, azimuth: float, step_m: float
) -> None:
    to_lon, to_lat, _ = WGS84.fwd(lon, lat, azimuth, step_m)
    measured = ground_distances_m(*(np.array([each]) for each in (lon, lat, to_lon, to_lat)))[0]
    assert measured == pytest.approx(step_m, rel=2e-5, abs=1e-6)


def test_a_step_over_the_antimeridian_is_short() -> None:
    assert length_m(fixes_at([(179.999, 0.0), (-179.999, 0.0)])) == pytest.approx(222.6, abs=0.1)


def test_the_gap_between_segments_is_not_walked() -> None:
    two = joined(walk((0, 0), (100, 0)), walk((1_000, 0), (1_050, 0)))
    assert length_m(two) == pytest.approx(150, abs=0.01)
    assert distances_m(two)[two.starts[1]] == pytest.approx(100, abs=0.01)


def test_distances_end_at_the_length() -> None:
    along_m = distances_m(walk((0, 0), (300, 400), every_m=10))
    assert along_m[0] == 0
    assert np.all(np.diff(along_m) > 0)
    assert along_m[-1] == pytest.approx(500, abs=0.01)


def test_a_box_over_the_antimeridian_is_narrow() -> None:
    box = bounding_box(fixes_at([(179.5, 1.0), (-179.5, -2.0)]))
    assert box is not None
    assert (box.west, box.south, box.east, box.north) == (179.5, -2.0, -179.5, 1.0)


def test_a_line_without_points_has_no_box() -> None:
    assert bounding_box(fixes_at([])) is None


@given(any_fixes(min_size=1))
def test_every_fix_lies_in_the_box(fixes: Fixes) -> None:
    box = bounding_box(fixes)
    assert box is not None
    assert -180 <= box.west <= 180
    assert -180 <= box.east <= 180
    assert np.all((box.south <= fixes.lat) & (fixes.lat <= box.north))
    width = (box.east - box.west) % 360 if box.west > box.east else box.east - box.west
    beyond_west = (fixes.lon - box.west) % 360
    assert np.all((beyond_west <= width + 1e-9) | (beyond_west >= 360 - 1e-9))


@given(
    st.floats(-180, 180), st.floats(-85, 85), st.floats(0, 360), st.floats(1, 20_000), st.floats(1, 20_000)
)
def test_the_plane_keeps_distances_of_a_walk(
    lon: float, lat: float, azimuth: float, far_m: float, near_m: float
) -> None:
    ends = [WGS84.fwd(lon, lat, azimuth, far_m)[:2], WGS84.fwd(lon, lat, azimuth + 77, near_m)[:2]]
    fixes = fixes_at(ends)
    x, y = local_plane(fixes).project(fixes.lon, fixes.lat)
    apart_m = WGS84.inv(*ends[0], *ends[1])[2]
    assert np.hypot(x[1] - x[0], y[1] - y[0]) == pytest.approx(apart_m, rel=1e-4, abs=1e-6)


@given(any_fixes(min_size=1))
def test_the_plane_is_finite_anywhere(fixes: Fixes) -> None:
    x, y = local_plane(fixes).project(fixes.lon, fixes.lat)
    assert np.all(np.isfinite(x) & np.isfinite(y))


def test_east_is_real_and_north_imaginary() -> None:
    fixes = walk((0, 0), (300, 400), every_m=500)
    start, end = local_plane(fixes).points(fixes)
    assert end - start == pytest.approx(300 + 400j, abs=0.05)


def test_a_point_of_the_plane_is_found_on_the_ground_again() -> None:
    fixes = walk((0, 0), (900, 1_200))
    plane = local_plane(fixes)
    x, y = plane.project(fixes.lon, fixes.lat)
    lon, lat = plane.unproject(x[-1], y[-1])
    assert (lon, lat) == pytest.approx((fixes.lon[-1], fixes.lat[-1]), abs=1e-9)


def parts_of(line: Fixes, spacing_m: float, most: int) -> tuple[Floats, PlanePoints]:
    return evenly_spaced(distances_m(line), local_plane(line).points(line), spacing_m, most)


def test_a_line_is_cut_into_equal_parts() -> None:
    line = walk((0, 0), (90, 0))
    along_m, points = parts_of(line, 20, 100)
    assert along_m == pytest.approx([9, 27, 45, 63, 81], abs=1e-3)
    assert np.abs(np.diff(points)) == pytest.approx([18] * 4, abs=1e-3)
    assert len(parts_of(line, 20, 3)[0]) == 3


def test_no_part_lies_in_a_gap() -> None:
    line = joined(walk((0, 0), (40, 0)), walk((1_000, 0), (1_040, 0)))
    _, points = parts_of(line, 20, 100)
    assert np.abs(points - points[0]) == pytest.approx([0, 20, 1_000, 1_020], abs=0.1)
    assert parts_of(fixes_at([]), 20, 3)[0].size == 0


@pytest.mark.parametrize(
    ("corners_m", "kind"),
    [
        ([(0, 0), (500, 0), (500, 500), (0, 20)], "loop"),
        ([(0, 0), (500, 0), (0, 0)], "loop"),
        ([(0, 0), (500, 0), (500, 500), (0, 60)], "not"),
        ([(0, 0), (30, 0)], "not"),
    ],
    ids=["round a lake", "out and back", "ends 60 m off", "too short to tell"],
)
def test_a_loop_ends_where_it_began(corners_m: list[tuple[float, float]], kind: str) -> None:
    assert is_loop(walk(*corners_m)) is (kind == "loop")


def test_fixes_without_elevation_are_skipped() -> None:
    positions = [(8.0, 52.0)] * 4
    known, profile = elevation_profile_m(fixes_at(positions, ele_m=[100, float("nan"), 120, float("nan")]))
    assert known.tolist() == [0, 2]
    assert profile.tolist() == [100, 120]


def test_lengths_of_real_tracks_are_within_a_thousandth_of_the_truth() -> None:
    for name, fixes, truth in recorded_tracks():
        assert length_m(fixes) == pytest.approx(truth["len_geodesic_m"], rel=1e-4, abs=0.01), name
