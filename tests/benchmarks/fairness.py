"""What one practice's load does to another: `python -m tests.benchmarks.fairness`.

A process of its own makes the load, over many connections of one practice. Beside it one phone of another
practice reads and writes, one request after the other.
"""

import asyncio
import contextlib
import multiprocessing
import os
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
from tests.http.world import Phone, a_device

SETTLE_S: Final = 2.0
ROUNDS: Final = 3


class Kind(msgspec.Struct, frozen=True):
    """What the other practice does, how often, and how many times its idle median it may take."""

    name: str
    make: Callable[[str], Request]
    requests: int
    limit: int


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


def a_longer_preview(token: str) -> Request:
    """Look into a GPX file of 100,001 points."""
    return a_request("POST", "/v1/routes/preview", _headers(token, "application/gpx+xml"), LONGER_RECORDING)


def a_sign_in(_: str) -> Request:
    """Try to sign in with an email that nobody has."""
    body = {"email": f"{uuid4().hex}@example.org", "password": "weir-otter-plank", "device": a_device()}
    return a_request("POST", "/v1/sign-in", {"Content-Type": "application/json"}, msgspec.json.encode(body))


def a_read(token: str) -> Request:
    """Read oneself and the practice."""
    return a_request("GET", "/v1/me", {"Authorization": f"Bearer {token}"})


RECORDING: Final = a_recording()
LONG_RECORDING: Final = a_recording(out_s=10_000)
LONGER_RECORDING: Final = a_recording(out_s=50_000)
KINDS: Final = (
    Kind("a read", a_read, requests=150, limit=3),
    Kind("a write", a_write, requests=150, limit=5),
    Kind("a stranger's sign-in", a_sign_in, requests=1, limit=5),
)
"""A network has 50 failed sign-ins free, so each window tries one."""
LOADS: Final = (
    Load("24 connections writing", 24, a_write),
    Load("60 connections writing", 60, a_write),
    Load("40 connections reading", 40, a_read),
    Load("40 connections previewing GPX", 40, a_preview),
    Load("40 connections previewing long GPX", 40, a_long_preview),
    Load("40 connections previewing very long GPX", 40, a_longer_preview),
)


def _headers(token: str, media_type: str) -> dict[str, str]:
    key = {"Idempotency-Key": uuid4().hex, "Content-Type": media_type}
    return {"Authorization": f"Bearer {token}", **key}


class Waited(msgspec.Struct, frozen=True):
    """How long one kind of request took, in milliseconds, and how many were refused."""

    median_ms: float
    p95_ms: float
    refused: int


class Beside(msgspec.Struct, frozen=True):
    """One kind of request while the service was idle, and right after that under a load."""

    idle: Waited
    busy: Waited

    @property
    def ratio(self) -> float:
        """Return how many times as long the median took."""
        return self.busy.median_ms / self.idle.median_ms


def main() -> None:
    """Print for each load how much longer another practice waits, beside the idle service of that minute."""
    with served() as service:
        for load in LOADS:
            counts: Counter[int] = Counter()
            rounds = [beside(service, load, counts) for _ in range(ROUNDS)]
            for number, kind in enumerate(KINDS):
                print(line(load, kind, [each[number] for each in rounds]))
            print(f"    the load itself was answered {dict(counts)}; load average {os.getloadavg()[0]:.1f}")


def beside(service: Served, load: Load, counts: Counter[int]) -> list[Beside]:
    """Measure each kind of request of another practice, idle and then under the load."""
    victim = service.phones[1]
    idle = [waited(service, victim, kind) for kind in KINDS]
    with loaded(service, service.phones[0], load) as answered:
        busy = [waited(service, victim, kind) for kind in KINDS]
    counts.update(answered)
    return [Beside(*each) for each in zip(idle, busy, strict=True)]


def line(load: Load, kind: Kind, rounds: list[Beside]) -> str:
    """Return the medians of the middle round, its ratio, that of every round, and whether it is as wanted."""
    middle = sorted(rounds, key=lambda each: each.ratio)[len(rounds) // 2]
    refused = sum(each.busy.refused for each in rounds)
    met = "met" if middle.ratio < kind.limit and not refused else "MISSED"
    ratios = ", ".join(f"{each.ratio:.1f}" for each in rounds)
    return (
        f"{load.name}: {kind.name} of another practice {middle.busy.median_ms:.1f} ms, "
        f"p95 {middle.busy.p95_ms:.1f} ms, {refused} refused, idle {middle.idle.median_ms:.1f}, "
        f"ratio {middle.ratio:.1f} of {ratios}, wanted < {kind.limit}: {met}"
    )


def waited(service: Served, phone: Phone, kind: Kind) -> Waited:
    """Send one request after the other and return how long they took."""
    return asyncio.run(_waited(service.port, phone.tokens["access_token"], kind))


async def _waited(port: int, token: str, kind: Kind) -> Waited:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    took, refused = [], 0
    for _ in range(kind.requests):
        began = time.perf_counter()
        status = await exchange(reader, writer, kind.make(token))
        took.append((time.perf_counter() - began) * 1_000)
        refused += status in {429, 503}
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
