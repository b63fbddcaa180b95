"""Route files: the lines and waypoints of a GPX file or of GeoJSON, and the route one of the lines makes.

Everything here takes time that grows with the file: call it off the event loop.
"""

import enum
import hashlib
import math
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Final
from uuid import UUID, uuid5

import msgspec

from service.geo.blob import pack_fixes
from service.geo.far_corners import FarCorner, find_far_corners
from service.geo.fixes import Fixes
from service.geo.geodesy import BoundingBox, bounding_box, length_m
from service.geo.geojson import DrawnLine, DrawnPoint, GeoJsonRefused, read_geojson
from service.geo.gpx.columns import KEPT_SKIPS, SkipLog
from service.geo.gpx.model import DEFAULT_LIMITS, GpxFile, GpxLine, OwnElement, Skipped, Waypoint
from service.geo.gpx.reader import read_gpx
from service.walks.features import (
    MOST_FEATURES,
    Feature,
    FeatureKind,
    ThunderRefuge,
    guess_kind,
    locate_points,
)
from service.walks.file_ground import (
    ALL_ITEMS,
    Flaw,
    KnownGround,
    read_claim_elements,
    read_drawn_claim,
    read_drawn_stretches,
    read_elements,
)
from service.walks.routes import (
    UNNAMED,
    LineChoice,
    NewRoute,
    NoLine,
    PackedLine,
    Route,
    WhichLine,
    line_fault,
    measure_line,
    normal_tags,
    without_times,
)
from service.walks.stretches import Stretch

FAULTS_LISTED: Final = 3
NOTHING_SAID: Final = KnownGround()
MOST_STRETCHES_DRAWN: Final = DEFAULT_LIMITS.own_elements
"""Of all lines of a drawing; a GPX file has the same limit."""
TOO_MANY_DRAWN: Final = Flaw(ALL_ITEMS, "", f"the lines before have {MOST_STRETCHES_DRAWN} together")


class FileForm(enum.StrEnum):
    """How a file is written."""

    GPX = "gpx"
    GEOJSON = "geojson"


class FileLine(msgspec.Struct, frozen=True, eq=False):
    """A line of a file."""

    kind: str
    name: str | None
    description: str | None
    fixes: Fixes
    segments: int
    stretches: tuple[Stretch, ...] = ()


class FileWaypoint(msgspec.Struct, frozen=True):
    """A single point of a file, with the members a feature has."""

    kind: FeatureKind
    name: str | None
    description: str | None
    thunder_refuge: ThunderRefuge
    lon: float
    lat: float


class RouteFile(msgspec.Struct, frozen=True, eq=False):
    """What a file holds. Lines are numbered from 0: tracks, then routes, each in the file's order."""

    digest: bytes
    name: str | None
    description: str | None
    lines: list[FileLine]
    waypoints: list[FileWaypoint]
    skipped: Sequence[Skipped] = ()
    skipped_count: int = 0

    def choices(self) -> list[LineChoice]:
        """Return every line as it is shown to whoever chooses one."""
        return [
            LineChoice(
                line=number,
                kind=line.kind,
                points=len(line.fixes),
                segments=line.segments,
                stretches=len(line.stretches),
                length_m=round(length_m(line.fixes), 2),
                name=line.name,
                fault=line_fault(line.fixes),
                far_corners=find_far_corners(line.fixes),
            )
            for number, line in enumerate(self.lines)
        ]


def read_route_file(content: bytes, form: FileForm, now: datetime) -> RouteFile:
    """Return what a file holds. Raises GpxRefused, GeoJsonRefused."""
    return _read_gpx(content, now) if form is FileForm.GPX else _read_geojson(content)


def _read_gpx(content: bytes, now: datetime) -> RouteFile:
    file = read_gpx(content, now=now)
    skips = SkipLog()
    lines = [_gpx_line(each, skips) for each in (*file.tracks, *file.routes)]
    waypoints = [_gpx_waypoint(each, skips) for each in file.waypoints]
    return RouteFile(
        digest=hashlib.sha256(content).digest(),
        name=file.name,
        description=file.description,
        lines=lines,
        waypoints=waypoints,
        skipped=_with_places(file, skips),
        skipped_count=file.skipped_count + skips.count,
    )


def _gpx_line(line: GpxLine, skips: SkipLog) -> FileLine:
    known = read_elements(line.own, length_m(line.fixes)) if line.own else NOTHING_SAID
    _log_flaws(line.own, known.flaws, skips)
    return FileLine(line.kind, line.name, line.description, line.fixes, line.segments, known.stretches)


def _gpx_waypoint(waypoint: Waypoint, skips: SkipLog) -> FileWaypoint:
    kind = guess_kind(waypoint.kind, waypoint.symbol, waypoint.name)
    claim = read_claim_elements(waypoint.own, kind)
    _log_flaws(waypoint.own, claim.flaws, skips)
    return FileWaypoint(kind, waypoint.name, waypoint.description, claim.refuge, waypoint.lon, waypoint.lat)


def _log_flaws(own: Sequence[OwnElement], flaws: Sequence[Flaw], skips: SkipLog) -> None:
    for flaw in flaws:
        skips.add(own[flaw.item].offset, own[flaw.item].name, flaw.sentence)


def _with_places(file: GpxFile, skips: SkipLog) -> list[Skipped]:
    """Return the first parts left out, those of the reader too, in the file's order."""
    places = file.text.lines_and_columns(offset for offset, _, _ in skips.first)
    found = [Skipped(*place, *said) for place, (_, *said) in zip(places, skips.first, strict=True)]
    return sorted([*file.skipped, *found], key=attrgetter("line", "column"))[:KEPT_SKIPS]


class _DrawnSkips:
    """Counts what is left out of a drawing and keeps the first twenty; a pointer says where, in one line."""

    def __init__(self) -> None:
        self.count = 0
        self.stretches = 0
        """How many stretches were read so far."""
        self.first: list[Skipped] = []

    def add(self, what: str, flaw: Flaw, pointer: str) -> None:
        self.count += 1
        if len(self.first) < KEPT_SKIPS:
            where = f"{pointer}/{flaw.member}" if flaw.member else pointer
            self.first.append(Skipped(1, 1, what, flaw.sentence, where))


def _read_geojson(content: bytes) -> RouteFile:
    drawing = read_geojson(content)
    skips = _DrawnSkips()
    lines = [_drawn_line(each, skips) for each in drawing.lines]
    waypoints = [_drawn_waypoint(each, skips) for each in drawing.points]
    return RouteFile(
        digest=hashlib.sha256(content).digest(),
        name=None,
        description=None,
        lines=lines,
        waypoints=waypoints,
        skipped=skips.first,
        skipped_count=skips.count,
    )


def _drawn_line(line: DrawnLine, skips: _DrawnSkips) -> FileLine:
    known = NOTHING_SAID
    if line.stretches and skips.stretches >= MOST_STRETCHES_DRAWN:
        known = KnownGround(flaws=(TOO_MANY_DRAWN,))
    elif line.stretches:
        known = read_drawn_stretches(line.stretches, length_m(line.fixes))
    skips.stretches += len(known.stretches)
    for flaw in known.flaws:
        item = "" if flaw.item == ALL_ITEMS else f"/{flaw.item}"
        skips.add("stretch", flaw, f"{line.properties_at}/stretches{item}")
    texts = (_trimmed(line.name), _trimmed(line.description))
    return FileLine("line", *texts, line.fixes, len(line.fixes.starts), known.stretches)


def _drawn_waypoint(point: DrawnPoint, skips: _DrawnSkips) -> FileWaypoint:
    kind = guess_kind(point.kind, None, point.name)
    claim = read_drawn_claim(point.thunder_refuge, kind)
    for flaw in claim.flaws:
        skips.add("feature", flaw, point.properties_at)
    texts = (_trimmed(point.name), _trimmed(point.description))
    return FileWaypoint(kind, *texts, claim.refuge, point.lon, point.lat)


def _trimmed(text: str | None) -> str | None:
    """Return a text without the white space around it, or None if nothing is left."""
    return (text or "").strip() or None


def choose_line(file: RouteFile, number: int | None) -> FileLine:
    """Return line `number`, or the only one a route can follow. Raises WhichLine, NoLine."""
    faults = [line_fault(each.fixes) for each in file.lines]
    usable = [index for index, fault in enumerate(faults) if fault is None]
    if not usable:
        choices = file.choices()
        raise NoLine(_why_no_line(file, choices), choices)
    if number is None and len(usable) == 1:
        return file.lines[usable[0]]
    if number is None:
        raise WhichLine(f"{len(usable)} lines can be walked here; choose one", file.choices())
    if number not in usable:
        fault = faults[number] if number < len(faults) else f"the file has {len(faults)} lines"
        raise WhichLine(f"no route can follow line {number}: {fault}", file.choices())
    return file.lines[number]


def far_corners_of(file: RouteFile, number: int | None) -> tuple[FarCorner, ...]:
    """Return the far corners of the line that `choose_line` takes. Raises WhichLine, NoLine."""
    return find_far_corners(choose_line(file, number).fixes)


def _why_no_line(file: RouteFile, choices: Sequence[LineChoice]) -> str:
    """Return why a file holds no line to walk along."""
    if choices:
        faults = "; ".join(f"line {each.line}: {each.fault}" for each in choices[:FAULTS_LISTED])
        more = len(choices) - FAULTS_LISTED
        said = f"there is no line to walk along: {faults}" + (f"; and {more} more" if more > 0 else "")
    else:
        said = f"there is no track and no route here, only {len(file.waypoints)} single points"
    return said + "".join(
        f"; left out: {each.what} at {each.pointer or f'{each.line}:{each.column}'}, {each.reason}"
        for each in file.skipped[:FAULTS_LISTED]
    )


def pack_line(fixes: Fixes) -> PackedLine:
    """Return a line that has no fault as it is stored."""
    extent = bounding_box(fixes) or BoundingBox(0.0, 0.0, 0.0, 0.0)
    return PackedLine(pack_fixes(without_times(fixes)), measure_line(fixes), extent)


class RouteRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The route to make of a file; what is None comes from the file."""

    id: UUID
    name: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    line: int | None = None
    waypoints_within_m: float | None = None
    """Take only waypoints within this distance of the line; None for all."""


class RouteDraft(msgspec.Struct, frozen=True):
    """A route ready to be added, and what did not become of it: waypoints, and parts of the file."""

    route: NewRoute
    waypoints_left_out: int
    skipped: Sequence[Skipped] = ()


def draft_route(file: RouteFile, request: RouteRequest, now: datetime) -> RouteDraft:
    """Return the route a file makes. Raises WhichLine, NoLine, Unusable."""
    line = choose_line(file, request.line)
    packed = pack_line(line.fixes)
    route = Route(
        id=request.id,
        name=request.name or line.name or file.name or UNNAMED,
        description=request.description or line.description or file.description,
        tags=normal_tags(request.tags),
        version=1,
        archived_at=None,
        created_at=now,
        updated_at=now,
        revision=0,
        **msgspec.structs.asdict(packed.measures),
    )
    features = _features(file.waypoints, line.fixes, request, now)
    new = NewRoute(route=route, line=packed, features=features, stretches=line.stretches)
    return RouteDraft(new, len(file.waypoints) - len(features), file.skipped)


def draft_drawn_route(geojson: bytes, request: RouteRequest, now: datetime) -> RouteDraft:
    """Return the route drawn in the member `geojson` of a body. Raises GeoJsonRefused, WhichLine, NoLine."""
    try:
        file = read_route_file(geojson, FileForm.GEOJSON, now)
    except GeoJsonRefused as error:
        raise GeoJsonRefused(error.detail, f"/geojson{error.pointer}", limit=error.limit) from error
    draft = draft_route(file, request, now)
    within = [msgspec.structs.replace(each, pointer=f"/geojson{each.pointer}") for each in draft.skipped]
    return msgspec.structs.replace(draft, skipped=within)


def _features(
    waypoints: Sequence[FileWaypoint], line: Fixes, request: RouteRequest, now: datetime
) -> list[Feature]:
    """Return the waypoints that become features, in the file's order.

    Their ids follow from the route's, so that a file sent again names the same features.
    """
    within_m = math.inf if request.waypoints_within_m is None else request.waypoints_within_m
    positions = locate_points(line, [(each.lon, each.lat) for each in waypoints])
    features = (
        Feature(
            id=uuid5(request.id, f"waypoint {number}"),
            route_id=request.id,
            created_at=now,
            updated_at=now,
            **msgspec.structs.asdict(waypoint),
            **msgspec.structs.asdict(position),
        )
        for number, (waypoint, position) in enumerate(zip(waypoints, positions, strict=True))
        if position.offset_m <= within_m
    )
    return list(islice(features, MOST_FEATURES))
