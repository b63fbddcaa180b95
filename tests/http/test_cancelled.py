"""A request cut off in the middle leaves no tenant on its connection; a full pool answers 503."""

import asyncio
import json
import random
import socket
import time
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import pytest

from service.app import Composition
from service.foundation.crypto.key_file import KeyFile
from service.foundation.database.connection import Begin, Pool
from service.foundation.tenant import Tenant
from tests.http.look import Look
from tests.http.refusals import PREFIX
from tests.http.running import Running, run_service
from tests.http.world import Phone, World, make_world

Answer = TypeVar("Answer")
POOL_SIZE: Final = 4
CANCELLATIONS: Final = 60


@pytest.fixture(scope="module")
def small(dsn: str, keys: KeyFile) -> Iterator[Running]:
    """Run the service with a pool of four."""
    composition = Composition(dsn=dsn, keys=keys, address="http://phone.example", pool_size=POOL_SIZE)
    with run_service(composition) as service:
        yield service


@pytest.fixture(scope="module")
def world(small: Running) -> World:
    return make_world(small).with_everyone()


@pytest.fixture
def complaints(small: Running) -> Iterator[list[dict[str, Any]]]:
    """Return the errors that reach the event loop's exception handler.

    Except one of asyncpg's: cancelled while it asks a server elsewhere for TLS, it leaves a future behind.
    """
    told: list[dict[str, Any]] = []

    def listen(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if "unexpected connection_lost() call" not in str(context.get("exception")):
            told.append(context)

    small.loop.call_soon_threadsafe(small.loop.set_exception_handler, listen)
    yield told
    small.loop.call_soon_threadsafe(small.loop.set_exception_handler, None)


def run(small: Running, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a coroutine on the event loop of the service."""
    return asyncio.run_coroutine_threadsafe(work, small.loop).result(60)


def pool_of(small: Running) -> Pool:
    pool: Pool = small.app.state.services.pool
    return pool


async def tenants_left(pool: Pool) -> set[str]:
    """Return the tenant settings left on the connections of the pool; fail for an open transaction."""
    left = set()
    async with AsyncExitStack() as stack:
        for _ in range(POOL_SIZE):
            connection = await stack.enter_async_context(pool.connections.acquire(timeout=10))
            assert not connection.is_in_transaction()
            for setting in ("app.practice", "app.therapist"):
                left.add(await connection.fetchval("SELECT current_setting($1, true)", setting) or "")
    return left


def request_scope(phone: Phone, method: str, path: str) -> dict[str, Any]:
    """Return the ASGI scope of a request."""
    headers = [
        (b"host", b"phone.example"),
        (b"authorization", f"Bearer {phone.tokens['access_token']}".encode()),
        (b"content-type", b"application/json"),
        (b"idempotency-key", uuid4().hex.encode()),
        (b"if-match", b"*"),
    ]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http",
        "headers": headers, "client": ("127.0.0.1", 4711), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip


async def cancel_midway(small: Running, phone: Phone, method: str, path: str, body: object) -> bool:
    """Begin a request and cancel it after a moment; return whether it was still running."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}

    async def send(_: object) -> None:
        await asyncio.sleep(0)

    scope: Any = request_scope(phone, method, path)
    receiving: Any = receive
    sending: Any = send
    task = asyncio.ensure_future(small.app(scope, receiving, sending))
    await asyncio.sleep(random.uniform(0, 0.03))  # noqa: S311  nothing secret
    under_way = not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return under_way


async def cancel_many(small: Running, world: World, path: str) -> int:
    """Cancel requests of both practices until enough of them were still running."""
    cancelled = 0
    for turn in range(40):
        a_place = {"id": str(uuid4()), "kind": "room", "name": f"Room {turn}"}
        wave = [
            cancel_midway(small, phone, method, where, body)
            for phone in (world.ada, world.cleo, world.ben)
            for method, where, body in (
                ("POST", "/v1/places", a_place),
                ("PATCH", path, {"name": f"Yard {turn}"}),
                ("GET", "/v1/me", None),
            )
        ]
        cancelled += sum(await asyncio.gather(*wave))
        if cancelled >= CANCELLATIONS:
            return cancelled
    return cancelled


def test_a_cancelled_request_leaves_no_tenant_behind(
    small: Running, world: World, complaints: list[dict[str, Any]]
) -> None:
    place = world.ada.post("/v1/places", {"id": str(uuid4()), "kind": "room", "name": "Yard"})
    path = place.headers["location"]
    assert run(small, cancel_many(small, world, path)) >= CANCELLATIONS
    assert run(small, tenants_left(pool_of(small))) == {""}
    assert complaints == []
    assert world.ada.get(path).status_code == 200
    assert world.cleo.get(path).status_code == 404


def test_a_cancelled_write_is_made_whole_or_not_at_all(small: Running, world: World, look: Look) -> None:
    path = f"/v1/places/{uuid4()}"
    run(small, cancel_many(small, world, path))
    practices = [world.practice_id, UUID(world.cleo.tokens["practice_id"])]
    unpaired = """
        SELECT count(*)
          FROM place
          FULL JOIN (SELECT practice_id, key::uuid AS id FROM write_ledger WHERE scope = $2) AS made
            ON made.practice_id = place.practice_id AND made.id = place.id
          LEFT JOIN therapist ON therapist.practice_id = made.practice_id AND therapist.id = made.id
         WHERE coalesce(place.practice_id, made.practice_id) = ANY ($1)
           AND (place.id IS NULL OR made.id IS NULL)
           AND therapist.id IS NULL
    """
    assert look.value(unpaired, practices, UUID(int=0)) == 0


def test_a_cancelled_query_stops_on_the_server_too(
    small: Running, world: World, look: Look, complaints: list[dict[str, Any]]
) -> None:
    async def sleep_and_be_cancelled() -> None:
        begin = Begin(pool_of(small), Tenant(world.practice_id, world.ada.therapist_id))

        async def sleeping() -> None:
            async with begin.read() as connection:
                await connection.execute("SELECT pg_sleep(600)")

        tasks = [asyncio.ensure_future(sleeping()) for _ in range(POOL_SIZE)]
        await asyncio.sleep(0.2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    run(small, sleep_and_be_cancelled())
    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND query LIKE '%pg_sleep(600)'"
    assert look.value(sleeping) == 0
    assert run(small, tenants_left(pool_of(small))) == {""}
    assert complaints == []


def test_an_error_ignored_inside_a_transaction_is_not_a_commit(small: Running, world: World) -> None:
    async def overlooking() -> None:
        begin = Begin(pool_of(small), Tenant(world.practice_id, world.ada.therapist_id))
        async with begin.unstamped() as connection:
            await asyncio.gather(connection.execute("SELECT 1 / 0"), return_exceptions=True)

    with pytest.raises(RuntimeError, match="had failed"):
        run(small, overlooking())
    assert run(small, tenants_left(pool_of(small))) == {""}


def hang_up(small: Running, content: bytes) -> None:
    """Send bytes and close the connection before the answer."""
    url = small.http.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        connection.sendall(content)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def test_a_phone_that_hangs_up_leaves_no_tenant_behind(
    small: Running, world: World, complaints: list[dict[str, Any]]
) -> None:
    for turn in range(CANCELLATIONS):
        phone = (world.ada, world.cleo)[turn % 2]
        body = json.dumps({"id": str(uuid4()), "kind": "room", "name": "x" * 100}).encode()
        head = (
            f"POST /v1/places HTTP/1.1\r\nHost: phone.example\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {phone.tokens['access_token']}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        hang_up(small, head.encode() + body[: len(body) - turn % 3 * 20])
    assert world.ada.get("/v1/me").status_code == 200
    assert run(small, tenants_left(pool_of(small))) == {""}
    assert complaints == []


def test_a_service_without_free_connections_answers_503_and_recovers(small: Running, world: World) -> None:
    async def take_all(stack: AsyncExitStack) -> None:
        for _ in range(POOL_SIZE):
            await stack.enter_async_context(pool_of(small).connections.acquire(timeout=5))

    stack = AsyncExitStack()
    run(small, take_all(stack))
    asked = time.monotonic()
    answer = world.ada.get("/v1/me")
    waited_s = time.monotonic() - asked
    ready = small.http.get("/health/ready")
    run(small, stack.aclose())
    assert (answer.status_code, answer.json()["type"]) == (503, f"{PREFIX}unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert 1 < waited_s < 4
    assert ready.status_code == 503
    assert world.ada.get("/v1/me").status_code == 200
    assert small.http.get("/health/ready").status_code == 200


def test_many_requests_on_few_connections_are_all_answered(world: World) -> None:
    async def ask(number: int) -> tuple[int, str]:
        phone = (world.ada, world.cleo)[number % 2]
        answer = await asyncio.to_thread(phone.get, "/v1/practice")
        return answer.status_code, answer.json()["practice_id"]

    async def all_at_once() -> list[tuple[int, str]]:
        return await asyncio.gather(*(ask(number) for number in range(60)))

    answers = asyncio.run(all_at_once())
    both = [phone.tokens["practice_id"] for phone in (world.ada, world.cleo)]
    assert answers == [(200, both[number % 2]) for number in range(60)]
