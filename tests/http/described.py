"""Every problem that a test gets is one that the API's description names for its operation."""

import re
from typing import Any, Final

import httpx

from routes.http.openapi import ON_ANY, openapi_document
from service.app import Composition, create_app
from service.foundation.crypto.key_file import KeyFile

DOCUMENT: Final = openapi_document(create_app(Composition(dsn="", keys=KeyFile.new(), address="")))
PREFIX: Final = "urn:towpath:problem:"


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "/?")


PATHS: Final = [(_pattern(path), path) for path in sorted(DOCUMENT["paths"], key=lambda each: "{" in each)]


def types_of(operation: dict[str, Any]) -> set[str]:
    """Return the problem types an operation is described with."""
    said = (each["description"] for status, each in operation["responses"].items() if status >= "4")
    return {each for text in said for each in re.findall(r"^`([a-z0-9-]+)`:", text, re.MULTILINE)}


def operation_at(method: str, path: str) -> dict[str, Any]:
    """Return the operation a request is for, an empty one if there is none."""
    template = next((each for pattern, each in PATHS if pattern.fullmatch(path)), None)
    found: dict[str, Any] = DOCUMENT["paths"].get(template, {}).get(method.lower(), {})
    return found


def refuse_undescribed(answer: httpx.Response) -> None:
    """Fail where an operation answers a problem that its description does not name."""
    operation = operation_at(answer.request.method, answer.request.url.path)
    if not operation or answer.headers.get("content-type") != "application/problem+json":
        return
    slug = type_of(answer)
    described = types_of(operation) | set(ON_ANY)
    assert slug in described, (operation["operationId"], slug, answer.text)


def type_of(answer: httpx.Response) -> str:
    answer.read()
    return str(answer.json()["type"]).removeprefix(PREFIX)
