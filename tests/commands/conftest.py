"""Installations for the command: embedded ones, copied for each test, and databases on another server."""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import msgspec
import pytest

from tests.commands.running import serving, succeeding
from tests.conftest import Server, make_database
from tests.foundation.database.embedded_tools import ask
from tests.http.world import Phone, sign_in

ADA = "ada@example.org"
ADAS = ("--name", "Riverside", "--zone", "Europe/London", "--owner-name", "Ada Lock", "--owner-email", ADA)
LABEL = "Alder 17"
CANARY = "hears the weir at night and cannot sleep"


class Made(msgspec.Struct, frozen=True):
    """An installation with one practice: Ada's. She has one client."""

    data: Path
    password: str
    client: str

    @property
    def key_file(self) -> Path:
        return self.data / "keys" / "towpath.key"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Create an installation with the command, add a client over HTTP, and stop it."""
    data = tmp_path_factory.mktemp("made") / "data"
    password = create_practice(data=data)
    client = str(uuid4())
    with serving(data=data) as service, signed_in(service.address, password) as ada:
        sent = {"id": client, "label": LABEL, "crisis_plan": CANARY}
        assert ada.post("/v1/clients", sent).status_code == 201
    return Made(data, password, client)


def create_practice(email: str = ADA, /, **settings: str | Path) -> str:
    """Create Ada's practice, or another owner's, and return the password."""
    said = succeeding("practice", "create", *ADAS[:-1], email, "--generate-password", "--yes", **settings)
    found = re.search(r"Password: (\S+)", said)
    assert found
    return found[1]


@contextmanager
def signed_in(address: str, password: str, email: str = ADA) -> Iterator[Phone]:
    """Sign in from a new phone for as long as the block lasts."""
    with httpx.Client(base_url=address, timeout=30) as http:
        yield sign_in(http, email, password)


@pytest.fixture
def own(made: Made, tmp_path: Path) -> Made:
    """Return a copy of the installation that the test may change."""
    subprocess.run(["cp", "-a", made.data, tmp_path / "data"], check=True)
    return msgspec.structs.replace(made, data=tmp_path / "data")


class Elsewhere(msgspec.Struct, frozen=True):
    """A database on another server, and the path of its key file."""

    app_dsn: str
    migrator_dsn: str
    keys: Path

    @property
    def settings(self) -> dict[str, str | Path]:
        """Return the settings without the migrator's login."""
        return {"database_url": self.app_dsn, "key_file": self.keys}

    @property
    def migrating(self) -> dict[str, str | Path]:
        """Return the settings with the migrator's login."""
        return {**self.settings, "migrator_url": self.migrator_dsn}

    def ask(self, sql: str) -> Any:
        """Run a statement as the migrator and return its first value."""
        return ask(self.migrator_dsn, sql)


@pytest.fixture
def elsewhere(server: Server, tmp_path: Path) -> Iterator[Elsewhere]:
    """Create an empty database with logins and a path for its key file."""
    making = make_database(server)
    with asyncio.Runner() as runner:
        name = runner.run(making.__aenter__())
        try:
            yield Elsewhere(
                server.dsn(f"phone_{token_hex(4)}", token_hex(16), name),
                urlsplit(server.admin_dsn)._replace(path=f"/{name}").geturl(),
                tmp_path / "keys" / "towpath.key",
            )
        finally:
            runner.run(making.__aexit__(None, None, None))
