"""A made-up riverside walk for the demonstration: the plan, and a recording of the walk.

Both are computed along a river that does not exist, so no real position is in the project.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from service.geo.fixes import NO_TIME, Fixes, Floats
from service.geo.gpx.model import Waypoint
from service.geo.gpx.writer import write_gpx

START_LON: Final = -0.0403
START_LAT: Final = 51.5461
METRES_PER_DEGREE: Final = 111_320.0
HALF_LENGTH_M: Final = 1_050.0
STEP_M: Final = 10.0

PACE_MPS: Final = 0.92
BENCH_AT_M: Final = 640.0
BENCH_S: Final = 240
JITTER_M: Final = 2.0
DRIFT_S: Final = 120
DRIVE_S: Final = 420
DRIVE_MPS: Final = 9.0


def sample_route(created_at: datetime) -> bytes:
    """Return the planned walk as GPX: along the river and back, with the places a therapist marks."""
    out = np.arange(0.0, HALF_LENGTH_M + STEP_M, STEP_M)
    along = np.concatenate([out, out[-2::-1]])
    lon, lat = _river(along)
    line = Fixes(
        lon=lon,
        lat=lat,
        ele_m=np.round(6.0 + along / 400, 1),
        time_ms=np.full(len(along), NO_TIME, dtype=np.int64),
        starts=np.zeros(1, dtype=np.int64),
    )
    waypoints = [
        _waypoint(0.0, "Lock car park", "Parking Area"),
        _waypoint(310.0, "Boathouse toilets", "Restroom"),
        _waypoint(BENCH_AT_M, "Bench under the willow", "Bench"),
        _waypoint(820.0, "Railway bridge", "Shelter"),
        _waypoint(HALF_LENGTH_M, "Weir gate", "Gate"),
    ]
    return write_gpx(
        line,
        name="Willow towpath, there and back",
        description="Level and quiet; two can walk side by side.",
        waypoints=waypoints,
        created_at=created_at,
    )


def sample_track(started_at: datetime) -> bytes:
    """Return a watch's recording of the walk, with a rest on the bench and the drive home."""
    random = np.random.default_rng(7)
    along = _walked()
    lon, lat = _river(along)
    shake = _slowly(random, len(along)) / METRES_PER_DEGREE
    drive_m = np.arange(1, DRIVE_S + 1, 5) * DRIVE_MPS
    lon = np.concatenate([lon + shake[0], START_LON - drive_m / METRES_PER_DEGREE])
    lat = np.concatenate([lat + shake[1], np.full(len(drive_m), START_LAT)])
    first_ms = round(started_at.astimezone(UTC).timestamp() * 1_000)
    seconds = np.concatenate([np.arange(len(along)), len(along) + np.arange(1, DRIVE_S + 1, 5)])
    line = Fixes(
        lon=lon,
        lat=lat,
        ele_m=np.full(len(lon), 6.0),
        time_ms=(first_ms + seconds * 1_000).astype(np.int64),
        starts=np.zeros(1, dtype=np.int64),
    )
    return write_gpx(line, name="Afternoon", description=None, waypoints=(), created_at=started_at)


def _slowly(random: np.random.Generator, seconds: int) -> Floats:
    """Return the receiver's error east and north, in metres, which changes slowly."""
    evened = np.full(DRIFT_S, 1 / DRIFT_S)
    white = random.normal(0.0, JITTER_M * DRIFT_S**0.5, (2, seconds + DRIFT_S - 1))
    return np.stack([np.convolve(each, evened, mode="valid") for each in white])


def walk_duration() -> timedelta:
    """Return how long the recorded walk takes, without the drive home."""
    return timedelta(seconds=len(_walked()) - 1)


def seconds_to(along_m: float, *, returning: bool) -> int:
    """Return the second at which the walk passes a place, on the way out or on the way back."""
    passes = np.flatnonzero(np.abs(_walked() - along_m) < PACE_MPS)
    return int(passes[-1] if returning else passes[0])


def _walked() -> Floats:
    """Return how far along the river the walker is at each second."""
    pace = np.full(int(2 * HALF_LENGTH_M / PACE_MPS) + 1, PACE_MPS)
    there = np.cumsum(pace)
    position = np.where(there <= HALF_LENGTH_M, there, 2 * HALF_LENGTH_M - there)
    bench = int(np.argmax(there >= BENCH_AT_M))
    stay = np.full(BENCH_S, position[bench])
    return np.concatenate([position[:bench], stay, position[bench:]])


def _river(along_m: Floats) -> tuple[Floats, Floats]:
    """Return longitudes and latitudes along the made-up river."""
    east_m = along_m * 0.8 + 40 * np.sin(along_m / 180)
    north_m = along_m * 0.55 + 60 * np.sin(along_m / 260)
    lon = START_LON + east_m / (METRES_PER_DEGREE * np.cos(np.radians(START_LAT)))
    return lon, START_LAT + north_m / METRES_PER_DEGREE


def _waypoint(along_m: float, name: str, symbol: str) -> Waypoint:
    lon, lat = _river(np.array([along_m]))
    return Waypoint(float(lon[0]), float(lat[0]), name=name, symbol=symbol)
