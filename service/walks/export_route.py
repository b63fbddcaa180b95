"""Write a route as a file: GPX 1.1 for devices, GeoJSON for maps."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from service.foundation.compression import gzip_bytes
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.geo.fixes import Fixes
from service.geo.geojson import PointFeature, route_geojson
from service.geo.gpx.model import Waypoint
from service.geo.gpx.writer import write_gpx
from service.walks.features import KIND_SIGNS, Feature, ThunderRefuge
from service.walks.file_ground import along_without_gaps, claim_element, stretch_element, stretch_members
from service.walks.route_files import FileForm
from service.walks.route_queries import find_full_route, find_line
from service.walks.routes import FullRoute, RouteSummary
from service.walks.stretch_queries import find_stretches
from service.walks.stretches import Stretch


class RouteExport(msgspec.Struct, frozen=True):
    """A route and the file it was written to."""

    route: RouteSummary
    content: bytes


class FileWish(msgspec.Struct, frozen=True):
    """How to write a route's file."""

    form: FileForm
    gzipped: bool
    with_route: bool = False
    """Whether a GPX file also holds the line as a `rte`."""


async def export_route(begin: Begin, route_id: UUID, wish: FileWish, *, version: int | None) -> RouteExport:
    """Return a route as a file, with the line of `version` or else the one in use. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        full = found(await find_full_route(connection, practice_id, route_id))
        version = version or full.route.version
        packed = found(await find_line(connection, practice_id, route_id, version))
        known = await find_stretches(connection, practice_id, route_id, version)
    content = await off_loop(_written, full, version, packed, known.stretches, wish)
    return RouteExport(full.route, content)


def _written(
    full: FullRoute, version: int, packed: bytes, stretches: Sequence[Stretch], wish: FileWish
) -> bytes:
    if wish.form is FileForm.GPX:
        content = route_gpx(full, unpack_fixes(packed), stretches, with_route=wish.with_route)
    else:
        content = route_drawing(full, version, unpack_fixes(packed), stretches)
    return gzip_bytes(content) if wish.gzipped else content


def route_gpx(
    full: FullRoute, line: Fixes, stretches: Sequence[Stretch], *, with_route: bool = False
) -> bytes:
    """Return GPX 1.1: features as waypoints, the line as a track, because devices reroute a route.

    Stretches and refuges are in extensions. A `rte` has no segments: read back, it goes straight across the
    gaps between them, nothing is known of the ground there, and its stretches lie farther on by the gaps
    before them. XML cannot hold control characters, and white space around a text is lost.
    """
    return write_gpx(
        line,
        name=full.route.name,
        description=full.route.description,
        waypoints=[_waypoint(each) for each in full.features],
        created_at=full.route.updated_at,
        with_route=with_route,
        own=[stretch_element(each) for each in stretches],
        own_of_route=[stretch_element(each) for each in along_without_gaps(line, stretches)]
        if with_route
        else (),
    )


def _waypoint(feature: Feature) -> Waypoint:
    """Return a waypoint whose type is the kind of the feature; `guess_kind` reads it back."""
    return Waypoint(
        lon=feature.lon,
        lat=feature.lat,
        name=feature.name,
        description=feature.description,
        symbol=KIND_SIGNS[feature.kind].symbol,
        kind=feature.kind.value,
        own=claim_element(feature.thunder_refuge),
    )


def route_drawing(full: FullRoute, version: int, line: Fixes, stretches: Sequence[Stretch]) -> bytes:
    """Return a FeatureCollection: the line with its stretches, then the features.

    Read back, a segment of one point has it twice, and a line that crosses the antimeridian has a point more
    on each side of it.
    """
    route = full.route
    properties: dict[str, object] = {
        "name": route.name,
        "description": route.description,
        "tags": route.tags,
        "version": version,
    }
    if stretches:
        properties["stretches"] = [stretch_members(each) for each in stretches]
    points = [PointFeature(each.lon, each.lat, _properties(each)) for each in full.features]
    return route_geojson(line, properties, points)


def _properties(feature: Feature) -> dict[str, object]:
    """Return what a map shows of a feature; a refuge that nobody knows of is not mentioned."""
    shown: dict[str, object] = {
        "name": feature.name,
        "kind": feature.kind,
        "description": feature.description,
    }
    if feature.thunder_refuge is not ThunderRefuge.UNKNOWN:
        shown["thunder_refuge"] = feature.thunder_refuge
    return shown
