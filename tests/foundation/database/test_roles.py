"""The database roles: what the login of the service may do, and what not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.foundation.database.roles import (
    APP,
    OWNER,
    RolesRefused,
    ensure_roles,
    identifier,
    scram_verifier,
)
from tests.conftest import Server, make_database

PASSWORD = "long 'quoted' \\ $1 %s"

TABLE = f"""
    SET ROLE {OWNER};
    CREATE TABLE bench (id integer GENERATED ALWAYS AS IDENTITY, number bigserial, name text);
    GRANT INSERT, UPDATE, DELETE ON bench TO {APP};
    CREATE FUNCTION benches() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM bench);
    RESET ROLE;
"""


@pytest.fixture
def login() -> str:
    return f"walker {token_hex(4)}"


@asynccontextmanager
async def signed_in(
    server: Server, user: str, database: str, password: str = PASSWORD
) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server.dsn(user, password, database))
    try:
        yield connection
    finally:
        await connection.close()


async def make_migrator(admin: asyncpg.Connection, database: str, attributes: str = "CREATEROLE") -> str:
    """Return a role that owns the database and is no superuser; its password is PASSWORD."""
    name = f"migrator_{token_hex(4)}"
    await admin.execute(f"CREATE ROLE {name} LOGIN {attributes} PASSWORD '{scram_verifier(PASSWORD)}'")
    await admin.execute(f"ALTER DATABASE {database} OWNER TO {name}")
    return name


@asynccontextmanager
async def a_server_new_to_towpath(admin: asyncpg.Connection) -> AsyncIterator[None]:
    """Rename the group roles during a test; the databases of other tests need them."""
    aside = [row["rolname"] for row in await admin.fetch(GROUP_ROLES)]
    for role in aside:
        await admin.execute(f"ALTER ROLE {role} RENAME TO {role}_aside")
    try:
        yield
    finally:
        for row in await admin.fetch(GROUP_ROLES):
            await admin.execute(f"DROP OWNED BY {row['rolname']} CASCADE; DROP ROLE {row['rolname']}")
        for role in aside:
            await admin.execute(f"ALTER ROLE {role}_aside RENAME TO {role}")


GROUP_ROLES = f"""
    SELECT rolname
      FROM pg_roles
     WHERE rolname IN ('{OWNER}', '{APP}')
     ORDER BY rolname DESC
"""


@pytest.mark.anyio
async def test_the_login_reads_and_writes_what_the_owner_makes(
    server: Server, database: str, admin: asyncpg.Connection, login: str
) -> None:
    await ensure_roles(admin, login=login, password=PASSWORD)
    await admin.execute(TABLE)
    async with signed_in(server, login, database) as app:
        await app.execute("INSERT INTO bench (name) VALUES ('by the weir'), ('by the lock')")
        await app.execute("UPDATE bench SET name = 'under the alder' WHERE id = 1")
        await app.execute("DELETE FROM bench WHERE id = 2")
        assert await app.fetchval("SELECT name FROM bench") == "under the alder"
        assert await app.fetchval("SELECT benches()") == 1


@pytest.mark.anyio
@pytest.mark.parametrize(
    "forbidden",
    [
        "TRUNCATE bench",
        "DROP TABLE bench",
        "ALTER TABLE bench DISABLE ROW LEVEL SECURITY",
        "CREATE TABLE mine (id integer)",
        "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql RETURN 1",
        "CREATE ROLE mine",
        f"SET ROLE {OWNER}",
        f"SET ROLE {APP}",
    ],
)
async def test_the_login_may_do_nothing_else(
    server: Server, database: str, admin: asyncpg.Connection, login: str, forbidden: str
) -> None:
    if forbidden.endswith(APP) and admin.get_server_version().major < 16:
        pytest.skip("before PostgreSQL 16 a member may always SET ROLE")
    await ensure_roles(admin, login=login, password=PASSWORD)
    await admin.execute(TABLE)
    async with signed_in(server, login, database) as app:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(forbidden)


@pytest.mark.anyio
async def test_only_the_application_may_call_functions(admin: asyncpg.Connection, login: str) -> None:
    await ensure_roles(admin, login=login, password=PASSWORD)
    await admin.execute(TABLE)
    assert await admin.fetchval("SELECT has_function_privilege($1, 'benches()', 'EXECUTE')", login)
    assert not await admin.fetchval("SELECT has_function_privilege('public', 'benches()', 'EXECUTE')")


@pytest.mark.anyio
async def test_a_database_where_everyone_may_create_is_closed(admin: asyncpg.Connection, login: str) -> None:
    await admin.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    await ensure_roles(admin, login=login, password=PASSWORD)
    assert not await admin.fetchval("SELECT has_schema_privilege('public', 'public', 'CREATE')")


@pytest.mark.anyio
async def test_the_password_is_never_sent_to_the_server(admin: asyncpg.Connection, login: str) -> None:
    sent: list[str] = []
    with admin.query_logger(lambda record: sent.append(f"{record.query} {record.args}")):
        await ensure_roles(admin, login=login, password=PASSWORD)
    assert any("SCRAM-SHA-256$" in each for each in sent)
    assert not [each for each in sent if "quoted" in each]


@pytest.mark.anyio
async def test_a_second_run_changes_the_password_and_nothing_else(
    server: Server, database: str, admin: asyncpg.Connection, login: str
) -> None:
    await ensure_roles(admin, login=login, password=PASSWORD)
    before = await admin.fetch(RIGHTS)
    await ensure_roles(admin, login=login, password="another one")
    assert await admin.fetch(RIGHTS) == before
    async with signed_in(server, login, database, "another one") as app:
        assert await app.fetchval("SELECT current_user") == login
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.dsn(login, PASSWORD, database))


RIGHTS = """
    SELECT 'schema', nspacl::text FROM pg_namespace WHERE nspname = 'public'
     UNION ALL
    SELECT 'default', (defaclobjtype, defaclacl)::text FROM pg_default_acl
     UNION ALL
    SELECT 'member', pg_auth_members::text FROM pg_auth_members
     ORDER BY 1, 2
"""


@pytest.mark.anyio
async def test_a_login_that_lost_its_rights_gets_them_back(admin: asyncpg.Connection, login: str) -> None:
    await ensure_roles(admin, login=login, password=PASSWORD)
    await admin.execute(f"REVOKE {APP} FROM {identifier(login)}; ALTER ROLE {identifier(login)} NOLOGIN")
    await ensure_roles(admin, login=login, password=PASSWORD)
    assert await admin.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", login)
    assert await admin.fetchval("SELECT pg_has_role($1, $2, 'USAGE')", login, APP)


@pytest.mark.anyio
async def test_a_migrator_without_superuser_creates_all_roles_and_can_act_as_the_owner(
    server: Server, database: str, admin: asyncpg.Connection, login: str
) -> None:
    name = await make_migrator(admin, database)
    async with a_server_new_to_towpath(admin), signed_in(server, name, database) as migrator:
        for _ in range(2):
            await ensure_roles(migrator, login=login, password=PASSWORD)
        await migrator.execute(TABLE)
        await migrator.execute("UPDATE bench SET name = 'a backfill'")
        async with signed_in(server, login, database) as app:
            await app.execute("INSERT INTO bench (name) VALUES ('by the weir')")
        await migrator.execute("DROP TABLE bench CASCADE")


@pytest.mark.anyio
async def test_a_migrator_without_the_right_to_make_roles_is_told_what_to_do(
    server: Server, database: str, admin: asyncpg.Connection, login: str
) -> None:
    name = await make_migrator(admin, database, attributes="NOCREATEROLE")
    async with signed_in(server, name, database) as migrator:
        with pytest.raises(RolesRefused, match=f'ALTER ROLE "{name}" CREATEROLE'):
            await ensure_roles(migrator, login=login, password=PASSWORD)


@pytest.mark.anyio
async def test_a_migrator_that_does_not_own_the_database_is_told_what_to_do(
    server: Server, database: str, admin: asyncpg.Connection, login: str
) -> None:
    name = await make_migrator(admin, database)
    await admin.execute(f"ALTER DATABASE {database} OWNER TO CURRENT_USER")
    await admin.execute(f"GRANT USAGE ON SCHEMA public TO {name}")
    async with a_server_new_to_towpath(admin), signed_in(server, name, database) as migrator:
        with pytest.raises(RolesRefused, match="own the database"):
            await ensure_roles(migrator, login=login, password=PASSWORD)
        assert not await admin.fetch(GROUP_ROLES)


@pytest.mark.anyio
async def test_two_towpath_databases_on_a_new_server_can_be_prepared_at_the_same_time(
    server: Server, admin: asyncpg.Connection, login: str
) -> None:
    async with (
        a_server_new_to_towpath(admin),
        make_database(server) as one,
        make_database(server) as other,
    ):
        logins = [login, f"{login} too"] * 4
        admins = [await asyncpg.connect(server.admin_dsn, database=name) for name in (one, other) * 4]
        await asyncio.gather(
            *(
                ensure_roles(each, login=its_login, password=PASSWORD)
                for each, its_login in zip(admins, logins, strict=True)
            )
        )
        for name, its_login, its_admin in zip((one, other), logins, admins, strict=False):
            await its_admin.execute(TABLE)
            async with signed_in(server, its_login, name) as app:
                assert await app.fetchval("SELECT benches()") == 0
        for each in admins:
            await each.close()


@pytest.mark.anyio
async def test_of_two_databases_that_want_one_login_at_the_same_time_one_gets_it(
    server: Server, login: str
) -> None:
    async with make_database(server) as one, make_database(server) as other:
        admins = [await asyncpg.connect(server.admin_dsn, database=name) for name in (one, other) * 4]
        ended = await asyncio.gather(
            *(ensure_roles(each, login=login, password=PASSWORD) for each in admins), return_exceptions=True
        )
        assert {type(each) for each in ended[::2]} | {type(each) for each in ended[1::2]} == {
            type(None),
            RolesRefused,
        }
        assert len({type(each) for each in ended[::2]}) == len({type(each) for each in ended[1::2]}) == 1
        for each in admins:
            await each.close()


@pytest.mark.anyio
async def test_a_role_with_more_rights_is_refused_as_login(admin: asyncpg.Connection, login: str) -> None:
    await admin.execute(f"CREATE ROLE {identifier(login)} BYPASSRLS")
    with pytest.raises(RolesRefused, match="may do more"):
        await ensure_roles(admin, login=login, password=PASSWORD)
    with pytest.raises(RolesRefused, match="as the migrator"):
        await ensure_roles(admin, login=await admin.fetchval("SELECT current_user"), password=PASSWORD)
    with pytest.raises(RolesRefused, match="a role without login"):
        await ensure_roles(admin, login=OWNER, password=PASSWORD)


@given(st.text().filter(lambda text: not (text.isascii() and text.isprintable() and text)))
def test_a_password_that_clients_normalise_differently_is_refused(password: str) -> None:
    with pytest.raises(RolesRefused):
        scram_verifier(password)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
def test_a_verifier_has_no_quotes_and_is_never_the_same(password: str) -> None:
    verifier = scram_verifier(password)
    assert "'" not in verifier
    assert "\\" not in verifier
    assert scram_verifier(password) != verifier


@pytest.mark.parametrize("name", ["", "nul\0", "x" * 64, "é" * 32])
def test_a_name_the_server_would_shorten_is_refused(name: str) -> None:
    with pytest.raises(RolesRefused):
        identifier(name)
