"""The description of the API: the OpenAPI document, and a page that loads nothing from other hosts."""

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


class Description(msgspec.Struct, frozen=True):
    """The API description, ready to send."""

    document: bytes
    page: bytes


@get("/openapi.json", include_in_schema=False, opt=PUBLIC, sync_to_thread=True)
def get_document(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Send the OpenAPI document."""
    return Response(_description(request.app).document, media_type=MediaType.JSON)


@get("/docs", include_in_schema=False, opt=PUBLIC, sync_to_thread=True)
def get_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Send the documentation as one page without scripts."""
    page = _description(request.app).page
    return Response(page, media_type=MediaType.HTML, headers={"Content-Security-Policy": PAGE_POLICY})


def _description(app: Litestar) -> Description:
    """Return the description, made at the first request for it."""
    if "description" not in app.state:
        document = openapi_document(app)
        page = docs_page(document).encode()
        app.state.description = Description(msgspec.json.encode(document), page)
    description: Description = app.state.description
    return description


HANDLERS = [get_document, get_page]
