"""Corners of a drawn line that lie far aside are found; spurs and long steps of its own are not."""

import numpy as np
import pytest
from msgspec.structs import replace

from service.geo.far_corners import FarCorner, find_far_corners
from service.geo.fixes import Fixes
from tests.made_up_walks import on_the_ground, walk

LINE = walk((0, 0), (1_000, 0), (1_000, 800), pace_mps=None, every_m=20)


def with_points_at(line: Fixes, numbers: list[int], east_m: float, north_m: float) -> Fixes:
    """Return a line of which these points were clicked elsewhere."""
    lon, lat = on_the_ground(np.array([east_m]), np.array([north_m]))
    lons, lats = line.lon.copy(), line.lat.copy()
    lons[numbers], lats[numbers] = lon, lat
    return replace(line, lon=lons, lat=lats)


def clicked(*corners_m: tuple[float, float]) -> Fixes:
    return walk(*corners_m, pace_mps=None, every_m=100_000)


def one(line: Fixes) -> FarCorner:
    (corner,) = find_far_corners(line)
    return corner


@pytest.mark.parametrize("numbers", [[0], [0, 1], [30], [30, 31, 32], [len(LINE) - 1]])
def test_points_clicked_far_aside_are_found_wherever_they_are(numbers: list[int]) -> None:
    corner = one(with_points_at(LINE, numbers, -2_000, 4_000))
    assert (corner.point, corner.points) == (numbers[0], len(numbers))
    assert corner.adds_m == pytest.approx(corner.off_m * (2 if numbers[0] == 30 else 1), rel=0.05)


@pytest.mark.parametrize(("clicks", "step_m"), [(17, 160), (9, 30)])
def test_one_click_800_m_aside_is_found_in_a_line_of_few_clicks(clicks: int, step_m: int) -> None:
    line = clicked(*((step_m * number, 0) for number in range(clicks)))
    corner = one(with_points_at(line, [4], 4 * step_m, -800))
    assert (corner.point, corner.points) == (4, 1)
    assert corner.off_m == pytest.approx(800, abs=20)


@pytest.mark.parametrize(
    "line",
    [
        LINE,
        clicked(*((100 * number, 0) for number in range(9)), (800, 900), (800, 0), (900, 0), (1_000, 0)),
        clicked(*((20 * number, 0) for number in range(30)), (800, 90), (590, 90), (570, 100)),
        walk((0, 0), (500, 0), (500, 900), (500, 0), (1_000, 0), pace_mps=None, every_m=20),
        walk((0, 0), (300, 0), (2_000, 500), (2_100, 700), (300, 100), pace_mps=None, every_m=5_000),
        walk((0, 0), (1, 0), pace_mps=None),
    ],
    ids=[
        "plain",
        "a spur of one click",
        "a hairpin bend",
        "a spur drawn like the rest",
        "a few clicks far apart",
        "two points",
    ],
)
def test_a_line_drawn_as_it_is_walked_has_none(line: Fixes) -> None:
    assert find_far_corners(line) == ()


def test_a_gap_between_two_segments_is_no_corner() -> None:
    far = with_points_at(LINE, list(range(60, len(LINE))), 9_000, 9_000)
    assert find_far_corners(replace(far, starts=np.array([0, 60]))) == ()
