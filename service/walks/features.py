"""Points of a route worth knowing, and where along it they lie."""

import enum
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import numpy as np
import shapely

from service.geo.fixes import Fixes, Floats, Indices
from service.geo.geodesy import distances_m, local_plane

MOST_FEATURES: Final = 1_000
"""Of one route; all of them are answered with it."""


class FeatureKind(enum.StrEnum):
    """What a point of a route is good for, or dangerous for."""

    BENCH = "bench"
    SHELTER = "shelter"
    TOILET = "toilet"
    PARKING = "parking"
    BUS_STOP = "bus_stop"
    EXIT = "exit"
    PRIVATE_SPOT = "private_spot"
    HAZARD = "hazard"
    GATE = "gate"
    STEPS = "steps"
    CAFE = "cafe"
    OTHER = "other"


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A point of a route; `along_m` and `offset_m` refer to the line the route has now."""

    id: UUID
    route_id: UUID
    kind: FeatureKind
    name: str | None
    description: str | None
    lon: float
    lat: float
    along_m: float
    """How far along the line one passes it: the first time, if the same way is walked twice."""
    offset_m: float
    """How far from the line it lies."""
    created_at: datetime
    updated_at: datetime
    revision: int = 0


class Spot(msgspec.Struct, frozen=True):
    """Where a point lies, seen from a line."""

    along_m: float
    offset_m: float


WORDS: Final = {
    FeatureKind.BENCH: ("bench", "benches", "seat", "picnic table"),
    FeatureKind.SHELTER: ("shelter", "hut", "pavilion", "gazebo"),
    FeatureKind.TOILET: ("toilet", "toilets", "restroom", "restrooms", "wc", "lavatory"),
    FeatureKind.PARKING: ("parking", "car park", "parking lot", "trailhead"),
    FeatureKind.BUS_STOP: ("bus stop", "bus station", "bus", "tram stop"),
    FeatureKind.EXIT: ("exit", "way out"),
    FeatureKind.PRIVATE_SPOT: ("private spot", "quiet spot"),
    FeatureKind.HAZARD: ("hazard", "danger", "danger area", "caution", "warning", "skull and crossbones"),
    FeatureKind.GATE: ("gate", "stile", "kissing gate"),
    FeatureKind.STEPS: ("steps", "stairs"),
    FeatureKind.CAFE: ("cafe", "café", "coffee", "coffee shop", "tea room", "restaurant", "fast food"),
}
"""Symbols of Garmin and OsmAnd, values of OpenStreetMap, and what people write, in English."""

KIND_OF: Final = {word: kind for kind, words in WORDS.items() for word in words}
ANY_WORD: Final = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(KIND_OF, key=len, reverse=True))})(?!\w)")


def guess_kind(texts: Iterable[str | None]) -> FeatureKind:
    """Return the kind the first of a waypoint's texts speaks of that speaks of any: OTHER where none does.

    Give what is meant for programs first: type, symbol, then name. A type `other`, which exports say, is an
    answer: the name is not asked.
    """
    for text in texts:
        if text == FeatureKind.OTHER:
            break
        word = ANY_WORD.search((text or "").lower().replace("_", " ").replace("-", " "))
        if word:
            return KIND_OF[word[0]]
    return FeatureKind.OTHER


def spots_along(line: Fixes, lon: Floats, lat: Floats) -> list[Spot]:
    """Return where each of the points at `lon`, `lat` lies along the line and how far from it.

    A way walked twice on the same points, as planners draw there and back, counts where it is walked first.
    The gap between two segments is not part of the line, which must have a segment of two points.
    """
    if not len(lon):
        return []
    plane = local_plane(line)
    x, y = plane.project(line.lon, line.lat)
    px, py = plane.project(lon, lat)
    begins = np.setdiff1d(np.arange(len(line) - 1), line.starts - 1)
    steps = np.stack((x[begins], y[begins], x[begins + 1], y[begins + 1]), axis=1)
    once = _once_each(steps)
    tree = shapely.STRtree(np.asarray(shapely.linestrings(steps[once].reshape(-1, 2, 2))))
    _, nearest = tree.query_nearest(shapely.points(px, py), all_matches=False)
    chosen = once[nearest]
    share, offset_m = _foot(steps[chosen], px, py)
    reached_m = distances_m(line)
    along_m = reached_m[begins[chosen]] * (1 - share) + reached_m[begins[chosen] + 1] * share
    return [Spot(*pair) for pair in zip(along_m.tolist(), offset_m.tolist(), strict=True)]


def _once_each(steps: Floats) -> Indices:
    """Return the indices of the steps that are not walked before, in either direction."""
    forth = (steps[:, 0] < steps[:, 2]) | ((steps[:, 0] == steps[:, 2]) & (steps[:, 1] <= steps[:, 3]))
    directed = np.where(forth[:, None], steps, steps[:, [2, 3, 0, 1]])
    _, first = np.unique(directed, axis=0, return_index=True)
    return np.asarray(first, dtype=np.int64)


def _foot(steps: Floats, px: Floats, py: Floats) -> tuple[Floats, Floats]:
    """Return how far along its step each point is nearest, from 0 to 1, and its distance from there."""
    x, y, dx, dy = steps[:, 0], steps[:, 1], steps[:, 2] - steps[:, 0], steps[:, 3] - steps[:, 1]
    squared = dx**2 + dy**2
    ahead = (px - x) * dx + (py - y) * dy
    share = np.clip(np.divide(ahead, squared, out=np.zeros_like(ahead), where=squared > 0), 0, 1)
    return share, np.hypot(x + share * dx - px, y + share * dy - py)
