"""Measures of a line on the ground: length and extent, and a flat plane to compare lines on."""

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from pyproj import Geod

from service.geo.fixes import Fixes, Floats, Indices

WGS84: Final = Geod(ellps="WGS84")
FIRST_ECCENTRICITY_SQUARED: Final = WGS84.es

PlanePoints = npt.NDArray[np.complex128]
"""Points on a plane: metres east, and metres north as the imaginary part, so that abs() is a distance."""

SHORT_STEP_DEG: Final = 0.1
"""Shorter steps are measured by the mid-latitude formula, which is ten times as fast as the geodesic."""
POLAR_LAT_DEG: Final = 80.0
LOOP_CLOSES_WITHIN_M: Final = 50.0


class BoundingBox(msgspec.Struct, frozen=True):
    """WGS84 degrees; `west` is greater than `east` where the box crosses the antimeridian (RFC 7946, 5.2)."""

    west: float
    south: float
    east: float
    north: float


class LocalPlane(msgspec.Struct, frozen=True):
    """A flat plane in metres, x to the east and y to the north, touching the ground at `lon`, `lat`.

    The projection is azimuthal equidistant: distances from the middle are exact. Distances between other
    points are within 0.01 % up to 100 km from the middle, and finite everywhere. The antimeridian and the
    poles are no special case.
    """

    lon: float
    lat: float

    def project(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Return x and y in metres of the points at `lon`, `lat` degrees."""
        phi, middle = np.radians(lat), np.radians(self.lat)
        turn = np.radians(lon - self.lon)
        curvature = np.sqrt(1 - FIRST_ECCENTRICITY_SQUARED * np.sin(phi) ** 2)
        curvature_here = np.sqrt(1 - FIRST_ECCENTRICITY_SQUARED * np.sin(middle) ** 2)
        across = WGS84.a * np.cos(phi) / curvature
        up = WGS84.a * (1 - FIRST_ECCENTRICITY_SQUARED) * np.sin(phi) / curvature
        ahead = across * np.cos(turn) - WGS84.a * np.cos(middle) / curvature_here
        rise = up - WGS84.a * (1 - FIRST_ECCENTRICITY_SQUARED) * np.sin(middle) / curvature_here
        east = across * np.sin(turn)
        north = rise * np.cos(middle) - ahead * np.sin(middle)
        down = -(rise * np.sin(middle) + ahead * np.cos(middle))
        return _equidistant(east, north, down, WGS84.a * _mean_radius_ratio(curvature_here))

    def points(self, fixes: Fixes) -> PlanePoints:
        """Return the point of each fix on the plane."""
        x, y = self.project(fixes.lon, fixes.lat)
        return x + 1j * y

    def unproject(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Return the longitude and latitude of one point of the plane."""
        azimuth_deg = float(np.degrees(np.arctan2(x_m, y_m)))
        lon, lat, _ = WGS84.fwd(self.lon, self.lat, azimuth_deg, float(np.hypot(x_m, y_m)))
        return float(lon), float(lat)


def steps_m(fixes: Fixes) -> Floats:
    """Return the distance from the previous fix to each, on the WGS84 geodesic; 0 where a segment begins."""
    steps = np.zeros(len(fixes))
    if len(fixes) > 1:
        steps[1:] = ground_distances_m(fixes.lon[:-1], fixes.lat[:-1], fixes.lon[1:], fixes.lat[1:])
        steps[fixes.starts] = 0.0
    return steps


def distances_m(fixes: Fixes) -> Floats:
    """Return how far along the line each fix lies. Gaps between segments count as 0."""
    return np.cumsum(steps_m(fixes))


def length_m(fixes: Fixes) -> float:
    """Return the length on the WGS84 geodesic, without the gaps between segments."""
    return float(np.sum(steps_m(fixes)))


def ground_distances_m(from_lon: Floats, from_lat: Floats, to_lon: Floats, to_lat: Floats) -> Floats:
    """Return WGS84 geodesic distances, pair by pair.

    Short steps away from the poles, nearly all of any track, use Gauss's mid-latitude formula, which is
    within 0.002 % of the geodesic there. pyproj measures the others.
    """
    turn = np.radians(to_lon - from_lon)
    climb = np.radians(to_lat - from_lat)
    middle = np.radians((from_lat + to_lat) / 2)
    squared = 1 - FIRST_ECCENTRICITY_SQUARED * np.sin(middle) ** 2
    meridian = WGS84.a * (1 - FIRST_ECCENTRICITY_SQUARED) / squared**1.5
    distances = np.hypot(climb * meridian, turn * WGS84.a * np.cos(middle) / np.sqrt(squared))
    reach = np.radians(SHORT_STEP_DEG)
    short = (np.abs(turn) < reach) & (np.abs(climb) < reach) & (np.abs(middle) < np.radians(POLAR_LAT_DEG))
    far = np.flatnonzero(~short)
    if far.size:
        distances[far] = WGS84.inv(from_lon[far], from_lat[far], to_lon[far], to_lat[far])[2]
    return np.asarray(distances)


def bounding_box(fixes: Fixes) -> BoundingBox | None:
    """Return the box around all fixes, or None if there are none.

    Each step goes the short way round, so a walk over the antimeridian has a narrow box.
    """
    if not len(fixes):
        return None
    lon = np.unwrap(fixes.lon, period=360.0)
    west, east = float(lon.min()), float(lon.max())
    if east - west >= 360:
        west, east = -180.0, 180.0
    return BoundingBox(_wrapped(west), float(fixes.lat.min()), _wrapped(east), float(fixes.lat.max()))


def local_plane(fixes: Fixes) -> LocalPlane:
    """Return the plane that touches the ground in the middle of the line, or at 0, 0 if it has no points."""
    box = bounding_box(fixes)
    if box is None:
        return LocalPlane(0.0, 0.0)
    width = (box.east - box.west) % 360 if box.west > box.east else box.east - box.west
    return LocalPlane(_wrapped(box.west + width / 2), (box.south + box.north) / 2)


def evenly_spaced(
    along_m: Floats, points: PlanePoints, spacing_m: float, most: int
) -> tuple[Floats, PlanePoints]:
    """Return how far along a line the middles of equal parts lie, and their points on the plane.

    `along_m` is how far along the line its `points` lie. A part is at most `spacing_m` long, unless the line
    then had more than `most` parts. A line without points has no parts.
    """
    if not points.size:
        return np.empty(0), np.empty(0, dtype=np.complex128)
    parts = int(np.clip(np.ceil(along_m[-1] / spacing_m), 1, most))
    middles_m = (np.arange(parts) + 0.5) * (along_m[-1] / parts)
    return middles_m, np.interp(middles_m, along_m, points)


def is_loop(fixes: Fixes) -> bool:
    """Return whether the line ends where it began: round a lake, or out and back.

    The two ends may be 50 m apart, and on a very short line a tenth of its length.
    """
    if len(fixes) < 2:
        return False
    apart = ground_distances_m(fixes.lon[:1], fixes.lat[:1], fixes.lon[-1:], fixes.lat[-1:])[0]
    return bool(apart <= LOOP_CLOSES_WITHIN_M and apart <= length_m(fixes) / 10)


def elevation_profile_m(fixes: Fixes) -> tuple[Indices, Floats]:
    """Return the indices of the fixes whose elevation is known, and their elevation without jumps.

    The gap between two segments was not walked, so its climb does not count: the later segment is lifted or
    lowered until the two meet.
    """
    known = np.flatnonzero(~np.isnan(fixes.ele_m))
    if not known.size:
        return known, np.empty(0)
    heights = fixes.ele_m[known]
    rises = np.diff(heights)
    rises[np.diff(np.searchsorted(fixes.starts, known, side="right")) != 0] = 0.0
    return known, heights[0] + np.concatenate(([0.0], np.cumsum(rises)))


def _equidistant(east: Floats, north: Floats, down: Floats, radius_m: float) -> tuple[Floats, Floats]:
    """Return coordinates on the tangent plane, stretched to the length of the arc below them."""
    flat = np.hypot(east, north)
    arc = radius_m * np.arctan2(flat, radius_m - down)
    stretch = np.divide(arc, flat, out=np.ones_like(flat), where=flat > 0)
    return east * stretch, north * stretch


def _mean_radius_ratio(curvature: float) -> float:
    """Return the Gaussian mean radius divided by the equator's; `curvature` is sqrt(1 - e² sin² lat)."""
    return float(np.sqrt(1 - FIRST_ECCENTRICITY_SQUARED) / curvature**2)


def _wrapped(lon: float) -> float:
    return lon if -180 <= lon <= 180 else (lon + 180) % 360 - 180
