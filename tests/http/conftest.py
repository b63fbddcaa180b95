"""The service as a phone meets it: over HTTP, on its own PostgreSQL, with real sign-ins."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from secrets import token_hex
from urllib.parse import urlsplit

import asyncpg
import pytest

from service.app import Composition
from service.crypto.key_file import KeyFile
from service.db.migrate import migrate
from service.db.roles import ensure_roles
from tests.conftest import Server
from tests.http.look import Look
from tests.http.running import Running, run_service
from tests.http.world import World, make_world


class Clock:
    """The server's time, which a test may move."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)
        self.stopped: datetime | None = None

    def __call__(self) -> datetime:
        return (self.stopped or datetime.now(UTC)) + self.ahead


@pytest.fixture(scope="session")
def dsn(server: Server) -> str:
    """Return the application's login to a migrated database of the whole run."""
    return asyncio.run(prepare(server))


async def prepare(server: Server) -> str:
    """Create a database as `towpath migrate` leaves it, in a zone that shows where instants are not UTC."""
    name, login, password = f"http_{token_hex(4)}", f"phone_{token_hex(4)}", token_hex(16)
    async with connected(server.admin_dsn) as admin:
        await admin.execute(f"CREATE DATABASE {name}")
        await admin.execute(f"ALTER DATABASE {name} SET timezone = 'Australia/Lord_Howe'")
    async with connected(server.admin_dsn, database=name) as migrator:
        await ensure_roles(migrator, login=login, password=password)
        await migrate(migrator, progress=lambda _: None)
    return server.dsn(login, password, name)


@asynccontextmanager
async def connected(dsn: str, database: str | None = None) -> AsyncIterator[asyncpg.Connection]:
    """Connect for as long as the block lasts."""
    connection = await asyncpg.connect(dsn, database=database)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def keys() -> KeyFile:
    return KeyFile.new()


@pytest.fixture(scope="session")
def running(dsn: str, keys: KeyFile, clock: Clock) -> Iterator[Running]:
    """Run the service on a port of its own, behind a proxy: a phone may say from which network it comes."""
    composition = Composition(
        dsn=dsn, keys=keys, address="http://phone.example", clock=clock, proxies=(ip_network("127.0.0.0/8"),)
    )
    with run_service(composition) as service:
        yield service


@pytest.fixture(scope="session")
def look(server: Server, dsn: str) -> Look:
    """Return what reads the database past every policy."""
    return Look(server.admin_dsn, urlsplit(dsn).path.lstrip("/"))


@pytest.fixture
def world(running: Running) -> World:
    """Return two fresh practices: Ada owns the first, Ben is her colleague; Cleo owns the other."""
    return make_world(running)


@pytest.fixture(autouse=True)
def _time_stands_right(clock: Clock) -> Iterator[None]:
    yield
    clock.ahead, clock.stopped = timedelta(0), None
