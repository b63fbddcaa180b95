"""Stretches of a line that another replaces: what keeps its place, and what is lost."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.geo.fixes import Fixes
from service.geo.geodesy import length_m
from service.walks.relocate_stretches import relocate_stretches
from service.walks.stretches import Ground, Stretch, tidy
from tests.made_up_walks import fixes_at, walk

ONE, TWO, THREE = (Ground(privacy=each) for each in (1, 2, 3))


def reversed_line(line: Fixes) -> Fixes:
    return msgspec.structs.replace(
        line, lon=line.lon[::-1].copy(), lat=line.lat[::-1].copy(), ele_m=line.ele_m[::-1].copy()
    )


def parts(stretches: tuple[Stretch, ...]) -> list[tuple[float, float, int | None]]:
    return [(round(each.from_m), round(each.to_m), each.ground.privacy) for each in stretches]


def test_a_detour_loses_what_it_leaves_and_moves_what_comes_after() -> None:
    old = walk((0, 0), (1_000, 0), (1_000, 800))
    detour = walk((0, 0), (400, 0), (400, 300), (600, 300), (600, 0), (1_000, 0), (1_000, 800))
    known = [Stretch(100, 500, ONE), Stretch(500, 1_200, TWO), Stretch(1_700, 1_800, THREE)]
    moved = relocate_stretches(old, detour, known)
    assert parts(moved.stretches) == [(100, 400, 1), (1_200, 1_800, 2), (2_300, 2_400, 3)]
    assert parts(moved.lost) == [(420, 500, 1), (500, 580, 2)]


def test_each_pass_of_an_out_and_back_walk_keeps_its_own() -> None:
    out_and_back = walk((0, 0), (1_000, 0), (0, 0))
    known = [Stretch(0, 1_000, ONE), Stretch(1_000, 2_000, TWO)]
    assert relocate_stretches(out_and_back, out_and_back, known).stretches == tuple(known)
    farther = relocate_stretches(out_and_back, walk((0, 0), (1_200, 0), (0, 0)), known)
    assert parts(farther.stretches) == [(0, 1_000, 1), (1_400, 2_400, 2)]
    assert farther.lost == ()
    nearer = relocate_stretches(out_and_back, walk((0, 0), (700, 0), (0, 0)), known)
    assert parts(nearer.stretches) == [(0, 700, 1), (700, 1_400, 2)]
    assert sum(each.length_m for each in nearer.lost) == pytest.approx(600, abs=60)


def test_a_figure_of_eight_edited_at_its_crossing_keeps_both_passes_apart() -> None:
    old = walk((0, 0), (400, 400), (400, 0), (0, 400))
    known = [Stretch(0, 560, ONE), Stretch(560, 970, TWO), Stretch(970, 1_530, THREE)]
    edited = walk((0, 0), (200, 210), (400, 400), (400, 0), (0, 400))
    moved = relocate_stretches(old, edited, known)
    assert [each.ground for each in moved.stretches] == [ONE, TWO, THREE]
    assert moved.lost == ()


def test_a_line_walked_the_other_way_keeps_everything() -> None:
    old = walk((0, 0), (1_000, 0), (1_000, 800))
    known = [Stretch(100, 500, ONE), Stretch(1_700, 1_800, TWO)]
    moved = relocate_stretches(old, reversed_line(old), known)
    assert parts(moved.stretches) == [(0, 100, 2), (1_300, 1_700, 1)]


def test_a_line_elsewhere_loses_everything_and_says_so() -> None:
    known = [Stretch(100, 500, ONE)]
    moved = relocate_stretches(walk((0, 0), (1_000, 0)), walk((0, 500), (1_000, 500)), known)
    assert (moved.stretches, parts(moved.lost)) == ((), [(100, 500, 1)])


def test_a_line_over_the_antimeridian_keeps_its_stretches() -> None:
    old = fixes_at([(179.99, -17.0), (-179.99, -17.0)])
    new = fixes_at([(179.99, -17.0), (180.0, -17.0), (-179.99, -17.0)])
    known = [Stretch(200, 1_900, ONE)]
    assert parts(relocate_stretches(old, new, known).stretches) == [(200, 1_900, 1)]


corners = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900)), min_size=2, max_size=6, unique=True)
cuts = st.lists(st.floats(0, 1), min_size=2, max_size=8)


@settings(max_examples=40, deadline=None)
@given(corners, cuts)
def test_the_same_line_again_moves_nothing_however_often(
    places: list[tuple[int, int]], shares: list[float]
) -> None:
    line = walk(*places, every_m=7)
    whole_m = length_m(line)
    ends = sorted(share * whole_m for share in shares)
    pieces = zip(ends[::2], ends[1::2], strict=False)
    known = tuple(tidy(Stretch(*each, Ground(privacy=n % 4)) for n, each in enumerate(pieces)))
    moved = relocate_stretches(line, line, known)
    assert moved.lost == ()
    for one, other in zip(moved.stretches, known, strict=True):
        assert (one.from_m, one.to_m) == pytest.approx((other.from_m, other.to_m), abs=0.011)
        assert one.ground == other.ground


@settings(max_examples=40, deadline=None)
@given(corners, corners, cuts)
def test_what_is_not_kept_is_lost(
    before: list[tuple[int, int]], after: list[tuple[int, int]], shares: list[float]
) -> None:
    old, new = walk(*before, every_m=7), walk(*after, every_m=7)
    ends = sorted(share * length_m(old) for share in shares)
    known = tidy(Stretch(*each, ONE) for each in zip(ends[::2], ends[1::2], strict=False))
    moved = relocate_stretches(old, new, known)
    if known:
        assert moved.stretches or moved.lost
    assert all(0 <= each.from_m < each.to_m <= length_m(new) + 0.01 for each in moved.stretches)
    assert all(0 <= each.from_m < each.to_m <= length_m(old) + 0.01 for each in moved.lost)
