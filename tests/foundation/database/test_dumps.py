"""Which of PostgreSQL's programs dump a database."""

from pathlib import Path

import pytest

from service.foundation.database.dumps import system_programs


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
