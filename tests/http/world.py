"""Two practices and the people in them, new for each test, and the phones they carry."""

import asyncio
import threading
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import msgspec

from service.people.keep_practice import NewPractice, create_practice
from tests.http.running import Running

PASSWORD = "weir-otter-plank-gate-seven"


class Phone:
    """A phone with a sign-in. Every write carries a fresh Idempotency-Key unless told otherwise."""

    def __init__(self, http: httpx.Client, tokens: dict[str, Any] | None = None) -> None:
        self.http = http
        self.tokens = tokens or {}

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request as this phone."""
        headers = {key: value for key, value in options.pop("headers", {}).items() if value is not None}
        if self.tokens:
            headers.setdefault("Authorization", f"Bearer {self.tokens['access_token']}")
        if method != "GET":
            headers.setdefault("Idempotency-Key", uuid4().hex)
        return self.http.request(method, path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.send("POST", path, json=json, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.send("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.send("DELETE", path, **options)

    def patch(self, path: str, json: Any, *, etag: str | None = None, **options: Any) -> httpx.Response:
        """Change something as it was last read, or as `etag` says."""
        tag = etag or self.get(path).headers["etag"]
        headers = {"If-Match": tag, **options.pop("headers", {})}
        return self.send("PATCH", path, json=json, headers=headers, **options)

    @property
    def therapist_id(self) -> UUID:
        return UUID(self.tokens["therapist_id"])


JOINING: Final = threading.RLock()
"""Held while somebody joins, for a test may name Ben in several threads at once."""


class World(msgspec.Struct):
    """Ada owns a practice and Ben works there; Cleo owns another; nobody has no sign-in.

    Ben and Cleo join when a test first names them: three passwords less to hash for a test of Ada alone.
    """

    running: Running
    ada: Phone
    nobody: Phone
    ada_email: str
    practice_id: UUID
    _ben: tuple[Phone, str] | None = None
    _cleo: Phone | None = None

    @property
    def http(self) -> httpx.Client:
        return self.running.http

    @property
    def ben(self) -> Phone:
        """Return the phone of Ada's colleague, who joins with an invitation."""
        return self._joined_ben()[0]

    @property
    def ben_email(self) -> str:
        """Return the address Ben signs in with."""
        return self._joined_ben()[1]

    def _joined_ben(self) -> tuple[Phone, str]:
        with JOINING:
            if self._ben is None:
                email = _email("ben")
                self._ben = _joined(self.ada, email), email
            return self._ben

    @property
    def cleo(self) -> Phone:
        """Return the phone of the owner of another practice."""
        with JOINING:
            if self._cleo is None:
                email = _email("cleo")
                make_practice(self.running, a_practice(email, "Cleo Weir"))
                self._cleo = sign_in(self.http, email)
            return self._cleo

    def with_everyone(self) -> "World":
        """Have Ben and Cleo join now, for a test that names them where it cannot wait for it."""
        assert self.ben is not self.cleo
        return self


def make_world(running: Running) -> World:
    """Make Ada's practice and sign her in."""
    email = _email("ada")
    practice_id = make_practice(running, a_practice(email, "Ada Lock"))
    ada = sign_in(running.http, email)
    return World(running, ada, Phone(running.http), email, practice_id)


def _email(name: str) -> str:
    return f"{name}.{uuid4().hex[:8]}@example.org"


def a_practice(email: str, name: str) -> NewPractice:
    """Return a practice as the command line makes one."""
    return NewPractice("Riverside", "Europe/London", email, name, PASSWORD)


def make_practice(running: Running, new: NewPractice) -> UUID:
    """Make a practice and its first owner."""
    services = running.app.state.services
    creating = create_practice(services.pool, services.keyring, services.hasher, new, services.clock())
    return asyncio.run_coroutine_threadsafe(creating, running.loop).result(30).practice_id


def sign_in(http: httpx.Client, email: str, password: str = PASSWORD) -> Phone:
    """Sign in from a new phone, which keeps its device's id beside the tokens."""
    device = a_device()
    answer = Phone(http).post("/v1/sign-in", {"email": email, "password": password, "device": device})
    assert answer.status_code == 200, answer.text
    return Phone(http, answer.json() | {"device_id": device["id"]})


def _joined(owner: Phone, email: str) -> Phone:
    ben = {"id": str(uuid4()), "email": email, "name": "Ben Towner"}
    assert owner.post("/v1/therapists", ben).status_code == 201
    token = owner.put(f"/v1/therapists/{ben['id']}/invitation").json()["token"]
    device = a_device()
    accepted = Phone(owner.http).post(
        "/v1/invitations/accept", {"token": token, "password": PASSWORD, "device": device}
    )
    assert accepted.status_code == 200, accepted.text
    return Phone(owner.http, accepted.json() | {"device_id": device["id"]})


def a_device() -> dict[str, str]:
    """Return a phone as it introduces itself."""
    return {"id": str(uuid4()), "name": "Pixel 9", "platform": "Android 16"}
