"""One practice's load leaves the service to the others."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID, uuid4

import httpx

from tests.conftest import Server, connected
from tests.http.look import Look
from tests.http.world import Phone, World

WRITERS = 30
"""Three times the connections of the pool."""
PROMPT_S = 1.5


def add_place(phone: Phone, timeout_s: float) -> httpx.Response:
    return phone.post("/v1/places", {"id": str(uuid4()), "kind": "room", "name": "Yard"}, timeout=timeout_s)


@contextmanager
def held_up(server: Server, look: Look, practice_id: UUID) -> Iterator[None]:
    """Let every write of a practice wait until the block ends."""
    locked, done = threading.Event(), threading.Event()

    async def hold() -> None:
        async with connected(server.admin_dsn, look.database) as admin, admin.transaction():
            row = "SELECT FROM practice_revision WHERE practice_id = $1 FOR UPDATE"
            await admin.execute(row, practice_id)
            locked.set()
            await asyncio.to_thread(done.wait, 30)

    with ThreadPoolExecutor(1) as holding:
        held = holding.submit(asyncio.run, hold())
        assert locked.wait(20)
        try:
            yield
        finally:
            done.set()
            held.result(30)


def waiting_connections(look: Look) -> int:
    """Return how many connections to the database wait for a row."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = $1"
    return int(look.value(waiting, look.database))


def test_writes_of_one_practice_that_wait_for_each_other_hold_up_no_other_practice(
    world: World, server: Server, look: Look
) -> None:
    ada, cleo = world.ada, world.cleo
    with ThreadPoolExecutor(WRITERS) as phones:
        with held_up(server, look, world.practice_id):
            writes = [phones.submit(add_place, ada, 30) for _ in range(WRITERS)]
            while not waiting_connections(look):
                pass
            for _ in range(5):
                assert cleo.get("/v1/me", timeout=PROMPT_S).status_code == 200
                assert add_place(cleo, PROMPT_S).status_code == 201
                assert ada.get("/v1/me", timeout=PROMPT_S).status_code == 200
            assert waiting_connections(look) == 1
            assert not any(each.done() for each in writes)
        assert [each.result().status_code for each in writes] == [201] * WRITERS
