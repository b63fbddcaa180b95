"""Helpers for tests of the embedded server: queries, its processes, and a service that can be killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

ROOT = Path(__file__).parents[3]

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root uses another account")
needs_proc = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")

SERVICE = """
import asyncio, sys, time
from pathlib import Path
import asyncpg
from service.foundation.database.embedded import start_embedded

server = start_embedded(Path(sys.argv[1]))

async def write_rows():
    connection = await asyncpg.connect(server.admin_dsn)
    await connection.execute("CREATE TABLE IF NOT EXISTS kept (id bigint GENERATED ALWAYS AS IDENTITY)")
    while True:
        print(await connection.fetchval("INSERT INTO kept DEFAULT VALUES RETURNING id"), flush=True)

if sys.argv[2] == "write":
    asyncio.run(write_rows())
print("ready", flush=True)
time.sleep(600)
"""


def ask(dsn: str, sql: str, *arguments: object) -> Any:
    """Run a statement over a new connection and return its first value."""

    async def over_new_connection() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql, *arguments)
        finally:
            await connection.close()

    return asyncio.run(over_new_connection())


async def kill_while_running(dsn: str, statement: str, number: signal.Signals) -> None:
    """Send a signal to the server process of a connection that runs `statement`."""
    connection = await asyncpg.connect(dsn)
    running = asyncio.create_task(connection.execute(statement))
    await asyncio.sleep(0.2)
    os.kill(connection.get_server_pid(), number)
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await running


@contextmanager
def running_service(data: Path, work: str = "sleep") -> Iterator[subprocess.Popen[str]]:
    """Run a service as a process on the data folder; it has started when this yields."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVICE, str(data), work],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def kill_at_once(*processes: int) -> None:
    for process in processes:
        os.kill(process, signal.SIGKILL)


def postmaster_of(data: Path) -> int:
    return int((data / "postgresql/cluster/postmaster.pid").read_text().splitlines()[0])


def parent_of(process: int) -> int:
    """Return the id of a process's parent, from the field after its name and state."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def children_of(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(each) for each in listed.split()]


def is_running(process: int) -> bool:
    """Return whether a process runs. A zombie does not."""
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], bool], patience_s: float = 20) -> None:
    deadline_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline_s, "the condition did not become true"
        time.sleep(0.02)
