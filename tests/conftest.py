"""A real PostgreSQL server for the whole run, and a fresh database for whoever asks."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Protocol
from urllib.parse import quote, urlsplit

import asyncpg
import msgspec
import pytest

from service.db.embedded import start_embedded

GIVEN_SERVER = os.environ.get("TOWPATH_TEST_SERVER")
"""URL of a superuser on another server, to run the tests on another version of PostgreSQL."""


class Server(Protocol):
    """A running PostgreSQL server and how to reach it."""

    @property
    def admin_dsn(self) -> str:
        """URL of a superuser."""

    def dsn(self, user: str, password: str, database: str) -> str:
        """Return the URL of anybody else."""


class GivenServer(msgspec.Struct, frozen=True):
    """A server somebody else runs."""

    admin_dsn: str

    def dsn(self, user: str, password: str, database: str) -> str:
        place = urlsplit(self.admin_dsn).netloc.rpartition("@")[2]
        return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{place}/{database}"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start one server for all tests, with the settings the service itself runs it with."""
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
    """Create an empty database and drop it afterwards, whoever is still connected to it."""
    name = f"test_{token_hex(4)}"
    admin = await asyncpg.connect(server.admin_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()
