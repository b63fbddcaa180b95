"""Routes as files: GPX and GeoJSON in and out."""

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
from routes.http.dependencies import Creating
from routes.http.uploads import Upload
from schemas.walks.routes import FilePreview, ImportedRoute
from service.foundation.compression import gzip_bytes
from service.foundation.database.connection import Begin
from service.foundation.off_loop import off_loop
from service.foundation.retry_safe import Expected
from service.geo.gpx.model import DEFAULT_LIMITS
from service.people.sign_ins import SignIn
from service.walks.export_route import Exported, read_to_export, route_as_geojson, route_as_gpx
from service.walks.keep_routes import add_route, replace_line
from service.walks.read_route_file import FileForm, Offer, Wanted, draft_route, read_route_file

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
        f"{DEFAULT_LIMITS.file_bytes:,} bytes and {DEFAULT_LIMITS.points:,} points."
    ),
)

LineNumber = Annotated[
    int | None,
    QueryParameter(
        ge=0,
        le=DEFAULT_LIMITS.lines,
        description="Which line to take where there are several: from 0, tracks first, then routes.",
    ),
]
VersionGiven = Annotated[
    int | None, QueryParameter(ge=1, le=1_000_000, description="An earlier line; the one in use if absent.")
]


@asynccontextmanager
async def read_file(request: Request[Any, Any, Any], now: datetime) -> AsyncIterator[Offer]:
    """Give what an uploaded file offers, with room for it until all is done.

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
async def post_preview(request: Request[Any, Any, Any], now: NamedDependency[datetime]) -> FilePreview:
    """Tell which lines and waypoints a file holds, and what of it cannot be read. Nothing is kept."""
    async with read_file(request, now) as offer:
        return await off_loop(FilePreview.from_offer, offer)


@post(
    "/routes/import",
    operation_id="import_route",
    summary="Import a route",
    tags=["routes"],
    operation_class=ROUTE_FILE.operation,
    request_max_body_size=DEFAULT_LIMITS.file_bytes,
)
async def post_import(
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

    Where a file holds several lines and none is chosen, the answer is 409 and lists them.
    """
    wanted = Wanted(id=route_id, name=name, line=line, waypoints_within_m=waypoints_within_m)
    async with read_file(request, now) as offer:
        draft = await off_loop(draft_route, offer, wanted, now)
        once = creating.once(route_id, msgspec.json.encode(wanted) + offer.digest)
        async with begin.write(once) as transaction:
            full = await add_route(transaction, draft.route)
        body = ImportedRoute.from_offer(full, offer, draft.waypoints_left_out)
    location = f"/v1/routes/{route_id}"
    return created(body, full.route.shown_revision, location, replayed=transaction.replays)


@put(
    "/routes/{route_id:uuid}/line",
    operation_id="replace_route_line",
    summary="Replace a route's line",
    tags=["routes"],
    operation_class=ROUTE_FILE.operation,
    request_max_body_size=DEFAULT_LIMITS.file_bytes,
)
async def put_line(
    route_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
    line: LineNumber = None,
) -> Response[ImportedRoute]:
    """Give a route another line; the one until now stays with the sessions that used it.

    Features stay where they are, and waypoints in the file are not taken. A route that has this very line
    already is left as it is, so a request whose answer was lost may be repeated.
    """
    async with read_file(request, now) as offer:
        full = await replace_line(begin, route_id, offer, line, expected=expected, now=now)
        return answer(ImportedRoute.from_offer(full, offer), full.route.shown_revision)


@get(
    "/routes/{route_id:uuid}/gpx",
    operation_id="export_route_gpx",
    summary="Export a route as GPX",
    tags=["routes"],
    media_type=GPX_TYPE,
    opt={"exclude_from_compression": True},
)
async def get_gpx(
    route_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    sign_in: NamedDependency[SignIn],
    version: VersionGiven = None,
) -> Response[bytes]:
    """Send a route as GPX 1.1: its line as a track, its features as waypoints."""
    async with begin.read() as connection:
        exported = await read_to_export(connection, sign_in.practice_id, route_id, version)
    return await _send(request, exported, FileForm.GPX)


@get(
    "/routes/{route_id:uuid}/geojson",
    operation_id="export_route_geojson",
    summary="Export a route as GeoJSON",
    tags=["routes"],
    media_type=GEOJSON_TYPE,
    opt={"exclude_from_compression": True},
)
async def get_geojson(
    route_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    sign_in: NamedDependency[SignIn],
    version: VersionGiven = None,
) -> Response[bytes]:
    """Send a route as a GeoJSON FeatureCollection: its line, then its features."""
    async with begin.read() as connection:
        exported = await read_to_export(connection, sign_in.practice_id, route_id, version)
    return await _send(request, exported, FileForm.GEOJSON)


async def _send(request: Request[Any, Any, Any], exported: Exported, form: FileForm) -> Response[bytes]:
    """Send a route as a file, written and compressed off the event loop."""
    gzipped = takes_gzip(request.headers)
    content = await off_loop(_written, exported, form, compressed=gzipped)
    route = exported.full.route
    media_type = GPX_TYPE if form is FileForm.GPX else GEOJSON_TYPE
    headers = {"Content-Disposition": attachment(route.name, form)}
    return file_answer(content, media_type, route.shown_revision, gzipped=gzipped, headers=headers)


def _written(exported: Exported, form: FileForm, *, compressed: bool) -> bytes:
    content = route_as_gpx(exported) if form is FileForm.GPX else route_as_geojson(exported)
    return gzip_bytes(content) if compressed else content


def attachment(name: str, form: FileForm) -> str:
    """Return a Content-Disposition that saves a route under its name, in any script (RFC 6266, RFC 8187)."""
    printable = "".join(each if each.isprintable() and each not in '/\\:*?"<>|' else " " for each in name)
    stem = " ".join(printable.split()).strip(". ") or "route"
    plain = stem.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}.{form}\"; filename*=UTF-8''{quote(stem, safe='')}.{form}"


HANDLERS = [post_preview, post_import, put_line, get_gpx, get_geojson]
