"""The database alone keeps practices and colleagues apart: the application's own filters are not there."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import pytest

from service.db.connection import entering
from service.db.query import Statement
from service.db.tables import SYSTEM_TABLES, TENANT_TABLES
from service.domain.sign_ins import NOBODY, Tenant
from tests.conftest import Server
from tests.http.running import Running
from tests.http.sessions import a_client, a_note, a_recording, a_session, held, send_track
from tests.http.world import World, make_world

CLINICAL: Final = frozenset({"client", "client_key", "session", "track", "moment", "note"})
NOWHERE: Final = frozenset({"tombstone", "invitation"})
"""Tables a world has no row in; what is refused there is shown by writing."""


@pytest.fixture(scope="module")
def world(running: Running) -> World:
    """Return a world with a row in nearly every table of Ada's practice."""
    world = make_world(running)
    session = a_session(world.ada, a_client(world.ada))
    held(world.ada, session)
    send_track(world.ada, session, a_recording(out_s=60))
    a_note(world.ada, session)
    world.ada.post(f"{session}/moments", {"id": str(uuid4()), "at": "2026-05-04T14:31:00Z"})
    world.ada.post("/v1/places", {"id": str(uuid4()), "kind": "room", "name": "Yard"})
    line = {"type": "LineString", "coordinates": [[0, 51], [0.01, 51]]}
    route = str(uuid4())
    world.ada.post("/v1/routes", {"id": route, "name": "Weir", "geojson": line})
    feature = {"id": str(uuid4()), "kind": "bench", "lon": 0, "lat": 51}
    world.ada.post(f"/v1/routes/{route}/features", feature)
    return world


@asynccontextmanager
async def entered(dsn: str, practice_id: UUID, therapist_id: UUID) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the application does, in a transaction of that tenant, undone afterwards."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(entering("BEGIN", Tenant(practice_id, therapist_id)))
        yield connection
    finally:
        await connection.execute("ROLLBACK")
        await connection.close()


async def count(connection: asyncpg.Connection, table: str) -> int:
    """Return how many rows of a table this tenant sees, whoever's they are."""
    return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


@pytest.mark.anyio
@pytest.mark.parametrize("table", sorted(TENANT_TABLES - NOWHERE))
async def test_a_practice_sees_its_own_rows_and_no_other(dsn: str, world: World, table: str) -> None:
    async with entered(dsn, world.practice_id, world.ada.therapist_id) as ada:
        assert await count(ada, table) > 0
        foreign = await ada.fetchval(
            f"SELECT count(*) FROM {table} WHERE practice_id <> $1", world.practice_id
        )
        assert foreign == 0


@pytest.mark.anyio
@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("table", sorted(TENANT_TABLES))
async def test_without_a_practice_there_is_nothing(dsn: str, table: str) -> None:
    connection = await asyncpg.connect(dsn)
    assert await count(connection, table) == 0
    await connection.execute("BEGIN; SET LOCAL app.practice = ''")
    assert await count(connection, table) == 0
    await connection.execute("ROLLBACK")
    await connection.close()


@pytest.mark.anyio
@pytest.mark.parametrize("table", sorted(CLINICAL))
async def test_a_colleague_sees_nothing_clinical(dsn: str, world: World, table: str) -> None:
    async with entered(dsn, world.practice_id, world.ben.therapist_id) as ben:
        assert await count(ben, table) == 0


@pytest.mark.anyio
@pytest.mark.parametrize("table", sorted(TENANT_TABLES - NOWHERE))
async def test_another_practice_changes_and_deletes_nothing(dsn: str, world: World, table: str) -> None:
    cleo = UUID(world.cleo.tokens["practice_id"])
    async with entered(dsn, cleo, world.cleo.therapist_id) as connection:
        everything = f"UPDATE {table} SET practice_id = practice_id WHERE practice_id = $1"
        assert await connection.execute(everything, world.practice_id) == "UPDATE 0"
        deletion = f"DELETE FROM {table} WHERE practice_id = $1"
        assert await connection.execute(deletion, world.practice_id) == "DELETE 0"


@pytest.mark.anyio
async def test_a_row_of_another_practice_cannot_be_planted(dsn: str, world: World) -> None:
    cleo = UUID(world.cleo.tokens["practice_id"])
    async with entered(dsn, cleo, world.cleo.therapist_id) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "INSERT INTO place (practice_id, id, kind, name, created_at, updated_at, revision)"
                " VALUES ($1, $2, 'room', 'Planted', now(), now(), 1)",
                world.practice_id,
                uuid4(),
            )


@pytest.mark.anyio
@pytest.mark.parametrize("table", sorted(CLINICAL))
async def test_a_viewer_reads_and_does_not_write(dsn: str, world: World, table: str) -> None:
    ben = world.ben.therapist_id
    connection = await asyncpg.connect(dsn)
    await connection.execute(entering("BEGIN", Tenant(world.practice_id, world.ada.therapist_id)))
    await connection.execute(f"UPDATE {table} SET viewers = ARRAY[$1::uuid]", ben)
    await connection.execute(f"SET LOCAL app.therapist = '{ben}'")
    assert await count(connection, table) > 0
    assert await connection.execute(f"UPDATE {table} SET viewers = '{{}}'") == "UPDATE 0"
    await connection.execute("ROLLBACK")
    await connection.close()


READING = [
    each.sql
    for each in Statement.registered
    if each.sql.lstrip().startswith("SELECT") and "practice_id = $1" in each.sql
]


async def ids_in(connection: asyncpg.Connection, sql: str) -> set[UUID]:
    """Return every id a query answers once none of its own filters is left."""
    unfiltered = re.sub(r"[\w.]+ = \$\d+", r"(\g<0> OR true)", sql)
    unfiltered = re.sub(r"FOR (NO KEY )?UPDATE( OF \w+)?", "", unfiltered)
    statement = await connection.prepare(unfiltered)
    arguments = [OF_TYPE.get(each.name) for each in statement.get_parameters()]
    rows = await statement.fetch(*arguments)
    return {value for row in rows for value in row.values() if isinstance(value, UUID)}


OF_TYPE: Final[dict[str, object]] = {"bool": False, "int4": 100, "int8": 100, "timestamptz": None}
"""Arguments that filter as little as can be; None for every other type."""


@pytest.mark.anyio
async def test_no_query_leaks_without_its_own_filters(dsn: str, server: Server, world: World) -> None:
    cleo = UUID(world.cleo.tokens["practice_id"])
    admin = await asyncpg.connect(server.admin_dsn, database=urlsplit(dsn).path.lstrip("/"))
    async with entered(dsn, cleo, world.cleo.therapist_id) as connection:
        leaking = 0
        for sql in READING:
            own = await ids_in(connection, sql)
            leaking += bool(await ids_in(admin, sql) - own)
            async with entered(dsn, world.practice_id, world.ada.therapist_id) as ada:
                adas = await ids_in(ada, sql) - {NOBODY}
            assert not own & adas, sql
    await admin.close()
    assert leaking > len(READING) / 2, "as a superuser these queries do leak, or the test shows nothing"


def test_every_statement_names_the_practice() -> None:
    tables = "|".join(sorted(TENANT_TABLES))
    for statement in Statement.registered:
        touched = set(re.findall(rf"(?:FROM|JOIN|INTO|UPDATE) ({tables})\b", statement.sql))
        if touched:
            assert "practice_id" in statement.sql, statement.sql


@pytest.mark.anyio
async def test_the_tables_are_the_listed_ones(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert {row["tablename"] for row in rows} == TENANT_TABLES | SYSTEM_TABLES
