"""Whoever wrote it, the walk is the same."""

import gpxpy
import numpy as np
import pytest

from service.geo.geodesy import length_m
from service.geo.gpx.model import GpxFile, GpxLine
from service.walks.features import guess_kind
from tests.geo.gpx.producers import PRODUCERS, WALK, Producer
from tests.geo.gpx.samples import read

each_producer = pytest.mark.parametrize("producer", PRODUCERS, ids=lambda each: each.name)


def line_of(file: GpxFile) -> GpxLine:
    """Return the only line of a file."""
    (line,) = (*file.tracks, *file.routes)
    return line


@each_producer
def test_a_walk_is_read_as_it_was_walked(producer: Producer) -> None:
    file = read(producer.file())
    line = line_of(file)
    assert (line.kind == "route", line.name, line.segments) == (
        producer.is_route,
        producer.title,
        producer.segments,
    )
    assert line.fixes.lat.tolist() == [each.lat for each in WALK]
    assert line.fixes.lon.tolist() == [each.lon for each in WALK]
    assert len(line.fixes.starts) == producer.segments
    assert length_m(line.fixes) == pytest.approx(producer.length_m, rel=1e-3)
    assert (file.skipped, file.skipped_count) == ((), 0)


@each_producer
def test_heights_and_times_are_read_where_they_are_written(producer: Producer) -> None:
    fixes = line_of(read(producer.file())).fixes
    if "{ele" in producer.point:
        assert fixes.ele_m.tolist() == [each.ele for each in WALK]
    else:
        assert np.isnan(fixes.ele_m).all()
    if "{time}" in producer.point:
        assert fixes.time_ms.tolist() == [each.at.timestamp() * 1_000 for each in WALK]
    else:
        assert not fixes.timed.any()


@each_producer
def test_waypoints_are_read_with_their_kind(producer: Producer) -> None:
    waypoints = read(producer.file()).waypoints
    told = [(each.name, guess_kind(each.kind, each.symbol, each.name)) for each in waypoints]
    assert told == list(producer.waypoints)
    assert all((each.lat, each.lon) == (51.5, -0.002) for each in waypoints)


@pytest.mark.parametrize(
    "producer",
    [each for each in PRODUCERS if each.encoding in {"utf-8", "utf-8-sig"} and "gpxdata:" not in each.more],
    ids=lambda each: each.name,
)
def test_the_table_is_what_it_says_to_another_reader(producer: Producer) -> None:
    parsed = gpxpy.parse(producer.file())
    segments = [each for track in parsed.tracks for each in track.segments]
    walked = [(each.latitude, each.longitude) for segment in segments for each in segment.points]
    planned = [(each.latitude, each.longitude) for route in parsed.routes for each in route.points]
    assert walked + planned == [(each.lat, each.lon) for each in WALK]
    assert len(segments) + len(parsed.routes) == producer.segments
    assert len(parsed.waypoints) == len(producer.waypoints)
