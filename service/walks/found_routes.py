"""Routes near a place that fit a length of time and what a client needs: which are found, in which order."""

import enum
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import numpy as np

from service.clients.needs import Need
from service.geo.fixes import Fixes
from service.geo.geodesy import LocalPlane, PlanePoints
from service.walks.features import Feature, FeatureKind
from service.walks.reasons import Bearing, Requirements, find_reasons
from service.walks.routes import RouteSummary
from service.walks.stretches import Stretch

MOST_LOOKED_AT: Final = 100
"""Routes looked at in one search: the nearest by the boxes around them."""
EQUALLY_NEAR_M: Final = 50.0
"""Of routes as near as each other, the longest comes first."""


class NearWhat(enum.StrEnum):
    """What of a route is near the place."""

    LINE = "line"
    START = "start"
    BUS_STOP = "bus_stop"
    PARKING = "parking"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for."""

    lon: float
    lat: float
    within_m: float
    near: NearWhat = NearWhat.LINE
    most_s: float | None = None
    needs: tuple[Need, ...] = ()
    lit_until: datetime | None = None


class KnownRoute(msgspec.Struct, frozen=True):
    """A route with its line and all that is known along it; the stretches cover the whole line."""

    route: RouteSummary
    line: Fixes
    stretches: Sequence[Stretch]
    features: Sequence[Feature]


class FoundRoute(msgspec.Struct, frozen=True):
    """A route that fits, and how far away it is. `unknown` are needs of which nobody has said enough."""

    route: RouteSummary
    away_m: float
    unknown: tuple[Need, ...]
    feature_id: UUID | None
    """The bus stop or car park that is near."""


class Facets(msgspec.Struct, frozen=True):
    """How many of the routes found are loops, have a kind of feature, or a tag."""

    loops: int
    features: Mapping[str, int]
    tags: Mapping[str, int]


class FoundRoutes(msgspec.Struct, frozen=True):
    """The routes found, nearest first; `more` says that routes farther away were not looked at."""

    near: NearWhat
    routes: Sequence[FoundRoute]
    facets: Facets
    found: int
    more: bool


def look_at(
    known: Iterable[KnownRoute], wanted: Wanted, *, dark: bool, more: bool, limit: int
) -> FoundRoutes:
    """Return what of the routes fits, nearest first. `dark` says that it is night at the end.

    A route is left out that is farther away, takes longer, or stands against a need; what nobody has said
    stands against none. After dark, all of it has to be lit.
    """
    needs = tuple(dict.fromkeys((*wanted.needs, *((Need.LIGHT,) if dark else ()))))
    fitting = [(each, found) for each in known if (found := _found(each, wanted, needs)) is not None]
    fitting.sort(key=lambda pair: _rank(pair[1]))
    facets = Facets(
        loops=sum(each.route.is_loop for each, _ in fitting),
        features=_counts({feature.kind.value for feature in each.features} for each, _ in fitting),
        tags=_counts(set(each.route.tags) for each, _ in fitting),
    )
    return FoundRoutes(wanted.near, [found for _, found in fitting[:limit]], facets, len(fitting), more)


def _rank(found: FoundRoute) -> tuple[float, float, UUID]:
    nearness = found.away_m // EQUALLY_NEAR_M
    return nearness, -found.route.equivalent_flat_m, found.route.id


def _counts(sets: Iterable[set[str]]) -> dict[str, int]:
    counted = Counter(each for names in sets for each in names)
    return dict(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])))


def _found(known: KnownRoute, wanted: Wanted, needs: tuple[Need, ...]) -> FoundRoute | None:
    route = known.route
    if wanted.most_s is not None and route.walking_time_s(route.pace) > wanted.most_s:
        return None
    away_m, feature_id = _away(known, wanted)
    if away_m > wanted.within_m:
        return None
    reasons = find_reasons(known.line, known.stretches, known.features, Requirements(needs), None)
    if any(each.bearing is Bearing.AGAINST for each in reasons):
        return None
    unknown = {each.because for each in reasons if each.bearing is Bearing.UNKNOWN}
    return FoundRoute(route, away_m, tuple(each for each in needs if each in unknown), feature_id)


def _away(known: KnownRoute, wanted: Wanted) -> tuple[float, UUID | None]:
    """Return how far away a route is, and its feature that is meant."""
    plane = LocalPlane(wanted.lon, wanted.lat)
    if wanted.near is NearWhat.LINE:
        return _nearest_m(plane.points(known.line), known.line), None
    if wanted.near is NearWhat.START:
        x, y = plane.project(known.line.lon[:1], known.line.lat[:1])
        return float(np.hypot(x, y)[0]), None
    kind = FeatureKind(wanted.near)
    meant = [each for each in known.features if each.kind is kind]
    if not meant:
        return np.inf, None
    x, y = plane.project(np.array([each.lon for each in meant]), np.array([each.lat for each in meant]))
    away_m = np.hypot(x, y)
    nearest = int(np.argmin(away_m))
    return float(away_m[nearest]), meant[nearest].id


def _nearest_m(points: PlanePoints, line: Fixes) -> float:
    """Return how far a line is from the middle of the plane; the gap between two segments is none of it."""
    begins, ways = points[:-1], np.diff(points)
    inside = np.ones(ways.size, dtype=np.bool_)
    inside[line.starts[1:] - 1] = False
    begins, ways = begins[inside], ways[inside]
    squared = np.maximum(ways.real**2 + ways.imag**2, np.finfo(np.float64).tiny)
    share = np.clip(-(begins.real * ways.real + begins.imag * ways.imag) / squared, 0.0, 1.0)
    nearest = np.abs(begins + share * ways)
    return float(nearest.min()) if nearest.size else float(np.abs(points).min())
