"""A database of the operator's own: its recipe, its logins, and what the command says of both."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest

from service.foundation.database.embedded import EmbeddedServer, start_embedded
from service.foundation.database.embedded.binaries import find_binaries
from tests.commands.conftest import ADA, Elsewhere, create_practice, signed_in
from tests.commands.running import ROOT, environment, refused, serving, succeeding, towpath


@pytest.mark.parametrize("command", ["migrate", "serve", "backup", "restore", "doctor"])
def test_a_migrators_url_without_the_services_is_refused(tmp_path: Path, command: str) -> None:
    folder = [tmp_path / "monday"] if command in {"backup", "restore"} else []
    done = towpath(command, *folder, data=tmp_path / "data", migrator_url="postgresql://ada:weir@127.0.0.1/x")
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "TOWPATH_MIGRATOR_URL is set but TOWPATH_DATABASE_URL is not" in said
    assert "Traceback" not in said
    assert not (tmp_path / "data").exists()


def test_a_login_of_one_database_is_not_taken_for_another(elsewhere: Elsewhere) -> None:
    password = create_practice(**elsewhere.migrating)
    other = f"{urlsplit(elsewhere.migrator_dsn).path[1:]}_other"
    elsewhere.ask(f"CREATE DATABASE {other}")
    try:
        said = refused("migrate", **on_database(elsewhere, other, "another password"))
        assert "belongs to the Towpath database" in said
        assert "another login in TOWPATH_DATABASE_URL" in said
        with serving(**elsewhere.settings) as service, signed_in(service.address, password) as ada:
            assert ada.get("/v1/me").status_code == 200
    finally:
        elsewhere.ask(f"DROP DATABASE {other}")


def test_a_login_of_a_database_that_is_gone_is_free_again(elsewhere: Elsewhere) -> None:
    other = f"{urlsplit(elsewhere.migrator_dsn).path[1:]}_other"
    elsewhere.ask(f"CREATE DATABASE {other}")
    succeeding("migrate", **on_database(elsewhere, other, "weir"))
    elsewhere.ask(f"DROP DATABASE {other}")
    succeeding("migrate", **elsewhere.migrating)


def on_database(elsewhere: Elsewhere, name: str, password: str) -> dict[str, str | Path]:
    """Return the settings of another database on the same server, with the same login."""
    app = urlsplit(elsewhere.app_dsn)
    host = app.netloc.rpartition("@")[2]
    netloc = f"{app.username}:{password.replace(' ', '%20')}@{host}"
    return {
        "database_url": app._replace(netloc=netloc, path=f"/{name}").geturl(),
        "migrator_url": urlsplit(elsewhere.migrator_dsn)._replace(path=f"/{name}").geturl(),
        "key_file": elsewhere.keys,
    }


def test_a_login_that_the_database_refuses_makes_the_service_answer_503(elsewhere: Elsewhere) -> None:
    create_practice(**elsewhere.migrating)
    login = urlsplit(elsewhere.app_dsn).username
    with serving(**elsewhere.settings) as service, httpx.Client(base_url=service.address, timeout=30) as http:
        assert http.get("/health/ready").status_code == 200
        asyncio.run(change_password(elsewhere.migrator_dsn, str(login)))
        signing_in = {"email": ADA, "password": "weir and otter", "device": {"id": str(DEVICE), "name": "x"}}
        answers = [http.post("/v1/sign-in", json=signing_in), http.get("/health/ready")]
    assert [each.status_code for each in answers] == [503, 503]


DEVICE = "6a4b4b9c-6a35-4a9e-9a53-64f7c5b0a4f1"


async def change_password(dsn: str, login: str) -> None:
    """Give a login another password and end its connections, as an administrator would."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"ALTER ROLE {login} PASSWORD 'other'")
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", login
    )
    await connection.close()


def test_the_first_start_says_where_the_key_file_is_and_what_its_loss_means(elsewhere: Elsewhere) -> None:
    succeeding("migrate", **elsewhere.migrating)
    first = towpath("practice", "create", "--help", **elsewhere.migrating)
    assert first.returncode == 0
    said = said_by_start(elsewhere)
    assert f"The key file is {elsewhere.keys}. Copy it now to another place" in said
    assert "Without it every record is lost for good" in said
    assert "Never keep a copy beside the database or its backups" in said
    assert "The key file is" not in said_by_start(elsewhere)


def said_by_start(elsewhere: Elsewhere) -> str:
    """Start the service, end it once it serves, and return what it said meanwhile."""
    command = [sys.executable, "-m", "service", "serve"]
    settings = environment(port="0", **elsewhere.migrating)
    with subprocess.Popen(
        command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "serves at" in process.stdout.readline()
        process.terminate()
        return process.communicate()[1]


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """Start a server that never had a Towpath database."""
    with start_embedded(tmp_path / "server") as server:
        yield server


def test_the_readmes_recipe_for_an_own_postgresql_works_as_it_stands(
    new_server: EmbeddedServer, tmp_path: Path
) -> None:
    readme = (ROOT / "README.md").read_text()
    recipe = re.search(r"\*\*On your own PostgreSQL\.\*\*.*?```sh\n(.*?)```", readme, re.DOTALL)
    assert recipe
    reached = urlsplit(new_server.admin_dsn)
    here = re.sub(r"@127\.0\.0\.1:5432/(\w+)", rf"@/\1?{reached.query}", recipe[1])
    here = here.replace("postgres@/", f"{reached.username}:{reached.password}@/")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    program = tmp_path / ".venv" / "bin" / "towpath"
    program.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m service "$@"\n')
    program.chmod(0o755)
    settings = environment(data=tmp_path / "data")
    settings["PATH"] = f"{find_binaries()}:{os.environ['PATH']}"
    create = (
        "--name R --zone Europe/London --owner-name Ada --owner-email ada@example.org --generate-password"
    )
    after = f".venv/bin/towpath practice create {create}\n.venv/bin/towpath backup {tmp_path}/monday\n"
    done = subprocess.run(
        ["sh", "-euc", here + after], cwd=tmp_path, env=settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "monday" / "records.sealed").exists()
