"""`towpath serve`: what it starts, what it refuses, and how it ends."""

import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from service.foundation.crypto.key_file import KeyFile
from tests.commands.conftest import CANARY, LABEL, Elsewhere, Made, create_practice, signed_in
from tests.commands.running import Service, refused, serving, succeeding
from tests.foundation.database.embedded_tools import is_running, postmaster_of, wait_until


def is_ready(service: Service) -> bool:
    return httpx.get(f"{service.address}/health/ready").status_code == 200


def test_it_says_where_it_is_serves_and_ends_in_good_order(own: Made) -> None:
    with serving(data=own.data) as service:
        assert is_ready(service)
        assert httpx.get(f"{service.address}/docs").status_code == 200
        server = postmaster_of(own.data)
        assert service.end(signal.SIGTERM) == 0
    assert not is_running(server)
    assert not (own.data / "postgresql/cluster/postmaster.pid").exists()


def test_ctrl_c_ends_it_as_well(own: Made) -> None:
    with serving(data=own.data) as service:
        assert service.end(signal.SIGINT) == 0


def test_a_record_is_there_after_killing_it_and_starting_again(own: Made) -> None:
    with serving(data=own.data) as service:
        service.end(signal.SIGKILL)
    with serving(data=own.data) as service, signed_in(service.address, own.password) as ada:
        assert ada.get(f"/v1/clients/{own.client}").json()["crisis_plan"] == CANARY


def test_a_database_that_was_killed_is_started_again_and_its_sign_ins_go_on(own: Made) -> None:
    with serving(data=own.data) as service, signed_in(service.address, own.password) as ada:
        os.kill(postmaster_of(own.data), signal.SIGKILL)
        wait_until(lambda: not is_ready(service))
        wait_until(lambda: is_ready(service))
        assert ada.get(f"/v1/clients/{own.client}").json()["crisis_plan"] == CANARY
        server = postmaster_of(own.data)
        assert service.end(signal.SIGTERM) == 0
    assert not is_running(server)


def test_the_first_start_makes_a_key_file_for_its_owner_only(made: Made) -> None:
    assert made.key_file.stat().st_mode & 0o777 == 0o600
    assert made.key_file.parent.stat().st_mode & 0o777 == 0o700


def test_no_file_of_the_installation_says_what_a_client_said(made: Made) -> None:
    """Tables, write-ahead log and server log; the practice's name shows that they would be found."""
    files = [each for each in made.data.rglob("*") if each.is_file()]
    assert any("pg_wal" in each.parts for each in files)
    contents = [each.read_bytes() for each in files]
    assert any(b"Riverside" in content for content in contents)
    for word in (CANARY, LABEL):
        assert not any(word.encode() in content for content in contents)


def test_a_request_that_runs_when_it_is_told_to_end_is_answered(own: Made) -> None:
    with serving(data=own.data) as service, half_a_request(service) as (connection, rest):
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not takes_connections(service))
        connection.sendall(rest)
        assert connection.recv(100).startswith(b"HTTP/1.1 4")
        assert service.process.wait(20) == 0


def test_a_second_signal_does_not_wait(own: Made) -> None:
    with serving(data=own.data) as service, half_a_request(service):
        server = postmaster_of(own.data)
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not takes_connections(service))
        assert service.end(signal.SIGTERM) == -signal.SIGTERM
    wait_until(lambda: not is_running(server))


@contextmanager
def half_a_request(service: Service) -> Iterator[tuple[socket.socket, bytes]]:
    """Give a connection on which half a body was sent, and the other half."""
    body = b'{"email": "ada@example.org"}'
    head = ["POST /v1/sign-in HTTP/1.1", "Host: x", "Content-Type: application/json"]
    sent = "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode()
    with connection_to(service, timeout_s=20) as connection:
        connection.sendall(sent + body[:10])
        yield connection, body[10:]


def connection_to(service: Service, timeout_s: float) -> socket.socket:
    place = urlsplit(service.address)
    return socket.create_connection((place.hostname or "", place.port or 0), timeout=timeout_s)


def takes_connections(service: Service) -> bool:
    try:
        connection_to(service, timeout_s=1).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_second_service_on_the_same_data_is_refused_and_the_first_stays(own: Made) -> None:
    with serving(data=own.data) as service:
        assert "already runs on" in refused("serve", data=own.data, port="0")
        assert is_ready(service)


def test_a_port_that_is_taken_is_said_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refused("serve", data=tmp_path / "data", port=str(taken.getsockname()[1]))
    assert "TOWPATH_PORT" in said
    assert not (tmp_path / "data").exists()


def test_a_setting_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "TOWPATH_COLOUR" in refused("serve", data=tmp_path / "data", colour="green")


def test_another_installations_key_file_is_refused(own: Made) -> None:
    own.key_file.write_text(KeyFile.new().to_text())
    assert "does not belong to these records" in refused("serve", data=own.data, port="0")


def test_a_missing_key_file_is_refused_and_none_is_made_in_its_place(own: Made) -> None:
    own.key_file.unlink()
    assert "no key file" in refused("serve", data=own.data, port="0")
    assert not own.key_file.exists()


FIRST_WRITTEN = """
    SELECT concat((SELECT string_agg(rolname || xmin, ',' ORDER BY oid) FROM pg_authid),
                  (SELECT count(*) FROM migration_ledger))
"""
"""Every start that may write sets the password of the application's role, then migrates."""


def test_a_wrong_key_file_is_refused_before_anything_is_written(elsewhere: Elsewhere) -> None:
    create_practice(**elsewhere.migrating)
    elsewhere.keys.write_text(KeyFile.new().to_text())
    elsewhere.ask("DELETE FROM migration_ledger WHERE number = (SELECT max(number) FROM migration_ledger)")
    written = elsewhere.ask(FIRST_WRITTEN)
    assert "does not belong to these records" in refused("serve", **elsewhere.migrating, port="0")
    assert elsewhere.ask(FIRST_WRITTEN) == written


def test_an_empty_key_file_of_a_new_installation_is_no_loss_and_says_so(elsewhere: Elsewhere) -> None:
    elsewhere.keys.parent.mkdir(mode=0o700)
    elsewhere.keys.touch(mode=0o600)
    assert "This installation is new" in refused("serve", **elsewhere.migrating, port="0")


def test_a_database_elsewhere_is_migrated_only_by_the_migrator(elsewhere: Elsewhere) -> None:
    assert "TOWPATH_MIGRATOR_URL" in refused("migrate", **elsewhere.settings)
    assert "applied" in succeeding("migrate", **elsewhere.migrating)
    assert "Nothing to do" in succeeding("migrate", **elsewhere.migrating)
    with serving(**elsewhere.settings) as service:
        assert is_ready(service)


def test_pending_migrations_without_a_migrator_are_refused(elsewhere: Elsewhere) -> None:
    succeeding("migrate", **elsewhere.migrating)
    elsewhere.ask("DELETE FROM migration_ledger WHERE number = (SELECT max(number) FROM migration_ledger)")
    said = refused("serve", **elsewhere.settings, port="0")
    assert re.search(r"lacks 1 of .* TOWPATH_MIGRATOR_URL", said)
    assert not elsewhere.keys.exists()


def test_a_database_from_before_the_migrations_were_started_over_is_refused(elsewhere: Elsewhere) -> None:
    succeeding("migrate", **elsewhere.migrating)
    elsewhere.ask("UPDATE migration_ledger SET name = '0001_practices.sql' WHERE number = 1")
    written = elsewhere.ask(FIRST_WRITTEN)
    for command in ("serve", "migrate"):
        assert refused(command, **elsewhere.migrating, port="0") == STARTED_OVER
    assert refused("serve", **elsewhere.settings, port="0") == STARTED_OVER
    assert elsewhere.ask(FIRST_WRITTEN) == written
    assert not elsewhere.keys.exists()


STARTED_OVER = (
    "Error: This database was made before Towpath's migrations were started over (it has 0001_practices.sql),"
    " so this program cannot use it: begin with an empty database\n"
)


LATER_VERSION = """
    INSERT INTO definition_ledger (name, sha256)
    VALUES ('functions/enter_write.sql', 'of a later release')
"""


def test_a_program_older_than_the_functions_of_a_database_is_refused(elsewhere: Elsewhere) -> None:
    succeeding("migrate", **elsewhere.migrating)
    elsewhere.ask(LATER_VERSION)
    for settings in (elsewhere.migrating, elsewhere.settings):
        assert "it has a later version of functions/enter_write.sql" in refused("serve", **settings, port="0")


def test_it_does_not_serve_as_the_login_no_policy_binds(elsewhere: Elsewhere) -> None:
    succeeding("migrate", **elsewhere.migrating)
    settings = {**elsewhere.settings, "database_url": elsewhere.migrator_dsn}
    assert "superuser" in refused("serve", **settings, port="0")


def test_a_database_that_is_away_is_said_without_the_password(tmp_path: Path) -> None:
    said = refused("serve", database_url="postgresql://ada:weir-otter@127.0.0.1:1/x", data=tmp_path, port="0")
    assert "127.0.0.1:1" in said
    assert "weir-otter" not in said
