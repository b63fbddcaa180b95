"""Uploads while the service or its PostgreSQL is killed: acknowledged ones are stored exactly once."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import msgspec

from service.commands.installation import DATABASE
from service.commands.samples import sample_route
from service.foundation.database.embedded.attach import attach_embedded
from tests.commands.conftest import Made, signed_in
from tests.commands.running import Service, serving
from tests.foundation.database.embedded_tools import (
    ask,
    children_of,
    kill_at_once,
    needs_proc,
    postmaster_of,
    wait_until,
)
from tests.http.running import listen
from tests.http.sessions import GPX, HALF_PAST_TWO, a_recording, at
from tests.http.world import Phone

AGREED = {"agreed": True, "on": "2026-05-01T09:00:00Z"}
PHONES = 3
KILLS_OF_EACH_KIND = 2
ANSWERS_BETWEEN_KILLS = 15
PAUSE_S = 0.05
PATIENCE_S = 60


class Sent(msgspec.Struct, frozen=True):
    """One write as a phone keeps it until it is acknowledged, to be sent again word for word."""

    method: str
    path: str
    key: str
    json: Any = None
    content: bytes | None = None
    params: dict[str, str] = {}


class Walk(msgspec.Struct, frozen=True):
    """All a phone sends of one walk, under ids of its own."""

    client: str
    session: str
    route: str
    moment: str
    note: str
    text: str
    track: bytes

    def writes(self) -> Iterator[Sent]:
        """Yield it in the order it is sent."""
        session = f"/v1/sessions/{self.session}"
        plan = {"client_id": self.client, "modality": "walk", "planned_start": HALF_PAST_TWO.isoformat()}
        note = {"about": "moment", "moment_id": self.moment, "written_at": at(10_000), "text": self.text}
        yield _create(
            "/v1/clients", self.client, label="K. 9", crisis_plan=self.text, location_permission=AGREED
        )
        yield _create("/v1/sessions", self.session, **plan)
        yield Sent("POST", f"{session}/start", uuid4().hex, {"at": at(0)})
        yield Sent("POST", f"{session}/end", uuid4().hex, {"at": at(1_200)})
        yield _create(f"{session}/moments", self.moment, at=at(300))
        yield Sent("PUT", f"{session}/track", uuid4().hex, content=self.track)
        yield _create(f"{session}/notes", self.note, **note)
        route = {"id": self.route}
        content = sample_route(HALF_PAST_TWO)
        yield Sent("POST", "/v1/routes/import", uuid4().hex, content=content, params=route)


def _create(path: str, new_id: str, **members: Any) -> Sent:
    return Sent("POST", path, uuid4().hex, {"id": new_id, **members})


def a_walk(number: int) -> Walk:
    client, session, route, moment, note = (str(uuid4()) for _ in range(5))
    text = f"Walk {number}: spoke of the weir."
    return Walk(client, session, route, moment, note, text, a_recording(out_s=600, then_s=number))


class Walker(threading.Thread):
    """A phone that sends walk after walk, each write again and again until it is acknowledged."""

    def __init__(self, address: str, tokens: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self.walks: list[Walk] = []
        self.acknowledged = 0
        self.refused: str | None = None
        self.enough = False
        self._address = address
        self._tokens = tokens

    def run(self) -> None:
        """Send until there is enough; the last walk is sent to its end."""
        with httpx.Client(base_url=self._address, timeout=20) as http:
            phone = Phone(http, self._tokens)
            while not self.enough and self.refused is None:
                self.walks.append(a_walk(len(self.walks)))
                for sent in self.walks[-1].writes():
                    self._send(phone, sent)

    def _send(self, phone: Phone, sent: Sent) -> None:
        headers = {"Idempotency-Key": sent.key, **(GPX if sent.content is not None else {})}
        while self.refused is None:
            with suppress(httpx.TransportError):
                answer = phone.send(
                    sent.method,
                    sent.path,
                    json=sent.json,
                    content=sent.content,
                    params=sent.params,
                    headers=headers,
                )
                if answer.is_success:
                    self.acknowledged += 1
                    return
                if answer.status_code != 503:
                    self.refused = f"{sent.method} {sent.path}: {answer.status_code} {answer.text}"
            time.sleep(PAUSE_S)


@needs_proc
def test_uploads_outlive_every_kill_whole_and_once(own: Made) -> None:
    with listen() as listening:
        port = listening.getsockname()[1]
    walkers: list[Walker] = []
    for _ in range(KILLS_OF_EACH_KIND):
        with serving(data=own.data, port=str(port)) as service:
            walkers = walkers or upload_to(service, own)
            wait_for_answers(walkers)
            with suppress(ProcessLookupError):  # some end by themselves
                kill_at_once(*children_of(postmaster_of(own.data)))
            wait_for_answers(walkers)
            kill_at_once(postmaster_of(own.data))
            wait_for_answers(walkers)
            service.end(signal.SIGKILL)
    with serving(data=own.data, port=str(port)) as service:
        walks = finish(walkers)
        with signed_in(service.address, own.password) as ada:
            for walk in walks:
                assert_whole(ada, walk)
        assert_once(own, walks)


def upload_to(service: Service, made: Made) -> list[Walker]:
    """Have Ada's phones upload from now on, whatever becomes of the service."""
    with signed_in(service.address, made.password) as ada:
        walkers = [Walker(service.address, ada.tokens) for _ in range(PHONES)]
    for each in walkers:
        each.start()
    return walkers


def wait_for_answers(walkers: list[Walker]) -> None:
    """Return in the middle of uploads, some more of them acknowledged."""
    wanted = sum(each.acknowledged for each in walkers) + ANSWERS_BETWEEN_KILLS
    wait_until(
        lambda: sum(each.acknowledged for each in walkers) >= wanted or any(each.refused for each in walkers),
        PATIENCE_S,
    )
    assert [each.refused for each in walkers] == [None] * PHONES


def finish(walkers: list[Walker]) -> list[Walk]:
    """Return every walk, when the last of each phone is sent."""
    for each in walkers:
        each.enough = True
    for each in walkers:
        each.join(PATIENCE_S)
    assert [each.refused for each in walkers] == [None] * PHONES
    assert not any(each.is_alive() for each in walkers)
    return [walk for each in walkers for walk in each.walks]


def assert_whole(ada: Phone, walk: Walk) -> None:
    """Read all of a walk that was ever acknowledged."""
    session = f"/v1/sessions/{walk.session}"
    assert ada.get(f"/v1/clients/{walk.client}").json()["crisis_plan"] == walk.text
    assert ada.get(session).json()["status"] == "completed"
    assert ada.get(f"/v1/routes/{walk.route}").json()["length_m"] > 1_000
    points = ada.get(f"{session}/track").json()["points"]
    assert len(ada.get(f"{session}/track/geojson").json()["geometry"]["coordinates"]) == points
    for form in ("gpx", "original"):
        assert ada.get(f"{session}/track/{form}").text.count("<trkpt") == points
    assert [each["id"] for each in ada.get(f"{session}/moments").json()["items"]] == [walk.moment]
    (note,) = ada.get(f"{session}/notes").json()["items"]
    assert note["text"] == walk.text
    assert note["anchor"]["elapsed_s"] == 300


def assert_once(made: Made, walks: list[Walk]) -> None:
    """Count rows in the database: retries doubled nothing, and nothing lies there without what it is of."""
    admin = urlsplit(attach_embedded(made.data).admin_dsn)._replace(path=f"/{DATABASE}").geturl()
    tables = ("session", "track", "recording", "moment", "note", "route")
    counts = {each: ask(admin, f"SELECT count(*) FROM {each}") for each in tables}
    assert counts == dict.fromkeys(tables, len(walks))
    clients = len(walks) + 1
    assert ask(admin, "SELECT count(*) FROM client") == clients
    assert ask(admin, "SELECT count(*) FROM client JOIN client_key ON client_id = client.id") == clients
    assert ask(admin, "SELECT count(*) FROM client_key") == clients
