"""The embedded server: what it is, who can connect, and what it does not reveal."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from service.foundation.database.embedded import (
    DataFolderDamaged,
    EmbeddedError,
    EmbeddedServer,
    NotDurable,
    StartFailed,
    WrongMajorVersion,
    server,
    start_embedded,
)
from tests.foundation.database.embedded_tools import ask, kill_while_running, postmaster_of, wait_until

CANARY = "she said it by the old lock"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with start_embedded(tmp_path_factory.mktemp("embedded") / "data") as server:
        yield server


@pytest.fixture
def short_place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Let this process use a temporary folder with a short path."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as place:
        monkeypatch.setattr(tempfile, "tempdir", place)
        yield Path(place)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_it_is_postgresql_18_with_utf_8_and_its_own_collation(running: EmbeddedServer) -> None:
    assert ask(running.admin_dsn, "SELECT current_setting('server_version_num')::int / 10000") == 18
    assert ask(running.admin_dsn, "SELECT current_setting('server_encoding')") == "UTF8"
    assert ask(running.admin_dsn, "SELECT datlocprovider FROM pg_database WHERE datname = 'postgres'") == b"b"
    assert ask(running.admin_dsn, "SELECT upper('żółw')") == "ŻÓŁW"


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit", "data_checksums"])
def test_acknowledged_writes_are_on_disk(running: EmbeddedServer, name: str) -> None:
    assert ask(running.admin_dsn, "SELECT current_setting($1)", name) == "on"


def test_nobody_connects_without_a_password(running: EmbeddedServer) -> None:
    assert ask(running.admin_dsn, "SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules") == [
        "scram-sha-256"
    ]
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(running.dsn("postgres", "guessed", "postgres"), "SELECT 1")


def test_it_does_not_listen_on_a_network(running: EmbeddedServer) -> None:
    assert ask(running.admin_dsn, "SELECT current_setting('listen_addresses')") == ""


def test_only_their_owner_can_read_folders_and_files(running: EmbeddedServer) -> None:
    folders = ["", "secrets", "postgresql", "postgresql/cluster", "postgresql/run", "postgresql/log"]
    assert {name: mode_of(running.data / name) for name in folders} == dict.fromkeys(folders, 0o700)
    files = [
        "lock",
        "server-lock",
        *(f"secrets/{each.name}" for each in (running.data / "secrets").iterdir()),
    ]
    assert {name: mode_of(running.data / name) for name in files} == dict.fromkeys(files, 0o600)
    assert mode_of(running.data / "postgresql/run/.s.PGSQL.5432") == 0o700


def test_names_and_passwords_may_have_any_characters(running: EmbeddedServer) -> None:
    password = "a/b@c:d?e#f%20 g&h=ü'"
    ask(running.admin_dsn, """CREATE ROLE "tow/path@x" LOGIN PASSWORD 'a/b@c:d?e#f%20 g&h=ü'''""")
    ask(running.admin_dsn, 'CREATE DATABASE "a b/c?d"')
    dsn = running.dsn("tow/path@x", password, "a b/c?d")
    assert ask(dsn, "SELECT current_user || ' in ' || current_database()") == "tow/path@x in a b/c?d"


def test_its_own_programs_dump_and_restore(running: EmbeddedServer, tmp_path: Path) -> None:
    for name in ("old", "new"):
        ask(running.admin_dsn, f"CREATE DATABASE dumped_{name}")
    password = (running.data / "secrets/postgres-password").read_text().strip()
    old, new = (running.dsn("postgres", password, f"dumped_{name}") for name in ("old", "new"))
    ask(old, "CREATE TABLE walk AS SELECT 'towpath' AS name")
    dump = tmp_path / "dump"
    run([running.binaries / "pg_dump", "-Fc", "-f", dump, "-d", old])
    run([running.binaries / "pg_restore", "-d", new, dump])
    assert ask(new, "SELECT name FROM walk") == "towpath"


def test_errors_and_crashes_log_no_clinical_words(tmp_path: Path) -> None:
    with start_embedded(tmp_path / "data") as server:
        ask(server.admin_dsn, "CREATE TABLE note (body text PRIMARY KEY CHECK (length(body) < 40))")
        ask(server.admin_dsn, "INSERT INTO note VALUES ($1)", CANARY)
        for statement in (
            f"INSERT INTO note VALUES ('{CANARY}')",
            f"INSERT INTO note VALUES ('{CANARY}, {CANARY}')",
            f"SELECT '{CANARY}'::uuid",
            f"SELECT '{CANARY}' FROM nowhere",
        ):
            with pytest.raises(asyncpg.PostgresError):
                ask(server.admin_dsn, statement)
        asyncio.run(kill_while_running(server.admin_dsn, f"SELECT pg_sleep(60), '{CANARY}'", signal.SIGTERM))
        asyncio.run(kill_while_running(server.admin_dsn, f"SELECT pg_sleep(60), '{CANARY}'", signal.SIGSEGV))
        log = server.data / "postgresql/log"
        wait_until(lambda: read_all(log).count("ready to accept connections") == 2)
    assert "terminated by signal" in read_all(log)
    assert "due to administrator command" in read_all(log)
    assert CANARY not in read_all(log)
    assert "note" not in read_all(log)


def run(command: list[str | Path]) -> None:
    subprocess.run(command, check=True)


def read_all(folder: Path) -> str:
    return "".join(each.read_text() for each in folder.iterdir())


def write_setting(data: Path, name: str, value: str) -> None:
    """Write a setting into the server's own file, as an administrator would."""
    with (data / "postgresql/cluster/postgresql.conf").open("a") as file:
        file.write(f"{name} = '{value}'\n")


@pytest.mark.parametrize(
    ("name", "value"), [("fsync", "off"), ("synchronous_commit", "off"), ("listen_addresses", "*")]
)
def test_no_file_weakens_durability_or_opens_the_server_to_others(
    tmp_path: Path, name: str, value: str
) -> None:
    with start_embedded(tmp_path / "data") as server:
        before = ask(server.admin_dsn, "SELECT current_setting($1)", name)
    write_setting(tmp_path / "data", name, value)
    write_setting(tmp_path / "data", "work_mem", "5MB")
    with start_embedded(tmp_path / "data") as server:
        assert ask(server.admin_dsn, "SELECT current_setting($1)", name) == before != value
        assert ask(server.admin_dsn, "SELECT current_setting('work_mem')") == "5MB", "the file is read"


def test_a_setting_weakened_inside_the_database_is_noticed_at_the_next_start(tmp_path: Path) -> None:
    with start_embedded(tmp_path / "data") as server:
        ask(server.admin_dsn, "ALTER ROLE postgres SET synchronous_commit = off")
    with pytest.raises(NotDurable, match="synchronous_commit"):
        start_embedded(tmp_path / "data")
    assert not (tmp_path / "data/postgresql/cluster/postmaster.pid").exists(), "it was shut down"


def test_an_unknown_setting_is_named_and_nothing_stays_running(tmp_path: Path) -> None:
    start_embedded(tmp_path / "data").stop()
    settings = (tmp_path / "data/postgresql/cluster/postgresql.conf").read_text()
    write_setting(tmp_path / "data", "no_such_setting", "1")
    with pytest.raises(StartFailed, match="no_such_setting"):
        start_embedded(tmp_path / "data")
    (tmp_path / "data/postgresql/cluster/postgresql.conf").write_text(settings)
    with start_embedded(tmp_path / "data") as server:
        assert ask(server.admin_dsn, "SELECT 1") == 1


def test_the_next_start_finds_the_data_and_the_same_password(tmp_path: Path) -> None:
    with start_embedded(tmp_path / "data") as server:
        ask(server.admin_dsn, "CREATE TABLE walk AS SELECT 'towpath' AS name")
        way_in = server.admin_dsn
    with start_embedded(tmp_path / "data") as server:
        assert server.admin_dsn == way_in
        assert ask(server.admin_dsn, "SELECT name FROM walk") == "towpath"


def test_an_interrupted_start_releases_everything(tmp_path: Path) -> None:
    def break_off(_said: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start_embedded(tmp_path / "data", progress=break_off)
    with start_embedded(tmp_path / "data") as server:
        assert ask(server.admin_dsn, "SELECT 1") == 1


def test_stopping_a_second_time_does_nothing(tmp_path: Path) -> None:
    server = start_embedded(tmp_path / "data")
    server.stop()
    server.stop()
    with pytest.raises(OSError):  # noqa: PT011  no socket: asyncpg passes on whichever the system says
        ask(server.admin_dsn, "SELECT 1")


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(running: EmbeddedServer) -> None:
    assert os.getsid(postmaster_of(running.data)) != os.getsid(0)


def test_the_services_environment_does_not_reach_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWPATH_SECRET", CANARY)
    monkeypatch.setenv("PGOPTIONS", "-c jit=on")
    monkeypatch.setenv("PGHOST", "db.invalid")
    with start_embedded(tmp_path / "data") as server:
        seen = Path(f"/proc/{postmaster_of(server.data)}/environ")
        if not seen.exists():
            pytest.skip("needs /proc")
        assert CANARY.encode() not in seen.read_bytes()
        assert b"PATH=" in seen.read_bytes()


def test_the_mode_of_a_private_parent_folder_is_not_changed(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    data = private / "data"
    data.mkdir(mode=0o750)
    folders = [data, *data.parents]
    before = [(each, mode_of(each), each.stat().st_uid, each.stat().st_gid) for each in folders]
    with start_embedded(data) as server:
        assert ask(server.admin_dsn, "SELECT 1") == 1
    assert [(each, mode_of(each), each.stat().st_uid, each.stat().st_gid) for each in folders] == before


def test_a_path_too_long_for_a_socket_is_reached_by_a_link(tmp_path: Path, short_place: Path) -> None:
    data = tmp_path / ("long" * 30) / "data"
    with start_embedded(data) as server:
        assert ask(server.admin_dsn, "SELECT 1") == 1
        assert [mode_of(each) for each in short_place.iterdir()] == [0o700]
    assert list(short_place.iterdir()) == []


@pytest.mark.parametrize("name", ["tow path", "a,b", "100%25 sure?&host=x", "ź'\"\\$(id)#"])
def test_a_data_folder_may_have_any_name(tmp_path: Path, short_place: Path, name: str) -> None:
    with start_embedded(tmp_path / name) as server:
        assert ask(server.admin_dsn, "SELECT 1") == 1
    assert list(short_place.iterdir()) == []


def test_no_temporary_file_is_left_behind(tmp_path: Path, short_place: Path) -> None:
    with start_embedded(tmp_path / "data"):
        assert list(short_place.iterdir()) == []
    assert list(short_place.iterdir()) == []


def test_data_of_another_major_version_is_refused_with_advice(tmp_path: Path) -> None:
    start_embedded(tmp_path / "data").stop()
    version = tmp_path / "data/postgresql/cluster/PG_VERSION"
    version.write_text("17\n")
    before = sorted((each, each.stat().st_mtime_ns) for each in (tmp_path / "data/postgresql").rglob("*"))
    with pytest.raises(WrongMajorVersion, match=r"(?s)PostgreSQL 17.*PostgreSQL 18.*backup.*restore"):
        start_embedded(tmp_path / "data")
    assert (
        sorted((each, each.stat().st_mtime_ns) for each in (tmp_path / "data/postgresql").rglob("*"))
        == before
    )
    version.write_text("18\n")
    start_embedded(tmp_path / "data").stop()


@pytest.mark.parametrize("name", ["postgresql/cluster/PG_VERSION", "secrets/postgres-password"])
def test_a_missing_part_is_named_and_not_replaced(tmp_path: Path, name: str) -> None:
    start_embedded(tmp_path / "data").stop()
    (tmp_path / "data" / name).unlink()
    with pytest.raises(DataFolderDamaged, match=rf"{Path(name).parts[1]}.*backup"):
        start_embedded(tmp_path / "data")
    assert not (tmp_path / "data" / name).exists()


def test_a_file_in_place_of_the_data_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(EmbeddedError, match="TOWPATH_DATA"):
        start_embedded(tmp_path / "data")


def test_a_long_recovery_is_waited_for_with_progress(tmp_path: Path) -> None:
    start_embedded(tmp_path / "data").stop()
    # Recovery from an archive, each of whose answers is slow in coming.
    (tmp_path / "data/postgresql/cluster/recovery.signal").touch()
    write_setting(tmp_path / "data", "restore_command", "sleep 0.6; false")
    write_setting(tmp_path / "data", "hot_standby", "off")
    said: list[str] = []
    with start_embedded(tmp_path / "data", progress=said.append) as server:
        assert ask(server.admin_dsn, "SELECT pg_is_in_recovery()") is False
    assert [each for each in said if "recovering its files, 2 s so far" in each]


def test_a_disk_that_is_nearly_full_has_no_room(
    running: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert running.has_room()
    monkeypatch.setattr(server, "ROOM_BYTES", shutil.disk_usage(running.data).total)
    assert not running.has_room()
