"""The database alone keeps practices and colleagues apart, without the filters of the application."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from service.foundation.database.connection import opening_sql
from service.foundation.database.tables import SYSTEM_TABLES, TENANT_TABLES
from service.foundation.tenant import NOBODY, Tenant
from tests.conftest import Server
from tests.foundation.database.statements import STATEMENTS, tables_of
from tests.http.look import Look
from tests.http.running import Running
from tests.http.things import things_of
from tests.http.world import World, make_world

pytestmark = pytest.mark.anyio

CLINICAL: Final = frozenset(
    {"client", "client_key", "session", "session_change", "track", "recording", "moment", "note", "tombstone"}
)
NO_VIEWERS: Final = frozenset({"tombstone"})
STRANGERS: Final = ("another practice", "a practice that is none", "no practice", "an empty setting")
COLLEAGUES: Final = ("a colleague", "nobody in particular")


class Ada(msgspec.Struct):
    """A practice with at least one row in every table, and the ids of others."""

    world: World
    rows: dict[str, str]
    """One row of her practice in each table, as JSON; in a clinical table one of her own."""
    access_digest: bytes

    @property
    def practice_id(self) -> UUID:
        return self.world.practice_id

    def opening(self, who: str) -> str:
        """Return the settings a transaction begins with, for the application or for a mistake in it."""
        cleo = Tenant(UUID(self.world.cleo.tokens["practice_id"]), self.world.cleo.therapist_id)
        tenants = {
            "ada": Tenant(self.practice_id, self.world.ada.therapist_id),
            "a colleague": Tenant(self.practice_id, self.world.ben.therapist_id),
            "nobody in particular": Tenant(self.practice_id, NOBODY),
            "another practice": cleo,
            "a practice that is none": Tenant(uuid4(), uuid4()),
        }
        if who == "no practice":
            return "BEGIN"
        if who == "an empty setting":
            return "BEGIN; SET LOCAL app.practice = ''; SET LOCAL app.therapist = ''"
        return opening_sql("BEGIN", tenants[who])


@pytest.fixture(scope="module")
def ada(running: Running, look: Look) -> Ada:
    world = make_world(running)
    for phone in (world.ada, world.cleo):
        ids = things_of(phone)
        for path in ("notes/{spare_note_id}", "routes/{route_id}/features/{spare_feature_id}"):
            assert phone.delete(f"/v1/{path.format(**ids)}").status_code == 204
    rows = {table: one_row(look, table, world.practice_id) for table in TENANT_TABLES}
    digest = "SELECT digest FROM token WHERE practice_id = $1 AND kind = 'access' LIMIT 1"
    return Ada(world, rows, look.value(digest, world.practice_id))


@pytest.fixture(scope="module")
def writer(server: Server, look: Look) -> str:
    """Return a login that may write every table, so that the policies alone keep it out."""
    name, password = f"writer_{token_hex(4)}", token_hex(16)
    for command in (
        f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE towpath_app",
        f"GRANT CONNECT ON DATABASE {look.database} TO {name}",
        f"GRANT INSERT, UPDATE, DELETE ON {', '.join(sorted(TENANT_TABLES))} TO {name}",
    ):
        look.rows(command)
    return server.dsn(name, password, look.database)


def one_row(look: Look, table: str, practice_id: UUID) -> str:
    whose = " AND therapist_id IS NOT NULL" if table in CLINICAL else ""
    sql = f"SELECT row_to_json({table})::text FROM {table} WHERE practice_id = $1{whose} LIMIT 1"
    row: str = look.value(sql, practice_id)
    return row


@asynccontextmanager
async def entered(dsn: str, opening: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect as the application, in a transaction with these settings that is rolled back."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(opening)
        yield connection
    finally:
        await connection.execute("ROLLBACK")
        await connection.close()


async def adas_rows(connection: asyncpg.Connection, table: str, ada: Ada) -> int:
    """Return how many of Ada's rows an unfiltered SELECT finds."""
    rows = await connection.fetch(f"SELECT practice_id FROM {table}")
    return sum(row["practice_id"] == ada.practice_id for row in rows)


@pytest.mark.parametrize("table", sorted(TENANT_TABLES))
async def test_a_practice_sees_its_own_rows_and_no_other(writer: str, ada: Ada, table: str) -> None:
    async with entered(writer, ada.opening("ada")) as connection:
        rows = await connection.fetch(f"SELECT practice_id FROM {table}")
    assert {row["practice_id"] for row in rows} == {ada.practice_id}


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("table", sorted(TENANT_TABLES))
async def test_a_stranger_reads_and_writes_nothing(writer: str, ada: Ada, table: str, who: str) -> None:
    async with entered(writer, ada.opening(who)) as connection:
        assert await adas_rows(connection, table, ada) == 0
        of_ada = "WHERE practice_id = $1"
        for write, told in (("UPDATE {} SET practice_id = practice_id", "UPDATE 0"), ("DELETE FROM {}",) * 2):
            answer = await connection.execute(f"{write.format(table)} {of_ada}", ada.practice_id)
            assert answer in {told, "DELETE 0"}
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await plant(connection, table, ada)


async def plant(connection: asyncpg.Connection, table: str, ada: Ada) -> None:
    """Insert one of Ada's rows unchanged."""
    given = (
        "SELECT string_agg(column_name, ', ') FROM information_schema.columns"
        " WHERE table_name = $1 AND is_generated = 'NEVER'"
    )
    columns = await connection.fetchval(given, table)
    row = f"SELECT {columns} FROM json_populate_record(NULL::{table}, $1::json)"
    await connection.execute(f"INSERT INTO {table} ({columns}) {row}", ada.rows[table])


@pytest.mark.parametrize("who", COLLEAGUES)
@pytest.mark.parametrize("table", sorted(CLINICAL))
async def test_a_colleague_reads_and_writes_nothing_clinical(
    writer: str, ada: Ada, table: str, who: str
) -> None:
    async with entered(writer, ada.opening(who)) as connection:
        assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE therapist_id IS NOT NULL") == 0
        unchanged = f"UPDATE {table} SET therapist_id = therapist_id WHERE therapist_id IS NOT NULL"
        assert await connection.execute(unchanged) == "UPDATE 0"
        assert await connection.execute(f"DELETE FROM {table} WHERE therapist_id IS NOT NULL") == "DELETE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await plant(connection, table, ada)


@pytest.mark.parametrize("table", sorted(TENANT_TABLES))
async def test_no_row_can_be_moved_into_another_practice(writer: str, ada: Ada, table: str) -> None:
    async with entered(writer, ada.opening("ada")) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(f"UPDATE {table} SET practice_id = $1", uuid4())


@pytest.mark.parametrize("table", sorted(CLINICAL))
async def test_a_therapist_cannot_give_a_client_to_a_colleague(writer: str, ada: Ada, table: str) -> None:
    async with entered(writer, ada.opening("ada")) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(f"UPDATE {table} SET therapist_id = $1", ada.world.ben.therapist_id)


@pytest.mark.parametrize("table", sorted(CLINICAL - NO_VIEWERS))
async def test_a_viewer_reads_and_does_not_write(writer: str, ada: Ada, table: str) -> None:
    ben = ada.world.ben.therapist_id
    async with entered(writer, ada.opening("ada")) as connection:
        await connection.execute(f"UPDATE {table} SET viewers = ARRAY[$1::uuid]", ben)
        await connection.execute(f"SET LOCAL app.therapist = '{ben}'")
        assert await adas_rows(connection, table, ada) > 0
        assert await connection.execute(f"UPDATE {table} SET viewers = '{{}}'") == "UPDATE 0"
        assert await connection.execute(f"DELETE FROM {table}") == "DELETE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await plant(connection, table, ada)


async def test_the_application_can_neither_empty_a_table_nor_lift_a_policy(dsn: str, ada: Ada) -> None:
    for table in sorted(TENANT_TABLES):
        for command in ("TRUNCATE {}", "ALTER TABLE {} DISABLE ROW LEVEL SECURITY", "DROP TABLE {}"):
            async with entered(dsn, ada.opening("ada")) as connection:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(command.format(table))


async def test_a_token_is_looked_up_only_in_its_own_practice(writer: str, ada: Ada) -> None:
    sql = "SELECT practice_id FROM sign_in_of_token($1, $2, $3)"
    async with entered(writer, "BEGIN") as connection:
        now = datetime.now(UTC)
        assert await connection.fetchval(sql, ada.practice_id, ada.access_digest, now) == ada.practice_id
        assert (
            await connection.fetch(sql, UUID(ada.world.cleo.tokens["practice_id"]), ada.access_digest, now)
            == []
        )
        assert await connection.fetch(sql, None, ada.access_digest, now) == []


TOUCHING: Final = {name: each.sql for name, each in STATEMENTS.items() if tables_of(each.sql)}
"""Every registered statement on a tenant table."""
ARRAYS: Final[dict[str, Any]] = {"uuid[]": [uuid4()], "bytea[]": [b"x"], "float8[]": [1.0]}
"""Arguments from which a statement takes its rows; any other is null, which filters nothing."""


LOCK: Final = r"FOR (?:NO KEY |KEY )?(?:UPDATE|SHARE)(?: OF \w+(?:, \w+)*)?"
WHERE: Final = re.compile(
    rf"^     WHERE (.*?)(?=^ *(?:ORDER BY|LIMIT|RETURNING|{LOCK})\b|\Z)", re.MULTILINE | re.DOTALL
)
"""The conditions of a statement as this project indents them; those of a subquery stand further right."""


def unfiltered(sql: str) -> str:
    """Return a statement without its filters and locks."""
    everything = WHERE.sub(r"     WHERE (true OR (\1))\n", sql)
    return re.sub(LOCK, "", everything)


async def reached(connection: asyncpg.Connection, sql: str, ada: Ada) -> int | None:
    """Return how many rows a statement reaches without its filters; None if a constraint stops it."""
    statement = await connection.prepare(unfiltered(sql))
    kinds = [each.name for each in statement.get_parameters()]
    arguments = [ARRAYS.get(kind) for kind in kinds]
    if "INSERT INTO" in sql:
        arguments[0] = ada.practice_id
    try:
        rows = await statement.fetch(*arguments)
    except asyncpg.InsufficientPrivilegeError:
        return 0
    except asyncpg.IntegrityConstraintViolationError:
        return None
    affected = re.search(r"\d+$", statement.get_statusmsg() or "")
    if affected and not sql.lstrip().startswith("SELECT"):
        return int(affected[0])
    return sum(list(row.values()) not in ([0], [False], [None]) for row in rows)


@pytest.mark.parametrize("name", sorted(TOUCHING))
async def test_a_statement_without_its_filters_reaches_nothing_of_another_practice(
    writer: str, ada: Ada, name: str
) -> None:
    async with entered(writer, ada.opening("a practice that is none")) as connection:
        assert await reached(connection, TOUCHING[name], ada) == 0


async def test_the_same_statements_reach_rows_without_policies(look: Look, ada: Ada) -> None:
    """Otherwise the test before this one would prove nothing."""
    connection = await asyncpg.connect(look.admin_dsn, database=look.database)
    idle = []
    for sql in TOUCHING.values():
        await connection.execute("BEGIN")
        if await reached(connection, sql, ada) == 0:
            idle.append(sql)
        await connection.execute("ROLLBACK")
    await connection.close()
    assert idle == []


async def test_the_tables_are_the_listed_ones(dsn: str) -> None:
    async with entered(dsn, "BEGIN") as connection:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {row["tablename"] for row in rows} == TENANT_TABLES | SYSTEM_TABLES
