"""The OpenAPI 3.1 document: what Litestar generates, corrected to what the service does."""

import enum
import inspect
from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final, get_args

import msgspec
from litestar import Litestar, Response, Router
from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Contact, License

from routes.http.middleware import REPLACED
from routes.http.openapi_schemas import COMPONENT, Node, component_schemas
from routes.http.operation_problems import problems_of
from routes.http.problems import MEDIA_TYPE, TYPE_PREFIX, Kind, Problem

TITLE: Final = "Towpath"
VERSION: Final = "1"
DESCRIPTION: Final = """\
The backend of a walk-and-talk therapist's phone: planned walks, sessions, tracks, and notes that know
where on the walk they were said.

**Signing in.** `POST /v1/sign-in` answers an access token, good for 10 minutes, to be sent as
`Authorization: Bearer`, and a refresh token for the next pair.

**Writing without signal.** A create carries an `id` that the phone makes (UUID, version 7 advised). Sent
again, it answers 200 with the same thing instead of 201. Every other write carries an `Idempotency-Key`.
Sent again under the same key, it is done once. `PUT` and `DELETE` take the key as well.

**Versions.** Answers carry an `ETag`. A change names the version it is based on as `If-Match`. A read may
name the version the phone has as `If-None-Match`, and answers 304 if that is still the current one. Every
answer is `Cache-Control: no-store`: a phone stores what it needs itself, encrypted, and not in the cache of
its HTTP library.

**Text.** Half a surrogate pair, which a phone makes when it cuts an emoji in two, is kept as U+FFFD. The
answer counts such halves in the header `Towpath-Replaced`.

**Problems.** Every error is an RFC 9457 problem with a stable `type`. Within `/v1` members and values are
only added: ignore those you do not know.
"""
PROBLEM: Final = {"$ref": COMPONENT.format(name="Problem")}

ETAG: Final = {"description": "The version, for If-Match and If-None-Match.", "schema": {"type": "string"}}
LOCATION: Final = {"description": "The path of the new thing.", "schema": {"type": "string"}}
TOWPATH_REPLACED: Final = {
    "description": "How many halves of surrogate pairs in the body are kept as U+FFFD; absent for none.",
    "schema": {"type": "integer"},
}
IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "required": False,
    "description": "The ETag of the version the phone has; answered 304 while that is the current one.",
}
DESCRIPTIONS: Final = {
    "Request fulfilled, document follows": "As described.",
    "Document created, URL follows": "Created.",
    "Request fulfilled, nothing follows": "Done; the answer has no body.",
}
"""Litestar's words for a success, and ours."""
ANY_OBJECT: Final = {"type": "object", "additionalProperties": True}
"""Without `additionalProperties` TypeScript generators make a type without members of it."""

ON_ANY: Final = ("invalid-parameter", "internal", "unknown-host", "head-too-large", "bad-request")
"""Types that any operation answers."""
ANY_OTHER: Final = f"Any other problem; of every operation {', '.join(f'`{each}`' for each in ON_ANY)}."


def openapi_config() -> OpenAPIConfig:
    """Return the settings Litestar generates its part of the document from."""
    return OpenAPIConfig(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        use_handler_docstrings=True,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        contact=Contact(name="Towpath"),
        openapi_router=Router("/schema", route_handlers=[], include_in_schema=False, guards=[_nothing_here]),
    )


def _nothing_here(_: ASGIConnection[Any, Any, Any, Any], __: BaseRouteHandler) -> None:
    """Refuse the pages that Litestar always adds: they fetch scripts from another host."""
    raise NotFoundException


def openapi_document(app: Litestar) -> Node:
    """Return the whole document of an application made with `openapi_config`."""
    document = app.openapi_schema.to_schema()
    handlers = {handler.operation_id: handler for handler in _handlers(app)}
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                _correct_operation(operation, handlers[operation["operationId"]])
    document["components"] = {
        "schemas": component_schemas([*wire_types(app), *_parameter_values(app)]),
        "securitySchemes": {"signIn": {"type": "http", "scheme": "bearer"}},
    }
    document["security"] = [{"signIn": []}]
    document["servers"] = [{"url": "/"}]
    return document


def _handlers(app: Litestar) -> Iterator[HTTPRouteHandler]:
    """Yield every handler that the document describes."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler) and handler.resolve_include_in_schema():
                yield handler


def wire_types(app: Litestar) -> list[type[msgspec.Struct]]:
    """Return every Struct a handler takes or answers, and the problem document."""
    found: dict[str, type[msgspec.Struct]] = {"Problem": Problem}
    for handler in _handlers(app):
        signature = handler.parsed_fn_signature
        data = signature.parameters.get("data")
        for annotation in (data.annotation if data else None, signature.return_type.annotation):
            for each in (annotation, *get_args(annotation)):
                if inspect.isclass(each) and issubclass(each, msgspec.Struct):
                    found[each.__name__] = each
    return [found[name] for name in sorted(found)]


def _parameter_values(app: Litestar) -> list[type[enum.Enum]]:
    """Return every enumeration that a parameter takes."""
    found: dict[str, type[enum.Enum]] = {}
    for handler in _handlers(app):
        for parameter in handler.parsed_fn_signature.parameters.values():
            for each in (parameter.annotation, *get_args(parameter.annotation)):
                if inspect.isclass(each) and issubclass(each, enum.Enum):
                    found[each.__name__] = each
    return [found[name] for name in sorted(found)]


def _correct_operation(operation: Node, handler: HTTPRouteHandler) -> None:
    """Correct what Litestar says of one operation."""
    operation.pop("deprecated", None)
    responses = _successes(operation, handler)
    parameters = [_parameter(each, handler) for each in operation.get("parameters", [])]
    if "304" in responses:
        parameters.append(IF_NONE_MATCH)
    if parameters:
        operation["parameters"] = parameters
    if handler.opt.get("open"):
        operation["security"] = []
    operation["responses"] = responses | _problems(operation, handler)
    for each in (operation.get("requestBody", {}), *responses.values()):
        for media_type, media in each.get("content", {}).items():
            media["schema"] = _body_schema(media_type, media["schema"])


def _successes(operation: Node, handler: HTTPRouteHandler) -> Node:
    """Return the answers of an operation other than problems, with their headers."""
    found = operation["responses"].items()
    responses = {status: _success(each) for status, each in found if status.startswith("2")}
    if "201" in responses:
        described = {"description": "It exists already, or replaces an earlier one."}
        responses["200"] = responses["201"] | described
    headers: Node = {}
    if any(each.endswith("json") for each in operation.get("requestBody", {}).get("content", ())):
        headers[REPLACED] = TOWPATH_REPLACED
    if handler.parsed_fn_signature.return_type.is_subclass_of(Response) and "204" not in responses:
        headers["ETag"] = ETAG
        if "201" in responses:
            headers["Location"] = LOCATION
    for each in responses.values():
        if headers:
            each["headers"] = headers
    if "ETag" in headers and "GET" in handler.http_methods:
        responses["304"] = {"description": "The version If-None-Match names is still the current one."}
    return responses


def _body_schema(media_type: str, schema: Node) -> Node:
    """Return the schema of a body; a file is no plain string, for which generators would send JSON."""
    if schema.get("type") != "string":
        return schema
    kind = ANY_OBJECT if media_type.endswith("json") else {"type": "string", "format": "binary"}
    return {**schema, **kind}


def _parameter(parameter: Node, handler: HTTPRouteHandler) -> Node:
    """Return a parameter in plain JSON Schema, required where the service requires it.

    To Litestar every header is optional: the service itself refuses a request that lacks one.
    """
    schema = {key: value for key, value in parameter["schema"].items() if key != "description"}
    given = [each for each in schema.pop("oneOf", []) if each.get("type") != "null"]
    schema |= given[0] if given else {}
    for limit in ("minimum", "maximum"):
        if limit in schema and schema.get("type") == "integer":
            schema[limit] = int(schema[limit])
    any_version = parameter["name"] == "If-Match" and _takes_any_version(handler)
    corrected = {"name": parameter["name"], "in": parameter["in"], "schema": schema}
    corrected["required"] = parameter["required"] or (parameter["in"] == "header" and not any_version)
    if "description" in parameter:
        corrected["description"] = parameter["description"]
    return corrected


def _takes_any_version(handler: HTTPRouteHandler) -> bool:
    """Return whether a request may leave If-Match out."""
    return "expected_if_sent" in handler.parsed_fn_signature.parameters


def _success(response: Node) -> Node:
    """Return a success in our words, without the empty members Litestar adds."""
    description = DESCRIPTIONS.get(response["description"], response["description"])
    kept = {key: value for key, value in response.items() if key == "content"}
    return {"description": description, **kept}


def _problems(operation: Node, handler: HTTPRouteHandler) -> Node:
    """Return the problems an operation answers with: those a program may branch on, and any other."""
    by_status = groupby(problems_of(operation, handler), key=lambda kind: kind.status)
    responses = {str(status): _problem_response(list(kinds)) for status, kinds in by_status}
    return responses | {"default": _problem(ANY_OTHER, None)}


def _problem_response(kinds: list[Kind]) -> Node:
    """Return the answer of a status that the problems `kinds` have; the first is the example."""
    first = kinds[0]
    example = Problem(type=TYPE_PREFIX + first.slug, title=first.title, status=first.status)
    lines = "\n".join(f"`{each.slug}`: {each.title}." for each in kinds)
    return _problem(lines, msgspec.to_builtins(example))


def _problem(description: str, example: object) -> Node:
    content: Node = {"schema": PROBLEM}
    if example is not None:
        content["example"] = example
    return {"description": description, "content": {MEDIA_TYPE: content}}
