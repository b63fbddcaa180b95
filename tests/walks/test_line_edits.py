"""Edits in long random sequences: nothing gets lost, nothing drifts."""

from contextlib import suppress
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.foundation.retry_safe import Unusable
from service.geo.blob import pack_fixes, unpack_fixes
from service.geo.fixes import Fixes
from service.geo.geodesy import length_m, local_plane
from service.walks.line_edits import (
    AddPoint,
    CloseLoop,
    Join,
    Keep,
    LineEdit,
    MovePoint,
    OutAndBack,
    RemovePoints,
    Reverse,
    edit_line,
    join,
    reverse,
)
from service.walks.relocate_stretches import relocate_stretches
from service.walks.stretches import Ground, Stretch, Surface
from tests.made_up_walks import any_fixes, fixes_at, joined, on_the_ground, walk

LINE = unpack_fixes(pack_fixes(walk((0, 0), (400, 0), (400, 300), (100, -100), pace_mps=None, every_m=50)))
"""It crosses itself."""


def edited(line: Fixes, *edits: LineEdit) -> Fixes:
    return edit_line(line, edits, {})


def same(one: Fixes, other: Fixes) -> bool:
    return pack_fixes(one) == pack_fixes(other)


@given(any_fixes(min_size=1))
def test_reversing_twice_changes_nothing(line: Fixes) -> None:
    twice = reverse(reverse(line))
    assert (twice.starts.tolist(), twice.lon.tolist()) == (line.starts.tolist(), line.lon.tolist())


@given(st.floats(2, 1_190))
def test_a_line_that_is_cut_and_joined_is_the_line_again(at_m: float) -> None:
    whole = join(edited(LINE, Keep(0, at_m)), edited(LINE, Keep(at_m, None)))
    assert length_m(whole) == pytest.approx(length_m(LINE), abs=0.01)
    kept = zip(whole.lon, whole.lat, strict=True)
    assert set(zip(LINE.lon, LINE.lat, strict=True)) <= set(kept)


def test_a_gap_between_segments_stays_one_whatever_is_edited() -> None:
    parted = joined(walk((0, 0), (200, 0), every_m=50), walk((900, 0), (1_100, 0), every_m=50))
    assert length_m(edited(parted, Reverse())) == pytest.approx(400, abs=0.1)
    assert length_m(edited(parted, AddPoint(4, *place(250)))) == pytest.approx(450, abs=0.1)
    assert length_m(edited(parted, RemovePoints(5, 5))) == pytest.approx(350, abs=0.1)
    assert length_m(edited(parted, Keep(100, 300))) == pytest.approx(200, abs=0.1)
    assert length_m(edited(parted, OutAndBack())) == pytest.approx(800, abs=0.1)


def place(east_m: float) -> tuple[float, float]:
    lon, lat = on_the_ground(np.array([east_m]), np.zeros(1))
    return float(lon[0]), float(lat[0])


def test_heights_stay_with_the_points_that_stay() -> None:
    line = fixes_at([(0, 0), (0.001, 0), (0.002, 0), (0.003, 0)], ele_m=[5, 6, 7, 8])
    moved = edited(line, MovePoint(1, 0.001, 0.0005), Reverse(), AddPoint(0, 0.0025, 0, ele_m=7.5))
    assert np.nan_to_num(moved.ele_m, nan=-1).tolist() == [8, 7.5, 7, -1, 5]


def test_over_the_antimeridian_a_cut_stays_where_it_is() -> None:
    line = fixes_at([(179.99, 0), (-179.99, 0)])
    half = edited(line, Keep(0, length_m(line) / 2))
    assert abs(half.lon[-1]) == pytest.approx(180, abs=1e-6)
    assert length_m(half) == pytest.approx(length_m(line) / 2, rel=1e-6)


@st.composite
def an_edit(draw: st.DrawFn) -> LineEdit:
    aside_m = st.integers(-300, 600)
    lon, lat = on_the_ground(np.array([draw(aside_m)]), np.array([draw(aside_m)]))
    at = (round(float(lon[0]), 7), round(float(lat[0]), 7))
    first = draw(st.integers(0, 15))
    edits: list[LineEdit] = [
        AddPoint(first - 1, *at),
        MovePoint(first, *at),
        RemovePoints(first, first),
        Reverse(),
        Keep(0.0, draw(st.floats(200, 900))),
        OutAndBack(),
        CloseLoop(),
    ]
    return edits[draw(st.integers(0, len(edits) - 1))]


@given(st.lists(an_edit(), max_size=12))
def test_versions_of_long_sequences_come_back_as_they_were(edits: list[LineEdit]) -> None:
    versions, line = [pack_fixes(LINE)], LINE
    for edit in edits:
        if len(line) <= 500:
            with suppress(Unusable):
                line = edited(line, edit)
        versions.append(pack_fixes(line))
        line = unpack_fixes(versions[-1])
    assert [pack_fixes(unpack_fixes(each)) for each in versions] == versions
    assert line.starts[0] == 0


@given(st.integers(1, 22), st.integers(-2, 2))
def test_a_stretch_keeps_its_ground_while_the_line_passes_it(point: int, aside_m: int) -> None:
    ground = Ground(surface=Surface.GRAVEL)
    lon, lat = on_the_ground(np.array([600.0]), np.array([800.0 + aside_m]))
    new = edited(LINE, AddPoint(len(LINE) - 1, float(lon[0]), float(lat[0])), Reverse())
    from_m = 10.0 * point
    found = relocate_stretches(LINE, new, [Stretch(from_m, from_m + 60, ground)])
    assert found.lost == ()
    plane = local_plane(LINE)
    old_points, new_points = plane.points(LINE), plane.points(new)
    old_m, new_m = (
        np.concatenate(([0.0], np.cumsum(np.abs(np.diff(each))))) for each in (old_points, new_points)
    )
    (carried,) = found.stretches
    begins = np.interp([from_m + 60, from_m], old_m, old_points)
    ends = np.interp([carried.from_m, carried.to_m], new_m, new_points)
    assert np.abs(begins - ends).max() <= 1


def test_a_line_of_200_000_points_is_edited_at_once() -> None:
    numbers = np.arange(200_000)
    line = fixes_at([(0.0, 0.0)] * 2)
    long = Fixes(
        lon=numbers / 1_000_000,
        lat=np.zeros(numbers.size),
        ele_m=np.full(numbers.size, np.nan),
        time_ms=np.full(numbers.size, line.time_ms[0]),
        starts=np.zeros(1, np.int64),
    )
    found = edited(long, Reverse(), AddPoint(100_000, 0.1, 0.001), Keep(100, 20_000))
    assert length_m(found) == pytest.approx(19_900, abs=0.1)


def test_a_route_is_joined_by_the_lines_that_are_given() -> None:
    other = Join(UUID(int=1))
    found = edit_line(LINE, [other], {other: LINE})
    assert len(found) == 2 * len(LINE)
