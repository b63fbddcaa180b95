"""Uploads are limited by a budget for all of them and one for each practice."""

import gzip
import socket
import time
from contextlib import ExitStack
from typing import Final
from uuid import uuid4

import pytest

from routes.http import strict, uploads
from routes.http.uploads import PRACTICE_BYTES, UPLOADS_BYTES, UploadBudget
from service.foundation.fair_shares import Overloaded
from service.geo.gpx.model import DEFAULT_LIMITS
from tests.foundation.database.embedded_tools import wait_until
from tests.http.running import Running
from tests.http.things import RECORDING
from tests.http.world import Phone, World

GPX: Final = {"Content-Type": "application/gpx+xml"}


def test_the_largest_file_fits() -> None:
    assert DEFAULT_LIMITS.file_bytes <= PRACTICE_BYTES < UPLOADS_BYTES


def test_a_file_releases_its_bytes_also_after_an_error() -> None:
    budget, practice = UploadBudget(10, 10), uuid4()
    with budget.portion(practice) as first, budget.portion(practice) as second:
        first.take(6)
        second.take(4)
        with pytest.raises(Overloaded):
            second.take(1)
    with budget.portion(practice) as portion:
        portion.take(10)
    assert budget.free == 10


def test_many_files_of_one_practice_leave_room_for_others() -> None:
    budget, practice = UploadBudget(10, 6), uuid4()
    with budget.portion(practice) as first, budget.portion(practice) as second:
        first.take(4)
        second.take(2)
        for each in (first, second):
            with pytest.raises(Overloaded):
                each.take(1)
        with budget.portion(uuid4()) as other:
            other.take(4)
            with pytest.raises(Overloaded):
                other.take(1)
    assert budget.free == 10


def upload(phone: Phone, content: bytes = RECORDING) -> int:
    return phone.post("/v1/routes/preview", content=content, headers=GPX).status_code


def begin_upload(running: Running, phone: Phone, sent: int, announced: int) -> socket.socket:
    """Send only the beginning of a file."""
    url = running.http.base_url
    connection = socket.create_connection((url.host, url.port or 80), timeout=10)
    head = (
        "POST /v1/routes/preview HTTP/1.1\r\nHost: phone.example\r\nContent-Type: application/gpx+xml\r\n"
        f"Authorization: Bearer {phone.tokens['access_token']}\r\nContent-Length: {announced}\r\n"
        "Connection: close\r\n\r\n"
    )
    connection.sendall(head.encode() + b" " * sent)
    return connection


def test_files_beyond_the_budget_are_refused_and_others_are_not(
    running: Running, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(RECORDING) + 50_000
    budget = UploadBudget(size, size)
    monkeypatch.setattr(uploads, "_budget", budget)
    larger = RECORDING + b" " * 49_000
    with ExitStack() as stack:
        for _ in range(5):  # a file reserves what has arrived, not what it announces
            stack.enter_context(begin_upload(running, world.cleo, 100, DEFAULT_LIMITS.file_bytes))
        wait_until(lambda: budget.free == size - 500)
        assert upload(world.ben, larger) == 200
        last = stack.enter_context(begin_upload(running, world.ada, 49_000, 49_400))
        wait_until(lambda: budget.free == size - 49_500)
        answer = world.ben.post("/v1/routes/preview", content=larger, headers=GPX)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:towpath:problem:unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert world.ben.get("/v1/me").status_code == 200
        last.sendall(b" " * 400)
        assert b" 422 " in last.recv(65_536).partition(b"\r\n")[0]
    wait_until(lambda: budget.free == size)
    assert upload(world.ben, larger) == 200


def test_what_a_small_archive_unpacks_to_is_reserved_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = UploadBudget(2_000_000, 2_000_000)
    monkeypatch.setattr(uploads, "_budget", budget)
    small = gzip.compress(RECORDING)
    assert upload(world.ada, small) == 200
    bomb = gzip.compress(RECORDING + b" " * 3_000_000)
    assert len(bomb) < 10_000
    assert upload(world.ada, bomb) == 503
    assert budget.free == 2_000_000


def test_an_archive_larger_than_any_file_is_refused_for_good(world: World) -> None:
    bomb = gzip.compress(b" " * 200_000_000)
    refused = world.ada.post("/v1/routes/preview", content=bomb, headers=GPX)
    assert (refused.status_code, refused.json()["reason"]) == (422, "too-large")


def test_a_practice_at_its_limit_does_not_shut_out_others(
    running: Running, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = len(RECORDING) + 1_000
    budget = UploadBudget(2 * part, part)
    monkeypatch.setattr(uploads, "_budget", budget)
    with begin_upload(running, world.ada, part, part + 1):
        wait_until(lambda: budget.free == part)
        assert upload(world.ben) == 503  # her colleague
        assert upload(world.cleo) == 200


def test_a_file_that_stops_arriving_releases_its_bytes(
    running: Running, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict, "PAUSE_S", 0.3)
    budget = UploadBudget(60_000, 60_000)
    monkeypatch.setattr(uploads, "_budget", budget)
    with begin_upload(running, world.ada, 50_000, 60_000) as connection:
        wait_until(lambda: budget.free == 10_000)
        wait_until(lambda: budget.free == 60_000)
        assert b" 400 " in connection.recv(65_536).partition(b"\r\n")[0]


def test_a_file_that_arrives_slowly_is_read(
    running: Running, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strict, "PAUSE_S", 0.5)
    with begin_upload(running, world.ada, 0, 10) as connection:
        for _ in range(10):
            time.sleep(0.1)
            connection.sendall(b" ")
        assert b" 422 " in connection.recv(65_536).partition(b"\r\n")[0]
