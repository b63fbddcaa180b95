"""Strict requests: what Litestar would convert or ignore is refused here."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from functools import cache
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException, NotFoundException, ValidationException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from routes.http.errors import BadParameter, CutOff, NotJson, TooLarge, UnsupportedContent
from routes.http.json_body import MOST_QUOTED, read_json
from service.foundation.threads import off_loop

JSON_TYPES: Final = frozenset({"application/json", "application/merge-patch+json"})
CHARSETS: Final = frozenset({"utf-8", "utf8"})
SLOW_S: Final = 1
"""After a body that takes longer than this to arrive, the sign-in is verified again."""
PAUSE_S: Final = 60
"""A body of which nothing arrives for this long is given up, as proxies do: else a phone that loses signal
would hold its part of the upload budget for ever.
"""
PLAIN_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
LONG_BYTES: Final = 100_000
"""A longer body is decoded away from the event loop."""


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON is decoded straight into the handler's type.

    Litestar decodes to plain objects and then converts leniently: it takes "3" for 3.
    """

    _pause: asyncio.Timeout | None = None
    """Ends the wait for the next piece of the body."""

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives; a file takes its share of the upload budget. Raises Overloaded."""
        async for piece in super().stream():
            if self._pause is not None:
                self._pause.reschedule(asyncio.get_running_loop().time() + PAUSE_S)
            if "portion" in self.state:
                self.state.portion.take(len(piece))
            yield piece

    async def body(self) -> bytes:
        """Return the body as it was sent. Raises TooLarge, CutOff, Overloaded, and what the guard raises.

        The sign-in is verified again after a slow body: it may have ended while the body arrived.
        """
        began = time.monotonic()
        content = await self._read_body()
        if time.monotonic() - began > SLOW_S and "verify_again" in self.state:
            await self.state.verify_again()
        return content

    async def _read_body(self) -> bytes:
        try:
            async with asyncio.timeout(PAUSE_S) as self._pause:
                return await super().body()
        except TimeoutError as error:
            raise CutOff(f"nothing of the body arrived for {PAUSE_S} s") from error
        except RequestEntityTooLarge as error:
            limit = self.route_handler.resolve_request_max_body_size()
            raise error if limit is None else TooLarge(limit) from error
        except InternalServerException as error:
            raise CutOff("the body did not arrive whole") from error

    async def json(self) -> Any:  # noqa: ANN401  the handler's own type
        """Return the body as the type the handler declares for `data`.

        `state.replaced` then counts the characters that could not be kept. Raises NotJson, NamedTwice,
        InvalidBody, Overloaded.
        """
        body, decoder = await self.body(), _decoder(self.route_handler)
        if len(body) > LONG_BYTES:
            decoded, replaced = await off_loop(read_json, body, decoder)
        else:
            decoded, replaced = read_json(body, decoder)
        self.state.replaced = replaced
        return decoded


@cache
def _decoder(handler: HTTPRouteHandler) -> msgspec.json.Decoder[Any]:
    data = handler.parsed_fn_signature.parameters["data"]
    return msgspec.json.Decoder(data.annotation, strict=True)


async def refuse_unreadable(request: Request[Any, Any, Any]) -> None:
    """Refuse what no handler should see.

    Raises NotFoundException, BadParameter, UnsupportedContent, NotJson, TooLarge.
    """
    refuse_other_spellings(request)
    refuse_unknown_parameters(request)
    if "data" in request.route_handler.parsed_fn_signature.parameters:
        _refuse_other_content(request)
        if not await request.body():
            raise NotJson("the body is empty; send a JSON object")


def refuse_other_spellings(request: Request[Any, Any, Any]) -> None:
    """Raise NotFoundException for a path whose id is not spelled as a plain UUID.

    Python also reads `urn:uuid:`, braces, line ends and an id without hyphens as a UUID.
    """
    if not request.path_params:
        return
    template, path = (_segments(request.scope[each]) for each in ("path_template", "path"))
    for name, value in zip(template, path, strict=True):
        if name.startswith("{") and not PLAIN_UUID.fullmatch(value):
            raise NotFoundException


def _segments(path: str) -> list[str]:
    return [each for each in path.split("/") if each]


def _refuse_other_content(request: Request[Any, Any, Any]) -> None:
    media_type, options = request.content_type
    if media_type.lower() not in JSON_TYPES:
        raise UnsupportedContent("send JSON, as application/json")
    if options.get("charset", "utf-8").lower() not in CHARSETS:
        raise UnsupportedContent("send JSON in UTF-8")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedContent("send the body without a Content-Encoding")


def refuse_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """Raise BadParameter for a query parameter that is not declared, comes twice or has no value."""
    known = _declared(request.route_handler)
    for name in request.query_params:
        if name not in known:
            raise BadParameter(
                name[:MOST_QUOTED], f"unknown parameter; this takes {', '.join(sorted(known)) or 'none'}"
            )
        if len(request.query_params.getall(name)) > 1:
            raise BadParameter(name, "given more than once")
        value = request.query_params[name]
        if "\0" in value:
            raise BadParameter(name, "must not contain NUL (U+0000)")
        if value.lower() == "null":  # Litestar takes it for None, even where the type is str
            raise BadParameter(name, "null is no value; leave the parameter out")


@cache
def _declared(handler: HTTPRouteHandler) -> dict[str, str]:
    """Return the query parameters of a handler: the name in a request to the name of the argument."""
    fields = handler.parsed_fn_signature.parameters.items()
    return {
        field.kwarg_definition.name or name: name
        for name, field in fields
        if isinstance(field.kwarg_definition, QueryParameter)
    }


@cache
def _required(handler: HTTPRouteHandler) -> tuple[str, ...]:
    """Return the query parameters that a handler cannot do without, by their names in a request."""
    fields = handler.parsed_fn_signature.parameters
    return tuple(name for name, each in _declared(handler).items() if not fields[each].has_default)


def bad_parameter(request: Request[Any, Any, Any], error: ValidationException) -> BadParameter:
    """Return Litestar's complaint about a parameter under the name the parameter has in a request."""
    first = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    argument, detail = first.get("key", ""), first.get("message", error.detail)
    if not argument:  # Litestar names no parameter that is missing
        required = _required(request.route_handler)
        missing = next((name for name in required if name not in request.query_params), None)
        return BadParameter("", detail) if missing is None else BadParameter(missing, "missing")
    names = [name for name, each in _declared(request.route_handler).items() if each == argument]
    return BadParameter(names[0] if names else argument, detail)
