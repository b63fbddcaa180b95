"""`towpath doctor` says what is wrong, and nothing else."""

import errno
import os
import socket
import tempfile
from pathlib import Path

import msgspec
import pytest

from service.commands.findings import Level, look_at_writing
from service.config import BadSetting, Settings, read_settings
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
    for mode in (0o777, 0o755):
        if mode == 0o777 or folder != "keys":  # the files in it are protected by modes of their own
            (own.data / folder).chmod(mode)
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
    assert "ile name too long" in finds_wrong(data=tmp_path / ("x" * 300))


def test_a_port_that_another_program_has_is_found(made: Made) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = finds_wrong(data=made.data, port=port)
    assert f"Another program listens on 127.0.0.1, port {port}" in said
    assert "TOWPATH_PORT" in said


def test_an_address_of_another_machine_is_found(made: Made) -> None:
    assert "cannot listen on 192.0.2.1" in finds_wrong(data=made.data, host="192.0.2.1")


def test_a_folder_that_cannot_be_made_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = finds_wrong(data=tmp_path / "file" / "data")
    assert f"{tmp_path / 'file'} is not a folder" in said
    assert "TOWPATH_DATA" in said


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EROFS, "Mount it for writing"),
        (errno.EACCES, "Run Towpath as the account that owns"),
        (errno.ENOSPC, "Make room"),
        (errno.EIO, "Choose another data folder with TOWPATH_DATA"),
    ],
)
def test_what_keeps_the_data_folder_from_being_written_is_said_with_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    (finding,) = look_at_writing(Settings(data=tmp_path / "data"))
    assert (finding.level, str(tmp_path) in finding.what) == (Level.WRONG, True)
    assert advice in str(finding.mend)


def test_phones_without_https_are_found(made: Made) -> None:
    assert "unencrypted" in finds_wrong(data=made.data, public_url="http://towpath.example")


def test_passwords_are_not_shown(tmp_path: Path) -> None:
    urls = {
        "database_url": "postgresql://ada:weir-otter@127.0.0.1:1/x?password=weir-otter",
        "migrator_url": "postgresql://root:weir-otter@127.0.0.1:1/x",
    }
    done = towpath("doctor", data=tmp_path, **urls)
    assert done.returncode == 1
    assert "postgresql://ada:…@127.0.0.1:1/x" in done.stdout
    assert "weir-otter" not in done.stdout + done.stderr


def test_several_servers_of_one_database_can_be_named() -> None:
    url = "postgresql://ada:pw%2F@a.example:5432,[::1]:5433,b.example/towpath?target_session_attrs=primary"
    assert read_settings({"TOWPATH_DATABASE_URL": url}).database_url == url
    assert read_settings({"TOWPATH_DATABASE_URL": "postgresql:///towpath?host=/run/pg"}).database_url


SECRET = "weir-otter"
BAD_VALUES = {
    "data": "~nobody-of-this-name/x",
    "database_url": f"postgresql://ada:{SECRET}/x@db.example/towpath",
    "migrator_url": f"postgresql://ada:{SECRET}@db.example:port/towpath",
    "key_file": "~nobody-of-this-name/x",
    "host": "127.0.0.1:80",
    "port": "http",
    "public_url": f"https://ada:{SECRET}@towpath.example",
    "allowed_hosts": "https://towpath.example",
    "trusted_proxies": "proxy",
    "pool_size": "9999",
    "log_format": "xml",
    "log_level": "loud",
}
"""A bad value of each setting."""


def test_every_setting_has_a_bad_value() -> None:
    assert set(BAD_VALUES) == {field.name for field in msgspec.structs.fields(Settings)}


@pytest.mark.parametrize("name", sorted(BAD_VALUES))
def test_a_bad_value_is_said_in_a_line_that_names_the_setting_and_what_is_allowed(name: str) -> None:
    whole = {"TOWPATH_DATABASE_URL": "postgresql://db.example/x"}
    with pytest.raises(BadSetting) as refusal:
        read_settings(whole | {f"TOWPATH_{name.upper()}": BAD_VALUES[name]})
    said = str(refusal.value)
    assert said.startswith(f"TOWPATH_{name.upper()} ")
    assert "\n" not in said
    assert "must" in said or "write" in said
    assert SECRET not in said
    assert BAD_VALUES[name] not in said


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ada:{SECRET}/x@db.example/towpath",
        f"postgresql://ada:12/{SECRET}@db.example/towpath",
        f"postgresql://ada:{SECRET}?x@db.example/towpath",
        f"postgresql://ada:{SECRET}#x@db.example/towpath",
        f"postgresql://ada:[{SECRET}@db.example/towpath",
        f"postgresql://ada:{SECRET}@db.example:54x/towpath",
        f"postgresql://ada:{SECRET}@db.example:99999/towpath",
        f"mysql://ada:{SECRET}@db.example/towpath",
    ],
)
@pytest.mark.parametrize("name", ["database_url", "migrator_url"])
def test_a_database_url_that_cannot_be_read_shows_no_password(tmp_path: Path, name: str, url: str) -> None:
    done = towpath("doctor", data=tmp_path, **{name: url})
    assert done.returncode == 1
    assert f"TOWPATH_{name.upper()} " in done.stdout[done.stdout.index("  wrong ") :]
    assert SECRET not in done.stdout
    assert done.stderr == ""


def test_a_policy_or_function_that_changed_is_found(elsewhere: Elsewhere) -> None:
    create_practice(**elsewhere.migrating)
    elsewhere.ask("UPDATE definition_ledger SET sha256 = 'other' WHERE name = 'functions/enter_write.sql'")
    said = finds_wrong(**elsewhere.settings)
    assert "1 SQL files are not applied, the first is functions/enter_write.sql" in said
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
    assert "not applied, the first is 0002_people.sql" in finds_wrong(**elsewhere.settings)
