"""Routes on the wire."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Instant, Name, Output, Page, Text, shown
from schemas.walks.features import FeatureOut
from schemas.walks.skipped import SkippedOut
from service.geo.gpx.model import DEFAULT_LIMITS, Skipped
from service.walks.plan_turn_back import TurnBackPlan
from service.walks.route_files import RouteRequest
from service.walks.routes import (
    LONGEST_TAG,
    MOST_TAGS,
    FullRoute,
    LineMeasures,
    RouteSummary,
    RouteVersion,
)

Tag = Annotated[str, Meta(min_length=1, max_length=LONGEST_TAG)]
Tags = Annotated[
    list[Tag],
    Meta(max_length=MOST_TAGS, description="Stored in lower case, without spaces around, each once."),
]
GeoJson = Annotated[
    msgspec.Raw,
    Meta(
        description=(
            "A FeatureCollection, Feature, LineString or MultiLineString (RFC 7946); `line` chooses one of "
            "several lines. Its points become features of the route. The service reads these properties of a "
            "feature: name, kind, the first 4,000 characters of description, thunder_refuge of a point, and "
            "stretches of a line, as an export writes them."
        ),
        extra_json_schema={"type": "object", "additionalProperties": True},
    ),
]

LineNumber = Annotated[
    int,
    Meta(
        ge=0,
        le=DEFAULT_LIMITS.lines,
        description="Which line of the drawing to take where there are several: from 0, in its order.",
    ),
]


class RouteIn(Input):
    """A route drawn on a map."""

    id: UUID
    name: Name
    geojson: GeoJson
    description: Text | None = None
    tags: Tags = msgspec.field(default_factory=list)
    line: LineNumber | None = None

    def to_request(self) -> RouteRequest:
        """Return the route to make of the drawing."""
        return RouteRequest(
            id=self.id,
            name=self.name,
            description=self.description,
            tags=tuple(self.tags),
            line=self.line,
        )


class RoutePatch(Input):
    """What to change: null clears a member, an absent one stays."""

    name: Name | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    tags: Tags | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


class LineEnd(Output):
    """Where a line begins or ends: degrees, WGS84."""

    lon: float
    lat: float


class LineMeasuresOut(Output, kw_only=True):
    """The measures of a line."""

    points: int
    length_m: Annotated[float, Meta(description="On the WGS84 ellipsoid; gaps between segments left out.")]
    ascent_m: Annotated[
        float | UnsetType,
        Meta(description="Metres climbed, counting climbs from 5 m up; absent where heights are unknown."),
    ] = UNSET
    descent_m: float | UnsetType = UNSET
    equivalent_flat_m: Annotated[
        float,
        Meta(
            description="Metres on the flat that take as long: "
            "walking time is equivalent_flat_m / flat_pace_mps + rests_s."
        ),
    ]
    is_loop: Annotated[bool, Meta(description="It ends where it began, be it round or out and back.")]
    start: LineEnd
    end: LineEnd


def measures_members(line: LineMeasures) -> dict[str, Any]:
    """Return the members of LineMeasuresOut, to the centimetre."""
    metres = ("length_m", "ascent_m", "descent_m", "equivalent_flat_m")
    known = {name: getattr(line, name) for name in metres if getattr(line, name) is not None}
    return {
        "points": line.points,
        **{name: round(value, 2) for name, value in known.items()},
        "is_loop": line.is_loop,
        "start": LineEnd(line.start_lon, line.start_lat),
        "end": LineEnd(line.end_lon, line.end_lat),
    }


class RouteVersionOut(LineMeasuresOut, kw_only=True):
    """A line a route has, or once had."""

    version: int
    created_at: Instant

    @classmethod
    def from_version(cls, version: RouteVersion) -> "RouteVersionOut":
        """Return the version as a phone gets it."""
        return cls(**shown(version, cls) | measures_members(version))


class RouteVersions(Output):
    """The last hundred lines of a route, the one in use first."""

    items: list[RouteVersionOut]

    @classmethod
    def from_versions(cls, versions: list[RouteVersion]) -> "RouteVersions":
        """Return the versions as a phone gets them."""
        return cls([RouteVersionOut.from_version(each) for each in versions])


class RouteSummaryOut(LineMeasuresOut, kw_only=True):
    """A planned walk, without its features."""

    id: UUID
    name: str
    description: str | UnsetType = UNSET
    tags: list[str]
    version: Annotated[int, Meta(description="Of the line: earlier ones stay with sessions that used them.")]
    walking_time_s: Annotated[float, Meta(description="From start to end at the pace below, rests included.")]
    flat_pace_mps: Annotated[float, Meta(description="The practice's pace, unless another was asked for.")]
    rests_s: float
    archived_at: Instant | UnsetType = UNSET
    created_at: Instant
    updated_at: Instant
    revision: int

    @classmethod
    def from_summary(cls, route: RouteSummary) -> "RouteSummaryOut":
        """Return the route as a phone gets it in a list."""
        return cls(**summary_members(route))


def summary_members(route: RouteSummary) -> dict[str, Any]:
    """Return the members of RouteSummaryOut."""
    members = shown(route, RouteSummaryOut) | measures_members(route)
    return members | {"walking_time_s": round(route.walking_time_s(route.pace), 1)}


class RouteOut(RouteSummaryOut, kw_only=True):
    """A planned walk."""

    features: Annotated[list[FeatureOut], Meta(description="In walking order.")]
    skipped: Annotated[
        list[SkippedOut] | UnsetType,
        Meta(description="Where a drawing was sent: the first twenty parts left out; absent if none."),
    ] = UNSET

    @classmethod
    def from_full(cls, full: FullRoute, skipped: Sequence[Skipped] = ()) -> "RouteOut":
        """Return the route as a phone gets it; `skipped` is what was left out of a drawing."""
        features = [FeatureOut.from_feature(each) for each in full.features]
        left_out = [SkippedOut.of(each) for each in skipped] or UNSET
        return cls(**summary_members(full.route), features=features, skipped=left_out)


class RoutePage(Page[RouteSummaryOut]):
    """Routes by name."""


class TurnBackOut(Output):
    """Where to turn so as to be back in time."""

    distance_m: float
    after_s: Annotated[float, Meta(description="Seconds from the start, its share of the rests included.")]
    whole: Annotated[
        bool, Meta(description="Time is enough for all of it: there and back, or once round a loop.")
    ]
    lon: float
    lat: float
    flat_pace_mps: float
    rests_s: float

    @classmethod
    def from_plan(cls, plan: TurnBackPlan) -> "TurnBackOut":
        """Return the place to turn as a phone gets it."""
        return cls(
            distance_m=round(plan.turn.distance_m, 2),
            after_s=round(plan.turn.after_s, 1),
            whole=plan.turn.whole,
            lon=round(plan.lon, 7),
            lat=round(plan.lat, 7),
            flat_pace_mps=plan.pace.flat_mps,
            rests_s=plan.pace.rests_s,
        )
