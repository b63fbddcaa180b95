"""Strict reading of requests: what Litestar would let pass is refused here."""

import re
from functools import cache
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from service.domain.errors import DomainError

ESCAPED_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""An escaped NUL, and not an escaped backslash before `u0000`."""


class NotJson(DomainError):
    """The body cannot be read as the JSON this service accepts."""


class UnsupportedContent(DomainError):
    """The content type is not one this endpoint reads."""


class BadParameter(DomainError):
    """A query parameter is unknown or given twice."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name


class MissingHeader(DomainError):
    """A header this endpoint needs is missing or malformed."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON is decoded straight into the handler's type, without conversions.

    Litestar decodes to plain objects and then converts leniently, taking "3" for 3.
    """

    async def json(self) -> Any:  # noqa: ANN401  the handler's own type
        """Return the body as the type the handler declares for `data`."""
        body = await self.body()
        if ESCAPED_NUL.search(body):
            raise NotJson("text must not contain NUL (U+0000)")
        body.decode()  # msgspec checks UTF-8 only where it looks at text
        return _decoder(self.route_handler).decode(body)


@cache
def _decoder(handler: HTTPRouteHandler) -> msgspec.json.Decoder[Any]:
    data = handler.parsed_fn_signature.parameters["data"]
    return msgspec.json.Decoder(data.annotation, strict=True)


async def refuse_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """Raise BadParameter for a query parameter the handler does not declare, or one given twice."""
    known = _known_parameters(request.route_handler)
    names = list(request.query_params)
    for name in names:
        if name not in known:
            raise BadParameter(name, f"unknown parameter; this takes {', '.join(sorted(known)) or 'none'}")
        if len(request.query_params.getall(name)) > 1:
            raise BadParameter(name, "given more than once")
        if "\0" in request.query_params[name]:
            raise BadParameter(name, "must not contain NUL (U+0000)")


@cache
def _known_parameters(handler: HTTPRouteHandler) -> frozenset[str]:
    """Return the names of the query parameters a handler declares."""
    fields = handler.parsed_fn_signature.parameters.items()
    return frozenset(
        field.kwarg_definition.name or name
        for name, field in fields
        if isinstance(field.kwarg_definition, QueryParameter)
    )
