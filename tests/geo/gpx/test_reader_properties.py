"""Whatever is sent, the reader answers a file or refuses it; what it reads, other readers read too."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from encodings.aliases import aliases
from typing import Any
from xml.etree import ElementTree as ET

import gpxpy
import numpy as np
import pytest
from gpxpy.gpx import GPX, GPXRoute, GPXRoutePoint, GPXTrack, GPXTrackPoint, GPXTrackSegment, GPXWaypoint
from hypothesis import given, settings
from hypothesis import strategies as st

from service.geo.fixes import NO_TIME
from service.geo.gpx.model import GpxFile, GpxLine, GpxRefused
from tests.geo.gpx.samples import NOW, gpx, point, read, track
from tests.shared_data import shared_file

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_or_none(content: str | bytes) -> GpxFile | None:
    """Read, and see that what was read keeps its promises."""
    try:
        file = read(content)
    except GpxRefused:
        return None
    for line in (*file.tracks, *file.routes):
        fixes = line.fixes
        assert len(fixes) == len(fixes.lat) == len(fixes.ele_m) == len(fixes.time_ms)
        assert (np.abs(fixes.lat) <= 90).all()
        assert (np.abs(fixes.lon) <= 180).all()
        assert not np.isinf(fixes.ele_m).any()
        assert (np.diff([*fixes.starts, len(fixes)]) > 0).all()
        assert list(fixes.starts[:1]) == [0] * min(len(fixes), 1)
    assert file.waypoints or any(len(line.fixes) for line in (*file.tracks, *file.routes))
    assert len(file.skipped) == min(file.skipped_count, 20)
    return file


# What gpxpy writes, ours and gpxpy read alike.

latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)
heights = st.none() | st.floats(-500, 9_000)
times = st.none() | st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    max_value=NOW.replace(tzinfo=None),
    timezones=st.just(UTC),
)
names = st.none() | st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20
)
places = st.tuples(latitudes, longitudes, heights, times)


@st.composite
def gpx_objects(draw: st.DrawFn) -> GPX:
    made = GPX()
    made.creator = "a test"
    for name, segments in draw(
        st.lists(st.tuples(names, st.lists(st.lists(places, max_size=5), max_size=3)))
    ):
        made.tracks.append(GPXTrack(name))
        for points in segments:
            made.tracks[-1].segments.append(GPXTrackSegment([GPXTrackPoint(*each) for each in points]))
    for name, points in draw(st.lists(st.tuples(names, st.lists(places, max_size=3)), max_size=3)):
        made.routes.append(GPXRoute(name))
        made.routes[-1].points = [GPXRoutePoint(*each) for each in points]
    for place, name in draw(st.lists(st.tuples(places, names), max_size=3)):
        made.waypoints.append(GPXWaypoint(*place, name=name))
    return made


def columns(points: Iterator[Any]) -> list[tuple[Any, ...]]:
    return [
        (
            each.longitude,
            each.latitude,
            each.elevation,
            None if each.time is None else milliseconds(each.time),
        )
        for each in points
    ]


def milliseconds(time: datetime) -> int:
    return (time.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


def rows(line: GpxLine) -> list[tuple[Any, ...]]:
    fixes = line.fixes
    return [
        (lon, lat, None if np.isnan(ele_m) else ele_m, None if time_ms == NO_TIME else time_ms)
        for lon, lat, ele_m, time_ms in zip(
            *(column.tolist() for column in (fixes.lon, fixes.lat, fixes.ele_m, fixes.time_ms)), strict=True
        )
    ]


@settings(deadline=None)
@given(gpx_objects(), st.sampled_from(["1.0", "1.1"]))
def test_gpxpy_reads_the_same(made: GPX, version: str) -> None:
    text = made.to_xml(version)
    ours, theirs = read_or_none(text), gpxpy.parse(text)
    if ours is None:
        assert (theirs.get_points_no(), theirs.waypoints) == (0, [])
        assert not any(each.points for each in theirs.routes)
        return
    assert [line.name for line in ours.tracks] == [each.name for each in theirs.tracks]
    assert [line.segments for line in ours.tracks] == [len(each.segments) for each in theirs.tracks]
    for line, track_ in zip(ours.tracks, theirs.tracks, strict=True):
        assert rows(line) == columns(each for segment in track_.segments for each in segment.points)
    for line, route in zip(ours.routes, theirs.routes, strict=True):
        assert (line.name, rows(line)) == (route.name, columns(iter(route.points)))
    assert [(each.lon, each.lat, each.ele_m, each.time_ms) for each in ours.waypoints] == columns(
        iter(theirs.waypoints)
    )
    assert [each.name for each in ours.waypoints] == [each.name for each in theirs.waypoints]


# Elements in any order and depth: a plain walk over ElementTree finds the same.

LIKELY = {
    "gpx": ["trk", "rte", "wpt"],
    "trk": ["trkseg", "trkpt", "name"],
    "trkseg": ["trkpt"],
    "rte": ["rtept", "name"],
    "trkpt": ["ele", "extensions"],
    "rtept": ["ele", "extensions"],
    "wpt": ["ele", "name"],
}
ANYWHERE = ["metadata", "extensions", "a", "time", *LIKELY]


@st.composite
def elements(draw: st.DrawFn, parent: str = "gpx", depth: int = 1) -> str:
    """Return an element, mostly one that belongs inside its parent, with elements and numbers inside."""
    tag = draw(st.sampled_from([*LIKELY.get(parent, []) * 5, *ANYWHERE]))
    positions = st.tuples(st.integers(-90, 90), st.integers(-180, 180))
    position = draw(st.none() | positions if tag.endswith("pt") else st.none())
    attributes = "" if position is None else f' lat="{position[0]}" lon="{position[1]}"'
    texts = st.sampled_from(["1", "2", " ", "<!-- -->"])
    inside = texts if depth > 5 else texts | elements(tag, depth + 1)
    return f"<{tag}{attributes}>{''.join(draw(st.lists(inside, max_size=4)))}</{tag}>"


def found_by_walking(text: str) -> tuple[list[Any], list[Any], list[Any]]:
    """Return what a tree says: the points and segments of tracks, the points of routes, the waypoints."""
    root = ET.fromstring(text)  # noqa: S314  made by the test itself
    tracks = [
        (
            [
                each
                for child in trk
                for each in ([child] if child.tag == "trkpt" else child)
                if is_point(child, each)
            ],
            len(trk.findall("trkseg")),
        )
        for trk in root.findall("trk")
    ]
    return (
        [([position(each) for each in points], segments) for points, segments in tracks],
        [[position(each) for each in rte.findall("rtept") if each.attrib] for rte in root.findall("rte")],
        [position(each) for each in root.findall("wpt") if each.attrib],
    )


def is_point(child: ET.Element, each: ET.Element) -> bool:
    return each.tag == "trkpt" and child.tag in ("trkpt", "trkseg") and bool(each.attrib)


def position(element: ET.Element) -> tuple[float, float, float | None]:
    heights = ["".join(each.itertext()).strip() for each in element.findall("ele")]
    height = float(heights[-1]) if heights and heights[-1].isdigit() else None
    known = height is not None and height <= 100_000
    return float(element.attrib["lat"]), float(element.attrib["lon"]), height if known else None


@settings(deadline=None, max_examples=120)
@given(st.lists(elements(), max_size=6))
def test_a_walk_over_the_tree_finds_the_same(body: list[str]) -> None:
    text = f"<gpx>{''.join(body)}</gpx>"
    tracks, routes, waypoints = found_by_walking(text)
    file = read_or_none(text)
    if file is None:
        assert not waypoints
        assert not any(points for points, _ in tracks)
        assert not any(routes)
        return
    assert [
        ([(lat, lon, ele) for lon, lat, ele, _ in rows(line)], line.segments) for line in file.tracks
    ] == tracks
    assert [[(lat, lon, ele) for lon, lat, ele, _ in rows(line)] for line in file.routes] == routes
    assert [(each.lat, each.lon, each.ele_m) for each in file.waypoints] == waypoints


# Broken on purpose.


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_noise_is_refused(content: bytes) -> None:
    assert read_or_none(content) is None


SAMPLE = gpx(
    "<metadata><name>Café &amp; <![CDATA[<b>]]></name></metadata>"
    + point(1, 2, "<name>é</name><sym>x</sym>", "wpt")
    + track([point(n, n, f"<ele>{n}</ele><time>2026-05-01T09:00:0{n}Z</time>") for n in range(4)], [point()])
    + f"<rte>{point(3, 4, tag='rtept')}</rte>"
).encode()

FRAGMENTS = st.sampled_from(
    (
        "< > </trkpt> <trkpt> <ele> & ]]> <![CDATA[ <!DOCTYPE <!-- <?xml?> &#xD800; &#0; xmlns:a='' gpx"
        ' " \0 - : nan 1e999 \xff \xef\xbb\xbf'
    )
    .encode("latin-1")
    .split(b" ")
)


@st.composite
def mutations(draw: st.DrawFn, content: bytes) -> bytes:
    """Return the content with a few bytes cut out, doubled, overwritten or put in."""
    changed = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(changed)))
        stop = min(len(changed), start + draw(st.integers(0, 60)))
        replacement = draw(st.one_of(st.just(b""), st.binary(max_size=8), FRAGMENTS))
        again = bytes(changed[start:stop]) if draw(st.booleans()) else b""
        changed[start:stop] = replacement + again
    return bytes(changed)


@settings(deadline=None, max_examples=200)
@given(st.data(), st.sampled_from(["utf-8", "utf-16", "utf-16-be", "latin-1"]))
def test_a_damaged_file_is_read_or_refused(data: st.DataObject, encoding: str) -> None:
    text = SAMPLE.decode().replace("UTF-8", encoding)
    read_or_none(data.draw(mutations(text.encode(encoding))))


REAL = [
    "gpsbabel__gpx_garmin_extensions.gpx",
    "jpx__GPX-full.gpx",
    "go-gpx__file2.gpx",
    "qmapshack__basecamp.gpx",
    "gpxpy__gpx1.0_with_all_fields.gpx",
    "togeojson__north_core.gpx",
]


@pytest.mark.parametrize("name", REAL)
def test_a_damaged_real_file_is_read_or_refused(name: str) -> None:
    content = shared_file(f"gpx/{name}").read_bytes()

    @settings(deadline=None, max_examples=200)
    @given(mutations(content))
    def damaged(changed: bytes) -> None:
        read_or_none(changed)

    damaged()


@settings(deadline=None)
@given(st.integers(0, len(SAMPLE.rstrip()) - 1))
def test_a_file_cut_anywhere_is_refused_whole(length: int) -> None:
    assert read_or_none(SAMPLE[:length]) is None


@settings(deadline=None)
@given(st.text(st.characters(codec="ascii"), max_size=40) | st.sampled_from(sorted(set(aliases.values()))))
def test_any_declared_encoding_is_answered(name: str) -> None:
    read_or_none(f'<?xml version="1.0" encoding="{name}"?><gpx/>'.encode())
