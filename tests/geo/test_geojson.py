"""GeoJSON: what a map gets is what RFC 7946 asks, and what cannot be drawn is refused with its place."""

import json
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.geo.fixes import Fixes
from service.geo.geojson import (
    GeoJsonLimits,
    GeoJsonRefused,
    PointFeature,
    read_geojson,
    route_geojson,
    track_geojson,
)
from tests.made_up_walks import any_fixes, fixes_at, walk

LINE = {"type": "LineString", "coordinates": [[8, 52], [8.1, 52.1]]}
POINT = {"type": "Point", "coordinates": [8.05, 52.05]}


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def collection(*features: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def positions_of(geometry: dict[str, Any]) -> list[list[list[float]]]:
    """Return the positions of each line of a LineString or MultiLineString."""
    coordinates = geometry["coordinates"]
    return [coordinates] if geometry["type"] == "LineString" else coordinates


def refusal(content: bytes, limits: GeoJsonLimits | None = None) -> GeoJsonRefused:
    with pytest.raises(GeoJsonRefused) as caught:
        read_geojson(content, limits or GeoJsonLimits())
    assert caught.value.detail.endswith(".")
    return caught.value


def test_one_segment_is_a_line_string_with_its_properties() -> None:
    fixes = fixes_at([(8.12345678, 52.0), (8.2, 52.1)])
    assert json.loads(track_geojson(fixes, {"name": "Weir"})) == {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [[8.1234568, 52.0], [8.2, 52.1]]},
        "properties": {"name": "Weir"},
        "bbox": [8.1234568, 52.0, 8.2, 52.1],
    }


def test_several_segments_are_a_multi_line_string() -> None:
    fixes = fixes_at([(8.0, 52.0), (8.1, 52.1), (8.2, 52.2), (8.3, 52.3)], starts=(0, 2))
    geometry = json.loads(track_geojson(fixes, {}))["geometry"]
    assert geometry["type"] == "MultiLineString"
    assert geometry["coordinates"] == [[[8.0, 52.0], [8.1, 52.1]], [[8.2, 52.2], [8.3, 52.3]]]


def test_elevation_stands_third_where_it_is_known() -> None:
    fixes = fixes_at([(8.0, 52.0), (8.1, 52.1)], ele_m=[12.345, float("nan")])
    assert positions_of(json.loads(track_geojson(fixes, {}))["geometry"]) == [
        [[8.0, 52.0, 12.34], [8.1, 52.1]]
    ]


def test_times_stand_beside_the_positions() -> None:
    fixes = fixes_at(
        [(8.0, 52.0), (8.1, 52.1), (8.2, 52.2)], time_ms=[1_748_768_400_000, None, 1_748_768_401_000]
    )
    properties = json.loads(track_geojson(fixes, {"name": "Weir"}))["properties"]
    assert properties == {
        "name": "Weir",
        "coordTimes": ["2025-06-01T09:00:00Z", None, "2025-06-01T09:00:01Z"],
    }


def test_milliseconds_are_kept_where_there_are_any() -> None:
    fixes = fixes_at([(8.0, 52.0), (8.1, 52.1)], time_ms=[1_748_768_400_250, 1_748_768_401_000])
    times = json.loads(track_geojson(fixes, {}))["properties"]["coordTimes"]
    assert times == ["2025-06-01T09:00:00.250Z", "2025-06-01T09:00:01.000Z"]


def test_a_line_without_points_has_no_geometry() -> None:
    assert json.loads(track_geojson(fixes_at([]), {})) == {
        "type": "Feature",
        "geometry": None,
        "properties": {},
    }


def test_a_lone_fix_is_drawn_as_a_line_of_no_length() -> None:
    drawn = json.loads(track_geojson(fixes_at([(8.0, 52.0)], time_ms=[1_748_768_400_000]), {}))
    assert drawn["geometry"]["coordinates"] == [[8.0, 52.0], [8.0, 52.0]]
    assert len(drawn["properties"]["coordTimes"]) == 2


def test_a_line_over_the_antimeridian_is_cut_there() -> None:
    fixes = fixes_at(
        [(179.0, 0.0), (-179.0, 1.0), (-178.0, 1.0), (179.0, 5.0)], time_ms=[0, 1000, 2000, 3000]
    )
    drawn = json.loads(track_geojson(fixes, {}))
    assert drawn["geometry"]["coordinates"] == [
        [[179.0, 0.0], [180.0, 0.5]],
        [[-180.0, 0.5], [-179.0, 1.0], [-178.0, 1.0], [-180.0, 3.6666667]],
        [[180.0, 3.6666667], [179.0, 5.0]],
    ]
    assert [len(times) for times in drawn["properties"]["coordTimes"]] == [2, 4, 2]
    assert drawn["bbox"] == [179.0, 0.0, -178.0, 5.0]


def test_a_gap_over_the_antimeridian_needs_no_cut() -> None:
    fixes = fixes_at([(178.0, 0.0), (179.0, 0.0), (-179.0, 0.0), (-178.0, 0.0)], starts=(0, 2))
    assert positions_of(json.loads(track_geojson(fixes, {}))["geometry"]) == [
        [[178.0, 0.0], [179.0, 0.0]],
        [[-179.0, 0.0], [-178.0, 0.0]],
    ]


@given(any_fixes(min_size=1))
def test_whatever_is_drawn_can_be_put_on_a_map(fixes: Fixes) -> None:
    drawn = json.loads(track_geojson(fixes, {}))
    lines = positions_of(drawn["geometry"])
    times = drawn["properties"].get("coordTimes")
    assert len(lines) >= len(fixes.starts)
    for line in lines:
        assert len(line) >= 2
        assert all(abs(before[0] - after[0]) <= 180 for before, after in pairwise(line))
        assert all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat, *_ in line)
    if times is not None:
        assert [len(each) for each in ([times] if len(lines) == 1 else times)] == [
            len(line) for line in lines
        ]


def test_a_route_comes_with_the_points_beside_it() -> None:
    bench = PointFeature(8.05, 52.05, {"kind": "bench", "name": "By the weir"})
    drawn = json.loads(route_geojson(walk((0, 0), (10, 0)), {"name": "Weir"}, [bench]))
    assert drawn["type"] == "FeatureCollection"
    assert drawn["features"][0]["properties"] == {"name": "Weir"} | drawn["features"][0]["properties"]
    assert drawn["features"][1] == feature(POINT, kind="bench", name="By the weir")


@given(any_fixes(min_size=1))
def test_a_line_sent_out_and_drawn_again_is_the_same(fixes: Fixes) -> None:
    sent = track_geojson(fixes, {"name": "Weir"})
    again = read_geojson(sent).lines[0]
    assert again.name == "Weir"
    assert (
        json.loads(track_geojson(again.fixes, {"name": "Weir"}))["geometry"] == json.loads(sent)["geometry"]
    )


@pytest.mark.parametrize(
    "root", [LINE, feature(LINE), collection(feature(LINE))], ids=["geometry", "Feature", "FeatureCollection"]
)
def test_a_line_is_read_from_any_root(root: Any) -> None:
    (line,) = read_geojson(json.dumps(root).encode()).lines
    assert line.fixes.lon.tolist() == [8.0, 8.1]
    assert line.fixes.lat.tolist() == [52.0, 52.1]
    assert np.isnan(line.fixes.ele_m).all()
    assert not line.fixes.timed.any()
    assert line.fixes.starts.tolist() == [0]


def test_a_drawing_of_several_lines_and_points_keeps_their_names_and_order() -> None:
    parts = {"type": "MultiLineString", "coordinates": [[[8, 52, 3], [8, 53, 4, 99]], [[9, 52], [9, 53]]]}
    content = json.dumps(
        collection(feature(POINT, name="Bench"), feature(LINE, name="Out"), feature(None), feature(parts))
    ).encode()
    drawing = read_geojson(b"\xef\xbb\xbf" + content)
    assert [(point.name, point.lon, point.lat) for point in drawing.points] == [("Bench", 8.05, 52.05)]
    assert [line.name for line in drawing.lines] == ["Out", None]
    assert drawing.lines[1].fixes.starts.tolist() == [0, 2]
    assert drawing.lines[1].fixes.ele_m.tolist()[:2] == [3, 4]


def test_members_the_standard_does_not_know_are_passed_over() -> None:
    drawn = feature(LINE, stroke="#ff0000", nested={"deep": [1, {"er": None}]}) | {
        "id": 7,
        "bbox": [8, 52, 9, 53],
    }
    assert len(read_geojson(json.dumps(drawn | {"crs": {"type": "name"}}).encode()).lines) == 1


def test_descriptions_and_kinds_that_are_texts_are_kept() -> None:
    bench = feature(POINT, kind="bench", description="In the shade.", name="By the weir")
    other = feature(POINT, kind=7, description={"@type": "html", "value": "<p>"})
    line = feature(LINE, description="Level.", kind="walk")
    drawing = read_geojson(json.dumps(collection(line, bench, other)).encode())
    assert drawing.lines[0].description == "Level."
    assert [(each.kind, each.description, each.name) for each in drawing.points] == [
        ("bench", "In the shade.", "By the weir"),
        (None, None, None),
    ]


def line_of(*positions: Any) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": list(positions)}


@pytest.mark.parametrize(
    ("root", "pointer", "detail"),
    [
        (feature(line_of([8, 52], [180.1, 52])), "/geometry/coordinates/1/0", "longitude"),
        (line_of([8, 52], [8, 90.1]), "/coordinates/1/1", "latitude"),
        (line_of([8, 52, 0], [8, 52, 1e9]), "/coordinates/1/2", "elevation"),
        (
            collection(feature(POINT), feature({"type": "Point", "coordinates": [8, 99]})),
            "/features/1/geometry/coordinates/1",
            "latitude",
        ),
        (
            {"type": "MultiLineString", "coordinates": [[[8, 52], [8, 53]], [[8, 52], [-181, 53]]]},
            "/coordinates/1/1/0",
            "longitude",
        ),
        (line_of([8, 52], ["8", 52]), "/coordinates/1/0", "Expected"),
        (line_of([8, 52], [None, 52]), "/coordinates/1/0", "Expected"),
        (line_of([8, 52], [8]), "/coordinates/1", "length"),
        (line_of([8, 52], [8, 52, 0, 0, 0]), "/coordinates/1", "length"),
        (line_of([8, 52]), "/coordinates", "length"),
        (line_of([8, 52], [10**400, 52]), "/coordinates/1/0", "range"),
        (feature(LINE, name="a\0b"), "/properties/name", "NUL"),
        (feature(LINE, name="a" * 201), "/properties/name", "length"),
        (feature(LINE, name=7), "/properties/name", "Expected"),
        (feature(LINE, description="a\0b"), "/properties/description", "NUL"),
        (collection(feature(POINT, kind="a\0b")), "/features/0/properties/kind", "NUL"),
        (
            collection(feature(LINE), feature({"type": "Polygon", "coordinates": []})),
            "/features/1/geometry/type",
            "Polygon",
        ),
        (collection(feature(POINT)), "", "no line"),
        (collection(), "", "no line"),
        (collection({}), "/features/0", "geometry"),
        ({"type": "Topology"}, "/type", "Topology"),
        ([], "", "Expected"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(root: Any, pointer: str, detail: str) -> None:
    refused = refusal(json.dumps(root).encode())
    assert refused.pointer == pointer
    assert detail in refused.detail


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<gpx/>",
        b'{"type":"LineString","coordinates":[[8,52],[NaN,52]]}',
        b'{"type":"LineString","coordinates":[[8,52],[1e999,52]]}',
        b'{"type":"LineString","coordinates":[[8,52],[8,52]]} and more',
        b'{"type":"LineString","coordinates":[[8,52],[8,52',
        '{"type":"LineString","coordinates":[[8,52],[8,52]]}'.encode("utf-16"),
        b'{"type":"LineString","coordinates":[[8,52],[8,52]],"x":"\xff"}',
        b'{"type":"Feature","geometry":null,"properties":{"name":"\\ud800"}}',
        b'{"a":' * 50_000,
        b'{"type":"Feature","properties":{"a":' + b"[" * 50_000,
        b"[" * 1_000_000,
    ],
    ids=[
        "empty",
        "GPX",
        "NaN",
        "1e999",
        "more",
        "torn",
        "UTF-16",
        "Latin-1",
        "surrogate",
        "deep",
        "deeper",
        "deepest",
    ],
)
def test_what_is_not_geojson_is_refused(content: bytes) -> None:
    refusal(content)


def test_a_drawing_beyond_the_limits_is_refused_with_the_limit() -> None:
    content = json.dumps(collection(feature(LINE), feature(LINE))).encode()
    exact = GeoJsonLimits(file_bytes=len(content), points=4, lines=2)
    assert len(read_geojson(content, exact).lines) == 2
    for name in ("file_bytes", "points", "lines"):
        limit = getattr(exact, name) - 1
        assert refusal(content, msgspec.structs.replace(exact, **{name: limit})).limit == limit


def test_a_quarter_of_a_million_points_are_read_and_one_more_refused() -> None:
    positions = ",".join(["[8,52]"] * 250_000)
    content = f'{{"type":"LineString","coordinates":[{positions}]}}'
    assert len(read_geojson(content.encode()).lines[0].fixes) == 250_000
    assert refusal(content.replace("[8,52]]", "[8,52],[8,52]]").encode()).limit == 250_000


@given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    refusal(content)


def test_a_page_of_description_is_cut_and_one_beside_no_geometry_is_not_looked_at() -> None:
    (line,) = read_geojson(json.dumps(feature(LINE, description="a" * 5_000)).encode()).lines
    assert line.description == "a" * 4_000
    nowhere = {"type": "Feature", "geometry": None, "properties": {"description": "\0"}}
    assert len(read_geojson(json.dumps(collection(nowhere, feature(LINE))).encode()).lines) == 1
