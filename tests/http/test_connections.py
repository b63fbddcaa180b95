"""Whoever sends a request without end, or hardly sends it at all, is not listened to for good."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import pytest

from routes import connections
from routes.connections import HEAD_BYTES
from tests.http.running import Running

BEGINNING: Final = b"GET /health/live HTTP/1.1\r\nHost: phone.example\r\n"
POSTING: Final = (
    b"POST /v1/sign-in HTTP/1.1\r\nHost: phone.example\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n{"
)
CHUNKED: Final = (
    b"POST /v1/sign-in HTTP/1.1\r\nHost: phone.example\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
)
MUCH: Final = 50_000_000
MANY: Final = 60
"""So many answers, one after the other, are more than the operating system keeps for who does not read."""


@contextmanager
def connected(running: Running) -> Iterator[socket.socket]:
    url = running.http.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        yield connection


def heard(connection: socket.socket) -> bytes:
    """Return what the service says until it hangs up, be it rudely."""
    received = b""
    try:
        while piece := connection.recv(65_536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def sent_until_refused(connection: socket.socket, beginning: bytes, piece: bytes) -> int:
    """Return how many bytes of a request without end can be sent."""
    connection.sendall(beginning)
    sent = 0
    try:
        while sent < MUCH:
            connection.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent


@pytest.mark.parametrize(
    ("beginning", "piece"),
    [
        (BEGINNING, b"X-Odd: 1\r\n" * 10_000),
        (BEGINNING + b"X-Odd: ", b"x" * 100_000),
        (BEGINNING + b"X", b"x" * 100_000),
        (b"GET /health/live?", b"x" * 100_000),
        (CHUNKED + b"0\r\n", b"X-Odd: 1\r\n" * 10_000),
        (CHUNKED + b"0\r\nX-Odd: ", b"x" * 100_000),
        (CHUNKED + b"2;x=", b"x" * 100_000),
    ],
)
def test_a_head_or_a_trailer_without_end_is_not_listened_to(
    running: Running, beginning: bytes, piece: bytes
) -> None:
    with connected(running) as connection:
        assert sent_until_refused(connection, beginning, piece) < MUCH
    assert running.http.get("/health/live").status_code == 200


def test_a_body_in_the_smallest_chunks_is_read_with_its_trailer(running: Running) -> None:
    with connected(running) as connection:
        connection.sendall(CHUNKED)
        for _ in range(20):
            connection.sendall(b"1\r\n \r\n" * 1_000)
        connection.sendall(b"0\r\nX-Odd: 1\r\n\r\n")
        assert b"x-request-id" in connection.recv(65_536)  # so it came as far as the application


@pytest.mark.parametrize("name", ["X-Odd", "If-None-Match", "X-Forwarded-For", "Authorization"])
def test_a_head_too_long_is_refused_as_a_problem(running: Running, name: str) -> None:
    fits = running.http.get("/health/live", headers={name: "," * (HEAD_BYTES - 1_000)})
    assert fits.status_code == 200
    answer = running.http.get("/health/live", headers={name: "," * HEAD_BYTES})
    assert answer.status_code == 431
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:towpath:problem:head-too-large"


def test_an_address_too_long_is_refused_too(running: Running) -> None:
    assert running.http.get(f"/health/live?{'a' * HEAD_BYTES}").status_code == 431


def test_what_is_no_request_is_refused_as_a_problem(running: Running) -> None:
    with connected(running) as connection:
        connection.sendall(BEGINNING + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = heard(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"urn:towpath:problem:bad-request" in answer


def test_a_second_request_of_a_connection_has_limits_of_its_own(running: Running) -> None:
    with httpx.Client(base_url=running.http.base_url) as http:
        for _ in range(5):
            assert http.get("/health/live", headers={"X-Odd": "x" * (HEAD_BYTES // 2)}).status_code == 200
        assert http.get("/health/live", headers={"X-Odd": "x" * HEAD_BYTES}).status_code == 431


@pytest.mark.parametrize(
    "said", [b"", b"GET /hea", BEGINNING, POSTING, BEGINNING + b"Connection: keep-alive\r\n\r\n" + BEGINNING]
)
def test_who_stops_in_the_middle_is_hung_up_on(
    running: Running, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    for limit in ("HEAD_S", "BODY_S"):
        monkeypatch.setattr(connections, limit, 0.2)
    with connected(running) as connection:
        connection.sendall(said)
        asked = time.monotonic()
        heard(connection)
        assert time.monotonic() - asked < 5


def test_empty_lines_do_not_keep_a_connection(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.3)
    with connected(running) as connection:
        connection.sendall(BEGINNING + b"\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        with pytest.raises(OSError, match=r"reset|Broken"):  # noqa: PT012  one of them is the last
            for _ in range(20):
                connection.sendall(b"\r\n")
                time.sleep(0.1)


@pytest.mark.parametrize(("bytes_per_s", "is_read"), [(10_000, False), (1, True)])
def test_who_dribbles_is_hung_up_on_and_who_is_merely_slow_is_not(
    running: Running, monkeypatch: pytest.MonkeyPatch, bytes_per_s: int, *, is_read: bool
) -> None:
    monkeypatch.setattr(connections, "BODY_S", 0.3)
    monkeypatch.setattr(connections, "BODY_BYTES_PER_S", bytes_per_s)
    with connected(running) as connection:
        connection.sendall(POSTING)
        for _ in range(10):
            time.sleep(0.1)
            try:
                connection.sendall(b" ")
            except OSError:
                break
        else:
            connection.sendall(b" " * 989)
        assert (b" 400 " in heard(connection)) == is_read


@pytest.mark.parametrize(("takes_bytes", "is_sent"), [(0, False), (1_000_000, True)])
def test_who_does_not_take_an_answer_is_hung_up_on_and_who_is_merely_slow_is_not(
    running: Running, monkeypatch: pytest.MonkeyPatch, takes_bytes: int, *, is_sent: bool
) -> None:
    asking = b"GET /openapi.json HTTP/1.1\r\nHost: phone.example\r\n"
    whole = MANY * len(running.http.get("/openapi.json", headers={"Accept-Encoding": "identity"}).content)
    monkeypatch.setattr(connections, "STALL_S", 0.3)
    monkeypatch.setattr(connections, "STALL_BYTES", 1)
    with connected(running) as connection:
        connection.sendall((asking + b"\r\n") * (MANY - 1) + asking + b"Connection: close\r\n\r\n")
        received = 0
        for _ in range(20):
            time.sleep(0.05)
            received += len(connection.recv(takes_bytes)) if takes_bytes else 0
        received += len(heard(connection))
    assert (received > whole) == is_sent
