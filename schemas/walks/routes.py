"""Routes on the wire."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.base import (
    Input,
    Instant,
    Latitude,
    Longitude,
    Name,
    NextCursor,
    Output,
    Text,
    changes_of,
    present,
    shown,
)
from service.foundation.pages import PageOf
from service.geo.gpx.model import DEFAULT_LIMITS, Skipped
from service.geo.pace import Pace
from service.walks.features import Feature, FeatureKind
from service.walks.plan_turn_back import PlannedTurn
from service.walks.read_route_file import Offer, OfferedPoint, Wanted
from service.walks.routes import (
    LONGEST_TAG,
    MOST_TAGS,
    FullRoute,
    LineChoice,
    Measures,
    Route,
    RouteVersion,
)

WAYPOINTS_SHOWN: Final = 1_000

Tag = Annotated[str, Meta(min_length=1, max_length=LONGEST_TAG)]
Tags = Annotated[
    list[Tag], Meta(max_length=MOST_TAGS, description="Kept in lower case, without spaces around, each once.")
]
GeoJson = Annotated[
    msgspec.Raw,
    Meta(
        description=(
            "A FeatureCollection, Feature, LineString or MultiLineString (RFC 7946); of several lines `line` "
            "chooses one. Its points become features of the route. Of a feature's properties, name, "
            "the first 4,000 characters of description, and kind are understood."
        ),
        extra_json_schema={"type": "object", "additionalProperties": True},
    ),
]


class RouteIn(Input):
    """A route drawn on a map."""

    id: UUID
    name: Name
    geojson: GeoJson
    description: Text | None = None
    tags: Tags = msgspec.field(default_factory=list)
    line: Annotated[int, Meta(ge=0, le=DEFAULT_LIMITS.lines)] | None = None
    """Which line of the drawing to take where there are several: from 0, in its order."""

    def to_wanted(self) -> Wanted:
        """Return the route wanted from the drawing."""
        return Wanted(
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

    def to_changes(self, now: datetime) -> dict[str, Any]:
        """Return the changes in the words of the domain."""
        return changes_of(self, now)


class PlaceOnEarth(Output):
    """Degrees, WGS84."""

    lon: float
    lat: float


class MeasuresOut(Output, kw_only=True):
    """A line's measures."""

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
            "walking time is equivalent_flat_m / flat_pace_ms + rests_s."
        ),
    ]
    is_loop: Annotated[bool, Meta(description="It ends where it began, be it round or out and back.")]
    start: PlaceOnEarth
    end: PlaceOnEarth


def measured(line: Measures) -> dict[str, Any]:
    """Return a line's measures as members of an answer, to the centimetre."""
    return {
        "points": line.points,
        "length_m": round(line.length_m, 2),
        "ascent_m": UNSET if line.ascent_m is None else round(line.ascent_m, 2),
        "descent_m": UNSET if line.descent_m is None else round(line.descent_m, 2),
        "equivalent_flat_m": round(line.equivalent_flat_m, 2),
        "is_loop": line.is_loop,
        "start": PlaceOnEarth(line.start_lon, line.start_lat),
        "end": PlaceOnEarth(line.end_lon, line.end_lat),
    }


class RouteVersionOut(MeasuresOut, kw_only=True):
    """A line a route has, or once had."""

    version: int
    created_at: Instant


class RouteVersions(Output):
    """The last hundred lines of a route, the one in use first."""

    items: list[RouteVersionOut]

    @classmethod
    def from_versions(cls, versions: list[RouteVersion]) -> "RouteVersions":
        """Return the versions as a phone gets them."""
        return cls(
            [
                RouteVersionOut(version=each.version, created_at=each.created_at, **measured(each))
                for each in versions
            ]
        )


class RouteSummary(MeasuresOut, kw_only=True):
    """A planned walk, without its features."""

    id: UUID
    name: str
    description: str | UnsetType = UNSET
    tags: list[str]
    version: Annotated[int, Meta(description="Of the line: earlier ones stay with sessions that used them.")]
    walking_time_s: Annotated[float, Meta(description="From start to end at the pace below, rests included.")]
    flat_pace_ms: Annotated[float, Meta(description="The practice's pace, unless another was asked for.")]
    rests_s: float
    archived_at: Instant | UnsetType = UNSET
    created_at: Instant
    updated_at: Instant
    revision: int

    @classmethod
    def from_route(cls, route: Route, pace: Pace | None) -> "RouteSummary":
        """Return the route as a phone gets it in a list, timed at `pace` or else the practice's."""
        return cls(**_members(route, pace or route.pace))


def _members(route: Route, pace: Pace) -> dict[str, Any]:
    return {
        "id": route.id,
        "name": route.name,
        "description": present(route.description),
        "tags": route.tags,
        "version": route.version,
        **measured(route),
        "walking_time_s": round(route.walking_time_s(pace), 1),
        "flat_pace_ms": pace.flat_mps,
        "rests_s": pace.rests_s,
        "archived_at": present(route.archived_at),
        "created_at": route.created_at,
        "updated_at": route.updated_at,
        "revision": route.revision,
    }


class FeatureIn(Input):
    """A point of a route to add."""

    id: UUID
    kind: FeatureKind
    lon: Longitude
    lat: Latitude
    name: Name | None = None
    description: Text | None = None

    def to_feature(self, route_id: UUID, now: datetime) -> Feature:
        """Return the feature this describes; where along the line it lies is not known yet."""
        return Feature(
            route_id=route_id,
            along_m=0.0,
            offset_m=0.0,
            created_at=now,
            updated_at=now,
            **msgspec.structs.asdict(self),
        )


class FeaturePatch(Input):
    """What to change: null clears a member, an absent one stays. A position has both lon and lat."""

    kind: FeatureKind | UnsetType = UNSET
    lon: Longitude | UnsetType = UNSET
    lat: Latitude | UnsetType = UNSET
    name: Name | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET

    def to_changes(self, now: datetime) -> dict[str, Any]:
        """Return the changes in the words of the domain."""
        return changes_of(self, now)


class FeatureOut(Output):
    """A point of a route worth knowing."""

    id: UUID
    route_id: UUID
    kind: FeatureKind
    lon: float
    lat: float
    along_m: Annotated[float, Meta(description="How far along the line one passes it first.")]
    offset_m: Annotated[float, Meta(description="How far from the line it lies.")]
    created_at: Instant
    updated_at: Instant
    revision: int
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET

    @classmethod
    def from_feature(cls, feature: Feature) -> "FeatureOut":
        """Return the feature as a phone gets it."""
        found = {name: round(getattr(feature, name), 2) for name in ("along_m", "offset_m")}
        return cls(**shown(feature, cls) | found)


class RouteOut(RouteSummary, kw_only=True):
    """A planned walk."""

    features: Annotated[list[FeatureOut], Meta(description="In walking order.")]

    @classmethod
    def from_full(cls, full: FullRoute, pace: Pace | None = None) -> "RouteOut":
        """Return the route as a phone gets it, timed at `pace` or else the practice's."""
        features = [FeatureOut.from_feature(each) for each in full.features]
        return cls(**_members(full.route, pace or full.route.pace), features=features)


class RoutePage(Output):
    """Routes by name."""

    items: list[RouteSummary]
    next_cursor: NextCursor | UnsetType = UNSET

    @classmethod
    def from_page(cls, page: PageOf[Route], pace: Pace | None) -> "RoutePage":
        """Return the page as a phone gets it, timed at `pace` or else the practice's."""
        items = [RouteSummary.from_route(each, pace) for each in page.items]
        return cls(items=items, next_cursor=page.next.to_text() if page.next else UNSET)


class SkippedOut(Output):
    """A part of a file that was left out, and why; line and column count from 1."""

    line: int
    column: int
    what: str
    reason: str

    @classmethod
    def from_skipped(cls, skipped: Skipped) -> "SkippedOut":
        """Return the part as a phone is told of it."""
        return cls(**shown(skipped, cls))


class ImportedRoute(Output):
    """A route from a file, and what of the file was left out."""

    route: RouteOut
    skipped: Annotated[list[SkippedOut], Meta(description="The first twenty parts left out.")]
    skipped_count: Annotated[int, Meta(description="All parts left out.")]
    waypoints_left_out: Annotated[
        int | UnsetType, Meta(description="Waypoints too far away, or more than a route may have.")
    ] = UNSET

    @classmethod
    def from_offer(cls, full: FullRoute, offer: Offer, left_out: int | None = None) -> "ImportedRoute":
        """Return an imported route as a phone gets it."""
        skipped = [SkippedOut.from_skipped(each) for each in offer.skipped]
        return cls(RouteOut.from_full(full), skipped, offer.skipped_count, present(left_out))


class LineOut(Output):
    """A line of a file; choose it by its number `line`."""

    line: int
    kind: Annotated[str, Meta(description="`track`, `route`, or `line` in GeoJSON.")]
    points: int
    segments: int
    length_m: float
    name: str | UnsetType = UNSET
    fault: Annotated[str | UnsetType, Meta(description="Why no route can follow it.")] = UNSET

    @classmethod
    def from_choice(cls, choice: LineChoice) -> "LineOut":
        """Return the line as a phone gets it."""
        return cls(**shown(choice, cls))


class WaypointOut(Output):
    """A point of a file, as a feature would show it."""

    kind: FeatureKind
    lon: float
    lat: float
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET

    @classmethod
    def from_point(cls, point: OfferedPoint) -> "WaypointOut":
        """Return the point as a phone gets it."""
        return cls(**shown(point, cls))


class FilePreview(Output):
    """What a file holds; nothing of it is kept."""

    lines: list[LineOut]
    waypoints: Annotated[list[WaypointOut], Meta(description="The first thousand.")]
    waypoint_count: int
    skipped: Annotated[list[SkippedOut], Meta(description="The first twenty parts left out.")]
    skipped_count: int
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET

    @classmethod
    def from_offer(cls, offer: Offer) -> "FilePreview":
        """Return what a file offers as a phone gets it; its lines are measured for it."""
        return cls(
            lines=[LineOut.from_choice(each) for each in offer.choices()],
            waypoints=[WaypointOut.from_point(each) for each in offer.points[:WAYPOINTS_SHOWN]],
            waypoint_count=len(offer.points),
            skipped=[SkippedOut.from_skipped(each) for each in offer.skipped],
            skipped_count=offer.skipped_count,
            name=present(offer.name),
            description=present(offer.description),
        )


class TurnBackOut(Output):
    """Where to turn so as to be back in time."""

    distance_m: float
    after_s: Annotated[float, Meta(description="Seconds from the start, its share of the rests included.")]
    whole: Annotated[
        bool, Meta(description="Time is enough for all of it: there and back, or once round a loop.")
    ]
    lon: float
    lat: float
    flat_pace_ms: float
    rests_s: float

    @classmethod
    def from_turn(cls, planned: PlannedTurn) -> "TurnBackOut":
        """Return the place to turn as a phone gets it."""
        return cls(
            distance_m=round(planned.turn.distance_m, 2),
            after_s=round(planned.turn.after_s, 1),
            whole=planned.turn.whole,
            lon=round(planned.lon, 7),
            lat=round(planned.lat, 7),
            flat_pace_ms=planned.pace.flat_mps,
            rests_s=planned.pace.rests_s,
        )
