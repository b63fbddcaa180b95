"""Routes: planned walks, the lines they follow, and how long those take."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import numpy as np

from service.foundation.errors import DomainError
from service.foundation.retry_safe import Unusable
from service.geo.climb import ascent_descent_m
from service.geo.far_corners import FarCorner
from service.geo.fixes import NO_TIME, Fixes
from service.geo.geodesy import BoundingBox, distances_m, is_loop, length_m
from service.geo.pace import Pace, walking_time_s
from service.walks.features import Feature
from service.walks.stretches import Stretch

SHORTEST_M: Final = 1.0
"""A shorter line is one place, however many points it has."""
MOST_TAGS: Final = 20
LONGEST_TAG: Final = 50
UNNAMED: Final = "Unnamed route"


class LineMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """The measures of a line, kept beside it so that reading them decodes nothing.

    Degrees are WGS84; the length is on its geodesic.
    """

    points: int
    length_m: float
    ascent_m: float | None
    """None where the line has no elevation."""
    descent_m: float | None
    equivalent_flat_m: float
    """Metres on the flat that take as long to walk."""
    is_loop: bool
    start_lon: float
    start_lat: float
    end_lon: float
    end_lat: float

    def walking_time_s(self, pace: Pace) -> float:
        """Return seconds to walk the line from its start to its end, rests included."""
        return pace.walking_time_s(self.equivalent_flat_m)


class Route(LineMeasures, frozen=True, kw_only=True):
    """A planned walk, with the measures of the line in use."""

    id: UUID
    name: str
    description: str | None
    tags: list[str]
    version: int
    """The line in use; earlier ones stay with the sessions that used them."""
    archived_at: datetime | None
    created_at: datetime
    updated_at: datetime
    revision: int


class RouteSummary(Route, frozen=True, kw_only=True):
    """A route as it is answered: with a pace to time it at, the practice's unless another was asked for."""

    flat_pace_mps: float
    rests_s: int
    practice_revision: int

    @property
    def pace(self) -> Pace:
        """Return the pace the route is timed at."""
        return Pace(self.flat_pace_mps, self.rests_s)

    @property
    def shown_revision(self) -> int:
        """Return the revision of the answer: it shows the route and its practice's pace."""
        return max(self.revision, self.practice_revision)

    def at_pace(self, pace: Pace | None) -> "RouteSummary":
        """Return the route timed at another pace; as it is where that is None."""
        if pace is None:
            return self
        return msgspec.structs.replace(self, flat_pace_mps=pace.flat_mps, rests_s=round(pace.rests_s))


class FullRoute(msgspec.Struct, frozen=True):
    """A route and its features, in walking order."""

    route: RouteSummary
    features: list[Feature]


class RouteVersion(LineMeasures, frozen=True, kw_only=True):
    """A line a route has, or once had."""

    version: int
    created_at: datetime


class PlannedRoute(msgspec.Struct, frozen=True):
    """The version of a route that a session is planned on."""

    version: int
    length_m: float
    is_loop: bool
    archived_at: datetime | None


class PackedLine(msgspec.Struct, frozen=True):
    """A line ready to be stored: packed by `pack_fixes`, and measured."""

    packed: bytes
    measures: LineMeasures
    extent: BoundingBox


class NewRoute(msgspec.Struct, frozen=True, kw_only=True):
    """A route to add."""

    route: Route
    line: PackedLine
    features: list[Feature]
    stretches: tuple[Stretch, ...] = ()


class LineChoice(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of several lines in a file; `line` is the number to choose it by."""

    line: int
    kind: str
    points: int
    segments: int
    length_m: float
    stretches: int = 0
    """How many parts of it something is known of."""
    name: str | None = None
    fault: str | None = None
    """Why no route can follow it."""
    far_corners: tuple[FarCorner, ...] = ()


class WhichLine(DomainError):
    """A file holds several lines and the caller has to choose one."""

    def __init__(self, detail: str, lines: Sequence[LineChoice]) -> None:
        super().__init__(detail)
        self.lines = lines


class NoLine(DomainError):
    """A file holds no line that can be walked."""

    def __init__(self, detail: str, lines: Sequence[LineChoice]) -> None:
        super().__init__(detail)
        self.lines = lines


def line_fault(line: Fixes) -> str | None:
    """Return why no route can follow this line, or None where one can."""
    if len(line) < 2:
        return f"a route needs two points, this has {len(line)}"
    if len(line.starts) == len(line):
        return f"each of its {len(line)} points is a segment of its own, and gaps are not walked"
    if length_m(line) < SHORTEST_M:
        return f"its {len(line)} points lie in one place"
    return None


def without_times(line: Fixes) -> Fixes:
    """Return a line as a route keeps it: times would say when somebody was where."""
    return msgspec.structs.replace(line, time_ms=np.full(len(line), NO_TIME))


def measure_line(line: Fixes) -> LineMeasures:
    """Return the measures of a line that has no fault.

    Climbs count from 5 m up (`ascent_descent_m` says why). `equivalent_flat_m` is the walking time at 1 m/s,
    so the time at any other pace is a division.
    """
    ascent_m, descent_m = ascent_descent_m(line) or (None, None)
    return LineMeasures(
        points=len(line),
        length_m=length_m(line),
        ascent_m=ascent_m,
        descent_m=descent_m,
        equivalent_flat_m=walking_time_s(line, Pace(flat_mps=1.0, rests_s=0.0)),
        is_loop=is_loop(line),
        start_lon=float(line.lon[0]),
        start_lat=float(line.lat[0]),
        end_lon=float(line.lon[-1]),
        end_lat=float(line.lat[-1]),
    )


def point_at(line: Fixes, distance_m: float) -> tuple[float, float]:
    """Return the longitude and latitude `distance_m` along the line, or of its end if it is shorter."""
    along_m = distances_m(line)
    lon = float(np.interp(distance_m, along_m, np.unwrap(line.lon, period=360.0)))
    return (lon + 180) % 360 - 180, float(np.interp(distance_m, along_m, line.lat))


def normal_tag(tag: str) -> str:
    """Return a tag as it is stored and compared: without spaces around it, in lower case."""
    return tag.strip().lower()


def normal_tags(tags: Iterable[str]) -> list[str]:
    """Return tags as they are stored, each once. Raises Unusable for a blank one."""
    kept: dict[str, None] = {}
    for index, tag in enumerate(tags):
        kept.setdefault(normal_tag(tag))
        if "" in kept:
            raise Unusable(f"/tags/{index}", "a tag is not blank")
    return list(kept)
