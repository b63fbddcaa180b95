"""No connection fills the memory: not with a head without end, nor with answers that nobody takes."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import httpx
import pytest

from routes.http import connections
from routes.http.connections import HEAD_BYTES, PhoneConnection
from tests.foundation.database.embedded_tools import wait_until
from tests.http.running import Running

BEGINNING: Final = b"GET /health/live HTTP/1.1\r\nHost: phone.example\r\n"
CHUNKED: Final = (
    b"POST /v1/sign-in HTTP/1.1\r\nHost: phone.example\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
)
ASKING: Final = b"GET /openapi.json HTTP/1.1\r\nHost: phone.example\r\n"
MUCH: Final = 50_000_000
SOON: Final = 8 * 2**20
"""Bytes the operating system takes before the sender notices that the service has hung up."""


@contextmanager
def connected(running: Running, receives_bytes: int | None = None) -> Iterator[socket.socket]:
    """Connect to the service, with a receive buffer of `receives_bytes` in the operating system."""
    url = running.http.base_url
    with socket.socket() as connection:
        if receives_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives_bytes)
        connection.settimeout(10)
        connection.connect((url.host, url.port or 80))
        yield connection


def heard(connection: socket.socket) -> bytes:
    """Return what the service sends until it closes or resets the connection."""
    received = b""
    try:
        while piece := connection.recv(65_536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def sent_until_refused(connection: socket.socket, beginning: bytes, piece: bytes) -> int:
    """Return how many bytes of a request without end the service takes."""
    connection.sendall(beginning)
    sent = 0
    try:
        while sent < MUCH:
            connection.sendall(piece)
            sent += len(piece)
    except (ConnectionResetError, BrokenPipeError):
        pass
    return sent


def is_given_up(transport: asyncio.Transport) -> bool:
    """Return whether the service has closed a connection and dropped what nobody took."""
    return transport.is_closing() and transport.get_write_buffer_size() == 0


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Transport]:
    """Return the service's ends of the coming connections, with small send buffers."""
    transports: list[asyncio.Transport] = []
    made = PhoneConnection.connection_made

    def connection_made(self: PhoneConnection, transport: asyncio.Transport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        transports.append(transport)
        made(self, transport)

    monkeypatch.setattr(PhoneConnection, "connection_made", connection_made)
    return transports


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
def test_a_head_or_a_trailer_without_end_is_refused(running: Running, beginning: bytes, piece: bytes) -> None:
    with connected(running) as connection:
        assert sent_until_refused(connection, beginning, piece) < SOON
    assert running.http.get("/health/live").status_code == 200


def test_a_body_in_the_smallest_chunks_is_read_with_its_trailer(running: Running) -> None:
    with connected(running) as connection:
        connection.sendall(CHUNKED)
        for _ in range(20):
            connection.sendall(b"1\r\n \r\n" * 1_000)
        connection.sendall(b"0\r\nX-Odd: 1\r\n\r\n")
        assert b"x-request-id" in connection.recv(65_536)  # the application sends it


@pytest.mark.parametrize("name", ["X-Odd", "If-None-Match", "X-Forwarded-For", "Authorization"])
def test_a_head_too_long_is_refused_as_a_problem(running: Running, name: str) -> None:
    fits = running.http.get("/health/live", headers={name: "," * (HEAD_BYTES - 1_000)})
    assert fits.status_code == 200
    answer = running.http.get("/health/live", headers={name: "," * HEAD_BYTES})
    assert answer.status_code == 431
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:towpath:problem:head-too-large"
    private = (answer.headers["cache-control"], answer.headers["x-content-type-options"])
    assert private == ("no-store", "nosniff")


def test_an_address_too_long_is_refused_too(running: Running) -> None:
    assert running.http.get(f"/health/live?{'a' * HEAD_BYTES}").status_code == 431


def test_what_is_not_http_is_refused_as_a_problem(running: Running) -> None:
    with connected(running) as connection:
        connection.sendall(BEGINNING + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = heard(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"urn:towpath:problem:bad-request" in answer


@pytest.mark.parametrize("hosts", [b"", b"Host: a.example\r\nHost: a.example\r\n", b"Host: a\r\nhost: b\r\n"])
def test_a_request_names_one_host(running: Running, hosts: bytes) -> None:
    with connected(running) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\n" + hosts + b"\r\n")
        answer = heard(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"urn:towpath:problem:bad-request" in answer


def test_http_1_0_needs_no_host(running: Running) -> None:
    with connected(running) as connection:
        connection.sendall(b"GET /health/live HTTP/1.0\r\n\r\n")
        assert heard(connection).startswith(b"HTTP/1.1 200 ")


LIVE: Final = BEGINNING + b"\r\n"
UNREADABLE: Final = (
    b"GET /health/live HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET /health/live HTTP/9.9\r\n\r\n",
    BEGINNING + b"Content-Length: x\r\n\r\n",
    CHUNKED + b"zz\r\n",
)


@pytest.mark.parametrize("unreadable", UNREADABLE)
@pytest.mark.parametrize("owed", [1, 2, 3])
def test_an_unreadable_request_is_refused_after_the_answers_owed(
    running: Running, owed: int, unreadable: bytes
) -> None:
    with connected(running) as connection:
        connection.sendall(LIVE * owed + unreadable + LIVE)
        answers = heard(connection)
    assert answers.count(b"HTTP/1.1 200 ") == owed
    assert answers.count(b"HTTP/1.1 ") == owed + 1
    assert answers.rindex(b"HTTP/1.1 400 ") > answers.rindex(b"HTTP/1.1 200 ")


def test_a_body_that_breaks_off_in_nonsense_is_refused_once(running: Running) -> None:
    with connected(running) as connection:
        connection.sendall(CHUNKED + b"zz\r\n")
        answers = heard(connection)
    assert answers.count(b"HTTP/1.1 ") == 1
    assert answers.startswith(b"HTTP/1.1 400 ")


def test_a_second_request_of_a_connection_has_limits_of_its_own(running: Running) -> None:
    with httpx.Client(base_url=running.http.base_url) as http:
        for _ in range(5):
            assert http.get("/health/live", headers={"X-Odd": "x" * (HEAD_BYTES // 2)}).status_code == 200
        assert http.get("/health/live", headers={"X-Odd": "x" * HEAD_BYTES}).status_code == 431


def test_of_many_answers_that_nobody_takes_the_largest_are_dropped(
    running: Running, monkeypatch: pytest.MonkeyPatch, waiting: list[asyncio.Transport]
) -> None:
    size = size_of_an_answer(running)
    waiting.clear()
    monkeypatch.setattr(connections, "UNSENT_BYTES", 3 * size)
    with ExitStack() as stack:
        phones = [stack.enter_context(connected(running, receives_bytes=4_096)) for _ in range(6)]
        for phone in phones:
            phone.sendall(ASKING + b"\r\n")
        wait_until(lambda: len(waiting) == 6 and sum(map(is_given_up, waiting)) >= 3)
        assert sum(map(is_given_up, waiting)) == 3
        assert sum(each.get_write_buffer_size() for each in waiting) <= 3 * size


def size_of_an_answer(running: Running) -> int:
    return len(running.http.get("/openapi.json", headers={"Accept-Encoding": "identity"}).content)
