"""Which of PostgreSQL's programs dump a database, and loading a dump: all of it or nothing."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from service.foundation.crypto.sealed_files import SealedFileBroken
from service.foundation.database.dumps import load_dumps, system_programs
from service.foundation.database.embedded.binaries import find_binaries
from tests.conftest import Server


def install(folder: Path, said: str) -> None:
    """Put a pg_dump there that says which version it is."""
    folder.mkdir()
    program = folder / "pg_dump"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)


@pytest.mark.parametrize("said", ["pg_dump (PostgreSQL) 18.4", "pg_dump (PostgreSQL) 19.0 (Debian 19.0-1)"])
def test_the_systems_programs_serve_a_server_no_newer_than_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    install(tmp_path / "bin", said)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert system_programs(18) == tmp_path / "bin"


@pytest.mark.parametrize("said", ["pg_dump (PostgreSQL) 17.6", "Error: no cluster", ""])
def test_older_or_broken_ones_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    install(tmp_path / "bin", said)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    assert system_programs(18) is None


def test_a_machine_without_any_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert system_programs(18) is None


@pytest.mark.anyio
@pytest.mark.parametrize("kept", [0.2, 0.9, 1.0])
async def test_a_dump_that_breaks_while_it_is_loaded_leaves_nothing_behind(
    server: Server, database: str, admin: asyncpg.Connection, kept: float
) -> None:
    dsn = server.admin_dsn.replace("/postgres?", f"/{database}?")
    await admin.execute("CREATE TABLE bench AS SELECT md5(n::text) FROM generate_series(1, 20000) AS n")
    dumping = [str(find_binaries() / "pg_dump"), "--format=custom", "--dbname", dsn]
    dump = (await asyncio.to_thread(subprocess.run, dumping, check=True, capture_output=True)).stdout
    await admin.execute("DROP TABLE bench")
    with pytest.raises(SealedFileBroken, match="halfway"):
        load_dumps(find_binaries(), dsn, [breaking(dump[: int(len(dump) * kept)])], "")
    assert await admin.fetchval("SELECT to_regclass('bench')") is None
    load_dumps(find_binaries(), dsn, [[dump]], "")
    assert await admin.fetchval("SELECT count(*) FROM bench") == 20000


def breaking(content: bytes) -> Iterator[bytes]:
    """Yield what is there, then find the rest damaged."""
    yield content
    raise SealedFileBroken("halfway")
