"""Features: benches, shelters, exits, hazards and other points of a route, and where along it they lie."""

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
import numpy as np
import shapely

from service.foundation.retry_safe import Unusable
from service.geo.fixes import Fixes, Floats, Indices
from service.geo.geodesy import distances_m, local_plane

MOST_FEATURES: Final = 1_000
"""Of one route: every answer with the route holds them all."""


class FeatureKind(enum.StrEnum):
    """What is found at a point of a route."""

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


class ThunderRefuge(enum.StrEnum):
    """Whether a point offers refuge from lightning."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


MAY_BE_REFUGE: Final = frozenset(
    {FeatureKind.CAFE, FeatureKind.TOILET, FeatureKind.PARKING, FeatureKind.OTHER}
)
"""Kinds with a substantial enclosed building, or where a closed hard-topped car stands. An open shelter, a
tree or a bus stop is none.
"""


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A point of a route; `along_m` and `offset_m` refer to the line in use."""

    id: UUID
    route_id: UUID
    kind: FeatureKind
    name: str | None = None
    description: str | None = None
    thunder_refuge: ThunderRefuge = ThunderRefuge.UNKNOWN
    lon: float
    lat: float
    along_m: float
    """Distance from the start of the line to where it first passes the point."""
    offset_m: float
    """Distance from the line."""
    created_at: datetime
    updated_at: datetime
    revision: int = 0


def refuse_false_refuge(feature: Feature) -> None:
    """Raise Unusable where a feature that cannot be a refuge from lightning is called one."""
    fault = claim_fault(feature.kind, feature.thunder_refuge)
    if fault is not None:
        raise Unusable("/thunder_refuge", fault)


def claim_fault(kind: FeatureKind, refuge: ThunderRefuge) -> str | None:
    """Return why a feature of this kind cannot be a refuge from lightning, if it is called one."""
    if refuge is not ThunderRefuge.YES or kind in MAY_BE_REFUGE:
        return None
    return (
        f"a {kind} is none: only a substantial enclosed building or a closed hard-topped vehicle is, marked "
        f"as {', '.join(sorted(MAY_BE_REFUGE))}"
    )


class LinePosition(msgspec.Struct, frozen=True):
    """Where a point lies relative to a line."""

    along_m: float
    """Distance from the start of the line to the nearest point of it."""
    offset_m: float
    """Distance from the line."""


class KindSigns(NamedTuple):
    """How GPX files mark a kind: the symbol that exports write, and the words that imports know it by."""

    symbol: str
    words: tuple[str, ...]


KIND_SIGNS: Final = {
    FeatureKind.BENCH: KindSigns("Picnic Area", ("bench", "benches", "seat", "picnic table", "picnic area")),
    FeatureKind.SHELTER: KindSigns("Shelter", ("shelter", "hut", "pavilion", "gazebo")),
    FeatureKind.TOILET: KindSigns(
        "Restroom", ("toilet", "toilets", "restroom", "restrooms", "wc", "lavatory")
    ),
    FeatureKind.PARKING: KindSigns("Parking Area", ("parking", "car park", "parking lot", "trailhead")),
    FeatureKind.BUS_STOP: KindSigns(
        "Ground Transportation", ("bus stop", "bus station", "bus", "tram stop", "ground transportation")
    ),
    FeatureKind.EXIT: KindSigns("Exit", ("exit", "way out")),
    FeatureKind.PRIVATE_SPOT: KindSigns("Scenic Area", ("private spot", "quiet spot")),
    FeatureKind.HAZARD: KindSigns(
        "Danger Area", ("hazard", "danger", "danger area", "caution", "warning", "skull and crossbones")
    ),
    FeatureKind.GATE: KindSigns("Crossing", ("gate", "stile", "kissing gate")),
    FeatureKind.STEPS: KindSigns("Flag, Blue", ("steps", "stairs")),
    FeatureKind.CAFE: KindSigns(
        "Restaurant", ("cafe", "café", "coffee", "coffee shop", "tea room", "restaurant", "fast food")
    ),
    FeatureKind.OTHER: KindSigns("Flag, Blue", ()),
}
"""gpx.studio lists every symbol except `Shelter`, `Danger Area` and `Flag, Blue`; `Flag, Blue` is for what
has no symbol of its own. Words are English: symbols of Garmin and OsmAnd, values of OpenStreetMap, what
people write.
"""

KIND_OF_WORD: Final = {word: kind for kind, signs in KIND_SIGNS.items() for word in signs.words}
ANY_WORD: Final = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(KIND_OF_WORD, key=len, reverse=True))})(?!\w)")


MEANINGLESS: Final = re.compile(
    r"(?<!\w)(?:flag|pin|waypoint|wpt|dot|marker|default|block|circle|square|triangle|diamond|oval|rectangle"
    r"|navaid|star|favou?rite|none|user)(?!\w)"
)
"""Words of symbols that programs give to any waypoint, such as `Flag, Blue`: they say nothing of its kind."""


def guess_kind(kind: str | None, symbol: str | None, name: str | None) -> FeatureKind:
    """Return the kind that a waypoint's type, symbol or name says in one of KIND_SIGNS, or else OTHER.

    The first of them that says one counts. A type that is exactly `other`, which exports write, is OTHER. So
    is a symbol of something else: a summit called Seat Hill is no bench.
    """
    if kind == FeatureKind.OTHER:
        return FeatureKind.OTHER
    said = _kind_said(kind) or _kind_said(symbol)
    if said is None and (not symbol or MEANINGLESS.search(symbol.lower())):
        said = _kind_said(name)
    return said or FeatureKind.OTHER


def _kind_said(text: str | None) -> FeatureKind | None:
    word = ANY_WORD.search((text or "").lower().replace("_", " ").replace("-", " "))
    return KIND_OF_WORD[word[0]] if word else None


def locate_points(line: Fixes, points: Sequence[tuple[float, float]]) -> list[LinePosition]:
    """Return where each point, a longitude and a latitude, lies relative to the line.

    Where the line follows the same points twice, as planners draw there and back, the first pass counts. Gaps
    between segments are not part of the line. At least one of its segments must have two points.
    """
    if not points:
        return []
    lon, lat = np.array(points).T
    plane = local_plane(line)
    x, y = plane.project(line.lon, line.lat)
    px, py = plane.project(lon, lat)
    begins = np.setdiff1d(np.arange(len(line) - 1), line.starts - 1)
    steps = np.stack((x[begins], y[begins], x[begins + 1], y[begins + 1]), axis=1)
    once = _first_passes(steps)
    tree = shapely.STRtree(np.asarray(shapely.linestrings(steps[once].reshape(-1, 2, 2))))
    _, nearest = tree.query_nearest(shapely.points(px, py), all_matches=False)
    chosen = once[nearest]
    share, offset_m = _nearest_on_steps(steps[chosen], px, py)
    reached_m = distances_m(line)
    along_m = reached_m[begins[chosen]] * (1 - share) + reached_m[begins[chosen] + 1] * share
    return [LinePosition(*pair) for pair in zip(along_m.tolist(), offset_m.tolist(), strict=True)]


def locate_features(line: Fixes, features: Sequence[Feature]) -> list[Feature]:
    """Return features with their places along another line."""
    positions = locate_points(line, [(each.lon, each.lat) for each in features])
    return [
        msgspec.structs.replace(feature, **msgspec.structs.asdict(position))
        for feature, position in zip(features, positions, strict=True)
    ]


def as_located(features: Iterable[Feature], located: Mapping[UUID, Feature]) -> list[Feature] | None:
    """Return each feature as in `located`, or None if one is missing there or has moved since."""
    result = []
    for feature in features:
        known = located.get(feature.id)
        if known is None or (known.lon, known.lat) != (feature.lon, feature.lat):
            return None
        result.append(known)
    return result


def _first_passes(steps: Floats) -> Indices:
    """Return the indices of the steps that repeat no earlier step, in either direction."""
    forth = (steps[:, 0] < steps[:, 2]) | ((steps[:, 0] == steps[:, 2]) & (steps[:, 1] <= steps[:, 3]))
    directed = np.where(forth[:, None], steps, steps[:, [2, 3, 0, 1]])
    _, first = np.unique(directed, axis=0, return_index=True)
    return np.asarray(first, dtype=np.int64)


def _nearest_on_steps(steps: Floats, px: Floats, py: Floats) -> tuple[Floats, Floats]:
    """Return for each point the nearest place on its step, as a share from 0 to 1, and the distance to it."""
    x, y, dx, dy = steps[:, 0], steps[:, 1], steps[:, 2] - steps[:, 0], steps[:, 3] - steps[:, 1]
    squared = dx**2 + dy**2
    ahead = (px - x) * dx + (py - y) * dy
    share = np.clip(np.divide(ahead, squared, out=np.zeros_like(ahead), where=squared > 0), 0, 1)
    return share, np.hypot(x + share * dx - px, y + share * dy - py)
