"""Policies and functions are applied again when their file changes: all of them or none."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from service.commands.installation import steps_of
from service.foundation.database.apply_sql import TABLE_LOCK_ATTEMPTS
from service.foundation.database.migrate import migrate, pending
from service.foundation.database.roles import OWNER, ensure_roles
from service.foundation.database.sql_files import MigrationRefused, SqlFiles, own_sql_files, read_sql_files
from tests.conftest import Server, connected

PASSWORD: Final = "the heron on the weir"
LOGIN: Final = "walker"

TABLES: Final = """
    CREATE TABLE gate (practice_id uuid PRIMARY KEY, width_m integer);
    ALTER TABLE gate ENABLE ROW LEVEL SECURITY;
    ALTER TABLE gate FORCE ROW LEVEL SECURITY;
"""
OPEN: Final = """
DROP POLICY IF EXISTS open ON gate;
CREATE POLICY open ON gate USING (true);
"""
SHUT: Final = """
DROP POLICY IF EXISTS shut ON gate;
CREATE POLICY shut ON gate USING (false);
"""
WIDTH: Final = """CREATE OR REPLACE FUNCTION breadth(p_practice uuid) RETURNS integer
LANGUAGE sql AS $$ SELECT 3 $$;
"""


class Folder:
    """A folder of SQL files that a test edits, and what a migrator says of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: list[str] = []
        self.put("0001_gate.sql", TABLES)
        self.put("policies/gates.sql", OPEN)
        self.put("functions/breadth.sql", WIDTH)

    def put(self, name: str, sql: str) -> None:
        (self.path / name).parent.mkdir(exist_ok=True)
        (self.path / name).write_text(sql)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.path / name).read_text()
        assert old in text
        self.put(name, text.replace(old, new))

    def remove(self, name: str) -> None:
        (self.path / name).unlink()

    @property
    def files(self) -> SqlFiles:
        return read_sql_files(self.path)

    async def migrate(self, connection: asyncpg.Connection) -> list[str]:
        return await migrate(connection, files=self.files, progress=self.said.append)

    async def pending(self, connection: asyncpg.Connection) -> list[str]:
        return await pending(connection, files=self.files)


@pytest.fixture
async def migrator(admin: asyncpg.Connection) -> asyncpg.Connection:
    await ensure_roles(admin, login=LOGIN, password=PASSWORD)
    return admin


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


async def policies(connection: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await connection.fetch("SELECT policyname FROM pg_policies ORDER BY 1")]


@pytest.mark.anyio
async def test_an_edited_file_is_applied_anew_once_and_an_unchanged_one_not(
    migrator: asyncpg.Connection, folder: Folder
) -> None:
    assert await folder.migrate(migrator) == [
        "0001_gate.sql",
        "policies/gates.sql",
        "functions/breadth.sql",
    ]
    assert await folder.migrate(migrator) == []
    folder.edit("functions/breadth.sql", "SELECT 3", "SELECT 4")
    assert await folder.pending(migrator) == ["functions/breadth.sql"]
    assert await folder.migrate(migrator) == ["functions/breadth.sql"]
    assert await migrator.fetchval("SELECT breadth(gen_random_uuid())") == 4
    assert await folder.migrate(migrator) == []
    assert folder.said.count("applying functions/breadth.sql") == 2


@pytest.mark.anyio
async def test_other_line_endings_are_not_an_edit(migrator: asyncpg.Connection, folder: Folder) -> None:
    await folder.migrate(migrator)
    (folder.path / "functions/breadth.sql").write_bytes(WIDTH.replace("\n", "\r\n").encode())
    assert await folder.pending(migrator) == []


@pytest.mark.anyio
async def test_a_failure_keeps_nothing_and_names_the_file_and_the_line(
    migrator: asyncpg.Connection, folder: Folder
) -> None:
    await folder.migrate(migrator)
    folder.put("policies/gates.sql", SHUT)
    folder.edit("functions/breadth.sql", "SELECT 3", "SELECT metres FROM gate")
    with pytest.raises(
        MigrationRefused,
        match=r'functions/breadth\.sql failed in line 2: column "metres" does not exist\. No policy and no',
    ):
        await folder.migrate(migrator)
    assert await policies(migrator) == ["open"]
    assert await migrator.fetchval("SELECT breadth(gen_random_uuid())") == 3
    assert await folder.pending(migrator) == ["policies/gates.sql", "functions/breadth.sql"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(p_practice uuid)", "(p_practice uuid, p_inner boolean)"),
        ("(p_practice uuid)", "(p_practice text)"),
        ("(p_practice uuid)", "(p_tenant uuid)"),
        ("RETURNS integer", "RETURNS bigint"),
        ("CREATE OR", "DROP FUNCTION breadth(uuid);\nCREATE OR"),
    ],
    ids=["an argument more", "another type", "another name", "another result", "dropped first"],
)
async def test_a_changed_signature_is_refused_and_the_old_function_stays(
    migrator: asyncpg.Connection, folder: Folder, old: str, new: str
) -> None:
    await folder.migrate(migrator)
    oid = await migrator.fetchval("SELECT 'breadth(uuid)'::regprocedure::oid")
    folder.edit("functions/breadth.sql", old, new)
    with pytest.raises(MigrationRefused, match="a new name in a file of its own, and keep this file for one"):
        await folder.migrate(migrator)
    found = await migrator.fetch("SELECT oid FROM pg_proc WHERE proname = 'breadth'")
    assert [row["oid"] for row in found] == [oid]


@pytest.mark.anyio
async def test_a_file_that_defines_another_function_is_refused(
    migrator: asyncpg.Connection, folder: Folder
) -> None:
    folder.put("functions/height.sql", WIDTH)
    with pytest.raises(MigrationRefused, match="does not define a function height: name the file after"):
        await folder.migrate(migrator)


@pytest.mark.anyio
async def test_a_function_whose_file_is_gone_stays_for_the_programs_that_call_it(
    migrator: asyncpg.Connection, folder: Folder
) -> None:
    await folder.migrate(migrator)
    folder.remove("functions/breadth.sql")
    assert await folder.pending(migrator) == []
    assert await folder.migrate(migrator) == []
    assert await migrator.fetchval("SELECT breadth(gen_random_uuid())") == 3


@pytest.mark.anyio
async def test_a_function_that_a_migration_dropped_comes_back_with_its_file(
    migrator: asyncpg.Connection, folder: Folder
) -> None:
    await folder.migrate(migrator)
    folder.remove("functions/breadth.sql")
    folder.put("0002_narrow.sql", "DROP FUNCTION breadth(uuid);")
    assert await folder.migrate(migrator) == ["0002_narrow.sql"]
    assert await migrator.fetchval("SELECT to_regproc('breadth')") is None
    folder.put("functions/breadth.sql", WIDTH)
    assert await folder.pending(migrator) == ["functions/breadth.sql"]
    assert await folder.migrate(migrator) == ["functions/breadth.sql"]


@pytest.mark.anyio
async def test_a_policy_taken_out_of_its_file_is_dropped(
    migrator: asyncpg.Connection, folder: Folder
) -> None:
    folder.put("policies/gates.sql", OPEN + SHUT)
    await folder.migrate(migrator)
    assert await policies(migrator) == ["open", "shut"]
    folder.put("policies/gates.sql", SHUT)
    await folder.migrate(migrator)
    assert await policies(migrator) == ["shut"]


@pytest.mark.anyio
async def test_an_older_program_does_not_take_a_newer_definition_away(
    server: Server, database: str, migrator: asyncpg.Connection, folder: Folder
) -> None:
    await folder.migrate(migrator)
    folder.edit("functions/breadth.sql", "SELECT 3", "SELECT 4")
    await folder.migrate(migrator)
    folder.put("functions/breadth.sql", WIDTH)
    app = await asyncpg.connect(server.dsn(LOGIN, PASSWORD, database))
    for refused in (folder.migrate(migrator), folder.pending(app)):
        with pytest.raises(
            MigrationRefused,
            match=r"newer than this program: it has a later version of functions/breadth\.sql",
        ):
            await refused
    await app.close()
    folder.put("functions/breadth.sql", WIDTH + "-- 3 was right after all\n")
    assert await folder.migrate(migrator) == ["functions/breadth.sql"]
    assert await migrator.fetchval("SELECT breadth(gen_random_uuid())") == 3


@pytest.mark.anyio
async def test_functions_belong_to_the_owner_and_only_the_application_may_call_them(
    migrator: asyncpg.Connection, folder: Folder
) -> None:
    await migrator.execute(f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT EXECUTE ON FUNCTIONS TO PUBLIC")
    await folder.migrate(migrator)
    rights = "SELECT has_function_privilege($1, 'breadth(uuid)', 'EXECUTE')"
    assert [await migrator.fetchval(rights, role) for role in ("public", LOGIN)] == [False, True]
    owner = "SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'breadth'"
    assert await migrator.fetchval(owner) == OWNER


@pytest.mark.anyio
async def test_of_two_migrators_at_once_one_applies_them(
    server: Server, database: str, migrator: asyncpg.Connection, folder: Folder
) -> None:
    await folder.migrate(migrator)
    folder.edit("functions/breadth.sql", "SELECT 3", "SELECT 4")
    folder.edit("policies/gates.sql", "USING (true)", "USING (width_m > 1)")
    async with connected(server.admin_dsn, database) as rival:
        done = await asyncio.gather(folder.migrate(migrator), folder.migrate(rival))
    assert sorted(done) == [[], ["policies/gates.sql", "functions/breadth.sql"]]
    assert await migrator.fetchval("SELECT count(*) FROM definition_ledger") == 4


@pytest.mark.anyio
async def test_a_table_in_use_is_given_way_to_and_then_said(
    server: Server,
    database: str,
    migrator: asyncpg.Connection,
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await folder.migrate(migrator)
    folder.put("policies/gates.sql", SHUT)
    limits = "SET LOCAL lock_timeout = '100ms'"
    monkeypatch.setattr("service.foundation.database.definitions.LIMITS", limits)
    async with connected(server.admin_dsn, database) as reader:
        await reader.execute("BEGIN; SELECT FROM gate")
        with pytest.raises(MigrationRefused, match=f"found a table in use {TABLE_LOCK_ATTEMPTS} times over"):
            await folder.migrate(migrator)
    assert await folder.migrate(migrator) == ["policies/gates.sql"]


@pytest.mark.anyio
async def test_the_limits_hold_for_a_definition(migrator: asyncpg.Connection, folder: Folder) -> None:
    folder.put("policies/gates.sql", OPEN + "INSERT INTO shown SELECT current_setting('lock_timeout');")
    folder.put("0002_shown.sql", "CREATE TABLE shown (lock text);")
    await folder.migrate(migrator)
    assert await migrator.fetchval("SELECT lock FROM shown") == "5s"


@pytest.mark.parametrize(
    ("name", "first_line"),
    [
        ("functions/breadth.sql", "-- towpath: distributed"),
        ("functions/breadth.sql", "-- towpath: as migrator"),
        ("policies/gates.sql", "-- towpath: distributed by p_practice"),
    ],
)
def test_an_unknown_marker_is_refused(folder: Folder, name: str, first_line: str) -> None:
    folder.put(name, first_line + "\n" + WIDTH)
    with pytest.raises(MigrationRefused, match=f"{name} is marked"):
        _ = folder.files


def test_the_hot_functions_are_marked_with_their_practice() -> None:
    marked = {each.function for each in own_sql_files().definitions if each.distributed_by == "p_practice"}
    assert marked >= {"sign_in_of_token", "session_of_token", "route_of_token", "track_geojson_of_token"}


@pytest.mark.anyio
async def test_each_marked_function_takes_the_practice_first(
    admin: asyncpg.Connection, migrator: asyncpg.Connection
) -> None:
    await migrate(migrator, steps=steps_of(Path("none")), progress=lambda _: None)
    for each in own_sql_files().definitions:
        if each.distributed_by is not None:
            arguments = await admin.fetchval(ARGUMENTS, each.function)
            assert arguments.startswith(f"{each.distributed_by} uuid, ")


ARGUMENTS: Final = "SELECT pg_get_function_arguments(oid) FROM pg_proc WHERE proname = $1"


CITUS_CONTROL: Final = "default_version = '13.2'\nrelocatable = true\n"
CITUS: Final = """
    CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod "char");
    CREATE TABLE pg_dist_object (classid oid, objid oid, distribution_argument_index integer);
    CREATE TABLE asked (function text, argument text, colocate_with text, by name DEFAULT session_user);
    GRANT SELECT ON pg_dist_partition, pg_dist_object TO PUBLIC;
    CREATE FUNCTION create_distributed_function(
        function_name regprocedure, distribution_arg_name text, colocate_with text)
    RETURNS void LANGUAGE sql AS $$
        INSERT INTO asked VALUES (function_name::text, distribution_arg_name, colocate_with);
        INSERT INTO pg_dist_object VALUES ('pg_proc'::regclass, function_name, 0);
    $$;
"""
"""An extension that stands for Citus: the two catalogs that are read, and the function that is called."""


@pytest.fixture
def stand_in() -> Iterator[Path]:
    """Return a folder the server finds the extension in."""
    with tempfile.TemporaryDirectory(prefix="towpath-test-") as place:
        extensions = Path(place) / "extension"
        extensions.mkdir()
        (extensions / "citus.control").write_text(CITUS_CONTROL)
        (extensions / "citus--13.2.sql").write_text(CITUS)
        for each in (Path(place), *Path(place).rglob("*")):
            each.chmod(0o755)
        yield Path(place)


@pytest.mark.anyio
async def test_marked_functions_are_registered_with_citus_once(
    migrator: asyncpg.Connection, folder: Folder, stand_in: Path
) -> None:
    if migrator.get_server_version().major < 18:
        pytest.skip("needs extension_control_path")
    folder.edit("0001_gate.sql", "CREATE TABLE gate", "CREATE TABLE practice (id uuid); CREATE TABLE gate")
    folder.put("functions/breadth.sql", "-- towpath: distributed by p_practice\n" + WIDTH)
    folder.put("functions/depth.sql", WIDTH.replace("breadth", "depth"))
    await migrator.execute(f"SET extension_control_path = '{stand_in}:$system'; CREATE EXTENSION citus")
    await folder.migrate(migrator)
    assert await migrator.fetch("SELECT * FROM asked") == []  # the tables are not distributed yet
    await migrator.execute("INSERT INTO pg_dist_partition VALUES ('practice', 'h')")
    for _ in range(2):
        assert await folder.migrate(migrator) == []
    folder.edit("functions/breadth.sql", "SELECT 3", "SELECT 4")
    assert await folder.migrate(migrator) == ["functions/breadth.sql"]
    by = await migrator.fetchval("SELECT session_user")
    asked = [tuple(row) for row in await migrator.fetch("SELECT * FROM asked")]
    assert asked == [("breadth(uuid)", "p_practice", "practice", by)]
    assert folder.said.count("registering breadth(uuid) with Citus") == 1
