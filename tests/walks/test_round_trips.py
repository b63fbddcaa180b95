"""Any route that leaves as a file comes back with its line, features and stretches."""

import enum
import math
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from service.geo.blob import pack_fixes, unpack_fixes
from service.geo.fixes import NO_TIME, Fixes
from service.geo.geodesy import distances_m, length_m
from service.geo.gpx.model import OwnElement
from service.walks.export_route import route_drawing, route_gpx
from service.walks.features import MAY_BE_REFUGE, Feature, FeatureKind, ThunderRefuge, locate_features
from service.walks.file_ground import (
    KnownGround,
    along_without_gaps,
    read_claim_elements,
    read_drawn_stretches,
    read_elements,
    stretch_element,
    stretch_members,
)
from service.walks.route_files import FileForm, RouteFile, RouteRequest, draft_route, read_route_file
from service.walks.routes import FullRoute, NewRoute, RouteSummary, line_fault, measure_line
from service.walks.stretches import (
    Canopy,
    ExpectedPeople,
    Ground,
    Light,
    People,
    PhoneSignal,
    Share,
    Stretch,
    Surface,
    WindExposure,
    placed,
    tidy,
)

NOW = datetime(2026, 5, 1, 9, tzinfo=UTC)
ROUTE = UUID(int=7)
MOST_M = 3_000.0

awkward = st.sampled_from(['<&">', "</trk>", "]]>", "مسار هادئ", "שביל", "a\u200fb", "e\u0301", "🌳"])
words = st.text(st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S"]), min_size=1, max_size=20)
texts = (awkward | words).filter(lambda text: "\ufffe" not in text and "\uffff" not in text)


def maybe(kind: type[enum.Enum]) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from(list(kind))


grounds = st.builds(
    Ground,
    surface=maybe(Surface),
    canopy=maybe(Canopy),
    wind=maybe(WindExposure),
    shade=maybe(Share),
    shelter=maybe(Share),
    light=maybe(Light),
    privacy=st.none() | st.integers(0, 3),
    width_m=st.none() | st.floats(0.1, 100),
    people=st.none()
    | st.builds(ExpectedPeople, **{name: maybe(People) for name in ExpectedPeople.__struct_fields__}).filter(
        lambda people: people != ExpectedPeople()
    ),
    water_beside=st.none() | st.booleans(),
    drop_beside=st.none() | st.booleans(),
    phone_signal=maybe(PhoneSignal),
)


@st.composite
def lines(draw: st.DrawFn) -> Fixes:
    """Return a line as it is stored, of up to three segments of at least two points."""
    lon, lat = draw(st.floats(-179, 179)), draw(st.floats(-80, 80))
    step = st.floats(-0.002, 0.002)
    steps = draw(st.lists(st.tuples(step, step), min_size=2, max_size=12))
    ele_m = [draw(st.just(math.nan) | st.floats(-400, 4_000)) for _ in steps]
    east, north = np.cumsum(steps, axis=0).T
    cuts = draw(st.sets(st.integers(1, 5).map(lambda number: 2 * number), max_size=2))
    starts = [0, *sorted(each for each in cuts if each + 1 < len(steps))]
    line = Fixes(lon + east, lat + north, np.array(ele_m), np.full(len(steps), NO_TIME), np.array(starts))
    assume(line_fault(line) is None)
    return unpack_fixes(pack_fixes(line))


@st.composite
def stretches_along(draw: st.DrawFn, to_m: float) -> list[Stretch]:
    ends = sorted(draw(st.lists(st.floats(0, 1), max_size=8)))
    pieces = [Stretch(begin * to_m, end * to_m, draw(grounds)) for begin, end in pairwise(ends)]
    return tidy(pieces)


@st.composite
def features_near(draw: st.DrawFn, line: Fixes) -> list[Feature]:
    marked = []
    for number in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(list(FeatureKind)))
        refuge = draw(st.sampled_from(list(ThunderRefuge)))
        assume(refuge is not ThunderRefuge.YES or kind in MAY_BE_REFUGE)
        marked.append(
            Feature(
                id=UUID(int=number),
                route_id=ROUTE,
                kind=kind,
                name=draw(st.none() | texts),
                description=draw(st.none() | texts),
                thunder_refuge=refuge,
                lon=round(float(line.lon[0]) + draw(st.floats(-0.01, 0.01)), 7),
                lat=round(float(line.lat[0]) + draw(st.floats(-0.01, 0.01)), 7),
                along_m=0.0,
                offset_m=0.0,
                created_at=NOW,
                updated_at=NOW,
            )
        )
    return locate_features(line, marked)


class Leaving(msgspec.Struct, frozen=True, eq=False):
    """A route about to leave."""

    full: FullRoute
    line: Fixes
    stretches: list[Stretch]


@st.composite
def routes(draw: st.DrawFn) -> Leaving:
    line = draw(lines())
    summary = RouteSummary(
        id=ROUTE,
        name=draw(texts),
        description=draw(st.none() | texts),
        tags=[],
        version=1,
        archived_at=None,
        created_at=NOW,
        updated_at=NOW,
        revision=1,
        flat_pace_mps=1.0,
        rests_s=0,
        practice_revision=1,
        **msgspec.structs.asdict(measure_line(line)),
    )
    stretches = draw(stretches_along(summary.length_m))
    return Leaving(FullRoute(summary, draw(features_near(line))), line, stretches)


def imported(content: bytes, form: FileForm, line: int = 0) -> tuple[NewRoute, RouteFile]:
    file = read_route_file(content, form, NOW)
    assert file.skipped_count == 0, file.skipped
    return draft_route(file, RouteRequest(id=ROUTE, line=line), NOW).route, file


def attributes(features: list[Feature]) -> list[tuple[Any, ...]]:
    members = ("kind", "name", "description", "thunder_refuge", "lon", "lat")
    return [tuple(getattr(each, member) for member in members) for each in features]


def assert_same_ground(found: tuple[Stretch, ...], expected: list[Stretch]) -> None:
    assert [each.ground for each in found] == [each.ground for each in expected]
    for one, other in zip(found, expected, strict=True):
        assert (one.from_m, one.to_m) == pytest.approx((other.from_m, other.to_m), abs=0.1)


def assert_comes_back(leaving: Leaving, content: bytes, form: FileForm) -> None:
    new, _ = imported(content, form)
    line = unpack_fixes(new.line.packed)
    np.testing.assert_allclose(line.lon, leaving.line.lon, rtol=0, atol=1e-7)
    np.testing.assert_allclose(line.lat, leaving.line.lat, rtol=0, atol=1e-7)
    np.testing.assert_allclose(line.ele_m, leaving.line.ele_m, rtol=0, atol=0.01)
    assert line.starts.tolist() == leaving.line.starts.tolist()
    assert (new.route.name, new.route.description) == (
        leaving.full.route.name,
        leaving.full.route.description,
    )
    assert attributes(new.features) == attributes(leaving.full.features)
    assert_same_ground(new.stretches, leaving.stretches)


@pytest.mark.parametrize("with_route", [False, True])
@settings(deadline=None)
@given(leaving=routes())
def test_a_gpx_file_comes_back_as_it_left(leaving: Leaving, *, with_route: bool) -> None:
    content = route_gpx(leaving.full, leaving.line, leaving.stretches, with_route=with_route)
    assert_comes_back(leaving, content, FileForm.GPX)


@settings(deadline=None)
@given(routes())
def test_a_drawing_comes_back_as_it_left(leaving: Leaving) -> None:
    content = route_drawing(leaving.full, 1, leaving.line, leaving.stretches)
    assert_comes_back(leaving, content, FileForm.GEOJSON)


@settings(deadline=None)
@given(routes())
def test_a_rte_comes_back_as_one_segment_with_the_same_ground_at_the_same_places(leaving: Leaving) -> None:
    content = route_gpx(leaving.full, leaving.line, leaving.stretches, with_route=True)
    file = read_route_file(content, FileForm.GPX, NOW)
    assume(line_fault(file.lines[1].fixes) is None)
    new, _ = imported(content, FileForm.GPX, line=1)
    line = unpack_fixes(new.line.packed)
    assert line.starts.tolist() == [0]
    assert len(line) == len(leaving.line)
    assert attributes(new.features) == attributes(leaving.full.features)
    assert_same_ground(new.stretches, along_without_gaps(leaving.line, leaving.stretches))
    for ground in {each.ground for each in leaving.stretches}:
        before, after = (
            sum(each.length_m for each in some if each.ground == ground)
            for some in (leaving.stretches, new.stretches)
        )
        assert after == pytest.approx(before, abs=0.1)


def test_in_a_rte_a_stretch_lies_on_both_sides_of_a_gap_and_not_in_it() -> None:
    line = Fixes(
        np.array([8.0, 8.001, 8.002, 8.003]),
        np.zeros(4),
        np.full(4, np.nan),
        np.full(4, NO_TIME),
        np.array([0, 2]),
    )
    step_m = float(distances_m(line)[1])
    gravel = Ground(surface=Surface.GRAVEL)
    split = along_without_gaps(line, [Stretch(10, step_m + 10, gravel)])
    assert [(each.from_m, each.to_m) for each in split] == [
        pytest.approx((10, step_m), abs=0.01),
        pytest.approx((2 * step_m, 2 * step_m + 10), abs=0.01),
    ]


# What strangers write in our names.

names = st.sampled_from(
    ["from_m", "to_m", *Ground.__struct_fields__, "people_weekday_morning", "people_", "people_noon", "x"]
)
numbers = st.floats() | st.integers() | st.integers(0, 2_000) | st.floats(0, 2_000)
values = st.sampled_from(["gravel", "none", "yes", "true", "NaN", "1e400", "-0", "", "few", "2"]) | texts
odd = st.recursive(
    st.none() | st.booleans() | numbers.filter(math.isfinite) | values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
some_members = st.dictionaries(names, odd, max_size=8)
with_places = st.builds(
    lambda members, from_m, to_m: members | {"from_m": from_m, "to_m": to_m}, some_members, numbers, numbers
)


def assert_could_be_put(known: KnownGround, to_m: float) -> None:
    assert list(known.stretches) == placed(known.stretches, to_m)
    for flaw in known.flaws:
        assert flaw.reason


@settings(deadline=None)
@given(st.lists(some_members | with_places, max_size=8), st.floats(1, 2_000))
def test_of_any_attributes_only_what_the_api_takes_is_kept(items: list[dict[str, Any]], to_m: float) -> None:
    elements = [OwnElement("stretch", {name: str(value) for name, value in each.items()}) for each in items]
    assert_could_be_put(read_elements(elements, to_m), to_m)
    assert read_claim_elements(elements, FeatureKind.BENCH).refuge is ThunderRefuge.UNKNOWN


@settings(deadline=None)
@given(odd | st.lists(odd | with_places.filter(lambda each: all(map(is_json, each.values()))), max_size=8))
def test_of_any_json_only_what_the_api_takes_is_kept(said: object) -> None:
    assert_could_be_put(read_drawn_stretches(msgspec.json.encode(said), 1_000.0), 1_000.0)


def is_json(value: object) -> bool:
    return not isinstance(value, (float, int)) or abs(value) < 2**63


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 2_000), st.floats(0, 2_000), grounds), max_size=30))
def test_stretches_that_overlap_are_cut_and_cover_what_any_of_them_did(
    given_: list[tuple[float, float, Ground]],
) -> None:
    stretches = [Stretch(round(begin, 2), round(end, 2), ground) for begin, end, ground in given_]
    elements = [stretch_element(each) for each in stretches]
    known = read_elements(elements, 1_000.0)
    assert (
        known.stretches
        == read_drawn_stretches(
            msgspec.json.encode([stretch_members(each) for each in stretches]), 1_000.0
        ).stretches
    )
    assert_could_be_put(known, 1_000.0)
    for place in np.linspace(0.005, 999.995, 50):
        said = [each.ground for each in stretches if each.from_m <= place < each.to_m]
        found = [each.ground for each in known.stretches if each.from_m <= place < each.to_m]
        assert len(found) <= 1
        assert set(found) <= set(said) - {Ground()}
        assert found or set(said) <= {Ground()}


def test_the_length_of_a_file_line_is_what_its_stretches_are_measured_along() -> None:
    line = Fixes(np.array([8.0, 8.01]), np.zeros(2), np.full(2, np.nan), np.full(2, NO_TIME), np.array([0]))
    to_m = length_m(line)
    known = read_elements([stretch_element(Stretch(0, to_m, Ground(privacy=2)))], to_m)
    assert (known.flaws, known.stretches[0].to_m) == ((), round(to_m, 2))


def test_a_line_that_a_program_rounds_keeps_its_last_stretch() -> None:
    whole = Stretch(990.0, 1_000.0, Ground(privacy=2))
    (kept,) = read_elements([stretch_element(whole)], 999.4).stretches
    assert (kept.to_m, read_elements([stretch_element(whole)], 999.4).flaws) == (999.4, ())
    assert read_elements([stretch_element(whole)], 998.0).flaws[0].reason.endswith("the rest is cut off")


def test_a_flaw_in_what_is_said_of_people_is_named_where_it_is() -> None:
    people = {"weekday_morning": "crowds", "weekend_morning": "few", "a/b": "few"}
    drawn = [{"from_m": 0, "to_m": 5, "people": people}]
    known = read_drawn_stretches(msgspec.json.encode(drawn), 1_000.0)
    assert [each.member for each in known.flaws] == ["people/a~1b", "people/weekday_morning"]
    assert known.stretches[0].ground.people == ExpectedPeople(weekend_morning=People.FEW)
    attributes_ = {"from_m": "0", "to_m": "5", "people_weekday_morning": "crowds", "people": "few"}
    written = read_elements([OwnElement("stretch", attributes_)], 1_000.0)
    assert [each.member for each in written.flaws] == ["people", "people_weekday_morning"]


def test_the_stretches_of_all_lines_of_a_drawing_are_bounded() -> None:
    ground = ({"privacy": 1}, {"privacy": 2})
    stretches = [{"from_m": n, "to_m": n + 1, **ground[n % 2]} for n in range(1_000)]
    line = {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [[8, 0], [8.01, 0]]},
        "properties": {"stretches": stretches},
    }
    drawing = msgspec.json.encode({"type": "FeatureCollection", "features": [line] * 11})
    file = read_route_file(drawing, FileForm.GEOJSON, NOW)
    assert [len(each.stretches) for each in file.lines] == [1_000] * 10 + [0]
    assert [each.pointer for each in file.skipped] == ["/features/10/properties/stretches"]
