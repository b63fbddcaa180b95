"""Therapists who are added, invited and join, for the tests of people."""

from typing import Any
from uuid import uuid4

import httpx

from tests.http.world import PASSWORD, Phone, a_device


def a_therapist(**changes: object) -> dict[str, Any]:
    email = f"dora.{uuid4().hex[:8]}@example.org"
    return {"id": str(uuid4()), "email": email, "name": "Dora Quay", **changes}


def added(owner: Phone, **changes: object) -> dict[str, Any]:
    answer = owner.post("/v1/therapists", a_therapist(**changes))
    assert answer.status_code == 201, answer.text
    kept: dict[str, Any] = answer.json()
    return kept


def invited(owner: Phone, therapist_id: object) -> str:
    answer = owner.put(f"/v1/therapists/{therapist_id}/invitation")
    assert answer.status_code == 200
    token: str = answer.json()["token"]
    return token


def accept(phone: Phone, token: str, password: str = PASSWORD, **members: Any) -> httpx.Response:
    sent = {"token": token, "password": password, "device": a_device(), **members}
    return Phone(phone.http).post("/v1/invitations/accept", sent)


def joined(owner: Phone, **changes: object) -> Phone:
    answer = accept(owner, invited(owner, added(owner, **changes)["id"]))
    assert answer.status_code == 200, answer.text
    return Phone(owner.http, answer.json())
