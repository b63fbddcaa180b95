"""The embedded server when it or its service is killed, or already runs."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from service.foundation.database.embedded import DataFolderInUse, locks, start_embedded
from service.foundation.database.embedded.process import WATCHED
from tests.foundation.database.embedded_tools import (
    ROOT,
    SERVICE,
    ask,
    children_of,
    is_running,
    kill_at_once,
    kill_while_running,
    needs_proc,
    parent_of,
    postmaster_of,
    running_service,
    wait_until,
)


def test_every_acknowledged_row_survives_killing_service_and_server(tmp_path: Path) -> None:
    acknowledged = []
    for _ in range(2):
        with running_service(tmp_path / "data", work="write") as service:
            assert service.stdout is not None
            acknowledged += [service.stdout.readline() for _ in range(50)]
            kill_at_once(postmaster_of(tmp_path / "data"), service.pid)
            acknowledged += service.stdout.readlines()
    numbers = [int(line) for line in acknowledged if line.endswith("\n") and line.strip().isdigit()]
    assert len(numbers) >= 100
    with start_embedded(tmp_path / "data") as server:
        assert set(numbers) <= set(ask(server.admin_dsn, "SELECT array_agg(id) FROM kept"))


def test_the_server_ends_with_its_service(tmp_path: Path) -> None:
    with running_service(tmp_path / "data") as service:
        server = postmaster_of(tmp_path / "data")
        service.kill()
        wait_until(lambda: not is_running(server))
    assert not (tmp_path / "data/postgresql/cluster/postmaster.pid").exists(), "it was a clean shutdown"


@needs_proc
def test_a_service_started_right_after_being_killed_waits_for_the_old_server(tmp_path: Path) -> None:
    with running_service(tmp_path / "data", work="write") as service:
        kill_at_once(service.pid)
        service.wait()
        with start_embedded(tmp_path / "data") as server:
            assert ask(server.admin_dsn, "SELECT count(*) FROM kept") > 0


def test_a_server_that_does_not_handle_signals_yet_gets_another() -> None:
    server = """
import signal, time
time.sleep(0.5)
signal.signal(signal.SIGINT, lambda *_: exit(7))
time.sleep(60)
"""
    command = ["sh", "-c", WATCHED, "sh", sys.executable, "-c", server]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as watched:
        assert watched.stdin is not None
        watched.stdin.close()
        assert watched.wait(timeout=20) == 7


@needs_proc
def test_a_server_left_running_is_first_ended_cleanly(tmp_path: Path) -> None:
    said: list[str] = []
    with running_service(tmp_path / "data") as service:
        orphan = postmaster_of(tmp_path / "data")
        shell = parent_of(orphan)
        watcher = next(each for each in children_of(shell) if each != orphan)
        kill_at_once(watcher, shell, service.pid)
        service.wait()
        assert is_running(orphan)
        with start_embedded(tmp_path / "data", progress=said.append) as server:
            assert not is_running(orphan)
            assert ask(server.admin_dsn, "SELECT 1") == 1
    assert any("left running" in each for each in said)
    assert "not properly shut down" not in log_of(tmp_path / "data")


def log_of(data: Path) -> str:
    return "".join(each.read_text() for each in (data / "postgresql/log").iterdir())


def test_killing_the_server_alone_lets_the_service_start_it_again(tmp_path: Path) -> None:
    with start_embedded(tmp_path / "data") as server:
        ask(server.admin_dsn, "CREATE TABLE walk AS SELECT 'towpath' AS name")
        kill_at_once(postmaster_of(server.data))
    with start_embedded(tmp_path / "data") as server:
        assert ask(server.admin_dsn, "SELECT name FROM walk") == "towpath"


def test_it_can_be_stopped_during_crash_recovery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE_S", 2)
    with start_embedded(tmp_path / "data") as server:
        ask(server.admin_dsn, "CREATE TABLE walk AS SELECT 'towpath' AS name")
        asyncio.run(kill_while_running(server.admin_dsn, "SELECT pg_sleep(60)", signal.SIGSEGV))
    with start_embedded(tmp_path / "data") as server:
        assert ask(server.admin_dsn, "SELECT name FROM walk") == "towpath"


def test_a_stale_pid_that_another_program_has_now_is_not_signalled(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_service(data) as service:
        pid_file = data / "postgresql/cluster/postmaster.pid"
        socket_file = data / "postgresql/run/.s.PGSQL.5432.lock"
        left = {each: each.read_bytes() for each in (pid_file, socket_file)}
        owner = pid_file.stat()
        service.kill()
        wait_until(lambda: not pid_file.exists())
    other_account = owner.st_uid if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "600"], user=other_account, cwd="/") as other_program:
        try:
            for path, contents in left.items():
                path.write_bytes(contents.replace(contents.split()[0], b"%d" % other_program.pid, 1))
                os.chown(path, owner.st_uid, owner.st_gid)
            with start_embedded(data) as server:
                assert ask(server.admin_dsn, "SELECT 1") == 1
            assert other_program.poll() is None
        finally:
            other_program.kill()


def test_a_first_start_that_was_killed_is_repeated(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = subprocess.Popen([sys.executable, "-c", SERVICE, str(data), "sleep"], cwd=ROOT)
    wait_until((data / "postgresql/cluster.new/PG_VERSION").exists)
    first.kill()
    first.wait()
    assert not (data / "postgresql/cluster").exists()
    with start_embedded(data) as server:
        assert ask(server.admin_dsn, "SELECT 1") == 1
    assert not (data / "postgresql/cluster.new").exists()


def test_a_link_left_by_a_killed_service_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    data = tmp_path / ("long" * 30) / "data"
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as place:
        monkeypatch.setenv("TMPDIR", place)
        monkeypatch.setattr(tempfile, "tempdir", place)
        with running_service(data) as service:
            kill_at_once(service.pid)
            service.wait()
        assert len(list(Path(place).iterdir())) == 1
        start_embedded(data).stop()
        assert list(Path(place).iterdir()) == []


def test_a_second_start_on_the_same_data_names_the_running_process(tmp_path: Path) -> None:
    with running_service(tmp_path / "data") as service:
        with pytest.raises(DataFolderInUse, match=rf"process {service.pid}\b"):
            start_embedded(tmp_path / "data")
        service.send_signal(signal.SIGKILL)
        service.wait()
        start_embedded(tmp_path / "data").stop()


def test_a_second_start_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    with start_embedded(tmp_path / "data") as server:
        with pytest.raises(DataFolderInUse, match=rf"process {os.getpid()}\b"):
            start_embedded(tmp_path / "data")
        assert ask(server.admin_dsn, "SELECT 1") == 1


def test_two_data_folders_run_at_once(tmp_path: Path) -> None:
    with start_embedded(tmp_path / "a") as one, start_embedded(tmp_path / "b") as other:
        ask(one.admin_dsn, "CREATE TABLE only_here ()")
        assert ask(other.admin_dsn, "SELECT to_regclass('only_here')") is None
