"""Route files on the wire: what they hold, and what was imported from them."""

from collections.abc import Sequence
from typing import Annotated, Final
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Output, present, shown
from schemas.walks.features import REFUGE
from schemas.walks.routes import RouteOut
from schemas.walks.skipped import SkippedOut
from schemas.walks.stretches import GroundOut
from service.geo.far_corners import FarCorner
from service.walks.features import FeatureKind, ThunderRefuge
from service.walks.route_files import RouteFile
from service.walks.routes import FullRoute, LineChoice
from service.walks.stretches import LineStretches

WAYPOINTS_SHOWN: Final = 1_000


class FarCornerOut(Output):
    """Points of a line that lie far aside, there and back: most likely a slip. The line is kept as it is."""

    point: Annotated[int, Meta(description="The first of them, counted from 0 as edits of a line do.")]
    points: Annotated[int, Meta(description="How many neighbouring points.")]
    lon: Annotated[float, Meta(description="Of the first.")]
    lat: float
    off_m: Annotated[float, Meta(description="Metres from the line's next point to the first.")]
    adds_m: Annotated[float, Meta(description="Metres that the line would be shorter without them.")]


FarCorners = Annotated[
    list[FarCornerOut] | UnsetType,
    Meta(description="Where the line runs far aside, the first twenty; absent if nowhere."),
]


def far_corners_out(corners: Sequence[FarCorner]) -> list[FarCornerOut] | UnsetType:
    """Return the far corners of a line as a phone gets them."""
    return [FarCornerOut.of(each) for each in corners] or UNSET


class ImportedRoute(Output):
    """A route from a file, and what of the file was left out."""

    route: RouteOut
    skipped: Annotated[list[SkippedOut], Meta(description="The first twenty parts left out.")]
    skipped_count: Annotated[int, Meta(description="All parts left out.")]
    waypoints_left_out: Annotated[
        int | UnsetType, Meta(description="Waypoints too far away, or more than a route may have.")
    ] = UNSET
    far_corners: FarCorners = UNSET
    lost: Annotated[
        list[GroundOut] | UnsetType,
        Meta(
            description="Where the file replaces a line: parts of stretches that have no ground along the "
            "new one, in metres along the line before."
        ),
    ] = UNSET
    lost_features: Annotated[
        list[UUID] | UnsetType, Meta(description="Likewise: features that are off the line now.")
    ] = UNSET

    @classmethod
    def from_file(
        cls,
        full: FullRoute,
        file: RouteFile,
        corners: Sequence[FarCorner],
        *,
        left_out: int | None = None,
        known: LineStretches | None = None,
    ) -> "ImportedRoute":
        """Return an imported route as a phone gets it; `known` is what is known along a replaced line."""
        return cls(
            route=RouteOut.from_full(full),
            skipped=[SkippedOut.of(each) for each in file.skipped],
            skipped_count=file.skipped_count,
            waypoints_left_out=present(left_out),
            far_corners=far_corners_out(corners),
            lost=UNSET if known is None else [GroundOut.from_stretch(each) for each in known.lost],
            lost_features=UNSET if known is None else list(known.lost_features),
        )


class FileLineOut(Output):
    """A line of a file; choose it by its number `line`."""

    line: int
    kind: Annotated[str, Meta(description="`track`, `route`, or `line` in GeoJSON.")]
    points: int
    segments: int
    length_m: float
    stretches: Annotated[int, Meta(description="Parts of it of which the file says something.")]
    name: str | UnsetType = UNSET
    fault: Annotated[str | UnsetType, Meta(description="Why no route can follow it.")] = UNSET
    far_corners: FarCorners = UNSET

    @classmethod
    def from_choice(cls, choice: LineChoice) -> "FileLineOut":
        """Return a line to choose as a phone gets it."""
        return cls(**shown(choice, cls) | {"far_corners": far_corners_out(choice.far_corners)})


class FileWaypointOut(Output):
    """A single point of a file, with the members a feature has."""

    kind: FeatureKind
    lon: float
    lat: float
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    thunder_refuge: Annotated[ThunderRefuge, REFUGE] = ThunderRefuge.UNKNOWN


class FilePreview(Output):
    """What a file holds. Nothing of it is stored."""

    lines: list[FileLineOut]
    waypoints: Annotated[list[FileWaypointOut], Meta(description="The first thousand.")]
    waypoint_count: int
    skipped: Annotated[list[SkippedOut], Meta(description="The first twenty parts left out.")]
    skipped_count: int
    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET

    @classmethod
    def from_file(cls, file: RouteFile) -> "FilePreview":
        """Return what a file holds as a phone gets it. It measures lines: call it off the event loop."""
        return cls(
            lines=[FileLineOut.from_choice(each) for each in file.choices()],
            waypoints=[FileWaypointOut.of(each) for each in file.waypoints[:WAYPOINTS_SHOWN]],
            waypoint_count=len(file.waypoints),
            skipped=[SkippedOut.of(each) for each in file.skipped],
            skipped_count=file.skipped_count,
            name=present(file.name),
            description=present(file.description),
        )
