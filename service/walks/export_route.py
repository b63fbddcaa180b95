"""Routes as files: GPX 1.1 for devices, GeoJSON for maps."""

from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection
from service.foundation.retry_safe import found
from service.geo.blob import unpack_fixes
from service.geo.geojson import PointFeature, route_geojson
from service.geo.gpx.model import Waypoint
from service.geo.gpx.writer import write_gpx
from service.walks.features import Feature
from service.walks.keep_routes import read_route
from service.walks.route_queries import find_line
from service.walks.routes import FullRoute


class Exported(msgspec.Struct, frozen=True):
    """A route, and the line of it that leaves the house."""

    full: FullRoute
    version: int
    packed: bytes


async def read_to_export(
    connection: Connection, practice_id: UUID, route_id: UUID, version: int | None
) -> Exported:
    """Return a route with the line of `version`, by default the one in use. Raises NotFound."""
    full = await read_route(connection, practice_id, route_id)
    version = version or full.route.version
    packed = found(await find_line(connection, practice_id, route_id, version))
    return Exported(full, version, packed)


def route_as_gpx(exported: Exported) -> bytes:
    """Return GPX 1.1: the line as a track, so that nothing reckons its own way, features as waypoints.

    Off the event loop.
    """
    route = exported.full.route
    return write_gpx(
        unpack_fixes(exported.packed),
        kind="track",
        name=route.name,
        description=route.description,
        waypoints=[_waypoint(each) for each in exported.full.features],
        created_at=route.updated_at,
    )


def _waypoint(feature: Feature) -> Waypoint:
    """Return a waypoint whose type says the kind, which importing understands."""
    return Waypoint(
        lon=feature.lon,
        lat=feature.lat,
        name=feature.name,
        description=feature.description,
        kind=feature.kind.value,
    )


def route_as_geojson(exported: Exported) -> bytes:
    """Return a FeatureCollection: the line, then the features. Off the event loop."""
    route = exported.full.route
    properties = {
        "name": route.name,
        "description": route.description,
        "tags": route.tags,
        "version": exported.version,
    }
    points = [
        PointFeature(
            each.lon, each.lat, {"name": each.name, "kind": each.kind, "description": each.description}
        )
        for each in exported.full.features
    ]
    return route_geojson(unpack_fixes(exported.packed), properties, points)
