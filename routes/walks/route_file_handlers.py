"""Route files: GPX and GeoJSON in and out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from routes.http.answers import answer, created, file_answer, takes_gzip
from routes.http.dependencies import Creating, Writing
from routes.http.uploads import Upload
from schemas.walks.route_files import FilePreview, ImportedRoute
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.foundation.threads import off_loop
from service.geo.gpx.model import DEFAULT_LIMITS
from service.walks.change_line import replace_line
from service.walks.export_route import FileWish, export_route
from service.walks.keep_routes import add_route
from service.walks.route_files import (
    FileForm,
    RouteFile,
    RouteRequest,
    draft_route,
    far_corners_of,
    read_route_file,
)

GPX_TYPE: Final = "application/gpx+xml"
GEOJSON_TYPE: Final = "application/geo+json"
GEOJSON_TYPES: Final = (GEOJSON_TYPE, "application/json")
ROUTE_FILE: Final = Upload(
    GPX_TYPE,
    "application/xml",
    "text/xml",
    "application/octet-stream",
    *GEOJSON_TYPES,
    description=(
        "A GPX file (1.0 or 1.1) or GeoJSON (RFC 7946): at most "
        f"{DEFAULT_LIMITS.file_bytes:,} bytes and {DEFAULT_LIMITS.points:,} points. A GPX file may be inside "
        "gzip, or alone inside a zip."
    ),
    unpacks=True,
)

LineNumber = Annotated[
    int | None,
    QueryParameter(
        ge=0,
        le=DEFAULT_LIMITS.lines,
        description="Which line to take where there are several: from 0, tracks first, then routes.",
    ),
]
Version = Annotated[
    int | None, QueryParameter(ge=1, le=1_000_000, description="An earlier line; the one in use if absent.")
]
WithRoute = Annotated[
    bool,
    QueryParameter(
        description="Also write the line as a route (`rte`), for programs that show no track. Whoever "
        "imports such a file must choose a line: 0 is the track."
    ),
]


@asynccontextmanager
async def received_file(request: Request[Any, Any, Any], now: datetime) -> AsyncIterator[RouteFile]:
    """Give what an uploaded file holds, and keep its share of memory reserved until the block ends.

    Raises UnsupportedContent, TooLarge, GpxRefused, GeoJsonRefused, Overloaded.
    """
    form = FileForm.GEOJSON if request.content_type[0].lower() in GEOJSON_TYPES else FileForm.GPX
    async with ROUTE_FILE.received(request) as content:
        yield await off_loop(read_route_file, content, form, now)


@post(
    "/routes/preview",
    operation_id="preview_route_file",
    summary="Look into a file",
    tags=["routes"],
    status_code=200,
    operation_class=ROUTE_FILE.operation,
    request_max_body_size=DEFAULT_LIMITS.file_bytes,
)
async def post_route_preview(request: Request[Any, Any, Any], now: NamedDependency[datetime]) -> FilePreview:
    """Say which lines, stretches and waypoints a file holds, and what cannot be used. Nothing is stored."""
    async with received_file(request, now) as file:
        return await off_loop(FilePreview.from_file, file)


@post(
    "/routes/import",
    operation_id="import_route",
    summary="Import a route",
    tags=["routes"],
    operation_class=ROUTE_FILE.operation,
    request_max_body_size=DEFAULT_LIMITS.file_bytes,
)
async def post_route_import(
    request: Request[Any, Any, Any],
    route_id: Annotated[UUID, QueryParameter(name="id", description="The new route's, made by the phone.")],
    begin: NamedDependency[Begin],
    creating: NamedDependency[Creating],
    now: NamedDependency[datetime],
    name: Annotated[
        str | None, QueryParameter(min_length=1, max_length=200, description="The file's own if absent.")
    ] = None,
    line: LineNumber = None,
    waypoints_within_m: Annotated[
        float | None,
        QueryParameter(ge=0, le=100_000, description="Take only waypoints this near the line."),
    ] = None,
) -> Response[ImportedRoute]:
    """Make a route of a line in a GPX file or GeoJSON; waypoints become its features.

    The stretches that an export wrote beside the line, and refuges from lightning, are stored with it. What
    of them cannot be used is left out and named: a bench that a file calls a refuge stays a bench.
    Where a file holds several lines and the request chooses none, the answer is 409 and lists them.
    """
    wanted = RouteRequest(id=route_id, name=name, line=line, waypoints_within_m=waypoints_within_m)
    async with received_file(request, now) as file:
        draft = await off_loop(draft_route, file, wanted, now)
        once = creating.once(route_id, msgspec.json.encode(wanted) + file.digest)
        full, replayed = await add_route(begin, once, draft.route)
        corners = await off_loop(far_corners_of, file, line)
        body = ImportedRoute.from_file(full, file, corners, left_out=draft.waypoints_left_out)
    return created(body, full.route.shown_revision, f"/v1/routes/{route_id}", replayed=replayed)


@put(
    "/routes/{route_id:uuid}/line",
    operation_id="replace_route_line",
    summary="Replace a route's line",
    tags=["routes"],
    operation_class=ROUTE_FILE.operation,
    request_max_body_size=DEFAULT_LIMITS.file_bytes,
)
async def put_route_line(
    route_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
    line: LineNumber = None,
) -> Response[ImportedRoute]:
    """Give a route another line; the one until now stays with the sessions that used it.

    Features and stretches stay where they are; those in the file are not taken. A route that has this very
    line already stays as it is.
    """
    async with received_file(request, now) as file:
        once = writing.once(file.digest + msgspec.json.encode(line))
        changed = await replace_line(begin, once, route_id, file, line, expected=expected, now=now)
        corners = await off_loop(far_corners_of, file, line)
        body = ImportedRoute.from_file(changed.full, file, corners, known=changed.known)
        return answer(body, changed.full.route.shown_revision)


@get(
    "/routes/{route_id:uuid}/gpx",
    operation_id="export_route_gpx",
    summary="Export a route as GPX",
    tags=["routes"],
    media_type=GPX_TYPE,
    opt={"exclude_from_compression": True},
)
async def get_route_gpx(
    route_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    version: Version = None,
    rte: WithRoute = False,  # noqa: FBT002  a query parameter
) -> Response[bytes]:
    """Send a route as GPX 1.1: its line as a track, its features as waypoints with symbols.

    What GPX has no place for is in `extensions`, in the namespace `urn:towpath:gpx:1`: of a waypoint
    `feature` with `thunder_refuge`, of the track `stretch` with `from_m`, `to_m` and an attribute for each
    property that is set; `people_weekday_morning` and the like are those of `people`. An import reads them
    back. The `rte` has no segments: it goes straight across gaps, and its stretches count the metres there.
    """
    wish = FileWish(FileForm.GPX, takes_gzip(request.headers), with_route=rte)
    return await _send(begin, route_id, version, wish)


@get(
    "/routes/{route_id:uuid}/geojson",
    operation_id="export_route_geojson",
    summary="Export a route as GeoJSON",
    tags=["routes"],
    media_type=GEOJSON_TYPE,
    opt={"exclude_from_compression": True},
)
async def get_route_geojson(
    route_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    version: Version = None,
) -> Response[bytes]:
    """Send a route as a GeoJSON FeatureCollection: its line, then its features.

    The line's properties hold `stretches`, as `/v1/routes/{route_id}/stretches` takes them, and a feature's
    `thunder_refuge` where it is known. An import reads them back.
    """
    wish = FileWish(FileForm.GEOJSON, takes_gzip(request.headers))
    return await _send(begin, route_id, version, wish)


async def _send(begin: Begin, route_id: UUID, version: int | None, wish: FileWish) -> Response[bytes]:
    exported = await export_route(begin, route_id, wish, version=version)
    route, media_type = exported.route, GPX_TYPE if wish.form is FileForm.GPX else GEOJSON_TYPE
    headers = {"Content-Disposition": attachment(route.name, wish.form)}
    return file_answer(
        exported.content, media_type, route.shown_revision, gzipped=wish.gzipped, headers=headers
    )


def attachment(name: str, form: FileForm) -> str:
    """Return a Content-Disposition that saves a route under its name, in any script (RFC 6266, RFC 8187)."""
    printable = "".join(each if each.isprintable() and each not in '/\\:*?"<>|' else " " for each in name)
    stem = " ".join(printable.split()).strip(". ") or "route"
    plain = stem.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}.{form}\"; filename*=UTF-8''{quote(stem, safe='')}.{form}"


HANDLERS = [
    post_route_preview,
    post_route_import,
    put_route_line,
    get_route_gpx,
    get_route_geojson,
]
