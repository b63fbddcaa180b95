"""Files are let in only as far as there is room for all of them."""

import socket
from contextlib import ExitStack
from typing import Final

import pytest

from routes import uploads
from routes.uploads import ROOM_BYTES, Room
from service.gpx.model import DEFAULT_LIMITS
from service.threads import Overloaded
from tests.http.running import Running
from tests.http.things import RECORDING
from tests.http.world import Phone, World

GPX: Final = {"Content-Type": "application/gpx+xml"}


def test_the_largest_file_fits() -> None:
    assert DEFAULT_LIMITS.file_bytes <= ROOM_BYTES


def test_what_a_file_has_taken_is_free_again_whatever_became_of_it() -> None:
    room = Room(10)
    with room.share() as first, room.share() as second:
        first.take(6)
        second.take(4)
        with pytest.raises(Overloaded):
            second.take(1)
    with room.share() as share:
        share.take(10)


def upload(phone: Phone, content: bytes = RECORDING) -> int:
    return phone.post("/v1/routes/preview", content=content, headers=GPX).status_code


def begin_upload(running: Running, phone: Phone, sent: int, announced: int) -> socket.socket:
    """Send the beginning of a file and no more."""
    url = running.http.base_url
    connection = socket.create_connection((url.host, url.port or 80), timeout=10)
    head = (
        "POST /v1/routes/preview HTTP/1.1\r\nHost: phone.example\r\nContent-Type: application/gpx+xml\r\n"
        f"Authorization: Bearer {phone.tokens['access_token']}\r\nContent-Length: {announced}\r\n"
        "Connection: close\r\n\r\n"
    )
    connection.sendall(head.encode() + b" " * sent)
    return connection


def test_files_beyond_the_room_are_refused_and_others_are_not(
    running: Running, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "_room", Room(len(RECORDING) + 50_000))
    with ExitStack() as stack:
        for _ in range(5):  # who only announces a large file takes no room
            stack.enter_context(begin_upload(running, world.ada, 100, DEFAULT_LIMITS.file_bytes))
        assert upload(world.ben) == 200
        last = stack.enter_context(begin_upload(running, world.ada, 49_000, 49_400))
        answer = world.ben.post("/v1/routes/preview", content=RECORDING + b" " * 50_000, headers=GPX)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:towpath:problem:unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert world.ben.get("/v1/me").status_code == 200
        last.sendall(b" " * 400)
        assert b" 422 " in last.recv(65_536).partition(b"\r\n")[0]
    assert upload(world.ben, RECORDING + b" " * 49_000) == 200
