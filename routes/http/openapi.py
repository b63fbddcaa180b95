"""The OpenAPI 3.1 document: Litestar's, mended where it says less, or other, than what the service does.

Schemas are msgspec's own, so that every limit the decoder knows is in them. Problems are told as they are
answered. Nullable members are `type: [x, "null"]`, which all generators read.
"""

import ast
import enum
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from textwrap import dedent
from typing import Any, Final, get_args

import msgspec
from litestar import Litestar, Response, Router
from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Contact, License
from msgspec import inspect as wire

from routes.http.middleware import REPLACED
from routes.http.problems import MEDIA_TYPE, OF_STATUS, TABLE, TYPE_PREFIX, Problem
from schemas.examples import EXAMPLES

TITLE: Final = "Towpath"
VERSION: Final = "1"
DESCRIPTION: Final = """\
The backend of a walk-and-talk therapist's phone: planned walks, sessions, tracks, and notes that know
where on the walk they were said.

**Signing in.** `POST /v1/sign-in` answers an access token, good for 10 minutes, to be sent as
`Authorization: Bearer`, and a refresh token for the next pair.

**Writing without signal.** A create carries an `id` the phone makes (UUID, version 7 advised); sent
again, it answers the same thing with 200 instead of 201. Every other write carries an
`Idempotency-Key`; sent again under the same key, it is made once. `PUT` and `DELETE` may simply be
repeated.

**Versions.** Answers carry an `ETag`. A change names the one it is based on as `If-Match`; a read may
name the one it holds as `If-None-Match` and is answered 304. Every answer is `Cache-Control: no-store`: what
a phone holds it keeps itself, encrypted, not in a cache of its HTTP library.

**Text.** Half a surrogate pair, which a phone makes when it cuts an emoji in two, is kept as U+FFFD. The
answer counts such halves in the header `Towpath-Replaced`.

**Problems.** Every error is an RFC 9457 problem with a stable `type`. Within `/v1` things are only
added: ignore members and enumeration values you do not know.
"""
COMPONENT: Final = "#/components/schemas/{name}"
PROBLEM: Final = {"$ref": COMPONENT.format(name="Problem")}

ETAG: Final = {"description": "The version, for If-Match and If-None-Match.", "schema": {"type": "string"}}
LOCATION: Final = {"description": "Where it lies.", "schema": {"type": "string"}}
TOWPATH_REPLACED: Final = {
    "description": "How many halves of surrogate pairs in the body are kept as U+FFFD; absent for none.",
    "schema": {"type": "integer"},
}
IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "required": False,
    "description": "The ETag of what the phone holds: 304 where it is that still.",
}
MORE_VALUES: Final = "Values may be added: treat one you do not know as not said."
DESCRIPTIONS: Final = {
    "Request fulfilled, document follows": "As described.",
    "Document created, URL follows": "Created.",
    "Request fulfilled, nothing follows": "Done; nothing follows.",
}

GUESSABLE: Final = frozenset({"sign_in", "change_password"})
"""Operations by which a password could be guessed, and which therefore slow down."""

Node = dict[str, Any]


def openapi_config() -> OpenAPIConfig:
    """Return what Litestar makes its part of the document from."""
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
    """Refuse Litestar's own pages, which it always adds: they fetch scripts from another host."""
    raise NotFoundException


def openapi_document(app: Litestar) -> Node:
    """Return the whole document of an application made with `openapi_config`."""
    document = app.openapi_schema.to_schema()
    handlers = {handler.operation_id: handler for handler in _handlers(app)}
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                _mend_operation(operation, handlers[operation["operationId"]])
    document["components"] = {
        "schemas": _schemas(wire_types(app)),
        "securitySchemes": {"signIn": {"type": "http", "scheme": "bearer"}},
    }
    document["security"] = [{"signIn": []}]
    document["servers"] = [{"url": "/"}]
    return document


def _handlers(app: Litestar) -> Iterator[HTTPRouteHandler]:
    """Yield every handler that stands in the document."""
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


def _schemas(types: Sequence[type[msgspec.Struct]]) -> Node:
    """Return the component schemas of the wire types and of what they are made of, with examples."""
    _, components = msgspec.json.schema_components(types, ref_template=COMPONENT)
    classes = _classes(types)
    for name, schema in components.items():
        said = _said_below(classes[name])
        if "enum" in schema:
            values = [f"`{each.value}`: {said[each.name]}" for each in classes[name] if each.name in said]
            schema["type"] = "string"
            schema["description"] = "\n".join(
                (f"{schema.get('description', '')} {MORE_VALUES}".strip(), *values)
            )
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
        members = _required_first(schema)
        for member, node in members.items():
            plain = _plain(node, components, keep_null=name.endswith("Patch"))
            members[member] = _described(plain, said.get(member, ""))
        if members:
            schema["properties"] = members
    return dict(sorted(components.items()))


def _required_first(schema: Node) -> Node:
    """Return the members of an object, with the required ones first: some are inherited after them."""
    members, required = schema.get("properties", {}), schema.get("required", ())
    return dict(sorted(members.items(), key=lambda member: member[0] not in required))


def _described(node: Node, said: str) -> Node:
    """Return a member's schema with what is said of it, and its default in words.

    By a `default` openapi-typescript takes a member for one that has to be sent.
    """
    rest = {key: value for key, value in node.items() if key not in {"description", "default"}}
    default = f"Left out, it is `{node['default']}`." if node.get("default") else ""
    words = " ".join(filter(None, (node.get("description"), said, default)))
    return {"description": words, **rest} if words else rest


def _classes(types: Sequence[type[msgspec.Struct]]) -> dict[str, Any]:
    """Return the wire types, and the Structs and enumerations they are made of, by name."""
    found: dict[str, Any] = {}
    pending = list(wire.multi_type_info(types))
    while pending:
        match pending.pop():
            case wire.StructType(cls=cls, fields=fields) if cls.__name__ not in found:
                found[cls.__name__] = cls
                pending += [each.type for each in fields]
            case wire.EnumType(cls=cls):
                found[cls.__name__] = cls
            case wire.UnionType(types=kinds):
                pending += kinds
            case wire.ListType(item_type=kind) | wire.DictType(value_type=kind) | wire.Metadata(type=kind):
                pending.append(kind)
    return found


def _said_below(cls: type) -> dict[str, str]:
    """Return what the source says below the members of a class, or the values of an enumeration, by name."""
    said = {}
    for each in reversed(cls.__mro__):
        if not issubclass(each, msgspec.Struct | enum.StrEnum) or each in {msgspec.Struct, enum.StrEnum}:
            continue
        (definition,) = ast.parse(dedent(inspect.getsource(each))).body
        for member, below in pairwise(getattr(definition, "body", [])):
            name = getattr(member, "target", None) or next(iter(getattr(member, "targets", [])), None)
            match name, below:
                case ast.Name(id=name), ast.Expr(value=ast.Constant(value=str(text))):
                    said[name] = " ".join(text.split())
    return said


def _plain(node: Node, components: Mapping[str, Any], *, keep_null: bool) -> Node:
    """Return a member's schema without `anyOf` of one type and null: null only where it says something."""
    if "anyOf" not in node:
        return node
    given = [each for each in node["anyOf"] if each.get("type") != "null"]
    if len(given) != 1 or len(given) == len(node["anyOf"]):
        return node
    rest = {key: value for key, value in node.items() if key not in {"anyOf", "default"}}
    if not keep_null:
        return {**given[0], **rest}
    inner = given[0]
    if "$ref" in inner:
        inner = dict(components[inner["$ref"].rpartition("/")[2]])
        inner.pop("title", None)
    values = {"enum": [*inner["enum"], None]} if "enum" in inner else {}
    return {**inner, **rest, **values, "type": [inner.get("type", "string"), "null"]}


def _mend_operation(operation: Node, handler: HTTPRouteHandler) -> None:
    """Make one operation say what it does."""
    operation.pop("deprecated", None)
    responses = _successes(operation, handler)
    parameters = [_parameter(each) for each in operation.get("parameters", [])]
    if "304" in responses:
        parameters.append(IF_NONE_MATCH)
    if parameters:
        operation["parameters"] = parameters
    if handler.opt.get("open"):
        operation["security"] = []
    operation["responses"] = responses | _problems(operation, handler)
    for each in (operation.get("requestBody", {}), *responses.values()):
        for media_type, media in each.get("content", {}).items():
            media["schema"] = _file(media_type, media["schema"])


def _successes(operation: Node, handler: HTTPRouteHandler) -> Node:
    """Return the answers of an operation that are not problems, with their headers."""
    found = operation["responses"].items()
    responses = {status: _success(each) for status, each in found if status.startswith("2")}
    if "201" in responses:
        described = {"description": "It was there already, or took another's place."}
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
        responses["304"] = {"description": "Not changed since the version If-None-Match names."}
    return responses


def _file(media_type: str, schema: Node) -> Node:
    """Return the schema of a body; of a file one by which no generator takes its bytes for text of JSON."""
    if schema.get("type") != "string":
        return schema
    kind = OBJECT if media_type.endswith("json") else {"type": "string", "format": "binary"}
    return {**schema, **kind}


OBJECT: Final = {"type": "object", "additionalProperties": True}
"""Any object; without `additionalProperties` TypeScript is told of one without members."""


def _parameter(parameter: Node) -> Node:
    """Return a parameter without what only Litestar says, and required where the service requires it."""
    schema = {key: value for key, value in parameter["schema"].items() if key != "description"}
    given = [each for each in schema.pop("oneOf", []) if each.get("type") != "null"]
    schema |= given[0] if given else {}
    for limit in ("minimum", "maximum"):
        if limit in schema and schema.get("type") == "integer":
            schema[limit] = int(schema[limit])
    mended = {"name": parameter["name"], "in": parameter["in"], "schema": schema}
    mended["required"] = parameter["required"] or parameter["in"] == "header"
    if "description" in parameter:
        mended["description"] = parameter["description"]
    return mended


def _success(response: Node) -> Node:
    """Return a success without the empty members Litestar puts in."""
    description = DESCRIPTIONS.get(response["description"], response["description"])
    kept = {key: value for key, value in response.items() if key == "content"}
    return {"description": description, **kept}


def _problems(operation: Node, handler: HTTPRouteHandler) -> Node:
    """Return the problems an operation can answer with: the ones worth branching on, and any other."""
    statuses = [status for status, applies in PROBLEM_STATUSES.items() if applies(operation, handler)]
    responses = {str(status): _problem_response(status) for status in statuses}
    return responses | {"default": _problem("Any other problem.", None)}


def _problem_response(status: int) -> Node:
    """Return how a status is told, with the first row of the table that has it as the example."""
    kinds = [(kind.slug, kind.title) for kind in TABLE.values() if kind.status == status]
    slug, title = kinds[0] if kinds else OF_STATUS[status]
    types = sorted({each for each, _ in kinds}) or [slug]
    example = Problem(type=TYPE_PREFIX + slug, title=title, status=status)
    named = ", ".join(f"`{each}`" for each in types)
    return _problem(f"{title}. Types: {named}.", msgspec.to_builtins(example))


def _problem(description: str, example: object) -> Node:
    content: Node = {"schema": PROBLEM}
    if example is not None:
        content["example"] = example
    return {"description": description, "content": {MEDIA_TYPE: content}}


def _takes(name: str) -> Callable[[Node, HTTPRouteHandler], bool]:
    """Return whether an operation has a parameter, by its name or by where it stands."""
    return lambda operation, _: any(
        name in {each["name"], each["in"]} for each in operation.get("parameters", ())
    )


def _takes_body(operation: Node, _: HTTPRouteHandler) -> bool:
    return "requestBody" in operation


PROBLEM_STATUSES: Final[Mapping[int, Callable[[Node, HTTPRouteHandler], bool]]] = {
    400: lambda operation, _: "requestBody" in operation or bool(operation.get("parameters")),
    401: lambda _, handler: not handler.opt.get("open") or handler.operation_id in GUESSABLE,
    403: lambda _, handler: bool(handler.opt.get("owner")),
    404: _takes("path"),
    409: _takes_body,
    412: _takes("If-Match"),
    413: _takes_body,
    415: _takes_body,
    422: _takes_body,
    428: _takes("If-Match"),
    429: lambda _, handler: handler.operation_id in GUESSABLE,
    503: lambda _, __: True,
}
