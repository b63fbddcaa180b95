"""A service behind PgBouncer in transaction mode, where practices share connections."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import pytest

from service.foundation.database.embedded.accounts import OWN, Account, account_to_lend
from tests.commands.conftest import ADA, Elsewhere, create_practice, signed_in
from tests.commands.running import refused, serving, succeeding
from tests.foundation.database.embedded_tools import wait_until
from tests.http.sessions import a_recording, a_session, held, send_track
from tests.http.world import Phone

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
PORT = 6432
TURNS = 12

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="needs pgbouncer")


@pytest.fixture
def pooled(elsewhere: Elsewhere) -> Iterator[dict[str, str | Path]]:
    """Return the settings of a service that reaches its migrated database through two connections in all."""
    succeeding("migrate", **elsewhere.migrating)
    with pooler_to(elsewhere.app_dsn) as dsn:
        yield {**elsewhere.migrating, "database_url": dsn}


@contextmanager
def pooler_to(dsn: str) -> Iterator[str]:
    """Run PgBouncer before a server, as the account that reaches it; yield the URL that leads through it."""
    parts = urlsplit(dsn)
    given = {name: values[0] for name, values in parse_qs(parts.query).items()}
    host = given.get("host") or str(parts.hostname)
    account = account_for(host)
    reached = "/proc/self/cwd" if host.startswith("/") else host  # its parents may be closed to the account
    with tempfile.TemporaryDirectory(prefix="towpath-", dir="/tmp") as folder:
        place = Path(folder)
        (place / "users").write_text(f'"{parts.username}" "{parts.password}"\n')
        (place / "ini").write_text(
            f"""
[databases]
* = host={reached} port={given.get("port") or parts.port or 5432}
[pgbouncer]
listen_port = {PORT}
unix_socket_dir = {place}
auth_type = scram-sha-256
auth_file = {place / "users"}
pool_mode = transaction
default_pool_size = 2
"""
        )
        if account.uid is not None and account.gid is not None:
            os.chown(place, account.uid, account.gid)
        with subprocess.Popen(
            [str(PGBOUNCER), "-q", place / "ini"],
            cwd=host if host.startswith("/") else "/",
            user=account.uid,
            group=account.gid,
            extra_groups=account.groups,
        ) as process:
            try:
                wait_until((place / f".s.PGSQL.{PORT}").exists)
                user = parts.netloc.rpartition("@")[0]
                yield f"postgresql://{user}@{parts.path}?host={quote(folder, safe='')}&port={PORT}"
            finally:
                process.terminate()


def account_for(host: str) -> Account:
    """Return the account to run it as: never root, and one that reaches the server's socket."""
    if os.geteuid() != 0:
        return OWN
    if not host.startswith("/"):
        return account_to_lend(pwd.getpwall())
    owner = Path(host).stat()
    return Account(None, owner.st_uid, owner.st_gid)


def test_practices_share_a_poolers_connections_and_nothing_else(pooled: dict[str, str | Path]) -> None:
    passwords = {email: create_practice(email, **pooled) for email in (ADA, "cleo@example.org")}

    def work(email: str) -> set[str]:
        """Return the labels one practice's phone saw among its clients, adding some all the while."""
        with signed_in(service.address, passwords[email], email) as phone:
            return {label for _ in range(TURNS) for label in labels_after_adding(phone, email)}

    with serving(**pooled) as service, ThreadPoolExecutor(8) as phones:
        emails = [*passwords] * 4
        for email, seen in zip(emails, phones.map(work, emails), strict=True):
            assert seen == {email}


def labels_after_adding(phone: Phone, label: str) -> set[str]:
    assert phone.post("/v1/clients", {"id": str(uuid4()), "label": label}).status_code == 201
    listed = phone.get("/v1/clients")
    assert listed.status_code == 200
    return {each["label"] for each in listed.json()["items"]}


def test_a_walk_is_kept_and_read_through_a_pooler(pooled: dict[str, str | Path]) -> None:
    password = create_practice(**pooled)
    with serving(**pooled) as service, signed_in(service.address, password) as ada:
        session = a_session(ada)
        held(ada, session)
        assert send_track(ada, session, a_recording()).status_code == 201
        assert ada.get(f"{session}/track/geojson").status_code == 200
    assert "Every migration, policy and function is applied" in succeeding("doctor", **pooled)


@pytest.mark.parametrize("command", [("migrate",), ("backup", "monday")])
def test_what_needs_a_session_of_its_own_is_refused_a_pooler(
    pooled: dict[str, str | Path], command: tuple[str, ...]
) -> None:
    create_practice(**pooled)  # which makes the key file that a backup is encrypted with
    said = refused(*command, **{**pooled, "migrator_url": pooled["database_url"]})
    assert "Give TOWPATH_MIGRATOR_URL the server's own address" in said
