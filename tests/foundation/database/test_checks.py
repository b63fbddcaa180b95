"""The start refuses an unsafe database: each test breaks one thing and expects one reason."""

from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from pathlib import Path
from secrets import token_hex
from typing import Any

import asyncpg
import pytest

from service.commands.installation import steps_of
from service.foundation.database.checks import (
    UnsafeDatabase,
    durability_reasons,
    refuse_unsafe,
    version_reasons,
)
from service.foundation.database.migrate import migrate
from service.foundation.database.roles import OWNER, ensure_roles
from service.foundation.database.tables import SYSTEM_TABLES, TENANT_TABLES
from tests.conftest import Server

pytestmark = pytest.mark.anyio

PASSWORD = "the heron on the weir"

TENANT = {"client", "note"}
SYSTEM = {"directory"}

OWN = "practice_id = nullif(current_setting('app.practice', true), '')::uuid"

SAFE_SCHEMA = f"""
    SET ROLE {OWNER};
    CREATE TABLE directory (practice_id uuid PRIMARY KEY);
    CREATE TABLE client (
        practice_id uuid REFERENCES directory,
        id uuid,
        PRIMARY KEY (practice_id, id)
    );
    CREATE TABLE note (
        practice_id uuid,
        id uuid,
        client_id uuid,
        words text,
        PRIMARY KEY (practice_id, id),
        UNIQUE (words, practice_id),
        FOREIGN KEY (practice_id, client_id) REFERENCES client
    );
    ALTER TABLE client ENABLE ROW LEVEL SECURITY;
    ALTER TABLE client FORCE ROW LEVEL SECURITY;
    CREATE POLICY own_practice ON client USING ({OWN});
    ALTER TABLE note ENABLE ROW LEVEL SECURITY;
    ALTER TABLE note FORCE ROW LEVEL SECURITY;
    CREATE POLICY own_words ON note USING ({OWN} AND (words IS NULL OR length(words) > 1)) WITH CHECK ({OWN});
    CREATE POLICY narrower ON note AS RESTRICTIVE USING (true);
    CREATE VIEW words WITH (security_invoker) AS SELECT words FROM note;
    CREATE FUNCTION notes() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM note);
    RESET ROLE;
"""

Refusals = Callable[[], Coroutine[Any, Any, list[str]]]


@pytest.fixture
async def login(admin: asyncpg.Connection) -> str:
    name = f"walker_{token_hex(4)}"
    await ensure_roles(admin, login=name, password=PASSWORD)
    await admin.execute(SAFE_SCHEMA)
    return name


async def reasons_found(
    connection: asyncpg.Connection,
    tenant_tables: Collection[str] = frozenset(TENANT),
    system_tables: Collection[str] = frozenset(SYSTEM),
) -> list[str]:
    try:
        await refuse_unsafe(connection, tenant_tables=tenant_tables, system_tables=system_tables)
    except UnsafeDatabase as unsafe:
        return unsafe.reasons
    return []


@pytest.fixture
async def refusals(server: Server, database: str, login: str) -> AsyncIterator[Refusals]:
    """Return a function that returns the reasons found with the service's login, over a new connection."""
    opened: list[asyncpg.Connection] = []

    async def look() -> list[str]:
        opened.append(await asyncpg.connect(server.dsn(login, PASSWORD, database)))
        return await reasons_found(opened[-1])

    yield look
    for connection in opened:
        await connection.close()


async def test_a_safe_database_is_served(refusals: Refusals) -> None:
    assert await refusals() == []


async def test_the_project_s_own_schema_is_safe(
    server: Server, database: str, admin: asyncpg.Connection
) -> None:
    login = f"walker_{token_hex(4)}"
    await ensure_roles(admin, login=login, password=PASSWORD)
    await migrate(admin, steps=steps_of(Path("none")), progress=print)
    app = await asyncpg.connect(server.dsn(login, PASSWORD, database))
    assert await reasons_found(app, TENANT_TABLES, SYSTEM_TABLES) == []
    await app.close()


async def test_a_superuser_is_refused_with_one_reason(admin: asyncpg.Connection, login: str) -> None:
    (reason,) = await reasons_found(admin)
    assert "is a superuser" in reason
    await admin.execute(f"SET ROLE {login}")
    (reason,) = await reasons_found(admin)
    assert "is a superuser" in reason


@pytest.mark.parametrize(
    ("strengthen", "said"),
    [
        ("ALTER ROLE {login} BYPASSRLS", r"signs in as {login}, which has BYPASSRLS"),
        ("ALTER ROLE {login} CREATEROLE", r"signs in as {login}, which has CREATEROLE"),
        ("ALTER ROLE {login} REPLICATION", r"signs in as {login}, which has REPLICATION"),
        (
            "CREATE ROLE {login}_strong BYPASSRLS; GRANT {login}_strong TO {login}",
            r"can become {login}_strong, which has BYPASSRLS",
        ),
        ("GRANT pg_read_server_files TO {login}", r"which may read or write files of the server"),
        ("GRANT towpath_owner TO {login}", r"is or can become towpath_owner"),
        ("ALTER TABLE note OWNER TO {login}", r"is or can become {login}, which owns tables"),
        ("GRANT TRUNCATE ON note TO towpath_app", r"may TRUNCATE note"),
        ("ALTER ROLE {login} SET synchronous_commit = off", r"synchronous_commit is off"),
    ],
)
async def test_a_login_with_more_rights_or_unsafe_settings_is_refused(
    admin: asyncpg.Connection, login: str, refusals: Refusals, strengthen: str, said: str
) -> None:
    await admin.execute(strengthen.format(login=login))
    (reason,) = await refusals()
    assert said.format(login=login) in reason


@pytest.mark.parametrize(
    ("breaking", "said"),
    [
        ("CREATE TABLE stray (id integer)", "The table stray is in neither list"),
        ("CREATE TABLE stray (id integer) PARTITION BY LIST (id)", "The table stray is in neither list"),
        ("DROP TABLE directory CASCADE", "The table directory is missing"),
        ("ALTER TABLE note DISABLE ROW LEVEL SECURITY", "The table note has no row-level security"),
        ("ALTER TABLE note NO FORCE ROW LEVEL SECURITY", "The policies of note do not bind its owner"),
        ("ALTER TABLE note DROP CONSTRAINT note_pkey", "The primary key of note does not begin"),
        (
            "ALTER TABLE note DROP CONSTRAINT note_pkey, ADD PRIMARY KEY (id, practice_id)",
            "The primary key of note does not begin",
        ),
        ("ALTER TABLE note ADD CONSTRAINT one UNIQUE (id)", "one on note is unique across practices"),
        ("CREATE UNIQUE INDEX one ON note (lower(words))", "one on note is unique across practices"),
        ("CREATE UNIQUE INDEX one ON note (id) INCLUDE (practice_id)", "one on note is unique across"),
        ("ALTER TABLE note ADD CONSTRAINT one EXCLUDE (id WITH =)", "one on note is unique across practices"),
        (
            "ALTER TABLE note ADD CONSTRAINT to_it FOREIGN KEY (client_id) REFERENCES directory",
            "The foreign key to_it of note lacks practice_id",
        ),
        (
            "ALTER TABLE note ADD CONSTRAINT to_it FOREIGN KEY (client_id, practice_id) REFERENCES client",
            "The foreign key to_it of note lacks practice_id",
        ),
        ("DROP POLICY own_practice ON client", "The table client has no policy"),
        ("CREATE POLICY wide ON note USING (true)", "The policy wide on note shows rows of other practices"),
        ("CREATE POLICY wide ON note USING (1 = 1)", "The policy wide on note shows rows of other practices"),
        (
            "CREATE POLICY wide ON note USING (practice_id IS NOT NULL)",
            "The policy wide on note shows rows of other practices",
        ),
        (
            f"CREATE POLICY wide ON note USING ({OWN} OR true)",
            "The policy wide on note shows rows of other practices",
        ),
        (
            f"CREATE POLICY wide ON note USING ({OWN} AND id IS NULL OR true)",
            "The policy wide on note shows rows of other practices",
        ),
        (
            f"CREATE POLICY wide ON note USING ({OWN}) WITH CHECK (true)",
            "The policy wide on note shows rows of other practices",
        ),
        (
            "CREATE POLICY wide ON note FOR INSERT WITH CHECK (true)",
            "The policy wide on note shows rows of other practices",
        ),
        (
            f"CREATE POLICY deep ON note USING ({OWN} AND client_id IN (SELECT id FROM client))",
            "The policy deep on note has a subquery",
        ),
        ("ALTER VIEW words RESET (security_invoker)", "The view words reads with the rights of its owner"),
        (
            "ALTER VIEW words SET (security_invoker = off)",
            "The view words reads with the rights of its owner",
        ),
        ("CREATE MATERIALIZED VIEW kept AS SELECT words FROM note", "The materialised view kept"),
        ("ALTER FUNCTION notes() SECURITY DEFINER", "The function notes() runs with the rights of its owner"),
        (
            "GRANT EXECUTE ON FUNCTION notes() TO PUBLIC",
            "Every role of the server may call the function notes",
        ),
    ],
)
async def test_a_schema_that_could_leak_is_refused(
    admin: asyncpg.Connection, refusals: Refusals, breaking: str, said: str
) -> None:
    await admin.execute(breaking)
    (reason,) = await refusals()
    assert reason.startswith(said)
    assert ": " in reason
    assert reason.endswith(".")


@pytest.mark.parametrize(
    ("listed_twice", "missing"), [({"note"}, set()), (set(), {"gate"})], ids=["twice", "missing"]
)
async def test_each_table_is_in_one_list(
    server: Server, database: str, login: str, listed_twice: set[str], missing: set[str]
) -> None:
    app = await asyncpg.connect(server.dsn(login, PASSWORD, database))
    (reason,) = await reasons_found(app, TENANT | missing, SYSTEM | listed_twice)
    assert ("remove it from one" if listed_twice else "The table gate is missing") in reason
    await app.close()


async def test_every_reason_is_told_at_once(admin: asyncpg.Connection, refusals: Refusals) -> None:
    await admin.execute("ALTER TABLE note DISABLE ROW LEVEL SECURITY; CREATE TABLE stray (id integer)")
    assert len(await refusals()) == 2


async def test_objects_of_an_extension_are_not_checked(admin: asyncpg.Connection, refusals: Refusals) -> None:
    await admin.execute(BROUGHT)
    assert len(await refusals()) == 4
    await admin.execute(BY_EXTENSION)
    assert await refusals() == []


BROUGHT = """
    CREATE TABLE spatial_ref_sys (id integer);
    CREATE VIEW statistics AS SELECT 1 AS one;
    CREATE FUNCTION look_up() RETURNS integer LANGUAGE sql SECURITY DEFINER RETURN 1;
"""
BY_EXTENSION = """
    ALTER EXTENSION plpgsql ADD TABLE spatial_ref_sys;
    ALTER EXTENSION plpgsql ADD VIEW statistics;
    ALTER EXTENSION plpgsql ADD FUNCTION look_up();
"""


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_lose_an_acknowledged_write_is_refused(name: str) -> None:
    settings = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "remote_apply"}
    assert list(durability_reasons(settings)) == []
    (reason,) = durability_reasons(settings | {name: "off"})
    assert reason.startswith(f"{name} is off")


def test_a_server_older_than_any_tested_is_refused() -> None:
    assert list(version_reasons(15)) == []
    assert list(version_reasons(14)) == ["The server is PostgreSQL 14: upgrade it to 15 or newer."]


def test_the_error_has_one_reason_a_line() -> None:
    assert str(UnsafeDatabase(["One.", "Two."])) == "One.\nTwo."
