"""What one practice's load does to another: `python -m tests.benchmarks.fairness`.

A process of its own makes the load, over many connections of one practice. Beside it one phone of another
practice reads and writes, one request after the other.
"""

import asyncio
import contextlib
import multiprocessing
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4

import msgspec

from tests.benchmarks.load import Request, a_request, exchange
from tests.benchmarks.served import Served, served
from tests.http.sessions import a_recording
from tests.http.world import Phone

REQUESTS: Final = 150
SETTLE_S: Final = 2.0
READ_LIMIT: Final = 3
"""Times its idle median that a read may take."""
WRITE_LIMIT: Final = 5


class Load(msgspec.Struct, frozen=True):
    """So many connections of one practice that send such requests."""

    name: str
    connections: int
    make: Callable[[str], Request]
    """Makes a request with an access token."""


def a_write(token: str) -> Request:
    """Add a place."""
    body = msgspec.json.encode({"id": str(uuid4()), "kind": "room", "name": "Yard"})
    return a_request("POST", "/v1/places", _headers(token, "application/json"), body)


def a_preview(token: str) -> Request:
    """Look into a GPX file of 2,401 points."""
    return a_request("POST", "/v1/routes/preview", _headers(token, "application/gpx+xml"), RECORDING)


def a_long_preview(token: str) -> Request:
    """Look into a GPX file of 20,001 points."""
    return a_request("POST", "/v1/routes/preview", _headers(token, "application/gpx+xml"), LONG_RECORDING)


def a_read(token: str) -> Request:
    """Read oneself and the practice."""
    return a_request("GET", "/v1/me", {"Authorization": f"Bearer {token}"})


RECORDING: Final = a_recording()
LONG_RECORDING: Final = a_recording(out_s=10_000)
LOADS: Final = (
    Load("24 connections writing", 24, a_write),
    Load("60 connections writing", 60, a_write),
    Load("40 connections reading", 40, a_read),
    Load("40 connections previewing GPX", 40, a_preview),
    Load("40 connections previewing long GPX", 40, a_long_preview),
)


def _headers(token: str, media_type: str) -> dict[str, str]:
    key = {"Idempotency-Key": uuid4().hex, "Content-Type": media_type}
    return {"Authorization": f"Bearer {token}", **key}


class Waited(msgspec.Struct, frozen=True):
    """How long one kind of request took, in milliseconds, and how many were refused."""

    median_ms: float
    p95_ms: float
    refused: int


def main() -> None:
    """Print the idle medians, and for each load the loaded ones beside them."""
    with served() as service:
        victim = service.phones[1]
        idle = {kind: waited(service, victim, make) for kind, make, _ in KINDS}
        for kind, each in idle.items():
            print(f"fairness: {kind} while idle {each.median_ms:.1f} ms, p95 {each.p95_ms:.1f} ms")
        for load in LOADS:
            with loaded(service, service.phones[0], load) as counts:
                under = {kind: waited(service, victim, make) for kind, make, _ in KINDS}
            for kind, _, limit in KINDS:
                print(line(load, kind, idle[kind], under[kind], limit))
            print(f"    the load itself was answered {dict(counts)}")


KINDS: Final = (("a read", a_read, READ_LIMIT), ("a write", a_write, WRITE_LIMIT))


def line(load: Load, kind: str, idle: Waited, under: Waited, limit: int) -> str:
    """Return the medians, their ratio, and whether it is as wanted."""
    ratio = under.median_ms / idle.median_ms
    met = "met" if ratio < limit and not under.refused else "MISSED"
    return (
        f"{load.name}: {kind} of another practice {under.median_ms:.1f} ms, p95 {under.p95_ms:.1f} ms, "
        f"{under.refused} refused, idle {idle.median_ms:.1f}, ratio {ratio:.1f}, wanted < {limit}: {met}"
    )


def waited(service: Served, phone: Phone, make: Callable[[str], Request]) -> Waited:
    """Send one request after the other and return how long they took."""
    return asyncio.run(_waited(service.port, phone.tokens["access_token"], make))


async def _waited(port: int, token: str, make: Callable[[str], Request]) -> Waited:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took, refused = [], 0
    for _ in range(REQUESTS):
        began = time.perf_counter()
        status = await exchange(reader, writer, make(token))
        took.append((time.perf_counter() - began) * 1_000)
        refused += status >= 300
    writer.close()
    return Waited(statistics.median(took), sorted(took)[len(took) * 95 // 100], refused)


@contextlib.contextmanager
def loaded(service: Served, phone: Phone, load: Load) -> Iterator[Counter[int]]:
    """Put a load on the service until the block ends; count how it was answered."""
    spawning = multiprocessing.get_context("spawn")
    ending, counted = spawning.Event(), spawning.Queue()
    arguments = (service.port, phone.tokens["access_token"], LOADS.index(load), ending, counted)
    process = spawning.Process(target=_load, args=arguments)
    counts: Counter[int] = Counter()
    process.start()
    try:
        time.sleep(SETTLE_S)
        yield counts
    finally:
        ending.set()
        counts.update(counted.get(timeout=60))
        process.join(60)


def _load(port: int, token: str, number: int, ending: Any, counted: Any) -> None:
    counted.put(asyncio.run(_send_all(port, token, LOADS[number], ending)))


async def _send_all(port: int, token: str, load: Load, ending: Any) -> Counter[int]:
    counts: Counter[int] = Counter()

    async def send() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not ending.is_set():
            counts[await exchange(reader, writer, load.make(token))] += 1
        writer.close()

    sending = [asyncio.create_task(send()) for _ in range(load.connections)]
    done, _ = await asyncio.wait(sending)
    counts[0] += sum(each.exception() is not None for each in done)
    return counts


if __name__ == "__main__":
    main()
