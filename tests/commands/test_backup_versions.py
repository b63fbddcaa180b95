"""Backups go from any version of PostgreSQL that Towpath runs on to any other."""

import asyncio
import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote, urlsplit

import asyncpg
import msgspec
import pytest

from service.foundation.database.embedded.accounts import OWN, account_to_lend
from tests.commands.conftest import create_practice, signed_in
from tests.commands.running import serving, succeeding
from tests.conftest import GivenServer, Server
from tests.foundation.database.embedded_tools import ask, wait_until

DEBIANS = Path("/usr/lib/postgresql/15/bin")

pytestmark = pytest.mark.skipif(not DEBIANS.exists(), reason="needs Debian's PostgreSQL 15")


@pytest.fixture(scope="module")
def older() -> Iterator[Server]:
    """Run Debian's PostgreSQL 15 on a folder of its own, reached through a socket."""
    account = account_to_lend(pwd.getpwall()) if os.geteuid() == 0 else OWN
    with tempfile.TemporaryDirectory(prefix="towpath-", dir="/tmp") as folder:
        if account.uid is not None and account.gid is not None:
            os.chown(folder, account.uid, account.gid)
        making = [
            str(DEBIANS / "initdb"),
            "--pgdata",
            f"{folder}/data",
            "--username=postgres",
            "--auth=trust",
        ]
        running = [str(DEBIANS / "postgres"), "-D", f"{folder}/data", "-k", folder, "-c", "listen_addresses="]
        subprocess.run(
            making, check=True, capture_output=True, cwd=folder, user=account.uid, group=account.gid
        )
        with subprocess.Popen(
            running, cwd=folder, user=account.uid, group=account.gid, stderr=subprocess.DEVNULL
        ) as process:
            try:
                server = OlderServer(f"postgresql://postgres@/postgres?host={quote(folder, safe='')}")
                wait_until(lambda: answers(server.admin_dsn))
                yield server
            finally:
                process.terminate()


class OlderServer(GivenServer, frozen=True):
    """A server that is reached through a socket."""

    def dsn(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{user}:{password}@/{database}?{urlsplit(self.admin_dsn).query}"


def answers(dsn: str) -> bool:
    try:
        return bool(ask(dsn, "SELECT true"))
    except (OSError, asyncpg.PostgresError):
        return False


class Database(msgspec.Struct, frozen=True):
    """An empty database on one of the servers, with a key file."""

    admin_dsn: str
    app_dsn: str
    key_file: Path

    @property
    def settings(self) -> dict[str, str | Path]:
        return {"database_url": self.app_dsn, "migrator_url": self.admin_dsn, "key_file": self.key_file}


def empty_database(server: Server, key_file: Path) -> Database:
    name = f"versions_{token_hex(4)}"
    ask(server.admin_dsn, f"CREATE DATABASE {name}")
    admin_dsn = urlsplit(server.admin_dsn)._replace(path=f"/{name}").geturl()
    return Database(admin_dsn, server.dsn(f"phone_{token_hex(4)}", token_hex(16), name), key_file)


@pytest.mark.parametrize("target", ["15", "embedded"])
@pytest.mark.parametrize("source", ["15", "embedded"])
def test_a_backup_is_restored_on_the_same_version_and_on_another(
    server: Server, older: Server, tmp_path: Path, source: str, target: str
) -> None:
    servers = {"15": older, "embedded": server}
    made = empty_database(servers[source], tmp_path / "towpath.key")
    password = create_practice(**made.settings)
    asyncio.run(give_a_column_an_unknown_option(made.admin_dsn))
    succeeding("backup", tmp_path / "monday", **made.settings)
    restored = empty_database(servers[target], made.key_file)
    succeeding("restore", tmp_path / "monday", **restored.settings)
    with serving(**restored.settings) as service, signed_in(service.address, password) as ada:
        assert ada.get("/v1/me").status_code == 200


UNKNOWN_OPTION = """
    UPDATE pg_attribute
       SET attoptions = '{pg_attver=1}'
     WHERE attrelid = 'therapist'::regclass
       AND attnum = 1
"""


async def give_a_column_an_unknown_option(dsn: str) -> None:
    """Do what builds of PostgreSQL with options of their own for columns do."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(UNKNOWN_OPTION)
    await connection.close()
