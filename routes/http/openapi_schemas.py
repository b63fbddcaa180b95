"""The component schemas of the OpenAPI document: msgspec's own, so that they hold every limit it checks.

Descriptions come from `Meta(description=)` and the values of a DescribedEnum. A nullable member is
`type: [x, "null"]`, which all generators read.
"""

import enum
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec
from msgspec import Meta
from msgspec import inspect as wire

from schemas.examples import EXAMPLES
from service.foundation.described_enum import DescribedEnum

COMPONENT: Final = "#/components/schemas/{name}"
MORE_VALUES: Final = "Values may be added: treat one you do not know as absent."

Node = dict[str, Any]


def component_schemas(types: Sequence[type[msgspec.Struct] | type[enum.Enum]]) -> Node:
    """Return the schemas of wire types, and all they are made of, with descriptions and examples."""
    _, components = msgspec.json.schema_components(types, ref_template=COMPONENT)
    classes = _classes(types)
    for name, schema in components.items():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
        if "enum" in schema:
            _describe_values(schema, classes[name])
    for name, schema in components.items():
        if "properties" in schema:
            _describe_members(schema, classes[name], components)
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
    return dict(sorted(components.items()))


def _classes(types: Sequence[type[msgspec.Struct] | type[enum.Enum]]) -> dict[str, Any]:
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


def _describe_values(schema: Node, cls: type[enum.Enum]) -> None:
    lines = [f"{schema.get('description', '')} {MORE_VALUES}".strip()]
    if issubclass(cls, DescribedEnum):
        lines += [f"`{each.value}`: {each.description}" for each in cls]
    schema.update(type="string", description="\n".join(lines))


def _describe_members(schema: Node, cls: type[msgspec.Struct], components: Mapping[str, Any]) -> None:
    """Describe the members of an object, and put the required ones first: some are inherited after others."""
    members, required = schema["properties"], schema.get("required", ())
    schema["properties"] = dict(sorted(members.items(), key=lambda member: member[0] not in required))
    keep_null = cls.__name__.endswith("Patch")
    for field in msgspec.structs.fields(cls):
        name = field.encode_name
        node = _without_null(schema["properties"][name], components, keep_null=keep_null)
        schema["properties"][name] = _described(node, _descriptions(field.type))


def _descriptions(annotation: object) -> Iterator[str]:
    """Yield what the Metas of a member's type say, the innermost first; those of list items are theirs."""
    origin = get_origin(annotation)
    if origin is Annotated:
        kind, *metas = get_args(annotation)
        yield from _descriptions(kind)
        yield from (each.description for each in metas if isinstance(each, Meta) and each.description)
    elif origin in {Union, UnionType}:
        for each in get_args(annotation):
            yield from _descriptions(each)


def _described(node: Node, descriptions: Iterable[str]) -> Node:
    """Return a member's schema with its descriptions, and its default in words.

    openapi-typescript takes a member with a `default` for one that must be sent.
    """
    default = f"Left out, it is `{node['default']}`." if node.get("default") else ""
    words = " ".join(filter(None, (node.get("description"), *descriptions, default)))
    rest = {key: value for key, value in node.items() if key not in {"description", "default"}}
    return {"description": words, **rest} if words else rest


def _without_null(node: Node, components: Mapping[str, Any], *, keep_null: bool) -> Node:
    """Return a member's schema without `anyOf` of one type and null; null stays where it clears a member.

    Its description is then only that of a component it holds instead of a reference.
    """
    node = _without_words(node)
    kinds = node.get("anyOf", [])
    given = [each for each in kinds if each.get("type") != "null"]
    if len(given) != 1 or len(given) == len(kinds):
        return node
    rest = {key: value for key, value in node.items() if key not in {"anyOf", "default"}}
    inner = _without_words(given[0])
    if not keep_null:
        return {**inner, **rest}
    if "$ref" in inner:
        inner = dict(components[inner["$ref"].rpartition("/")[2]])
        inner.pop("title", None)
    values = {"enum": [*inner["enum"], None]} if "enum" in inner else {}
    return {**inner, **rest, **values, "type": [inner.get("type", "string"), "null"]}


def _without_words(node: Node) -> Node:
    return {key: value for key, value in node.items() if key != "description"}
