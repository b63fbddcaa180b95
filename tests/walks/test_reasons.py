"""What on a route meets a client's needs and triggers."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings

from service.clients.needs import Need, Trigger
from service.geo.fixes import Fixes
from service.geo.geodesy import length_m
from service.walks.features import Feature
from service.walks.reasons import Bearing, OtherTrigger, Reason, Requirements, find_reasons
from service.walks.stretches import ExpectedPeople, Ground, Light, People, Stretch, Surface, part_of_week
from tests.made_up_walks import any_fixes, walk
from tests.walks.test_fit import OUT_AND_BACK, feature

LINE = walk((0, 0), (1_000, 0), every_m=10)
MEETS, AGAINST, UNKNOWN = Bearing.MEETS, Bearing.AGAINST, Bearing.UNKNOWN


def reasons(
    *requirements: Need | Trigger | str,
    grounds: tuple[Ground, ...] = (Ground(),),
    features: tuple[Feature, ...] = (),
    line: Fixes = LINE,
    part: str | None = None,
) -> list[Reason]:
    """Return the reasons of a line whose stretches are as long as each other."""
    ends = np.linspace(0, length_m(line), len(grounds) + 1).tolist()
    stretches = [Stretch(*each, ground) for each, ground in zip(pairwise(ends), grounds, strict=True)]
    wanted = Requirements(
        tuple(each for each in requirements if isinstance(each, Need)),
        tuple(each for each in requirements if isinstance(each, Trigger)),
        tuple(each for each in requirements if not isinstance(each, Need | Trigger)),
    )
    return find_reasons(line, stretches, features, wanted, part)


def told(found: list[Reason]) -> list[tuple[Any, ...]]:
    return [(each.bearing, round(each.from_m), round(each.to_m), each.words) for each in found]


def named(each: Feature, name: str) -> Feature:
    return msgspec.structs.replace(each, name=name)


def test_steps_stand_against_step_free_where_they_are_and_unknown_ground_is_said() -> None:
    paved, steps = Ground(surface=Surface.PAVED), Ground(surface=Surface.STEPS)
    stile = named(feature("gate", LINE, 700, 3), "Stile by the oak")
    found = reasons(
        Need.STEP_FREE,
        grounds=(paved, steps, steps, Ground()),
        features=(feature("steps", LINE, 100, 0), feature("gate", LINE, 200, 0), stile),
    )
    assert told(found) == [
        (AGAINST, 100, 100, "steps"),
        (UNKNOWN, 200, 200, "gate"),
        (AGAINST, 250, 750, "surface: steps"),
        (AGAINST, 700, 700, "gate: Stile by the oak"),
        (UNKNOWN, 750, 1_000, "surface: not known"),
    ]
    assert found[3].offset_m == pytest.approx(3, abs=0.1)


def test_dogs_water_and_others_are_found_by_what_features_are_called() -> None:
    farm = named(feature("hazard", LINE, 300, 0), "Loose DOGS at the farm")
    weir = named(feature("bench", LINE, 600, 0), "Bench above the weir")
    found = reasons(Trigger.DOGS, Trigger.WATER, Trigger.BEES, "horses", "Loose dog", features=(farm, weir))
    assert [(each.because, *told([each])[0][:2]) for each in found][:3] == [
        (Trigger.DOGS, AGAINST, 300),
        (Trigger.WATER, UNKNOWN, 0),
        (Trigger.WATER, AGAINST, 600),
    ]
    assert [each[:3] for each in told(found)[3:]] == [
        (UNKNOWN, 0, 1_000),
        (UNKNOWN, 0, 1_000),
        (AGAINST, 300, 300),
    ]
    dogwood = named(feature("other", LINE, 500, 0), "Dogwood bend")
    assert told(reasons(Trigger.DOGS, features=(dogwood,)))[0][0] is UNKNOWN


def test_a_bench_meets_the_need_of_seats_on_the_way_out_and_back_and_none_stands_against_it() -> None:
    bench = feature("bench", OUT_AND_BACK, 300, 0)
    found = reasons(Need.SEATS, Need.TOILET, features=(bench,), line=OUT_AND_BACK)
    assert told(found) == [
        (MEETS, 300, 300, "bench"),
        (MEETS, 1_700, 1_700, "bench"),
        (AGAINST, 0, 2_000, "none is marked: toilet"),
    ]


def test_others_are_expected_in_the_part_of_the_week_of_the_walk_or_else_the_most() -> None:
    people = ExpectedPeople(weekday_morning=People.FEW, weekend_afternoon=People.MANY)
    grounds = (Ground(people=people), Ground(water_beside=True), Ground(people=people))
    assert [each[:3] for each in told(reasons(Trigger.CROWDS, grounds=grounds))] == [
        (AGAINST, 0, 333),
        (UNKNOWN, 333, 667),
        (AGAINST, 667, 1_000),
    ]
    assert [each[0] for each in told(reasons(Trigger.CROWDS, grounds=grounds, part="weekday_morning"))] == [
        UNKNOWN
    ]
    saturday = datetime(2026, 6, 6, 11, 30, tzinfo=UTC)
    assert part_of_week(saturday, "Europe/London") == "weekend_afternoon"
    assert part_of_week(saturday, "America/New_York") == "weekend_morning"


def test_light_meets_a_need_and_the_dark_a_trigger() -> None:
    grounds = (Ground(light=Light.LIT), Ground(light=Light.UNLIT, water_beside=True))
    assert [each.bearing for each in reasons(Need.LIGHT, grounds=grounds)] == [MEETS, AGAINST]
    assert told(reasons(Trigger.DARK, Trigger.WATER, grounds=grounds)) == [
        (AGAINST, 500, 1_000, "light: unlit"),
        (UNKNOWN, 0, 500, "water beside the path: not known"),
        (AGAINST, 500, 1_000, "water beside the path"),
    ]


def test_slopes_that_are_not_gentle_are_named_up_and_down_and_none_without_heights() -> None:
    along_m = np.linspace(0, 1_000, len(LINE))
    hill = np.interp(along_m, [0, 300, 500, 700, 1_000], [0, 0, 20, 0, 0])
    up, down = reasons(Need.GENTLE_SLOPES, line=msgspec.structs.replace(LINE, ele_m=hill))
    assert (up.words, down.words) == ("gradient: 10% up", "gradient: 10% down")
    assert (up.from_m, down.to_m) == pytest.approx((300, 700), abs=30)
    assert up.to_m == pytest.approx(500, abs=60)
    noise = np.random.default_rng(3).normal(0, 5, len(LINE))
    [uncertain] = reasons(Need.GENTLE_SLOPES, line=msgspec.structs.replace(LINE, ele_m=noise))
    assert told([uncertain]) == [(UNKNOWN, 0, 1_000, "gradient: not certain, heights are noisy")]
    assert reasons(Need.GENTLE_SLOPES, line=msgspec.structs.replace(LINE, ele_m=along_m * 0.03)) == []
    flat = msgspec.structs.replace(LINE, ele_m=np.full(len(LINE), np.nan))
    assert told(reasons(Need.GENTLE_SLOPES, line=flat)) == [(UNKNOWN, 0, 1_000, "gradient: not known")]


@settings(max_examples=40, deadline=None)
@given(any_fixes(min_size=2))
def test_reasons_lie_on_any_line(line: Fixes) -> None:
    features = (feature("bench", LINE, 700, 0), feature("gate", LINE, 200, 0))
    found = reasons(*Need, *Trigger, "horses", features=features, line=line)
    end_m = length_m(line)
    assert {each.because for each in found} >= {Need.SEATS, Trigger.DOGS, OtherTrigger("horses")}
    assert all(0 <= each.from_m <= each.to_m <= end_m * (1 + 1e-9) + 0.01 for each in found)
