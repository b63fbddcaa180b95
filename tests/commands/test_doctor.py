"""`towpath doctor`: quiet about what is well, plain about what is not."""

import socket
from pathlib import Path

import pytest

from service.foundation.crypto.key_file import KeyFile
from tests.commands.conftest import Elsewhere, Made, create_practice
from tests.commands.running import serving, succeeding, towpath


def finds_wrong(**settings: str | Path) -> str:
    """Return what it says is wrong, having ended with 1."""
    done = towpath("doctor", **settings)
    assert done.returncode == 1, done.stdout
    assert done.stderr == ""
    return done.stdout[done.stdout.index("  wrong ") :]


def test_a_good_installation_passes_and_every_setting_is_listed(made: Made) -> None:
    said = succeeding("doctor", data=made.data, public_url="https://towpath.example")
    assert "  wrong " not in said
    assert f"TOWPATH_DATA               {made.data}" in said
    assert "TOWPATH_POOL_SIZE          10 (default)" in said


def test_it_looks_beside_a_running_service(own: Made) -> None:
    with serving(data=own.data):
        assert "Every migration, policy and function is applied" in succeeding("doctor", data=own.data)


def test_an_installation_that_is_still_to_begin_is_not_begun_by_looking(tmp_path: Path) -> None:
    assert "no database" in succeeding("doctor", data=tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_another_installations_key_file_is_found(own: Made) -> None:
    own.key_file.write_text(KeyFile.new().to_text())
    assert "does not belong to these records" in finds_wrong(data=own.data)


def test_a_missing_key_file_is_found(own: Made) -> None:
    own.key_file.unlink()
    assert "no key file" in finds_wrong(data=own.data)


@pytest.mark.parametrize("folder", ["", "keys", "secrets"])
def test_a_folder_others_get_into_is_found_with_the_command_that_mends_it(own: Made, folder: str) -> None:
    (own.data / folder).chmod(0o777)
    assert f"chmod 700 {own.data / folder}" in finds_wrong(data=own.data)


def test_a_key_file_others_may_read_is_found(own: Made) -> None:
    own.key_file.chmod(0o644)
    assert f"chmod 600 {own.key_file}" in finds_wrong(data=own.data)


def test_a_misspelt_setting_is_found_and_the_right_names_are_listed(tmp_path: Path) -> None:
    done = towpath("doctor", data=tmp_path, databse_url="postgresql://x")
    assert done.returncode == 1
    assert "TOWPATH_DATABSE_URL is not a setting" in done.stdout
    assert "TOWPATH_DATABASE_URL" in done.stdout


def test_a_folder_it_may_not_look_at_is_found(tmp_path: Path) -> None:
    assert "cannot be looked at" in finds_wrong(data=tmp_path / ("x" * 300))


def test_a_port_that_is_taken_is_noted(made: Made) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = succeeding("doctor", data=made.data, port=str(taken.getsockname()[1]))
    assert "TOWPATH_PORT" in said[said.index("Findings") :]


def test_phones_without_https_are_found(made: Made) -> None:
    assert "in the clear" in finds_wrong(data=made.data, public_url="http://towpath.example")


def test_passwords_are_not_shown(tmp_path: Path) -> None:
    urls = {
        "database_url": "postgresql://ada:weir-otter@127.0.0.1:1/x?password=weir-otter",
        "migrator_url": "postgresql://root:weir-otter@127.0.0.1:1/x",
    }
    done = towpath("doctor", data=tmp_path, **urls)
    assert done.returncode == 1
    assert "postgresql://ada:…@127.0.0.1:1/x" in done.stdout
    assert "weir-otter" not in done.stdout + done.stderr


def test_a_policy_or_function_that_changed_is_found(elsewhere: Elsewhere) -> None:
    create_practice(**elsewhere.migrating)
    elsewhere.ask("UPDATE definition_ledger SET sha256 = 'other' WHERE name = 'functions/enter_write.sql'")
    said = finds_wrong(**elsewhere.settings)
    assert "1 SQL files are not applied yet, functions/enter_write.sql the first" in said
    assert "towpath migrate" in said
    elsewhere.ask("GRANT EXECUTE ON FUNCTION enter_write TO PUBLIC")
    succeeding("migrate", **elsewhere.migrating)
    succeeding("doctor", **elsewhere.settings)


def test_a_function_everyone_may_call_is_found(elsewhere: Elsewhere) -> None:
    create_practice(**elsewhere.migrating)
    elsewhere.ask("GRANT EXECUTE ON FUNCTION enter_write TO PUBLIC")
    assert "REVOKE EXECUTE ON FUNCTION enter_write(" in finds_wrong(**elsewhere.settings)


def test_what_is_wrong_with_the_database_is_found(elsewhere: Elsewhere) -> None:
    create_practice(**elsewhere.migrating)
    assert "The migrator's login works" in succeeding("doctor", **elsewhere.migrating)
    elsewhere.ask("ALTER TABLE note NO FORCE ROW LEVEL SECURITY")
    assert "FORCE ROW LEVEL SECURITY" in finds_wrong(**elsewhere.settings)
    elsewhere.ask("UPDATE migration_ledger SET sha256 = 'other' WHERE number = 2")
    assert "was edited since" in finds_wrong(**elsewhere.settings)
    elsewhere.ask("DELETE FROM migration_ledger WHERE number > 1")
    assert "not applied yet, 0002_people.sql the first" in finds_wrong(**elsewhere.settings)
