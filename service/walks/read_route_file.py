"""Reading files for routes: what a GPX file or a drawing offers, and the route one of its lines makes.

All of it takes time that grows with the file, and belongs off the event loop.
"""

import enum
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

import msgspec
import numpy as np

from service.geo.blob import pack_fixes
from service.geo.fixes import Fixes
from service.geo.geodesy import length_m
from service.geo.geojson import GeoJsonRefused, read_geojson
from service.geo.gpx.model import Skipped
from service.geo.gpx.reader import read_gpx
from service.walks.features import MOST_FEATURES, Feature, FeatureKind, Spot, guess_kind, spots_along
from service.walks.routes import (
    UNNAMED,
    LineChoice,
    NewRoute,
    NoLine,
    PackedLine,
    WhichLine,
    fault_of,
    measure,
    normal_tags,
    planned,
)

FAULTS_TOLD: Final = 3


class FileForm(enum.StrEnum):
    """How a file is written."""

    GPX = "gpx"
    GEOJSON = "geojson"


class OfferedLine(msgspec.Struct, frozen=True, eq=False):
    """A line of a file, as it stands there."""

    kind: str
    name: str | None
    description: str | None
    fixes: Fixes
    segments: int


class OfferedPoint(msgspec.Struct, frozen=True):
    """A point of a file, as a feature would show it."""

    kind: FeatureKind
    name: str | None
    description: str | None
    lon: float
    lat: float


class Offer(msgspec.Struct, frozen=True, eq=False):
    """What a file offers. Lines are numbered from 0: tracks, then routes, each in the file's order."""

    digest: bytes
    name: str | None
    description: str | None
    lines: list[OfferedLine]
    points: list[OfferedPoint]
    skipped: Sequence[Skipped] = ()
    skipped_count: int = 0

    def choices(self) -> list[LineChoice]:
        """Return every line as one chooses by."""
        return [
            LineChoice(
                line=number,
                kind=line.kind,
                points=len(line.fixes),
                segments=line.segments,
                length_m=round(length_m(line.fixes), 2),
                name=line.name,
                fault=fault_of(line.fixes),
            )
            for number, line in enumerate(self.lines)
        ]


def read_route_file(content: bytes, form: FileForm, now: datetime) -> Offer:
    """Return what a file offers. Raises GpxRefused, GeoJsonRefused."""
    return _read_gpx(content, now) if form is FileForm.GPX else _read_geojson(content)


def _read_gpx(content: bytes, now: datetime) -> Offer:
    file = read_gpx(content, now=now)
    return Offer(
        digest=hashlib.sha256(content).digest(),
        name=file.name,
        description=file.description,
        lines=[
            OfferedLine(each.kind, each.name, each.description, each.fixes, each.segments)
            for each in (*file.tracks, *file.routes)
        ],
        points=[
            OfferedPoint(
                guess_kind((each.kind, each.symbol, each.name)),
                each.name,
                each.description,
                each.lon,
                each.lat,
            )
            for each in file.waypoints
        ],
        skipped=file.skipped,
        skipped_count=file.skipped_count,
    )


def _read_geojson(content: bytes) -> Offer:
    drawing = read_geojson(content)
    return Offer(
        digest=hashlib.sha256(content).digest(),
        name=None,
        description=None,
        lines=[
            OfferedLine("line", _told(each.name), _told(each.description), each.fixes, len(each.fixes.starts))
            for each in drawing.lines
        ],
        points=[
            OfferedPoint(
                guess_kind((each.kind, each.name)),
                _told(each.name),
                _told(each.description),
                each.lon,
                each.lat,
            )
            for each in drawing.points
        ],
    )


def _told(text: str | None) -> str | None:
    """Return a text without the white space around it, None where nothing is left."""
    return (text or "").strip() or None


def choose_line(offer: Offer, number: int | None) -> OfferedLine:
    """Return the line meant by `number`, or the only one a route can follow. Raises WhichLine, NoLine."""
    choices = offer.choices()
    usable = [each.line for each in choices if each.fault is None]
    if not usable:
        raise NoLine(_nothing_to_follow(offer, choices), choices)
    if number is None and len(usable) == 1:
        return offer.lines[usable[0]]
    if number is None:
        raise WhichLine(f"{len(usable)} lines can be walked here; choose one", choices)
    if number not in usable:
        fault = choices[number].fault if number < len(choices) else f"the file has {len(choices)} lines"
        raise WhichLine(f"no route can follow line {number}: {fault}", choices)
    return offer.lines[number]


def _nothing_to_follow(offer: Offer, choices: Sequence[LineChoice]) -> str:
    """Say why a file holds no line to walk along."""
    if choices:
        faults = "; ".join(f"line {each.line}: {each.fault}" for each in choices[:FAULTS_TOLD])
        more = len(choices) - FAULTS_TOLD
        said = f"there is no line to walk along: {faults}" + (f"; and {more} more" if more > 0 else "")
    else:
        said = f"there is no track and no route here, only {len(offer.points)} single points"
    return said + "".join(
        f"; left out: {each.what} at {each.line}:{each.column}, {each.reason}"
        for each in offer.skipped[:FAULTS_TOLD]
    )


def pack_line(fixes: Fixes) -> PackedLine:
    """Return a line without fault measured, and as it is kept."""
    return PackedLine(pack_fixes(planned(fixes)), measure(fixes))


class Wanted(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The route somebody wants from a file; what is None the file may say."""

    id: UUID
    name: str | None = None
    description: str | None = None
    tags: tuple[str, ...] = ()
    line: int | None = None
    waypoints_within_m: float | None = None
    """Take only the waypoints this near the line; None for all."""


class Draft(msgspec.Struct, frozen=True):
    """A route ready to be added, and how many waypoints did not become features of it."""

    route: NewRoute
    waypoints_left_out: int


def draft_route(offer: Offer, wanted: Wanted, now: datetime) -> Draft:
    """Return the route a file makes. Raises WhichLine, NoLine, Unusable."""
    line = choose_line(offer, wanted.line)
    new = NewRoute(
        id=wanted.id,
        name=wanted.name or line.name or offer.name or UNNAMED,
        description=wanted.description or line.description or offer.description,
        tags=normal_tags(wanted.tags),
        line=pack_line(line.fixes),
        features=_features(offer.points, line.fixes, wanted, now),
        created_at=now,
    )
    return Draft(new, len(offer.points) - len(new.features))


def draft_drawn_route(geojson: bytes, wanted: Wanted, now: datetime) -> Draft:
    """Return the route drawn in the member `geojson` of a body. Raises GeoJsonRefused, WhichLine, NoLine."""
    try:
        offer = read_route_file(geojson, FileForm.GEOJSON, now)
    except GeoJsonRefused as error:
        raise GeoJsonRefused(error.detail, f"/geojson{error.pointer}", limit=error.limit) from error
    return draft_route(offer, wanted, now)


def _features(points: Sequence[OfferedPoint], line: Fixes, wanted: Wanted, now: datetime) -> list[Feature]:
    """Return the points that become features, in the file's order.

    Their ids follow from the route's, so that a file sent again names the same features.
    """
    within_m = wanted.waypoints_within_m
    spots = enumerate(zip(points, spots_of(line, points), strict=True))
    near = [each for each in spots if within_m is None or each[1][1].offset_m <= within_m]
    return [
        Feature(
            id=uuid5(wanted.id, f"waypoint {number}"),
            route_id=wanted.id,
            created_at=now,
            updated_at=now,
            **msgspec.structs.asdict(point),
            **msgspec.structs.asdict(spot),
        )
        for number, (point, spot) in near[:MOST_FEATURES]
    ]


def spots_of(line: Fixes, points: Sequence[OfferedPoint | Feature]) -> list[Spot]:
    """Return where points lie along a line."""
    lon, lat = (np.array([getattr(each, name) for each in points]) for name in ("lon", "lat"))
    return spots_along(line, lon, lat)
