"""Two practices with people in them, made anew for each test, and the phones they carry."""

import asyncio
from typing import Any
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
        if method in {"POST", "PATCH"}:
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


class World(msgspec.Struct):
    """Ada owns a practice and Ben works there; Cleo owns another; nobody has no sign-in."""

    http: httpx.Client
    ada: Phone
    ben: Phone
    cleo: Phone
    nobody: Phone
    ada_email: str
    ben_email: str
    practice_id: UUID


def make_world(running: Running) -> World:
    """Make both practices and sign everybody in."""
    ada_email, ben_email, cleo_email = (
        f"{name}.{uuid4().hex[:8]}@example.org" for name in ("ada", "ben", "cleo")
    )
    practice_id = make_practice(running, a_practice(ada_email, "Ada Lock"))
    make_practice(running, a_practice(cleo_email, "Cleo Weir"))
    ada, cleo = sign_in(running.http, ada_email), sign_in(running.http, cleo_email)
    ben = _joined(ada, ben_email)
    return World(running.http, ada, ben, cleo, Phone(running.http), ada_email, ben_email, practice_id)


def a_practice(email: str, name: str) -> NewPractice:
    """Return a practice as the command line makes one."""
    return NewPractice("Riverside", "Europe/London", email, name, PASSWORD)


def make_practice(running: Running, new: NewPractice) -> UUID:
    """Make a practice and its first owner."""
    services = running.app.state.services
    creating = create_practice(services.pool, services.keyring, services.hasher, new, services.clock())
    return asyncio.run_coroutine_threadsafe(creating, running.loop).result(30).practice_id


def sign_in(http: httpx.Client, email: str, password: str = PASSWORD) -> Phone:
    """Sign in from a new phone."""
    phone = Phone(http)
    answer = phone.post("/v1/sign-in", {"email": email, "password": password, "device": a_device()})
    assert answer.status_code == 200, answer.text
    return Phone(http, answer.json())


def _joined(owner: Phone, email: str) -> Phone:
    ben = {"id": str(uuid4()), "email": email, "name": "Ben Towner"}
    assert owner.post("/v1/therapists", ben).status_code == 201
    token = owner.put(f"/v1/therapists/{ben['id']}/invitation").json()["token"]
    accepted = Phone(owner.http).post(
        "/v1/invitations/accept", {"token": token, "password": PASSWORD, "device": a_device()}
    )
    assert accepted.status_code == 200, accepted.text
    return Phone(owner.http, accepted.json())


def a_device() -> dict[str, str]:
    """Return a phone as it introduces itself."""
    return {"id": str(uuid4()), "name": "Pixel 9", "platform": "Android 16"}
