"""Real recordings, read with gpxpy, which is independent of our own reader."""

import functools
from datetime import UTC, datetime
from typing import Any

import gpxpy
import msgspec
import numpy as np

from service.geo.fixes import Fixes
from tests.made_up_walks import fixes_at
from tests.shared_data import shared_file


@functools.cache
def recorded_tracks() -> list[tuple[str, Fixes, dict[str, Any]]]:
    """Return name, track points and expected figures of each real file that all readers agree on."""
    rows = msgspec.json.decode(shared_file("gpx/truth.json").read_bytes())["rows"]
    agreed = [row for row in rows if row["agree"] and row["truth"] and row["truth"]["track_points"]]
    return [(row["file"], _read(row["file"]), row["truth"]) for row in agreed]


def _read(name: str) -> Fixes:
    with shared_file(f"gpx/{name}").open(encoding="utf-8-sig") as file:
        segments = [
            each.points for track in gpxpy.parse(file).tracks for each in track.segments if each.points
        ]
    points = [point for segment in segments for point in segment]
    return fixes_at(
        [(point.longitude, point.latitude) for point in points],
        ele_m=[np.nan if point.elevation is None else point.elevation for point in points],
        time_ms=[None if point.time is None else _milliseconds(point.time) for point in points],
        starts=np.cumsum([0, *map(len, segments[:-1])]).tolist(),
    )


def _milliseconds(time: datetime) -> int:
    zoned = time if time.tzinfo else time.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1_000)
