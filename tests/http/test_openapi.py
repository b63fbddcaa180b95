"""The OpenAPI document says what the service does, in a form generated clients can use."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from routes.openapi import openapi_document, wire_types
from schemas.examples import EXAMPLES
from service.app import Composition, create_app
from service.crypto.key_file import KeyFile
from tests.http.world import World

APP = create_app(Composition(dsn="", keys=KeyFile.new(), address=""))
DOCUMENT = openapi_document(APP)
TYPES = {each.__name__: each for each in wire_types(APP)}
COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"

FOUND = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
OPERATIONS = [pytest.param(*each, id=each[2]["operationId"]) for each in FOUND]


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_the_committed_document_is_the_programs() -> None:
    is_the_same = msgspec.json.decode(COMMITTED.read_bytes()) == DOCUMENT
    assert is_the_same, "run `towpath openapi openapi/openapi.json`, and read the difference"


def test_operation_ids_are_unique() -> None:
    names = [operation["operationId"] for _, _, operation in FOUND]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_says_what_it_is_and_how_it_fails(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    problems = {status: each for status, each in operation["responses"].items() if status >= "4"}
    assert "default" in problems
    assert all("application/problem+json" in each["content"] for each in problems.values())
    assert ("{" in path) <= ("404" in problems)
    assert (method == "patch") <= ({"412", "428"} <= problems.keys())


def test_every_type_on_the_wire_has_an_example() -> None:
    assert sorted(TYPES.keys() - EXAMPLES.keys() - {"Problem"}) == []


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_is_what_it_is_an_example_of(name: str) -> None:
    example = EXAMPLES[name]
    decoded = msgspec.json.decode(msgspec.json.encode(example), type=TYPES[name])
    again = msgspec.json.decode(msgspec.json.encode(decoded))
    assert again.items() <= example.items()


def test_nothing_is_nullable_by_one_of() -> None:
    assert [path for path, node in _nodes(DOCUMENT, "") if _is_one_of_null(node)] == []


def _nodes(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, node
    if isinstance(node, dict):
        for key, each in node.items():
            yield from _nodes(each, f"{path}/{key}")
    elif isinstance(node, list):
        for at, each in enumerate(node):
            yield from _nodes(each, f"{path}/{at}")


def _is_one_of_null(node: Any) -> bool:
    choices = node.get("anyOf", node.get("oneOf")) if isinstance(node, dict) else None
    return isinstance(choices, list) and {"type": "null"} in choices


def test_the_documentation_page_needs_no_other_host(world: World) -> None:
    page = world.nobody.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert not re.search(r'(src|href|url)\s*[=(]\s*"?(https?:)?//', page.text)
    assert "mark_moment" in page.text
    assert world.nobody.get("/openapi.json").json() == DOCUMENT
