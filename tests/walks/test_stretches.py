"""Stretches of a line: setting, splitting, merging, and what is refused."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.foundation.retry_safe import Unusable
from service.walks.stretches import (
    NOTHING_KNOWN,
    Canopy,
    Ground,
    GroundChange,
    Light,
    Stretch,
    Surface,
    placed,
    slopes,
    tidy,
    whole_line,
    with_ground,
)
from tests.made_up_walks import walk

LENGTH_M = 1_000.0
GRAVEL, GRASS = Ground(surface=Surface.GRAVEL), Ground(surface=Surface.GRASS)

metres = st.integers(0, 100_000).map(lambda each: each / 100)
changes = st.fixed_dictionaries(
    {},
    optional={
        "surface": st.sampled_from([None, *Surface]),
        "canopy": st.sampled_from([None, *Canopy]),
        "privacy": st.integers(0, 3) | st.none(),
    },
)
edits = st.lists(st.tuples(metres, metres, changes), max_size=12)


def edited(sequence: Sequence[tuple[float, float, dict[str, Any]]]) -> list[Stretch]:
    stretches: list[Stretch] = []
    for one, other, change in sequence:
        stretches = with_ground(stretches, min(one, other), max(one, other), change)
    return stretches


def ground_at(stretches: Sequence[Stretch], at_m: float) -> Ground:
    return next((each.ground for each in stretches if each.from_m <= at_m < each.to_m), NOTHING_KNOWN)


@given(edits, metres)
def test_a_place_has_what_was_last_said_of_it(
    sequence: list[tuple[float, float, dict[str, Any]]], at_m: float
) -> None:
    expected = NOTHING_KNOWN
    for one, other, change in sequence:
        if min(one, other) <= at_m < max(one, other):
            expected = msgspec.structs.replace(expected, **change)
    assert ground_at(edited(sequence), at_m) == expected


@given(edits)
def test_stretches_never_overlap_and_alike_neighbours_are_one(
    sequence: list[tuple[float, float, dict[str, Any]]],
) -> None:
    stretches = edited(sequence)
    assert all(each.length_m > 0 and each.ground != NOTHING_KNOWN for each in stretches)
    for before, after in pairwise(stretches):
        assert before.to_m <= after.from_m
        assert before.to_m < after.from_m or before.ground != after.ground


@given(edits)
def test_what_was_read_can_be_sent_back_and_stays_the_same(
    sequence: list[tuple[float, float, dict[str, Any]]],
) -> None:
    stretches = edited(sequence)
    covered = whole_line(stretches, LENGTH_M)
    assert sum(each.length_m for each in covered) == pytest.approx(LENGTH_M)
    assert tidy(stretches) == stretches
    assert placed(covered, LENGTH_M) == stretches


def test_the_middle_of_a_stretch_is_set_apart_and_joined_again() -> None:
    gravel = [Stretch(0, 900, GRAVEL)]
    split = with_ground(gravel, 300, 400, {"light": Light.LIT})
    lit = Ground(surface=Surface.GRAVEL, light=Light.LIT)
    assert split == [Stretch(0, 300, GRAVEL), Stretch(300, 400, lit), Stretch(400, 900, GRAVEL)]
    assert with_ground(split, 0, 1_000, {"light": None}) == gravel


def test_a_change_that_begins_behind_the_line_is_refused_at_its_beginning() -> None:
    with pytest.raises(Unusable, match="this begins at 1200 m") as refused:
        GroundChange(from_m=1_200, changes={}).part_of(LENGTH_M, {})
    assert refused.value.pointer == "/from_m"


def test_overlapping_stretches_are_refused_with_the_place() -> None:
    with pytest.raises(Unusable, match="from 400 m to 500 m it overlaps stretch 0") as refused:
        placed([Stretch(300, 500, GRAVEL), Stretch(400, 600, GRASS)], LENGTH_M)
    assert refused.value.pointer == "/stretches/1/from_m"


@pytest.mark.parametrize(
    ("stretch", "pointer", "told"),
    [
        (Stretch(900, 1_000.02, GRAVEL), "/stretches/0/to_m", "the line ends at 1000.00 m"),
        (Stretch(1_200, 1_300, GRAVEL), "/stretches/0/to_m", "the line ends at 1000.00 m"),
        (Stretch(300, 300, GRAVEL), "/stretches/0/to_m", "it must lie after from_m, 300 m"),
        (Stretch(300, 200, GRAVEL), "/stretches/0/to_m", "it must lie after from_m, 300 m"),
    ],
)
def test_a_stretch_off_the_line_is_refused(stretch: Stretch, pointer: str, told: str) -> None:
    with pytest.raises(Unusable, match=told) as refused:
        placed([stretch], LENGTH_M)
    assert refused.value.pointer == pointer


def test_a_rounded_length_is_taken_for_the_end_of_the_line() -> None:
    assert placed([Stretch(900, 1_000.01, GRAVEL)], 999.996) == [Stretch(900, 1_000.0, GRAVEL)]


def test_a_change_reaches_from_one_feature_to_the_other_in_either_order() -> None:
    gate, bench = uuid4(), uuid4()
    along = {gate: 700.0, bench: 250.0}
    for first, last in ((gate, bench), (bench, gate)):
        change = GroundChange(from_feature_id=first, to_feature_id=last, changes={})
        assert change.part_of(LENGTH_M, along) == Stretch(250.0, 700.0)
    assert GroundChange(from_feature_id=gate, changes={}).part_of(LENGTH_M, along) == Stretch(700.0, 1_000.0)
    with pytest.raises(Unusable, match="no such feature"):
        GroundChange(to_feature_id=uuid4(), changes={}).part_of(LENGTH_M, along)
    with pytest.raises(Unusable, match="not both"):
        GroundChange(from_m=3, from_feature_id=gate, changes={}).part_of(LENGTH_M, along)


def test_slopes_come_from_the_heights() -> None:
    line = walk((0, 0), (1_000, 0))
    assert slopes(line, [Stretch(0, 1_000)]) == [None]
    hill = msgspec.structs.replace(line, ele_m=np.maximum(0, np.arange(len(line)) - 500) * 0.1)
    flat, up, whole = slopes(hill, [Stretch(0, 400), Stretch(600, 900), Stretch(0, 1_000)])
    assert flat
    assert up
    assert whole
    assert (flat.mean, flat.steepest) == pytest.approx((0, 0), abs=1e-6)
    assert (up.mean, up.steepest) == pytest.approx((0.1, 0.1), abs=1e-3)
    assert whole.mean == pytest.approx(0.05, abs=1e-3)
