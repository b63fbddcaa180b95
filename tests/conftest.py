"""A real PostgreSQL server for the whole run, and the service on it, reached over HTTP.

Each process of a parallel run has its own server.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from secrets import token_hex
from typing import Protocol
from urllib.parse import quote, urlsplit

import asyncpg
import msgspec
import pytest
import structlog
from hypothesis import settings

from service.app import Composition
from service.commands.installation import steps_of
from service.foundation.crypto.key_file import KeyFile
from service.foundation.database.embedded import start_embedded
from service.foundation.database.migrate import migrate
from service.foundation.database.roles import ensure_roles
from service.logs import configure_logs
from tests.http.look import Look, looking
from tests.http.running import Running, run_service
from tests.http.world import World, make_world

settings.register_profile("whole-suite", max_examples=40, deadline=None)
settings.load_profile("whole-suite")
"""Enough for every run; `--hypothesis-profile=default` tries more after a change of a property."""

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
"""Commands run as processes of their own, and reading the source anew would be half of their time."""


def log_to_pytest() -> None:
    """Send the service's log lines to pytest, which shows those of a failed test.

    Printed lines would stand among the dots: the service runs on between two tests, when nothing is captured.
    """
    configure_logs()
    root = logging.getLogger()
    root.handlers = [each for each in root.handlers if each.__class__.__module__ != configure_logs.__module__]
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())
    for package in ("service", "routes"):
        logging.getLogger(package).setLevel(logging.INFO)


log_to_pytest()

GIVEN_SERVER = os.environ.get("TOWPATH_TEST_SERVER")
"""URL of a superuser on another server, to run the tests on another version of PostgreSQL."""


class Server(Protocol):
    """A running PostgreSQL server, and its URLs."""

    @property
    def admin_dsn(self) -> str:
        """URL of a superuser."""

    def dsn(self, user: str, password: str, database: str) -> str:
        """Return the URL of another login."""


class GivenServer(msgspec.Struct, frozen=True):
    """A server that somebody else runs."""

    admin_dsn: str

    def dsn(self, user: str, password: str, database: str) -> str:
        place = urlsplit(self.admin_dsn).netloc.rpartition("@")[2]
        return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{place}/{database}"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start one server for all tests, with the settings that the service uses."""
    if GIVEN_SERVER is not None:
        yield GivenServer(GIVEN_SERVER)
        return
    with start_embedded(tmp_path_factory.mktemp("postgres") / "data") as running:
        yield running


@pytest.fixture
async def database(server: Server) -> AsyncIterator[str]:
    """Return the name of a fresh empty database."""
    async with make_database(server) as name:
        yield name


@pytest.fixture
async def admin(server: Server, database: str) -> AsyncIterator[asyncpg.Connection]:
    """Return a superuser's connection to the fresh database."""
    connection = await asyncpg.connect(server.admin_dsn, database=database)
    yield connection
    await connection.close()


@asynccontextmanager
async def make_database(server: Server) -> AsyncIterator[str]:
    """Create an empty database; afterwards drop it and end all connections to it."""
    name = f"test_{token_hex(4)}"
    admin = await asyncpg.connect(server.admin_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


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


async def prepare(server: Server, *defaults: str) -> str:
    """Create a database with `defaults` as `towpath migrate` leaves it; its zone shows what is not in UTC."""
    name, login, password = f"http_{token_hex(4)}", f"phone_{token_hex(4)}", token_hex(16)
    async with connected(server.admin_dsn) as admin:
        await admin.execute(f"CREATE DATABASE {name}")
        for each in ("timezone = 'Australia/Lord_Howe'", *defaults):
            await admin.execute(f"ALTER DATABASE {name} SET {each}")
    async with connected(server.admin_dsn, database=name) as migrator:
        await ensure_roles(migrator, login=login, password=password)
        await migrate(migrator, steps=steps_of(Path("none")), progress=lambda _: None)
    return server.dsn(login, password, name)


@asynccontextmanager
async def connected(dsn: str, database: str | None = None) -> AsyncIterator[asyncpg.Connection]:
    """Connect until the block ends."""
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
    """Run the service on a free port. It trusts X-Forwarded-For, so a test can choose its network."""
    composition = Composition(
        dsn=dsn, keys=keys, address="http://phone.example", clock=clock, proxies=(ip_network("127.0.0.0/8"),)
    )
    with run_service(composition) as service:
        yield service


@pytest.fixture(scope="session")
def look(server: Server, dsn: str) -> Iterator[Look]:
    """Return what reads the database as its superuser."""
    with looking(server.admin_dsn, urlsplit(dsn).path.lstrip("/")) as found:
        yield found


@pytest.fixture
def world(running: Running) -> World:
    """Return new practices: Ada owns the first, Ben is her colleague; Cleo owns the other."""
    return make_world(running)


@pytest.fixture(autouse=True)
def _reset_clock(clock: Clock) -> Iterator[None]:
    yield
    clock.ahead, clock.stopped = timedelta(0), None
