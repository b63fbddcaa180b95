"""The service under load, compared with its limits: reads, lists, writes, uploads, start and memory."""

import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import numpy as np

from service.foundation.compression import gzip_bytes
from service.geo.blob import pack_fixes
from service.geo.fixes import Fixes
from service.geo.geodesy import distances_m
from service.geo.geojson import track_geojson
from service.record.cuts import Window
from service.record.halts import halts
from service.record.read_recording import read_recording
from service.record.track_statistics import statistics
from service.record.tracks import cut_and_summarise
from tests.benchmarks.load import Request, a_request, rate
from tests.benchmarks.rounds import ROUNDS, compare
from tests.benchmarks.served import Served, a_route, served
from tests.http.running import listen
from tests.http.sessions import a_client, a_recording, a_session, at, held, send_track
from tests.http.world import Phone

SECONDS = 1.5
POINTS = 3_600
CONNECTIONS = 8
SESSIONS = 40
UPLOADS = 30
WARM_START_S = 1.5
IDLE_MB = 150


def main() -> None:
    """Measure everything and print it."""
    with served() as service:
        read_one_route(service)
        list_routes(service)
        read_track_map(service)
        write_notes(service)
        upload_tracks(service)
        upload_rate(service)
        print(f"memory of the service after this: {resident_mb(service.pid):.0f} MB")
    start_warm()


def bearer(phone: Phone) -> dict[str, str]:
    return {"Authorization": f"Bearer {phone.tokens['access_token']}"}


def per_second(port: int, makers: list[Callable[[], Request]]) -> float:
    return asyncio.run(rate(port, makers, SECONDS))


def read_one_route(service: Served) -> None:
    """Read a route signed in and under row-level security; the limit is the bare application."""
    phone = service.phones[0]
    route_id = a_route(phone)
    signed = a_request("GET", f"/v1/routes/{route_id}", bearer(phone))
    bare = a_request("GET", f"/practices/{phone.tokens['practice_id']}/routes/{route_id}", {})
    for connections in (1, CONNECTIONS):
        compare(
            f"signed-in read of one route, {connections} connections",
            "/s",
            lambda count=connections: per_second(service.port, [lambda: signed] * count),  # type: ignore[misc]
            lambda count=connections: per_second(service.bare_port, [lambda: bare] * count),  # type: ignore[misc]
            target=0.6,
        )


def list_routes(service: Served) -> None:
    """List twenty routes; the limit is an empty handler."""
    phone = service.phones[1]
    for number in range(20):
        a_route(phone, f"Route {number:02}")
    listed = a_request("GET", "/v1/routes?limit=20", bearer(phone))
    empty = a_request("GET", "/empty", {})
    compare(
        f"list of 20, {CONNECTIONS} connections",
        "/s",
        lambda: per_second(service.port, [lambda: listed] * CONNECTIONS),
        lambda: per_second(service.bare_port, [lambda: empty] * CONNECTIONS),
        target=0.05,
    )


def read_track_map(service: Served) -> None:
    """Read a track that was encoded and compressed at upload; the limit is an empty handler."""
    phone = service.phones[4]
    session = a_session(phone)
    assert send_track(phone, session, a_recording(out_s=POINTS // 2)).status_code == 201
    mapped = a_request("GET", f"{session}/track/geojson", bearer(phone) | {"Accept-Encoding": "gzip"})
    empty = a_request("GET", "/empty", {})
    compare(
        f"GeoJSON of {POINTS:,} points, {CONNECTIONS} connections",
        "/s",
        lambda: per_second(service.port, [lambda: mapped] * CONNECTIONS),
        lambda: per_second(service.bare_port, [lambda: empty] * CONNECTIONS),
        target=None,
    )


def write_notes(service: Served) -> None:
    """Write notes in one practice from eight connections; the limit is the same in eight practices.

    Each connection takes its own sessions in turn, so that no session gets hundreds of notes.
    """
    one = [_writing(service.phones[0]) for _ in range(CONNECTIONS)]
    all_of_them = [_writing(phone) for phone in service.phones]
    compare(
        "notes on one practice, beside eight practices",
        "/s",
        lambda: per_second(service.port, one),
        lambda: per_second(service.port, all_of_them),
        target=0.5,
    )


def _writing(phone: Phone) -> Callable[[], Request]:
    headers = bearer(phone) | {"Content-Type": "application/json"}
    client_id = a_client(phone)
    sessions = itertools.cycle([a_session(phone, client_id) for _ in range(SESSIONS)])

    def write() -> Request:
        note = {"id": str(uuid4()), "written_at": at(0), "text": "Stopped at the weir."}
        return a_request("POST", f"{next(sessions)}/notes", headers, msgspec.json.encode(note))

    return write


def upload_tracks(service: Served) -> None:
    """Upload a track; the limit is the processor time of reading, measuring and encoding it alone."""
    phone = service.phones[2]
    client_id = a_client(phone)
    headers = bearer(phone) | {"Content-Type": "application/gpx+xml"}
    content = a_recording(out_s=POINTS // 2)

    def upload() -> float:
        session = a_session(phone, client_id)
        held(phone, session)
        before = cpu_s(service.pid)
        answer = phone.put(f"{session}/track", content=content, headers=headers)
        assert answer.status_code == 201, answer.text
        return (cpu_s(service.pid) - before) * 1_000

    compare(
        f"upload of {POINTS:,} points, processor",
        "ms",
        lambda: float(np.mean([upload() for _ in range(10)])),
        lambda: float(np.mean([alone(content) for _ in range(10)])),
        target=2.5,
        smaller=True,
    )


def upload_rate(service: Served) -> None:
    """Upload tracks one after the other; the limit is a program that reads, measures, packs and commits."""
    phone = service.phones[3]
    client_id = a_client(phone)
    headers = bearer(phone) | {"Content-Type": "application/gpx+xml"}
    content = a_recording(out_s=POINTS // 2)
    sessions = iter([_held_session(phone, client_id) for _ in range(UPLOADS * (ROUNDS + 1))])

    def upload() -> float:
        paths = [f"{next(sessions)}/track" for _ in range(UPLOADS)]
        began = time.perf_counter()
        for path in paths:
            assert phone.put(path, content=content, headers=headers).status_code == 201
        return UPLOADS / (time.perf_counter() - began)

    compare(
        f"uploads of {POINTS:,} points, one after the other",
        "/s",
        upload,
        lambda: asyncio.run(floor_rate(service.admin_dsn, content)),
        target=0.6,
    )


def _held_session(phone: Phone, client_id: str) -> str:
    session = a_session(phone, client_id)
    held(phone, session, minutes=POINTS // 60)
    return session


async def floor_rate(dsn: str, content: bytes) -> float:
    """Return how many files a second a bare program reads, measures, packs and commits."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE TEMPORARY TABLE floor (length_m double precision, fixes bytea)")
        began = time.perf_counter()
        for _ in range(UPLOADS):
            fixes = read_recording(content, datetime.now(UTC)).fixes
            measured = statistics(fixes, halts(fixes), distances_m(fixes))
            insert = "INSERT INTO floor VALUES ($1, $2)"
            await connection.execute(insert, measured.length_m, pack_fixes(fixes))
        return UPLOADS / (time.perf_counter() - began)
    finally:
        await connection.close()


def alone(content: bytes) -> float:
    """Return the milliseconds of processor time to read, measure and encode."""
    began = time.process_time()
    now = datetime.now(UTC)
    walked, _ = cut_and_summarise(read_recording(content, now), Window(None, None), None)
    encode(walked)
    return (time.process_time() - began) * 1_000


def encode(walked: Fixes) -> None:
    """Make every form in which a track is stored."""
    pack_fixes(walked)
    gzip_bytes(track_geojson(walked, {}))


def cpu_s(pid: int) -> float:
    """Return the seconds of processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1_024 for line in lines if line.startswith("VmRSS"))


def start_warm() -> None:
    """Print the time from the command to the first answer, and the memory then; the database exists."""
    with tempfile.TemporaryDirectory() as folder:
        figures = [_start(folder) for _ in range(6)][1:]
    seconds = sorted(each[0] for each in figures)
    memory = sorted(each[1] for each in figures)
    spread = f"{seconds[0]:.2f}-{seconds[-1]:.2f}"
    print(f"warm start to first answer: {seconds[2]:.2f} s ({spread}), wanted ≤ {WARM_START_S}")
    print(f"memory of the idle service: {memory[2]:.0f} MB, wanted ≤ {IDLE_MB}")


def _start(folder: str) -> tuple[float, float]:
    with listen() as listening:
        port = str(listening.getsockname()[1])
    environment = {**os.environ, "TOWPATH_DATA": folder + "/data", "TOWPATH_PORT": port}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    command = [sys.executable, "-m", "service", "serve"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - began < 60:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health/ready").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.005)
        return time.perf_counter() - began, resident_mb(process.pid)
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    main()
