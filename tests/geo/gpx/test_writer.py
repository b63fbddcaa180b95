"""What is written is GPX 1.1 that gpxpy and our own reader read back as it was."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import gpxpy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.geo.fixes import NO_TIME, Fixes
from service.geo.gpx.model import GpxLine, Waypoint
from service.geo.gpx.reader import read_gpx
from service.geo.gpx.writer import write_gpx
from tests.geo.gpx.samples import NOW
from tests.made_up_walks import fixes_at

NS = "{http://www.topografix.com/GPX/1/1}"
EARLIEST_MS, LATEST_MS = 631_152_000_000, 1_782_000_000_000


def written(
    line: Fixes,
    name: str = "Meadow",
    description: str | None = None,
    waypoints: tuple[Waypoint, ...] = (),
) -> bytes:
    return write_gpx(line, name=name, description=description, waypoints=waypoints, created_at=NOW)


def read_back(content: bytes) -> GpxLine:
    file = read_gpx(content, now=NOW)
    assert file.skipped_count == 0
    (line,) = file.tracks
    return line


points = st.tuples(
    st.floats(-180, 180),
    st.floats(-90, 90),
    st.just(np.nan) | st.floats(-500, 9_000),
    st.just(NO_TIME) | st.integers(EARLIEST_MS, LATEST_MS),
)
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60)
texts = words.map(str.strip).filter(lambda text: text and "\ufffe" not in text and "\uffff" not in text)


@st.composite
def lines(draw: st.DrawFn) -> Fixes:
    rows = draw(st.lists(points, min_size=1, max_size=30))
    cuts = draw(st.sets(st.integers(0, len(rows) - 1), max_size=4))
    lon, lat, ele_m, time_ms = (np.array(column) for column in zip(*rows, strict=True))
    return Fixes(lon, lat, ele_m, time_ms.astype(np.int64), np.array(sorted({0, *cuts}), dtype=np.int64))


waypoints = st.builds(
    Waypoint,
    lon=st.floats(-180, 180),
    lat=st.floats(-90, 90),
    ele_m=st.none() | st.floats(-500, 9_000),
    time_ms=st.none() | st.integers(EARLIEST_MS, LATEST_MS),
    name=st.none() | texts,
    description=st.none() | texts,
    symbol=st.none() | texts,
    kind=st.none() | texts,
)


@settings(deadline=None)
@given(lines(), texts, st.none() | texts)
def test_our_reader_reads_back_what_was_written(line: Fixes, name: str, description: str | None) -> None:
    back = read_back(written(line, name, description))
    assert (back.name, back.description) == (name, description)
    np.testing.assert_allclose(back.fixes.lon, line.lon, rtol=0, atol=5.1e-8)
    np.testing.assert_allclose(back.fixes.lat, line.lat, rtol=0, atol=5.1e-8)
    np.testing.assert_allclose(back.fixes.ele_m, line.ele_m, rtol=0, atol=0.0051)
    assert back.fixes.time_ms.tolist() == line.time_ms.tolist()
    assert back.fixes.starts.tolist() == line.starts.tolist()


@settings(deadline=None)
@given(lines(), st.lists(waypoints, max_size=3))
def test_gpxpy_reads_back_what_was_written(line: Fixes, places: list[Waypoint]) -> None:
    content = written(line, waypoints=tuple(places))
    theirs, ours = gpxpy.parse(content.decode()), read_gpx(content, now=NOW)
    assert (theirs.version, theirs.creator, theirs.name) == ("1.1", "Towpath", "Meadow")
    their_points = [each for segment in theirs.tracks[0].segments for each in segment.points]
    our_fixes = ours.tracks[0].fixes
    assert [each.longitude for each in their_points] == our_fixes.lon.tolist()
    assert [each.latitude for each in their_points] == our_fixes.lat.tolist()
    assert [each.elevation is None for each in their_points] == np.isnan(our_fixes.ele_m).tolist()
    assert [each.time is not None for each in their_points] == our_fixes.timed.tolist()
    assert [(each.name, each.description, each.symbol, each.type) for each in theirs.waypoints] == [
        (each.name, each.description, each.symbol, each.kind) for each in places
    ]
    for place, back in zip(places, ours.waypoints, strict=True):
        assert (back.lon, back.lat) == pytest.approx((place.lon, place.lat), abs=5.1e-8)
        assert back.time_ms == place.time_ms


def test_gpxpy_itself_reads_a_time_to_the_millisecond() -> None:
    (point,) = (
        gpxpy.parse(written(fixes_at([(0, 0)], time_ms=[1_777_626_000_123])).decode())
        .tracks[0]
        .segments[0]
        .points
    )
    assert point.time == datetime(2026, 5, 1, 9, 0, 0, 123_000, tzinfo=UTC)


def test_whole_seconds_are_written_without_a_fraction() -> None:
    assert b"<time>2026-05-01T09:00:00Z</time></trkpt>" in written(
        fixes_at([(0, 0)], time_ms=[1_777_626_000_000])
    )


def test_small_degrees_are_decimal_numbers_not_powers() -> None:
    content = written(fixes_at([(1e-5, -2e-7)]), waypoints=(Waypoint(1e-5, -2e-7),))
    assert b'<trkpt lat="-0.0000002" lon="0.0000100">' in content
    assert b'<wpt lat="-0.0000002" lon="0.00001"' in content


def test_elements_come_in_the_order_the_schema_sets() -> None:
    line = fixes_at([(0, 0), (1, 1)], ele_m=[3, 3], time_ms=[1_777_626_000_000] * 2)
    place = Waypoint(0.0, 0.0, 1.0, 1_777_626_000_000, "n", "d", "s", "k")
    root = ET.fromstring(written(line, "n", "d", (place,)))  # noqa: S314  just written
    tags = [each.tag.removeprefix(NS) for each in root.iter()]
    points = ["trk", "name", "desc", "trkseg", *["trkpt", "ele", "time"] * 2]
    marks = ["wpt", "ele", "time", "name", "desc", "sym", "type"]
    assert tags == ["gpx", "metadata", "name", "time", *marks, *points]


def test_a_line_without_points_is_written_all_the_same() -> None:
    file = read_gpx(written(fixes_at([]), waypoints=(Waypoint(0.0, 0.0),)), now=NOW)
    assert [len(line.fixes) for line in file.tracks] == [0]


@pytest.mark.parametrize(
    "name", ["</trk>", "a < b & c > d", "]]>", "\"quoted\" and 'so'", "<!-- -->", "&amp;"]
)
def test_a_name_is_text_whatever_it_holds(name: str) -> None:
    content = written(fixes_at([(1, 2)]), name, name, (Waypoint(1.0, 2.0, name=name, symbol=name),))
    line = read_back(content)
    assert (line.name, line.description, len(line.fixes)) == (name, name, 1)
    assert read_gpx(content, now=NOW).waypoints[0].symbol == name


@pytest.mark.parametrize(
    ("text", "carried"),
    [
        ("a\x00b\x0bc", "a b c"),
        ("a\ud800b", "a b"),
        ("a\ufffeb\uffffc", "a b c"),
        ("one\r\ntwo\rthree\nfour\tfive", "one\ntwo\nthree\nfour\tfive"),
        ("\U0001f600 é", "\U0001f600 é"),
    ],
)
def test_what_xml_cannot_carry_becomes_a_space(text: str, carried: str) -> None:
    place = Waypoint(1.0, 2.0, name=text, description=text, symbol=text, kind=text)
    content = written(fixes_at([(1, 2)]), text, text, (place,))
    line, (back,) = read_back(content), read_gpx(content, now=NOW).waypoints
    assert (line.name, line.description) == (carried, carried)
    assert (back.name, back.description, back.symbol, back.kind) == (carried,) * 4
    assert gpxpy.parse(content.decode()).tracks[0].name == carried


def test_the_time_of_writing_is_utc() -> None:
    content = write_gpx(
        fixes_at([(0, 0)]),
        name="n",
        description=None,
        waypoints=(),
        created_at=datetime.fromisoformat("2026-05-01T11:00:00+02:00"),
    )
    assert b"<time>2026-05-01T09:00:00Z</time>" in content
