"""Strict reading of requests: what Litestar would let pass is refused here."""

import json
import re
import time
from collections.abc import AsyncGenerator
from functools import cache
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import InternalServerException, ValidationException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from service.foundation.errors import DomainError
from service.foundation.off_loop import off_loop

ESCAPED_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""An escaped NUL, and not an escaped backslash before `u0000`."""
JSON_TYPES: Final = frozenset({"application/json", "application/merge-patch+json"})
CHARSETS: Final = frozenset({"utf-8", "utf8"})
SLOW_S: Final = 1
"""What a body that takes longer asks for is done only if the sign-in still stands when it is there."""
LONG_BYTES: Final = 100_000
"""A body from here on is searched for names given twice away from the event loop."""
MOST_SAID: Final = 200
"""Characters of somebody's own mistake that are told back to them."""


class NotJson(DomainError):
    """The body cannot be read as the JSON this service accepts."""


class NamedTwice(NotJson):
    """An object of the body has two members of one name; `pointer` (RFC 6901) says which."""

    def __init__(self, pointer: str) -> None:
        super().__init__("two members of one object have this name; send the one that is meant")
        self.pointer = pointer


class InvalidBody(DomainError):
    """The body is JSON, but not what the endpoint expects; `pointer` (RFC 6901) says where."""

    def __init__(self, detail: str, pointer: str) -> None:
        super().__init__(detail)
        self.pointer = pointer


class TooLarge(DomainError):
    """The body has more bytes than this endpoint reads."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"at most {limit:,} bytes are read here")
        self.limit = limit


class CutOff(DomainError):
    """The phone went away before it had sent the whole body."""


class UnsupportedContent(DomainError):
    """The content type is not one this endpoint reads."""


class UnknownHost(DomainError):
    """The request is addressed to a host that this service is not."""


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


class NoPrecondition(MissingHeader):
    """A change does not say which version it is based on."""


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON is decoded straight into the handler's type, without conversions.

    Litestar decodes to plain objects and then converts leniently, taking "3" for 3.
    """

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives; a file is let in only as the budget goes. Raises Overloaded."""
        async for piece in super().stream():
            if "portion" in self.state:
                self.state.portion.take(len(piece))
            yield piece

    async def body(self) -> bytes:
        """Return the body as it was sent. Raises TooLarge, CutOff, Overloaded, and what the guard raises.

        A phone could begin a request, have its sign-in ended, and then send the rest.
        """
        began = time.monotonic()
        content = await self._read_body()
        if time.monotonic() - began > SLOW_S and "verify_again" in self.state:
            await self.state.verify_again()
        return content

    async def _read_body(self) -> bytes:
        try:
            return await super().body()
        except RequestEntityTooLarge as error:
            limit = self.route_handler.resolve_request_max_body_size()
            raise error if limit is None else TooLarge(limit) from error
        except InternalServerException as error:
            raise CutOff("the body did not arrive whole") from error

    async def json(self) -> Any:  # noqa: ANN401  the handler's own type
        """Return the body as the type the handler declares for `data`.

        Raises NotJson, NamedTwice, InvalidBody, Overloaded.
        """
        body = await self.body()
        if rb"\u0000" in body and ESCAPED_NUL.search(body):  # the expression alone takes 40 ms a megabyte
            raise NotJson("text must not contain NUL (U+0000)")
        try:
            body.decode()  # msgspec checks UTF-8 only where it looks at text
            decoded = _decoder(self.route_handler).decode(body)
            if len(body) > LONG_BYTES:
                await off_loop(refuse_names_twice, body)
            else:
                refuse_names_twice(body)
        except msgspec.ValidationError as error:
            raise invalid_body(error) from error
        except UnicodeDecodeError as error:
            raise NotJson("not UTF-8") from error
        except RecursionError as error:
            raise NotJson("nested too deeply") from error
        except msgspec.DecodeError as error:
            raise NotJson(str(error)[:MOST_SAID]) from error
        return decoded


@cache
def _decoder(handler: HTTPRouteHandler) -> msgspec.json.Decoder[Any]:
    data = handler.parsed_fn_signature.parameters["data"]
    return msgspec.json.Decoder(data.annotation, strict=True)


def refuse_names_twice(body: bytes) -> None:
    """Raise NamedTwice for JSON that msgspec reads, and in which an object has two members of one name.

    Readers differ in which of the two they take (RFC 8259, 4). msgspec takes the last and says nothing, but
    writes fewer quotation marks then than it has read.
    """
    if _quotes_kept(body) == body.count(b'"') + _escaped_quotes(body):
        return
    try:
        json.loads(body, object_pairs_hook=_once_each, parse_int=str, parse_float=str)
    except _Twice:
        as_pairs = json.loads(body, object_pairs_hook=_Members, parse_int=str, parse_float=str)
        pointer = _named_twice(as_pairs, "") or ""
        raise NamedTwice(pointer if len(pointer) <= MOST_SAID else "") from None


def _escaped_quotes(body: bytes) -> int:
    return len(ESCAPED_QUOTE.findall(body)) if rb"\u0022" in body else 0


ESCAPED_QUOTE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0022")
"""It is written as a plain quotation mark; after an escaped backslash it is none."""


def _quotes_kept(body: bytes) -> int | None:
    """Return how many quotation marks the body has once it was read; None where a number is too large for it.

    Numbers are looked at only where the handler's type says what they are.
    """
    try:
        return msgspec.json.encode(msgspec.json.decode(body)).count(b'"')
    except msgspec.ValidationError:
        return None


class _Twice(Exception):
    """Somewhere an object has two members of one name."""


def _once_each(members: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in members}) < len(members):
        raise _Twice


class _Members(list[tuple[str, Any]]):
    """An object as it stands in the text: every member, in order."""


def _named_twice(value: object, pointer: str) -> str | None:
    """Return where the first member lies whose name was there before; None if there is none."""
    members = value if isinstance(value, _Members) else ()
    names = set[str]()
    for name, _ in members:
        if name in names:
            return f"{pointer}/{_escaped(name)}"
        names.add(name)
    within = members or (enumerate(value) if isinstance(value, list) else ())
    found = (
        _named_twice(each, f"{pointer}/{_escaped(str(name))}")
        for name, each in within
        if isinstance(each, list)  # as objects are here, too
    )
    return next((each for each in found if each is not None), None)


def invalid_body(error: msgspec.ValidationError) -> InvalidBody:
    """Return what msgspec says as `Object contains unknown field `b` - at `$.a``, with the pointer `/a/b`."""
    message, _, where = str(error).rpartition(" - at `")
    if not message:
        message, where = where, ""
    pointer = _pointer(where.rstrip("`"))
    member = MEMBER.search(message)
    if member is not None and len(member[1]) <= MOST_SAID:
        pointer += "/" + _escaped(member[1])
    return InvalidBody(message[:MOST_SAID], pointer)


MEMBER: Final = re.compile(
    r"^(?:Object contains unknown field |Object missing required field )?`(.+)`", re.DOTALL
)
"""Whose absence or presence is wrong, which msgspec tells of the object around it."""


def _pointer(path: str) -> str:
    """Return msgspec's `$.notes[1].text` as an RFC 6901 pointer `/notes/1/text`.

    Of a mapping it says `[...]`, not which key: then the pointer ends at the mapping.
    """
    names = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path.partition("[...]")[0])
    return "".join("/" + _escaped(name or index) for name, index in names)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


async def refuse_unreadable(request: Request[Any, Any, Any]) -> None:
    """Refuse what no handler should see. Raises BadParameter, UnsupportedContent, NotJson, TooLarge."""
    refuse_unknown_parameters(request)
    if "data" in request.route_handler.parsed_fn_signature.parameters:
        _refuse_other_content(request)
        if not await request.body():
            raise NotJson("the body is empty; send a JSON object")


def _refuse_other_content(request: Request[Any, Any, Any]) -> None:
    media_type, options = request.content_type
    if media_type.lower() not in JSON_TYPES:
        raise UnsupportedContent("send JSON, as application/json")
    if options.get("charset", "utf-8").lower() not in CHARSETS:
        raise UnsupportedContent("send JSON in UTF-8")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedContent("send the body without a Content-Encoding")


def refuse_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """Raise BadParameter for a query parameter the handler does not declare, one given twice, or no value."""
    known = _declared(request.route_handler)
    for name in request.query_params:
        if name not in known:
            raise BadParameter(
                name[:MOST_SAID], f"unknown parameter; this takes {', '.join(sorted(known)) or 'none'}"
            )
        if len(request.query_params.getall(name)) > 1:
            raise BadParameter(name, "given more than once")
        value = request.query_params[name]
        if "\0" in value:
            raise BadParameter(name, "must not contain NUL (U+0000)")
        if value.lower() == "null":  # which Litestar takes for None, in text too
            raise BadParameter(name, "null is no value; leave the parameter out")


@cache
def _declared(handler: HTTPRouteHandler) -> dict[str, str]:
    """Return the query parameters a handler declares: argument by the name it has in a request."""
    fields = handler.parsed_fn_signature.parameters.items()
    return {
        field.kwarg_definition.name or name: name
        for name, field in fields
        if isinstance(field.kwarg_definition, QueryParameter)
    }


def bad_parameter(request: Request[Any, Any, Any], error: ValidationException) -> BadParameter:
    """Return what Litestar says of a parameter, by the name it has in a request."""
    first = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    argument, detail = first.get("key", ""), first.get("message", error.detail)
    names = [name for name, each in _declared(request.route_handler).items() if each == argument]
    return BadParameter(names[0] if names else argument, detail)
