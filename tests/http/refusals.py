"""The form that every refusal has."""

from typing import Any, Final

import httpx

PREFIX: Final = "urn:towpath:problem:"
MEMBERS: Final = frozenset({"type", "title", "status", "request_id"})


def problem(answer: httpx.Response) -> dict[str, Any]:
    """Return a refusal's problem document without the prefix of its type. Fails on a 5xx."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told.keys() >= MEMBERS
    assert told["status"] == answer.status_code
    assert told["title"]
    assert told["request_id"] == answer.headers["x-request-id"]
    assert told["type"].startswith(PREFIX)
    return told | {"type": told["type"].removeprefix(PREFIX)}
