"""The API's description: the document itself, and a page that needs no other host."""

from typing import Any, Final

import msgspec
from litestar import Litestar, MediaType, Request, Response, get

from routes.docs_page import docs_page
from routes.http.openapi import openapi_document

PUBLIC: Final = {"open": True}
PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@get("/openapi.json", include_in_schema=False, opt=PUBLIC, sync_to_thread=True)
def get_document(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Send the OpenAPI document."""
    return Response(msgspec.json.encode(_document(request.app)), media_type=MediaType.JSON)


@get("/docs", include_in_schema=False, opt=PUBLIC, sync_to_thread=True)
def get_page(request: Request[Any, Any, Any]) -> Response[str]:
    """Send the documentation as one page without scripts."""
    page = docs_page(_document(request.app))
    return Response(page, media_type=MediaType.HTML, headers={"Content-Security-Policy": PAGE_POLICY})


def _document(app: Litestar) -> dict[str, Any]:
    """Return the document, made once a process and when first asked for."""
    if "openapi_document" not in app.state:
        app.state.openapi_document = openapi_document(app)
    document: dict[str, Any] = app.state.openapi_document
    return document


HANDLERS = [get_document, get_page]
