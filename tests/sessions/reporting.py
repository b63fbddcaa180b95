"""Planning a session and reporting about it, as a phone does."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.http.world import Phone

NOW = datetime.now(UTC).replace(microsecond=0)
LINE = {"type": "LineString", "coordinates": [[8.0, 52.0], [8.01, 52.0], [8.01, 52.005]]}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def at(minutes: float) -> str:
    """Return an instant so many minutes from now, as the service writes it."""
    return (NOW + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def a_client(phone: Phone, **members: Any) -> str:
    """Add a client in therapy who agreed to meet outdoors a year ago, unless told otherwise."""
    agreed = {"agreed": True, "on": at(-525_600)}
    client = {"id": str(uuid4()), "label": "A. 17", "stage": "in_therapy", "outdoor_agreement": agreed}
    answer = phone.post("/v1/clients", client | members)
    assert answer.status_code == 201, answer.text
    return str(client["id"])


def a_plan(client_id: str, **members: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "client_id": client_id,
        "planned_start": at(0),
        "modality": "walk",
    } | members


def planned(phone: Phone, client_id: str | None = None, **members: Any) -> str:
    """Plan a session and return its path."""
    answer = phone.post("/v1/sessions", a_plan(client_id or a_client(phone), **members))
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def tell(phone: Phone, path: str, what: str, **body: Any) -> dict[str, Any]:
    """Report something about a session and return what is answered."""
    answer = phone.post(f"{path}/{what}", body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == phone.get(path).headers["etag"]
    told: dict[str, Any] = answer.json()
    assert told == phone.get(path).json()
    return told


def refused(answer: httpx.Response) -> list[str]:
    """Return what a 409 says is possible instead."""
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:towpath:problem:impossible")
    possible: list[str] = answer.json()["possible"]
    return possible


def a_route(phone: Phone, **members: Any) -> str:
    """Draw a route and return its id."""
    route = {"id": str(uuid4()), "name": "Lock to weir", "geojson": LINE, **members}
    assert phone.post("/v1/routes", route).status_code == 201
    return str(route["id"])
