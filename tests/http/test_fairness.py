"""One practice's load leaves the service to the others."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID, uuid4

import httpx

from service.foundation.fair_shares import ASKING
from service.foundation.prepare_and_write import _turns
from service.foundation.threads import off_loop
from tests.conftest import Server, connected
from tests.http.look import Look
from tests.http.sessions import GPX, a_note, a_recording, a_session, at, held, send_track
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


@contextmanager
def uploading(world: World, session: str) -> Iterator[Future[httpx.Response]]:
    """Let Ada's upload hold the turn of a session until the block ends."""
    gate = threading.Event()

    async def keep_the_thread() -> None:
        ASKING.set(world.practice_id)
        await off_loop(gate.wait, 30)

    keeping = asyncio.run_coroutine_threadsafe(keep_the_thread(), world.running.loop)
    key = (world.practice_id, UUID(session.rpartition("/")[2]))
    with ThreadPoolExecutor(1) as phone:
        upload = phone.submit(send_track, world.ada, session, a_recording())
        try:
            while (turn := _turns.get(key)) is None or not turn.locked():
                assert not upload.done()
            yield upload
        finally:
            gate.set()
            keeping.result(30)


def test_a_colleague_cannot_tell_by_waiting_that_an_upload_runs(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    note = a_note(world.ada, session)
    new = {"id": str(uuid4()), "written_at": at(60), "text": "x", "about": "instant", "about_at": at(60)}
    ben = world.ben
    with uploading(world, session) as upload:
        for answer in (
            ben.put(f"{session}/track", content=a_recording(), headers=GPX, timeout=PROMPT_S),
            ben.post(f"{session}/notes", new, timeout=PROMPT_S),
            ben.post(f"{session}/moments", {"id": str(uuid4()), "at": at(60)}, timeout=PROMPT_S),
            ben.patch(f"/v1/notes/{note['id']}", {"text": "y"}, etag="*", timeout=PROMPT_S),
            ben.delete(f"{session}/track", timeout=PROMPT_S),
        ):
            assert answer.status_code == 404, answer.request.url
        assert not upload.done()
    assert upload.result().status_code == 201
