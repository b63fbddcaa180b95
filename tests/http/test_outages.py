"""Only an outage of the database or the disk is answered 503; a mistake of ours is a logged 500."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from litestar import Request, get
from litestar.params import FromPath

from routes.http.dependencies import Services
from service.app import Composition
from service.foundation.crypto.key_file import KeyFile
from service.foundation.database.connection import Begin, Connection, a_connection
from service.foundation.database.outages import is_lost
from service.foundation.retry_safe import NotFound
from service.foundation.tenant import Tenant
from tests.conftest import Server, connected, prepare
from tests.http.refusals import PREFIX
from tests.http.running import Running, run_service

Act = Callable[[Services], Awaitable[object]]

END_CONNECTION: Final = "SELECT pg_terminate_backend(pg_backend_pid())"


@asynccontextmanager
async def write(services: Services) -> AsyncIterator[Connection]:
    """Open a write for nobody in particular."""
    async with Begin(services.pool, Tenant(uuid4(), uuid4())).unstamped() as connection:
        yield connection


async def end_another(services: Services, connection: Connection) -> None:
    """End a connection that nobody is asking anything at the moment, as a failing network does."""
    ended = connection.get_server_pid()
    async with a_connection(services.pool) as other:
        await other.execute(f"SELECT pg_terminate_backend({ended}, 5000)")
    while not is_lost(connection):  # noqa: ASYNC110  asyncpg sends no event
        await asyncio.sleep(0.01)


async def open_a_missing_file(_: Services) -> object:
    return Path("/nowhere/a-file").read_bytes()  # noqa: ASYNC240  that it is missing is the point


async def open_it_inside_a_transaction(services: Services) -> object:
    async with write(services):
        return await open_a_missing_file(services)


async def wait_for_a_task_too_long(_: Services) -> None:
    await asyncio.wait_for(asyncio.Event().wait(), 0.01)


async def keep_a_connection_too_long(services: Services) -> None:
    async with a_connection(services.pool) as connection:
        pass
    await connection.execute("SELECT 1")


async def ask_two_things_at_once(services: Services) -> None:
    async with a_connection(services.pool) as connection:
        first = asyncio.create_task(connection.execute("SELECT pg_sleep(0.2)"))
        await asyncio.sleep(0.05)
        try:
            await connection.execute("SELECT 1")
        finally:
            await first


async def send_a_text_for_a_number(services: Services) -> None:
    async with a_connection(services.pool) as connection:
        await connection.fetch("SELECT $1::integer", "seven")


async def read_a_table_that_is_not_there(services: Services) -> None:
    async with a_connection(services.pool) as connection:
        await connection.fetch("SELECT FROM nowhere")


MISTAKES: Final[tuple[Act, ...]] = (
    open_a_missing_file,
    open_it_inside_a_transaction,
    wait_for_a_task_too_long,
    keep_a_connection_too_long,
    ask_two_things_at_once,
    send_a_text_for_a_number,
    read_a_table_that_is_not_there,
)


async def lose_the_connection_in_the_middle(services: Services) -> None:
    async with a_connection(services.pool) as connection:
        await connection.execute(END_CONNECTION)


async def lose_it_between_two_statements(services: Services) -> None:
    async with a_connection(services.pool) as connection:
        await end_another(services, connection)
        await connection.execute("SELECT 1")


async def lose_it_inside_a_transaction(services: Services) -> None:
    async with write(services) as connection:
        await end_another(services, connection)


async def lose_it_while_something_is_refused(services: Services) -> None:
    async with write(services) as connection:
        await end_another(services, connection)
        raise NotFound


async def wait_in_vain_for_an_answer(services: Services) -> None:
    async with a_connection(services.pool) as connection:
        await connection.execute("SELECT pg_sleep(10)", timeout=0.1)


async def write_on_a_full_disk(_: Services) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:  # noqa: ASYNC230  it fails at once
        full.write(b"x")


OUTAGES: Final[tuple[Act, ...]] = (
    lose_the_connection_in_the_middle,
    lose_it_between_two_statements,
    lose_it_inside_a_transaction,
    wait_in_vain_for_an_answer,
    write_on_a_full_disk,
)
ALL: Final = {each.__name__: each for each in (*MISTAKES, *OUTAGES, lose_it_while_something_is_refused)}


@get("/v1/act/{name:str}", opt={"open": True})
async def get_act(name: FromPath[str], request: Request[Any, Any, Any]) -> None:
    """Do what a test asks for."""
    await ALL[name](request.app.state.services)


@pytest.fixture(scope="module")
def service(dsn: str, keys: KeyFile) -> Iterator[Running]:
    """Run the service with one more handler."""
    composition = Composition(dsn=dsn, keys=keys, address="http://phone.example")
    with run_service(composition, get_act) as running:
        yield running


@pytest.mark.parametrize("act", MISTAKES, ids=lambda act: act.__name__)
def test_a_mistake_of_ours_is_a_logged_500(
    service: Running, act: Act, caplog: pytest.LogCaptureFixture
) -> None:
    answer = service.http.get(f"/v1/act/{act.__name__}")
    assert (answer.status_code, answer.json()["type"]) == (500, f"{PREFIX}internal")
    assert "unexpected error" in caplog.text


@pytest.mark.parametrize("act", OUTAGES, ids=lambda act: act.__name__)
def test_an_outage_is_worth_another_try(service: Running, act: Act, caplog: pytest.LogCaptureFixture) -> None:
    answer = service.http.get(f"/v1/act/{act.__name__}")
    assert (answer.status_code, answer.json()["type"]) == (503, f"{PREFIX}unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "database away" in caplog.text
    assert service.http.get("/health/ready").status_code == 200


def test_a_refusal_stays_one_though_the_connection_is_lost(service: Running) -> None:
    answer = service.http.get(f"/v1/act/{lose_it_while_something_is_refused.__name__}")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "shut",
    ["ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", "ALTER DATABASE {} WITH CONNECTION LIMIT 0"],
    ids=["closed", "crowded"],
)
def test_a_database_that_takes_no_connections_is_away_until_it_does(
    server: Server, keys: KeyFile, shut: str
) -> None:
    async def on_the_server(*statements: str) -> None:
        async with connected(server.admin_dsn) as admin:
            for each in statements:
                await admin.execute(each)

    dsn = asyncio.run(prepare(server))
    name = urlsplit(dsn).path.lstrip("/")
    all_out = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
    with run_service(Composition(dsn=dsn, keys=keys, address="http://phone.example")) as running:
        assert running.http.get("/health/ready").status_code == 200
        asyncio.run(on_the_server(shut.format(name), all_out))
        assert [status(running.http) for _ in range(3)] == [503, 503, 503]
        again = f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true CONNECTION LIMIT -1"
        asyncio.run(on_the_server(again))
        assert status(running.http) == 200


def status(http: httpx.Client) -> int:
    return http.get("/health/ready").status_code
