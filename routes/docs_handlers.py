"""First contact: what this service is, the OpenAPI document, and a page about it. No other host is asked."""

from base64 import b64encode
from hashlib import sha256
from typing import Any, Final

import msgspec
from litestar import Litestar, MediaType, Request, Response, get

from routes.docs_page import ICON, SCRIPT, STYLE, docs_page, start_page
from routes.http.openapi import TITLE, openapi_document

PUBLIC: Final = {"open": True}
STYLE_HASH: Final = b64encode(sha256(STYLE.encode()).digest()).decode()
PAGE_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)


class Description(msgspec.Struct, frozen=True):
    """The API description, ready to send."""

    document: bytes
    page: bytes
    start: bytes


@get("/", include_in_schema=False, opt=PUBLIC, sync_to_thread=True)
def get_start(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Say what this is: to a browser as a page, to others as JSON."""
    if "text/html" in request.headers.get("accept", ""):
        answer = _page(_description(request.app).start)
    else:
        links = {"name": TITLE, "api": "/v1", "docs": "/docs", "openapi": "/openapi.json"}
        answer = Response(msgspec.json.encode(links), media_type=MediaType.JSON)
    answer.headers["Vary"] = "Accept"
    return answer


@get("/openapi.json", include_in_schema=False, opt=PUBLIC, sync_to_thread=True)
def get_document(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Send the OpenAPI document."""
    return Response(_description(request.app).document, media_type=MediaType.JSON)


@get("/docs", include_in_schema=False, opt=PUBLIC, sync_to_thread=True)
def get_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Send the documentation as one page."""
    return _page(_description(request.app).page)


@get("/docs.js", include_in_schema=False, opt=PUBLIC, sync_to_thread=False)
def get_script() -> Response[bytes]:
    """Send the script by which the page tries an operation."""
    return Response(SCRIPT, media_type="text/javascript; charset=utf-8")


@get(["/favicon.svg", "/favicon.ico"], include_in_schema=False, opt=PUBLIC, sync_to_thread=False)
def get_icon() -> Response[bytes]:
    """Send the icon; browsers ask for the second name unless a page names another."""
    return Response(ICON, media_type="image/svg+xml")


def _page(content: bytes) -> Response[bytes]:
    headers = {"Content-Security-Policy": PAGE_POLICY, "Referrer-Policy": "no-referrer"}
    return Response(content, media_type=MediaType.HTML, headers=headers)


def _description(app: Litestar) -> Description:
    """Return the description, made at the first request for it."""
    if "description" not in app.state:
        document = openapi_document(app)
        app.state.description = Description(
            msgspec.json.encode(document), docs_page(document).encode(), start_page(document).encode()
        )
    description: Description = app.state.description
    return description


HANDLERS = [get_start, get_document, get_page, get_script, get_icon]
