"""What a phone sends about its own account, for the tests of people."""

from typing import Any
from uuid import uuid4

import httpx

from tests.http.world import PASSWORD, Phone, a_device

NEW_PASSWORD = "heron-lock-barge-sedge-nine"


def ask(phone: Phone, email: str, password: str = PASSWORD, **members: Any) -> httpx.Response:
    return phone.post("/v1/sign-in", {"email": email, "password": password, "device": a_device(), **members})


def refresh(phone: Phone, **members: Any) -> httpx.Response:
    """Refresh a sign-in as its phone does, or with other members."""
    sent = {name: phone.tokens[name] for name in ("refresh_token", "device_id")} | members
    return Phone(phone.http).post("/v1/sign-in/refresh", sent)


def refreshed(phone: Phone) -> Phone:
    """Return the phone with the tokens of a refresh."""
    answer = refresh(phone)
    assert answer.status_code == 200, answer.text
    return Phone(phone.http, answer.json() | {"device_id": phone.tokens["device_id"]})


def is_signed_in(phone: Phone) -> bool:
    answer = phone.get("/v1/me")
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


def an_email() -> str:
    return f"ada.{uuid4().hex[:8]}@example.org"


def change_email(phone: Phone, email: str, password: str = PASSWORD, **options: Any) -> httpx.Response:
    return phone.post("/v1/me/email", {"email": email, "password": password}, **options)


def change_password(phone: Phone, current: str = PASSWORD, new: str = NEW_PASSWORD) -> httpx.Response:
    return phone.post("/v1/password", {"current": current, "new": new})


def signing_in(phone: Phone, email: str) -> int:
    sent = {"email": email, "password": PASSWORD, "device": a_device()}
    return Phone(phone.http).post("/v1/sign-in", sent).status_code


def events(phone: Phone) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = phone.get("/v1/me/security-events").json()["items"]
    return items


def kinds(phone: Phone) -> list[str]:
    return [each["kind"] for each in events(phone)]
