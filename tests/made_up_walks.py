"""Made-up walks: lines on the ground with the times and heights a test needs."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from service.geo.fixes import NO_TIME, Fixes
from service.geo.geodesy import WGS84

NINE_O_CLOCK_MS = 1_748_768_400_000
"""2025-06-01T09:00:00Z."""
START = (8.0, 52.0)


def fixes_at(
    positions: Sequence[tuple[float, float]],
    *,
    ele_m: Sequence[float] | None = None,
    time_ms: Sequence[int | None] | None = None,
    starts: Sequence[int] = (0,),
) -> Fixes:
    """Return fixes at (lon, lat) `positions`; None among the times means no time."""
    count = len(positions)
    lon, lat = np.array(positions, dtype=np.float64).reshape(count, 2).T
    times = [NO_TIME if each is None else each for each in time_ms or [None] * count]
    return Fixes(
        lon=lon.copy(),
        lat=lat.copy(),
        ele_m=np.full(count, np.nan) if ele_m is None else np.array(ele_m, dtype=np.float64),
        time_ms=np.array(times, dtype=np.int64),
        starts=np.array(starts if count else (), dtype=np.int64),
    )


def walk(
    *corners_m: tuple[float, float],
    pace_mps: float | None = 1.0,
    every_m: float = 1.0,
    began_ms: int = NINE_O_CLOCK_MS,
) -> Fixes:
    """Return a walk along straight lines between corners, given in metres east and north of START.

    A fix every `every_m`, at `pace_mps` metres a second; without times where `pace_mps` is None.
    """
    corners = np.array(corners_m, dtype=np.float64)
    legs_m = np.hypot(*np.diff(corners, axis=0).T)
    reached_m = np.concatenate(([0.0], np.cumsum(legs_m)))
    along_m = np.union1d(np.arange(0.0, reached_m[-1], every_m), reached_m)
    east, north = (np.interp(along_m, reached_m, column) for column in corners.T)
    seconds = along_m / (pace_mps or 1.0)
    times = began_ms + np.rint(seconds * 1_000).astype(np.int64)
    lon, lat = on_the_ground(east, north)
    return Fixes(
        lon=lon,
        lat=lat,
        ele_m=np.full(len(lon), np.nan),
        time_ms=np.full(len(lon), NO_TIME) if pace_mps is None else times,
        starts=np.zeros(1, dtype=np.int64),
    )


def on_the_ground(
    east_m: npt.NDArray[np.float64], north_m: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the longitudes and latitudes of places given in metres east and north of START."""
    count = len(east_m)
    azimuth = np.degrees(np.arctan2(east_m, north_m))
    lon, lat, _ = WGS84.fwd(
        np.full(count, START[0]), np.full(count, START[1]), azimuth, np.hypot(east_m, north_m)
    )
    return np.asarray(lon), np.asarray(lat)


def joined(*parts: Fixes) -> Fixes:
    """Return the parts as one track, a segment each (or as many as the part had)."""
    offsets = np.cumsum([0, *(len(part) for part in parts[:-1])])
    return Fixes(
        lon=np.concatenate([part.lon for part in parts]),
        lat=np.concatenate([part.lat for part in parts]),
        ele_m=np.concatenate([part.ele_m for part in parts]),
        time_ms=np.concatenate([part.time_ms for part in parts]),
        starts=np.concatenate([part.starts + at for part, at in zip(parts, offsets, strict=True)]),
    )


@st.composite
def any_fixes(draw: st.DrawFn, min_size: int = 0, max_size: int = 30) -> Fixes:
    """Draw any valid line: positions all over the globe, any elevations and times, any segments."""
    count = draw(st.integers(min_size, max_size))
    lon = st.floats(-180, 180) | st.sampled_from([-180.0, 180.0, 0.0])
    lat = st.floats(-90, 90) | st.sampled_from([-90.0, 90.0])
    ele = st.floats(-5_000, 20_000) | st.just(float("nan"))
    time = st.integers(631_152_000_000, 4_102_444_800_000) | st.none()
    starts = draw(st.sets(st.integers(1, count - 1))) if count > 1 else set()
    return fixes_at(
        draw(st.lists(st.tuples(lon, lat), min_size=count, max_size=count)),
        ele_m=draw(st.lists(ele, min_size=count, max_size=count)),
        time_ms=draw(st.lists(time, min_size=count, max_size=count)),
        starts=sorted({0, *starts}),
    )
