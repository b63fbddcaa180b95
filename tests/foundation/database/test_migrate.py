"""Migrations are applied once, in order and completely, and an applied file never changes."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import asyncpg
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.foundation.database import migrate as subject
from service.foundation.database.migrate import migrate, pending
from service.foundation.database.roles import OWNER, ensure_roles, scram_verifier
from service.foundation.database.sql_files import (
    AppliedMigration,
    Migration,
    MigrationRefused,
    SqlFiles,
    own_sql_files,
    unapplied_migrations,
)
from service.foundation.database.sql_files import read_sql_files as read
from tests.conftest import Server

PASSWORD = "the heron on the weir"
LOGIN = "walker"

BENCH = "CREATE TABLE bench (id integer PRIMARY KEY, name text);\n"
GATE = "CREATE TABLE gate (id integer PRIMARY KEY);\n"

Progress = Callable[[str], None]


@pytest.fixture
async def migrator(admin: asyncpg.Connection) -> asyncpg.Connection:
    await ensure_roles(admin, login=LOGIN, password=PASSWORD)
    return admin


@pytest.fixture
def told() -> list[str]:
    return []


@asynccontextmanager
async def another(server: Server, database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server.admin_dsn, database=database)
    try:
        yield connection
    finally:
        await connection.close()


def write_files(folder: Path, *texts: str) -> Path:
    """Write 0001_step.sql and so on, and return the folder."""
    for number, text in enumerate(texts, start=1):
        (folder / f"{number:04}_step.sql").write_bytes(text.encode())
    return folder


def written(folder: Path, *texts: str) -> SqlFiles:
    """Write them, and return them as the program reads them."""
    return read(write_files(folder, *texts))


@pytest.mark.anyio
async def test_each_file_is_applied_once_and_in_order(
    migrator: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    files = write_files(tmp_path, BENCH, "ALTER TABLE bench ADD COLUMN seats integer;")
    assert await migrate(migrator, files=read(files), progress=told.append) == [
        "0001_step.sql",
        "0002_step.sql",
    ]
    assert told == ["applying 0001_step.sql (1 of 2)", "applying 0002_step.sql (2 of 2)"]
    assert await migrate(migrator, files=read(files), progress=told.append) == []
    assert await migrator.fetchval("SELECT count(seats) FROM bench") == 0


@pytest.mark.anyio
async def test_tables_belong_to_the_owner_and_the_ledger_is_only_read(
    server: Server, database: str, migrator: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    await migrate(migrator, files=written(tmp_path, BENCH), progress=told.append)
    owners = await migrator.fetch("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert [row["tableowner"] for row in owners] == [OWNER]
    app = await asyncpg.connect(server.dsn(LOGIN, PASSWORD, database))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute("DELETE FROM migration_ledger")
    await app.close()


@pytest.mark.anyio
async def test_the_service_sees_what_is_pending_without_the_right_to_migrate(
    server: Server, database: str, migrator: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    app = await asyncpg.connect(server.dsn(LOGIN, PASSWORD, database))
    assert await pending(app, files=written(tmp_path, BENCH)) == ["0001_step.sql"]
    await migrate(migrator, files=read(tmp_path), progress=told.append)
    assert await pending(app, files=written(tmp_path, BENCH, GATE)) == ["0002_step.sql"]
    with pytest.raises(MigrationRefused, match="cannot create tables as towpath_owner"):
        await migrate(app, files=read(tmp_path), progress=told.append)
    await app.close()


@pytest.mark.anyio
async def test_a_database_that_nobody_prepared_is_refused_in_words(
    admin: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    with pytest.raises(MigrationRefused, match="cannot create tables as towpath_owner"):
        await migrate(admin, files=written(tmp_path, BENCH), progress=told.append)


@pytest.mark.anyio
async def test_an_edited_file_is_refused_before_anything_else_is_applied(
    migrator: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    await migrate(migrator, files=written(tmp_path, BENCH), progress=told.append)
    write_files(tmp_path, BENCH + "-- a word more", GATE)
    with pytest.raises(MigrationRefused, match=r"0001_step\.sql, applied at .*, was edited since: put"):
        await migrate(migrator, files=read(tmp_path), progress=told.append)
    with pytest.raises(MigrationRefused, match="was edited since"):
        await pending(migrator, files=read(tmp_path))
    assert await migrator.fetchval("SELECT to_regclass('gate')") is None


@pytest.mark.anyio
async def test_other_line_endings_are_not_an_edit(
    migrator: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    await migrate(migrator, files=written(tmp_path, BENCH), progress=told.append)
    assert await pending(migrator, files=written(tmp_path, BENCH.replace("\n", "\r\n"))) == []


@pytest.mark.anyio
async def test_a_file_that_fails_leaves_nothing_and_says_where(
    migrator: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    files = write_files(tmp_path, BENCH, GATE + "INSERT INTO bench\nVALUES (1, 'the heron') RETURNING seats;")
    with pytest.raises(
        MigrationRefused, match=r'0002_step\.sql failed in line 3: column "seats" does not exist'
    ):
        await migrate(migrator, files=read(files), progress=told.append)
    assert await migrator.fetchval("SELECT to_regclass('gate')") is None
    write_files(tmp_path, BENCH, GATE)
    assert await migrate(migrator, files=read(files), progress=told.append) == ["0002_step.sql"]


@pytest.mark.anyio
async def test_a_failure_does_not_repeat_what_the_rows_say(
    migrator: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    files = write_files(tmp_path, BENCH, "INSERT INTO bench VALUES (1, NULL), (2, 'the heron')")
    await migrate(migrator, files=read(files), progress=told.append)
    write_files(tmp_path, BENCH, "INSERT INTO bench VALUES (1, NULL), (2, 'the heron')", NOT_NULL)
    with pytest.raises(MigrationRefused) as refused:
        await migrate(migrator, files=read(files), progress=told.append)
    assert "contains null values" in str(refused.value)
    write_files(tmp_path, BENCH, "INSERT INTO bench VALUES (1, NULL), (2, 'the heron')", UNIQUE)
    with pytest.raises(MigrationRefused) as refused:
        await migrate(migrator, files=read(files), progress=told.append)
    assert "the heron" not in str(refused.value)


NOT_NULL = "ALTER TABLE bench ALTER COLUMN name SET NOT NULL"
UNIQUE = "INSERT INTO bench VALUES (3, 'the heron'); CREATE UNIQUE INDEX ON bench (name)"


@pytest.mark.anyio
@pytest.mark.parametrize("ending", ["COMMIT;", "COMMIT; BEGIN;", "ROLLBACK; BEGIN;"])
async def test_a_file_that_ends_its_own_transaction_is_never_remembered_as_applied(
    migrator: asyncpg.Connection, tmp_path: Path, told: list[str], ending: str
) -> None:
    with pytest.raises(MigrationRefused, match="ends the transaction"):
        await migrate(migrator, files=written(tmp_path, BENCH + ending + GATE), progress=told.append)
    assert await pending(migrator, files=read(tmp_path)) == ["0001_step.sql"]


FORCED = """
    CREATE TABLE note (practice_id uuid PRIMARY KEY, words integer);
    INSERT INTO note VALUES (gen_random_uuid()), (gen_random_uuid());
    ALTER TABLE note ENABLE ROW LEVEL SECURITY;
    ALTER TABLE note FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON note USING (practice_id = nullif(current_setting('app.practice', true), '')::uuid);
"""
BACKFILL = "UPDATE note SET words = 0;"


@pytest.mark.anyio
@pytest.mark.parametrize(("marker", "changed"), [("-- towpath: as migrator\n", 2), ("-- as the owner\n", 0)])
async def test_only_a_backfill_as_the_migrator_reaches_the_rows(
    migrator: asyncpg.Connection, tmp_path: Path, told: list[str], marker: str, changed: int
) -> None:
    files = write_files(tmp_path, FORCED, marker + BACKFILL)
    await migrate(migrator, files=read(files), progress=told.append)
    assert await migrator.fetchval("SELECT count(words) FROM note") == changed


@pytest.mark.anyio
async def test_a_backfill_is_refused_where_it_would_silently_change_nothing(
    server: Server, database: str, migrator: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    name = f"migrator_{token_hex(4)}"
    await migrator.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{scram_verifier(PASSWORD)}' IN ROLE {OWNER}")
    plain = await asyncpg.connect(server.dsn(name, PASSWORD, database))
    files = write_files(tmp_path, FORCED, "-- towpath: as migrator\n" + BACKFILL)
    with pytest.raises(MigrationRefused, match="BYPASSRLS"):
        await migrate(plain, files=read(files), progress=told.append)
    assert await pending(plain, files=read(files)) == ["0001_step.sql", "0002_step.sql"]
    await migrator.execute(f"ALTER ROLE {name} BYPASSRLS")
    assert await migrate(plain, files=read(files), progress=told.append) == [
        "0001_step.sql",
        "0002_step.sql",
    ]
    assert await migrator.fetchval("SELECT count(words) FROM note") == 2
    await plain.close()


@pytest.mark.anyio
async def test_of_two_migrators_at_once_one_waits_and_finds_nothing_left_to_do(
    server: Server, database: str, migrator: asyncpg.Connection, tmp_path: Path
) -> None:
    files = write_files(tmp_path, BENCH, "SELECT pg_sleep(0.5);")
    first: list[str] = []
    second: list[str] = []
    async with another(server, database) as rival:
        done = await asyncio.gather(
            migrate(migrator, files=read(files), progress=first.append),
            migrate(rival, files=read(files), progress=second.append),
        )
    assert sorted(done) == [[], ["0001_step.sql", "0002_step.sql"]]
    assert "another migrator works on this database: waiting for it" in first + second


@pytest.mark.anyio
async def test_a_migrator_waits_only_so_long_and_only_for_its_own_database(
    server: Server, database: str, migrator: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    files = write_files(tmp_path, BENCH)
    async with another(server, "postgres") as elsewhere, another(server, database) as rival:
        await elsewhere.execute(f"SELECT pg_advisory_lock({subject.LOCK_KEY})")
        await rival.execute(f"SELECT pg_advisory_lock({subject.LOCK_KEY})")
        with pytest.raises(MigrationRefused, match=r"over 0\.3 s: wait until it ends, or end it"):
            await migrate(migrator, files=read(files), progress=told.append, wait_s=0.3)
        await rival.execute(f"SELECT pg_advisory_unlock({subject.LOCK_KEY})")
        assert await migrate(migrator, files=read(files), progress=told.append, wait_s=0.3) == [
            "0001_step.sql"
        ]


@pytest.mark.anyio
async def test_a_cancelled_migrator_lets_the_next_one_in(
    server: Server, database: str, migrator: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    files = write_files(tmp_path, BENCH, "SELECT pg_sleep(60);")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(migrate(migrator, files=read(files), progress=told.append), 0.5)
    write_files(tmp_path, BENCH, GATE)
    async with another(server, database) as next_one:
        assert await migrate(next_one, files=read(files), progress=told.append, wait_s=1) == ["0002_step.sql"]


CHILD = """
import asyncio, asyncpg, os, pathlib, sys
from service.foundation.database.migrate import migrate
from service.foundation.database.sql_files import read_sql_files
async def main():
    named = {"application_name": "the doomed"}
    connection = await asyncpg.connect(os.environ["DSN"], database=sys.argv[1], server_settings=named)
    await migrate(connection, files=read_sql_files(pathlib.Path(sys.argv[2])), progress=print)
asyncio.run(main())
"""

CONNECTED = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'the doomed'"
WAITING = CONNECTED + " AND wait_event = 'advisory'"


async def reaches(connection: asyncpg.Connection, query: str, value: int) -> None:
    async with asyncio.timeout(20):
        while await connection.fetchval(query) != value:  # noqa: ASYNC110  the server sends no event
            await asyncio.sleep(0.05)


@pytest.mark.anyio
async def test_killed_in_the_middle_of_a_slow_file_it_resumes_with_that_file(
    server: Server, database: str, migrator: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    files = write_files(tmp_path, BENCH, GATE + "SELECT pg_advisory_xact_lock(42); DROP TABLE bench;")
    async with another(server, database) as slowness:
        await slowness.execute("SELECT pg_advisory_lock(42)")
        child = start_child(server, database, files)
        await reaches(slowness, WAITING, 1)
        child.kill()
        child.wait()
        await reaches(slowness, CONNECTED, 0)  # while 42 is held: the server itself noticed
    assert await pending(migrator, files=read(files)) == ["0002_step.sql"]
    assert await migrator.fetchval("SELECT to_regclass('gate')") is None
    assert await migrate(migrator, files=read(files), progress=told.append) == ["0002_step.sql"]
    assert await migrator.fetchval("SELECT to_regclass('bench')") is None


def start_child(server: Server, database: str, files: Path) -> subprocess.Popen[bytes]:
    root = Path(subject.__file__).parents[3]
    environment = os.environ | {"DSN": server.admin_dsn}
    command = [sys.executable, "-c", CHILD, database, str(files)]
    return subprocess.Popen(command, cwd=root, env=environment)


@pytest.mark.anyio
async def test_a_table_in_use_is_given_way_to_and_tried_again(
    server: Server,
    database: str,
    migrator: asyncpg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subject, "LIMITS", "SET LOCAL lock_timeout = '100ms'")
    await migrate(migrator, files=written(tmp_path, BENCH), progress=print)
    files = write_files(tmp_path, BENCH, "ALTER TABLE bench ADD COLUMN seats integer;")
    async with another(server, database) as reader:
        await reader.execute("BEGIN; SELECT FROM bench")
        with pytest.raises(MigrationRefused, match=r"0002_step\.sql found a table in use 3 times over"):
            await migrate(migrator, files=read(files), progress=print)
        migrating = asyncio.create_task(migrate(migrator, files=read(files), progress=print))
        await asyncio.sleep(0.15)
        await reader.execute("COMMIT")
        assert await migrating == ["0002_step.sql"]


@pytest.mark.anyio
async def test_the_limits_hold_for_the_statements_of_a_file(
    migrator: asyncpg.Connection, tmp_path: Path, told: list[str]
) -> None:
    await migrate(migrator, files=written(tmp_path, SHOWN), progress=told.append)
    assert tuple(await migrator.fetchrow("SELECT * FROM shown") or ()) == ("5s", "10min")
    assert await migrator.fetchval("SHOW statement_timeout") == "0"


SHOWN = """
    CREATE TABLE shown AS
    SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement
"""


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["0001_a.sql", "0003_c.sql"], "number 0002 is missing before 0003_c.sql"),
        (["0002_b.sql"], "number 0001 is missing"),
        (["0001_a.sql", "0001_b.sql"], "0001_a.sql and 0001_b.sql have the same number"),
        (["1_a.sql"], "not named like"),
        (["0001-a.sql"], "not named like"),
    ],
)
def test_a_folder_that_leaves_doubt_is_refused(tmp_path: Path, names: Sequence[str], said: str) -> None:
    for name in names:
        (tmp_path / name).write_text(BENCH)
    with pytest.raises(MigrationRefused, match=said):
        unapplied_migrations(read(tmp_path).migrations, [])


def test_an_unknown_marker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MigrationRefused, match="may only be marked 'as migrator'"):
        read(write_files(tmp_path, "-- towpath: without transaction\n" + BENCH))


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0001_cafe.sql").write_bytes("-- café".encode("latin-1"))
    with pytest.raises(MigrationRefused, match=r"0001_cafe\.sql is not UTF-8 at byte 6"):
        read(tmp_path)


def test_what_is_not_sql_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").touch()
    (tmp_path / "__pycache__").mkdir()
    assert [each.name for each in written(tmp_path, BENCH).migrations] == ["0001_step.sql"]


def test_the_project_s_own_migrations_are_numbered_without_gaps() -> None:
    assert unapplied_migrations(own_sql_files().migrations, [])


def as_migrations(hashes: Sequence[str]) -> list[Migration]:
    return [Migration(number, f"{number:04}_step.sql", "", sha256) for number, sha256 in enumerate(hashes, 1)]


def as_applied(migrations: Sequence[Migration]) -> list[AppliedMigration]:
    return [AppliedMigration(each.number, each.name, each.sha256, datetime.now(UTC)) for each in migrations]


histories = st.lists(st.text("0123456789abcdef", min_size=1), min_size=1, max_size=12).map(as_migrations)


@given(histories, st.data())
def test_whatever_was_applied_the_rest_follows_in_order(files: list[Migration], data: st.DataObject) -> None:
    count = data.draw(st.integers(0, len(files)))
    assert unapplied_migrations(files, as_applied(files[:count])) == files[count:]


@given(histories, st.data())
def test_any_contradiction_between_ledger_and_files_is_refused(
    files: list[Migration], data: st.DataObject
) -> None:
    applied = as_applied(files)
    index = data.draw(st.integers(0, len(files) - 1))
    row, later = applied[index], Migration(len(files) + 1, "later.sql", "", "")
    contradictions = {
        "was edited since": (
            files,
            [*applied[:index], replace(row, sha256="?")],
        ),
        "is now called": (
            files,
            [*applied[:index], replace(row, name="0_x")],
        ),
        "database is newer": (files[:-1], applied),
        "is missing": ([*files[:index], *files[index + 1 :], later], applied),
        "never applied": (files, applied[:index] + applied[index + 1 :]),
    }
    said = data.draw(st.sampled_from(sorted(contradictions)))
    assume(said != "never applied" or index < len(files) - 1)
    with pytest.raises(MigrationRefused, match=said):
        unapplied_migrations(*contradictions[said])
