"""Write a route as a file: GPX 1.1 for devices, GeoJSON for maps."""

from uuid import UUID

import msgspec

from service.foundation.compression import gzip_bytes
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.geo.geojson import PointFeature, route_geojson
from service.geo.gpx.model import Waypoint
from service.geo.gpx.writer import write_gpx
from service.walks.features import KIND_SIGNS, Feature
from service.walks.route_files import FileForm
from service.walks.route_queries import find_full_route, find_line
from service.walks.routes import FullRoute, RouteSummary


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
    content = await off_loop(_written, full, version, packed, wish)
    return RouteExport(full.route, content)


def _written(full: FullRoute, version: int, packed: bytes, wish: FileWish) -> bytes:
    if wish.form is FileForm.GPX:
        content = _gpx(full, packed, with_route=wish.with_route)
    else:
        content = _geojson(full, version, packed)
    return gzip_bytes(content) if wish.gzipped else content


def _gpx(full: FullRoute, packed: bytes, *, with_route: bool) -> bytes:
    """Return GPX 1.1: features as waypoints, the line as a track, because devices reroute a route."""
    return write_gpx(
        unpack_fixes(packed),
        name=full.route.name,
        description=full.route.description,
        waypoints=[_waypoint(each) for each in full.features],
        created_at=full.route.updated_at,
        with_route=with_route,
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
    )


def _geojson(full: FullRoute, version: int, packed: bytes) -> bytes:
    """Return a FeatureCollection: the line, then the features."""
    route = full.route
    properties = {
        "name": route.name,
        "description": route.description,
        "tags": route.tags,
        "version": version,
    }
    points = [
        PointFeature(
            each.lon, each.lat, {"name": each.name, "kind": each.kind, "description": each.description}
        )
        for each in full.features
    ]
    return route_geojson(unpack_fixes(packed), properties, points)
