"""What every request passes through: its id, its log line, HEAD, conditional reads, private answers."""

import re
import secrets
import time
from http import HTTPStatus
from typing import Any, Final

import structlog
from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import HttpMethod, ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from service.foundation.fair_shares import ASKING

logger = structlog.get_logger()

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
STATUSES_WITH_ALLOW: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.METHOD_NOT_ALLOWED})
ON_EVERY_ANSWER: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""No cache stores an answer: on a phone that would be a file outside the app's encrypted store. No browser
guesses another content type than the one that is sent.
"""


class RequestLog(ASGIMiddleware):
    """Give each request an id and log one line for it.

    The line has the template of the path, without the query, which may hold what someone searched for.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Wrap one request."""
        request_id = request_id_of(scope)
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableScopeHeaders(message)["X-Request-Id"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await next_app(scope, receive, send_with_id)
            finally:
                took_ms = round((time.perf_counter() - started) * 1_000, 1)
                path = scope.get("path_template", "")
                method = scope.get("method")
                logger.info("request", method=method, path=path, status=status, took_ms=took_ms)


def request_id_of(scope: Scope) -> str:
    """Return the id of a request: the phone's if it is well-formed, else a new one."""
    state = scope.setdefault("state", {})
    if "request_id" not in state:
        given = Headers.from_scope(scope).get("x-request-id", "")
        state["request_id"] = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    request_id: str = state["request_id"]
    return request_id


def answering_privately(app: ASGIApp) -> ASGIApp:
    """Add ON_EVERY_ANSWER to every answer, also where no handler is found, which middleware does not see."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_privately(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *ON_EVERY_ANSWER]
            await send(message)

        await app(scope, receive, send_privately if scope["type"] == ScopeType.HTTP else send)

    return answer


def asking_as_nobody(app: ASGIApp) -> ASGIApp:
    """Let each request begin as nobody's, until its sign-in is verified.

    The server may run it in the context of the last request of the same connection, and a proxy sends the
    requests of many practices over one.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        ASKING.set(None)
        await app(scope, receive, send)

    return answer


def answering_head(app: ASGIApp) -> ASGIApp:
    """Answer HEAD as GET, without the body (RFC 9110, 9.3.2), for monitors and proxies."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        async def send_with_head_allowed(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in STATUSES_WITH_ALLOW:
                _allow_head(MutableScopeHeaders(message))
            await send(message)

        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
        elif scope["method"] == "HEAD":
            await app({**scope, "method": HttpMethod.GET}, receive, send_head)
        else:
            await app(scope, receive, send_with_head_allowed)

    return answer


def _allow_head(headers: MutableScopeHeaders) -> None:
    """Add HEAD to an Allow header that names GET."""
    methods = {each.strip() for each in headers.get("allow", "").split(",")}
    if "GET" in methods:
        headers["allow"] = ", ".join(sorted(methods | {"HEAD"}))


REPLACED: Final = "Towpath-Replaced"
"""Header: how many characters of the body were replaced."""


async def say_what_was_replaced(message: Message, scope: Scope) -> None:
    """Tell the phone, on any answer, that its text is not kept exactly as it was sent."""
    if message["type"] == "http.response.start" and (replaced := scope["state"].get("replaced")):
        MutableScopeHeaders(message)[REPLACED] = str(replaced)


class ConditionalReads(ASGIMiddleware):
    """Answer 304 without a body where If-None-Match names the current version (RFC 9110, 13.1.2)."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Wrap one request."""
        if_none_match = (
            Headers.from_scope(scope).get("if-none-match") if scope.get("method") in {"GET", "HEAD"} else None
        )
        if if_none_match is None:
            await next_app(scope, receive, send)
            return
        unchanged = False

        async def send_if_changed(message: Message) -> None:
            nonlocal unchanged
            if message["type"] == "http.response.start":
                unchanged = message["status"] == 200 and _names(if_none_match, MutableScopeHeaders(message))
                message = _not_modified(message) if unchanged else message
            elif unchanged:
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        await next_app(scope, receive, send_if_changed)


def _names(if_none_match: str, headers: MutableScopeHeaders) -> bool:
    """Return whether If-None-Match names the entity tag of an answer, by the weak comparison of the RFC."""
    tag = headers.get("etag")
    if tag is None:
        return False
    held = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in held or tag.removeprefix("W/") in held


def _not_modified(start: Any) -> Any:  # noqa: ANN401  an ASGI message, whose type is a union of dictionaries
    kept = (b"etag", b"cache-control", b"vary", b"x-request-id")
    headers = [(name, value) for name, value in start["headers"] if name.lower() in kept]
    return {"type": "http.response.start", "status": 304, "headers": headers}
