"""The phone of the demonstration: it signs in, makes ids and keys, and sends plain HTTP."""

from typing import Any, Final
from uuid import uuid4

import httpx

GPX: Final = {"Content-Type": "application/gpx+xml"}


class PhoneRefused(Exception):
    """The service did not answer as the story expects."""


class Phone:
    """A phone with one sign-in."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._token = ""

    def sign_in(self, email: str, password: str) -> None:
        """Sign in as a new device."""
        device = {"id": str(uuid4()), "name": "Demonstration", "platform": "towpath demo"}
        body = {"email": email, "password": password, "device": device}
        self._token = self.send("POST", "/v1/sign-in", json=body).json()["access_token"]

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401  httpx's own
        """Send a request. Raises PhoneRefused where the answer is not a success."""
        headers = {"Idempotency-Key": str(uuid4()), **options.pop("headers", {})}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        answer = self._http.request(method, path, headers=headers, **options)
        if not answer.is_success:
            raise PhoneRefused(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer

    def get(self, path: str) -> Any:  # noqa: ANN401  JSON
        """Read something."""
        return self.send("GET", path).json()

    def create(self, path: str, **members: object) -> str:
        """Create something with an id made here, and return the id."""
        new_id = str(uuid4())
        self.send("POST", path, json={"id": new_id, **members})
        return new_id

    def report(self, path: str, **members: object) -> Any:  # noqa: ANN401  JSON
        """Report what happened."""
        return self.send("POST", path, json=members).json()

    def upload(self, method: str, path: str, content: bytes, **params: str) -> Any:  # noqa: ANN401  JSON
        """Send a GPX file."""
        return self.send(method, path, content=content, headers=GPX, params=params).json()
