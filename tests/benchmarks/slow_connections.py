"""Connections that send or take almost nothing, on a bare port: memory, and what others wait for.

Each line is one kind of connection, many of them at once: `python -m tests.benchmarks.slow_connections`.
"""

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from tests.benchmarks.served import Served, served
from tests.http.world import Phone

READS: Final = 200
SETTLE_S: Final = 1.0
HEAD: Final = b"GET /health/live HTTP/1.1\r\nHost: phone.example\r\n"
POST: Final = b"POST /v1/sign-in HTTP/1.1\r\nHost: phone.example\r\nContent-Type: application/json\r\n"
CHUNKED: Final = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
READING: Final = b"GET /openapi.json HTTP/1.1\r\nHost: phone.example\r\n\r\n"


class Kind(msgspec.Struct, frozen=True):
    """A kind of connection: how many there are, and what each sends before it stops."""

    name: str
    connections: int
    content: bytes = b""
    receives_bytes: int | None = None
    """Size of its receive buffer; None for the system's own."""


KINDS: Final = (
    Kind("silent", 1_000),
    Kind("half a head of 30 kB", 1_000, HEAD + b"X-Odd: " + b"x" * 30_000),
    Kind("half a body of 60 kB", 1_000, POST + b"Content-Length: 65000\r\n\r\n" + b" " * 60_000),
    Kind("head of 2 MB", 50, HEAD + b"X-Odd: 1\r\n" * 200_000),
    Kind("trailer of 2 MB", 50, CHUNKED + b"X-Odd: 1\r\n" * 200_000),
    Kind("answer not taken", 1_000, READING, receives_bytes=4_096),
    Kind("50 answers not taken", 100, READING * 50, receives_bytes=4_096),
)


def main() -> None:
    """Print a line for each kind."""
    with served() as service:
        print(f"slow connections: none, {waited_ms(service.phones[0])}")
        for kind in KINDS:
            before = resident_mb(service.pid)
            with opened(service, kind):
                time.sleep(SETTLE_S)
                waited, after = waited_ms(service.phones[0]), resident_mb(service.pid)
            print(f"{kind.connections:>6} x {kind.name}: {after - before:+.0f} MB, {waited}")


@contextmanager
def opened(service: Served, kind: Kind) -> Iterator[None]:
    """Open the connections and send what they send; the service may refuse them."""
    with ExitStack() as stack:
        for _ in range(kind.connections):
            connection = stack.enter_context(socket.socket())
            if kind.receives_bytes is not None:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, kind.receives_bytes)
            connection.settimeout(5)
            connection.connect(("127.0.0.1", service.port))
            with contextlib.suppress(OSError):
                connection.sendall(kind.content)
        yield


def waited_ms(phone: Phone) -> str:
    """Return how long another phone waits for a read, median and 99th percentile."""
    took = []
    for _ in range(READS):
        began = time.perf_counter()
        assert phone.get("/v1/me").status_code == 200
        took.append((time.perf_counter() - began) * 1_000)
    took.sort()
    return f"GET /v1/me takes {took[READS // 2]:.1f} ms, p99 {took[READS * 99 // 100]:.1f} ms"


def resident_mb(pid: int) -> float:
    """Return the memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (resident,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(resident.split()[1]) / 1_024


if __name__ == "__main__":
    main()
