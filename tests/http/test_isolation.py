"""Every transaction says its isolation itself: a server's defaults may be others."""

import asyncio
from collections.abc import Iterator
from typing import Final
from uuid import uuid4

import pytest

from service.app import Composition
from service.foundation.crypto.key_file import KeyFile
from service.foundation.database.connection import Begin, Connection, system_write
from service.foundation.tenant import Tenant
from tests.conftest import Server, connected, prepare
from tests.http.running import Running, run_service
from tests.http.world import PASSWORD, Phone, make_world, sign_in

OTHER_DEFAULTS: Final = (
    "default_transaction_isolation = 'serializable'",
    "default_transaction_read_only = on",
)


@pytest.fixture(scope="module")
def elsewhere(server: Server, keys: KeyFile) -> Iterator[Running]:
    """Serve on a database that is made and migrated with other defaults."""
    dsn = asyncio.run(prepare(server, *OTHER_DEFAULTS))
    with run_service(Composition(dsn=dsn, keys=keys, address="http://phone.example")) as service:
        yield service


async def characteristics(connection: Connection) -> tuple[str, ...]:
    names = ("transaction_isolation", "transaction_read_only")
    return tuple([await connection.fetchval(f"SHOW {each}") for each in names])


def test_the_database_has_other_defaults(elsewhere: Running) -> None:
    async def shown() -> tuple[str, ...]:
        async with connected(elsewhere.composition.dsn) as connection:
            return await characteristics(connection)

    assert asyncio.run(shown()) == ("serializable", "on")


def test_writes_are_read_committed_and_reads_see_one_snapshot(elsewhere: Running) -> None:
    world = make_world(elsewhere)
    begin = Begin(elsewhere.app.state.services.pool, Tenant(world.practice_id, uuid4()))

    async def each_kind() -> list[tuple[str, ...]]:
        async with begin.write() as transaction:
            write = await characteristics(transaction.connection)
        async with begin.unstamped() as connection:
            unstamped = await characteristics(connection)
        async with system_write(elsewhere.app.state.services.pool) as connection:
            system = await characteristics(connection)
        async with begin.read() as connection:
            return [write, unstamped, system, await characteristics(connection)]

    found = asyncio.run_coroutine_threadsafe(each_kind(), elsewhere.loop).result(20)
    assert found == [("read committed", "off")] * 3 + [("repeatable read", "on")]


def test_a_phone_does_not_notice(elsewhere: Running) -> None:
    world = make_world(elsewhere)
    loft = {"id": str(uuid4()), "kind": "room", "name": "Loft"}
    assert world.ada.post("/v1/places", loft).status_code == 201
    wrong = {"email": world.ada_email, "password": "not hers", "device": {"id": str(uuid4()), "name": "?"}}
    assert Phone(world.http).post("/v1/sign-in", wrong).status_code == 401
    again = sign_in(world.http, world.ada_email, PASSWORD)
    sent = {name: again.tokens[name] for name in ("refresh_token", "device_id")}
    refreshed = Phone(world.http).post("/v1/sign-in/refresh", sent)
    assert refreshed.status_code == 200
