"""The application's role has the rights its statements use, and no others."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg
import pytest

from service.foundation.database.connection import open_pool, system_write
from service.foundation.database.tables import SYSTEM_TABLES, TENANT_TABLES
from tests.conftest import Server, connected, prepare
from tests.foundation.database.statements import STATEMENTS

TABLES: Final = TENANT_TABLES | SYSTEM_TABLES
FUNCTIONS: Final = Path(__file__).parents[3] / "migrations" / "functions"

WRITES: Final = re.compile(r"\b(INSERT INTO|UPDATE|DELETE FROM)\s+([a-z_]+)")

GRANTED: Final = """
    SELECT table_name, privilege_type
      FROM information_schema.role_table_grants
     WHERE grantee IN ('towpath_app', 'PUBLIC')
       AND table_schema = 'public'
       AND privilege_type <> 'SELECT'
"""


@pytest.fixture(scope="module")
def app_dsn(server: Server) -> str:
    """Return the application's login to a database of its own."""
    return asyncio.run(prepare(server))


def database_of(dsn: str) -> str:
    return urlsplit(dsn).path.lstrip("/")


def used_rights() -> dict[str, set[str]]:
    """Return what the statements and functions do to each table, apart from reading it."""
    used = defaultdict(set)
    for table, right in used_in(each.sql for each in STATEMENTS.values()):
        used[table].add(right)
    for table, right in used_in(each.read_text(encoding="utf-8") for each in FUNCTIONS.glob("*.sql")):
        used[table].add(right)
    return dict(used)


def used_in(texts: Iterator[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        for words, table in WRITES.findall(text):
            if table in TABLES:
                yield table, words.split()[0]
                if words == "INSERT INTO" and "DO UPDATE" in text:
                    yield table, "UPDATE"


@pytest.mark.anyio
async def test_every_right_of_the_application_is_used_by_a_statement(server: Server, app_dsn: str) -> None:
    granted = defaultdict(set)
    async with connected(server.admin_dsn, database_of(app_dsn)) as admin:
        for table, right in await admin.fetch(GRANTED):
            granted[table].add(right)
    assert dict(granted) == used_rights()


@pytest.mark.anyio
async def test_the_rights_suffice_for_every_statement(app_dsn: str) -> None:
    """EXPLAIN checks the rights as running does, locks included, and changes nothing."""
    refused = {}
    async with connected(app_dsn) as app:
        await app.execute("SET plan_cache_mode = force_generic_plan")
        for name, statement in STATEMENTS.items():
            await app.execute(f"PREPARE asked AS {statement.sql}")
            many = await app.fetchval(PARAMETERS)
            try:
                await app.fetch(f"EXPLAIN EXECUTE asked {arguments(many)}")
            except asyncpg.InsufficientPrivilegeError as error:
                refused[name] = str(error)
            await app.execute("DEALLOCATE asked")
    assert refused == {}


PARAMETERS: Final = """
    SELECT cardinality(parameter_types)
      FROM pg_prepared_statements
     WHERE name = 'asked'
"""


def arguments(many: int) -> str:
    return f"({', '.join(['NULL'] * many)})" if many else ""


@pytest.mark.anyio
async def test_no_statement_empties_the_sign_in_index(server: Server, app_dsn: str) -> None:
    entry = "INSERT INTO sign_in_index VALUES ('a', {0}, {0}), ('b', {0}, gen_random_uuid())"
    own = "'11111111-1111-4111-8111-111111111111'"
    async with connected(server.admin_dsn, database_of(app_dsn)) as admin, connected(app_dsn) as app:
        await admin.execute(entry.format(own))
        assert await app.execute("DELETE FROM sign_in_index") == "DELETE 0"
        await app.execute(f"SET app.practice = {own}")
        assert await app.execute("DELETE FROM sign_in_index") == "DELETE 0"
        await app.execute(f"SET app.therapist = {own}")
        assert await app.execute("DELETE FROM sign_in_index") == "DELETE 1"
        for refused in ("UPDATE sign_in_index SET email_index = 'c'", "TRUNCATE sign_in_index"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(refused)


@pytest.mark.anyio
async def test_a_login_connects_to_no_database_but_its_own(server: Server, app_dsn: str) -> None:
    other_dsn = await prepare(server)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await asyncpg.connect(app_dsn, database=database_of(other_dsn))


@pytest.mark.anyio
@pytest.mark.parametrize(("set_to", "written_with"), [("off", "on"), ("on", "on"), ("remote_apply",) * 2])
async def test_a_write_waits_for_the_disk_whatever_its_connection_was_set_to(
    app_dsn: str, set_to: str, written_with: str
) -> None:
    async with await open_pool(app_dsn, size=1) as pool:
        async with pool.connections.acquire() as connection:
            await connection.execute(f"SET synchronous_commit = {set_to}")
        async with system_write(pool) as connection:
            assert await connection.fetchval("SHOW synchronous_commit") == written_with
