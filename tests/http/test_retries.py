"""A retry is recognised however the phone writes the same request."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.http.sessions import a_client, a_session, at
from tests.http.world import Phone, World

OTHER_SPELLINGS = (
    "2026-05-04T15:30:00+01:00",
    "2026-05-04T14:30:00.000Z",
    "2026-05-04t14:30:00z",
    "2026-05-04T20:15:00.000000+05:45",
)
"""Of half past two, UTC, on 4 May 2026."""


def with_key(phone: Phone, key: str, method: str, path: str, body: Any) -> httpx.Response:
    """Send a write under a key; a PATCH takes whatever version there is."""
    return phone.send(method, path, json=body, headers={"Idempotency-Key": key, "If-Match": "*"})


def is_replayed(first: httpx.Response, again: httpx.Response) -> bool:
    return (again.status_code, again.json()) == (200, first.json())


@pytest.mark.parametrize("spelling", OTHER_SPELLINGS)
def test_a_create_with_the_same_instant_is_a_retry(world: World, spelling: str) -> None:
    plan = {"id": str(uuid4()), "client_id": a_client(world.ada), "modality": "walk", "planned_start": at(0)}
    first = world.ada.post("/v1/sessions", plan)
    assert first.status_code == 201
    assert is_replayed(first, world.ada.post("/v1/sessions", plan | {"planned_start": spelling}))
    other = world.ada.post("/v1/sessions", plan | {"planned_start": at(1)})
    assert (other.status_code, other.json()["type"]) == (409, "urn:towpath:problem:id-taken")


@pytest.mark.parametrize("spelling", OTHER_SPELLINGS)
def test_an_instant_inside_a_part_of_a_create_is_the_same_too(world: World, spelling: str) -> None:
    client = {"id": str(uuid4()), "label": "A. 17", "outdoor_agreement": {"agreed": True, "on": at(0)}}
    first = world.ada.post("/v1/clients", client)
    assert first.status_code == 201
    agreed = {"outdoor_agreement": {"agreed": True, "on": spelling}}
    assert is_replayed(first, world.ada.post("/v1/clients", client | agreed))


@pytest.mark.parametrize("spelling", OTHER_SPELLINGS)
@pytest.mark.parametrize(
    ("method", "action", "member", "others"),
    [
        ("POST", "/start", "at", {}),
        ("POST", "/changes", "at", {"modality": "room"}),
        ("PATCH", "", "planned_start", {}),
    ],
)
def test_a_write_with_the_same_instant_is_a_retry(
    world: World, method: str, action: str, member: str, others: dict[str, str], spelling: str
) -> None:
    path = f"{a_session(world.ada)}{action}"
    key = uuid4().hex
    first = with_key(world.ada, key, method, path, others | {member: at(0)})
    assert first.status_code == 200, first.text
    assert is_replayed(first, with_key(world.ada, key, method, path, others | {member: spelling}))
    other = with_key(world.ada, key, method, path, others | {member: at(1)})
    assert (other.status_code, other.json()["type"]) == (422, "urn:towpath:problem:idempotency-key-reused")


def test_a_path_with_its_id_in_capitals_is_the_same_path(world: World) -> None:
    session = a_session(world.ada)
    name = session.rpartition("/")[2]
    key = uuid4().hex
    first = with_key(world.ada, key, "POST", f"{session}/start", {"at": at(0)})
    again = with_key(world.ada, key, "POST", f"/v1/sessions/{name.upper()}/start/", {"at": at(0)})
    assert is_replayed(first, again)
    elsewhere = with_key(world.ada, key, "POST", f"{a_session(world.ada)}/start", {"at": at(0)})
    assert elsewhere.json()["type"] == "urn:towpath:problem:idempotency-key-reused"
