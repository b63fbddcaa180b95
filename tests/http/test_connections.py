"""Whoever sends a request without end, or hardly sends it at all, is not listened to for good."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import httpx
import msgspec
import pytest

from routes.http import connections
from routes.http.connections import HEAD_BYTES, PhoneConnection
from tests.foundation.database.embedded_tools import wait_until
from tests.http.running import Running
from tests.http.world import PASSWORD, a_device

BEGINNING: Final = b"GET /health/live HTTP/1.1\r\nHost: phone.example\r\n"
POSTING: Final = (
    b"POST /v1/sign-in HTTP/1.1\r\nHost: phone.example\r\nContent-Type: application/json\r\n"
    b"Content-Length: 1000\r\n\r\n{"
)
CHUNKED: Final = (
    b"POST /v1/sign-in HTTP/1.1\r\nHost: phone.example\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
)
ASKING: Final = b"GET /openapi.json HTTP/1.1\r\nHost: phone.example\r\n"
MUCH: Final = 50_000_000
SOON: Final = 8 * 2**20
"""Of it, what the operating system takes in before it is seen that nobody listens."""
MANY: Final = 60
"""So many answers, one after the other, are more than the operating system keeps for who does not read."""


@contextmanager
def connected(running: Running, receives_bytes: int | None = None) -> Iterator[socket.socket]:
    """Connect; with as small a buffer of the operating system's own as is asked for."""
    url = running.http.base_url
    with socket.socket() as connection:
        if receives_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives_bytes)
        connection.settimeout(10)
        connection.connect((url.host, url.port or 80))
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
    except (ConnectionResetError, BrokenPipeError):
        pass
    return sent


def is_given_up(transport: asyncio.Transport) -> bool:
    """Return whether the service has hung up, and thrown away what nobody took."""
    return transport.is_closing() and transport.get_write_buffer_size() == 0


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Transport]:
    """Return the service's ends of the connections to come, which pass on little unless it is read."""
    transports: list[asyncio.Transport] = []
    made = PhoneConnection.connection_made

    def connection_made(self: PhoneConnection, transport: asyncio.Transport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        transports.append(transport)
        made(self, transport)

    monkeypatch.setattr(PhoneConnection, "connection_made", connection_made)
    return transports


@contextmanager
def hashing_held_up(running: Running) -> Iterator[None]:
    """Let whoever signs in wait until the block ends."""
    gate, hasher = threading.Event(), running.app.state.services.hasher
    with pytest.MonkeyPatch.context() as patch:
        verify = hasher._verify
        patch.setattr(hasher, "_verify", lambda *args: gate.wait(30) and verify(*args))
        try:
            yield
        finally:
            gate.set()


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
        assert sent_until_refused(connection, beginning, piece) < SOON
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
    private = (answer.headers["cache-control"], answer.headers["x-content-type-options"])
    assert private == ("no-store", "nosniff")


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
        asked = time.monotonic()
        connection.sendall(said)
        heard(connection)
        assert 0.19 < time.monotonic() - asked < 5


def test_who_waits_for_the_service_itself_is_not_hung_up_on(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HEAD_S", 0.2)
    who = {"email": "nobody@example.org", "password": PASSWORD, "device": a_device()}
    body = msgspec.json.encode(who)
    signing_in = POSTING.replace(b"1000\r\n\r\n{", b"%d\r\n\r\n%s" % (len(body), body))
    with connected(running) as connection:
        with hashing_held_up(running):
            connection.sendall(signing_in + BEGINNING + b"\r\n" + BEGINNING)
            time.sleep(1)
        answers = heard(connection)
    assert answers.startswith(b"HTTP/1.1 401 ")
    assert b"HTTP/1.1 200 " in answers


def test_who_sends_much_at_once_may_not_keep_it_waiting(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "BODY_S", 0.3)
    monkeypatch.setattr(connections, "BODY_BYTES_PER_S", 50)
    with connected(running) as connection:
        connection.sendall(POSTING + b" " * 900)
        asked = time.monotonic()
        heard(connection)
        assert 0.3 < time.monotonic() - asked < 5


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


def test_who_does_not_take_an_answer_is_hung_up_on(
    running: Running, monkeypatch: pytest.MonkeyPatch, waiting: list[asyncio.Transport]
) -> None:
    whole = size_of_an_answer(running)
    waiting.clear()
    monkeypatch.setattr(connections, "STALL_S", 0.3)
    with connected(running) as connection:
        connection.sendall(ASKING + b"\r\n")
        wait_until(lambda: bool(waiting) and is_given_up(waiting[0]))
        assert len(heard(connection)) < whole


def test_who_takes_an_answer_slowly_is_not_hung_up_on(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = MANY * size_of_an_answer(running)
    monkeypatch.setattr(connections, "STALL_S", 2)
    monkeypatch.setattr(connections, "STALL_BYTES", 1)
    with connected(running) as connection:
        connection.sendall((ASKING + b"\r\n") * (MANY - 1) + ASKING + b"Connection: close\r\n\r\n")
        received = 0
        for _ in range(30):
            time.sleep(0.1)
            received += len(connection.recv(1_000_000))
        assert received + len(heard(connection)) > whole


@pytest.mark.parametrize("said_last", [b"", b"no request\r\n\r\n", BEGINNING + b"Connection: close\r\n\r\n"])
def test_the_last_of_an_answer_is_not_waited_for_without_end(
    running: Running, monkeypatch: pytest.MonkeyPatch, waiting: list[asyncio.Transport], said_last: bytes
) -> None:
    monkeypatch.setattr(connections, "STALL_S", 0.3)
    with connected(running, receives_bytes=4_096) as connection:
        while not waiting or waiting[0].get_write_buffer_size() < 32_768:
            connection.sendall((BEGINNING + b"\r\n") * 10)
            time.sleep(0.02)
        connection.sendall(said_last)
        assert waiting[0].get_write_buffer_size() < 65_536  # so that nothing was paused for it
        wait_until(lambda: is_given_up(waiting[0]))


def test_of_many_who_do_not_take_their_answers_those_with_most_are_hung_up_on(
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
