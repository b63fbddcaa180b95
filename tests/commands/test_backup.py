"""Backups: whole, verified, unreadable without the key file; and the way back, all or nothing."""

import asyncio
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from service.foundation.crypto.key_file import KeyFile
from service.foundation.database.embedded.binaries import find_binaries
from service.foundation.database.keep_backup import Manifest
from service.foundation.database.sql_files import AppliedDefinition
from tests.commands.conftest import ADA, CANARY, Elsewhere, Made, create_practice, signed_in
from tests.commands.running import COMMAND, ROOT, environment, refused, serving, succeeding
from tests.http.world import Phone


@pytest.fixture(scope="module")
def backup(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Back the installation up."""
    target = tmp_path_factory.mktemp("backups") / "monday"
    succeeding("backup", target, data=made.data)
    return target


def manifest_of(backup: Path) -> Manifest:
    return msgspec.json.decode((backup / "manifest.json").read_bytes(), type=Manifest)


def put_key_file(elsewhere: Elsewhere, keys: KeyFile | Path) -> None:
    text = keys.read_text() if isinstance(keys, Path) else keys.to_text()
    elsewhere.keys.parent.mkdir(mode=0o700, exist_ok=True)
    elsewhere.keys.touch(mode=0o600)
    elsewhere.keys.write_text(text)


def changed(backup: Path, target: Path, **members: Any) -> Path:
    """Return a copy of a backup whose manifest says something else."""
    shutil.copytree(backup, target)
    manifest = msgspec.structs.replace(manifest_of(backup), **members)
    (target / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    return target


def test_a_record_comes_back_on_another_machine_and_phones_read_everything_anew(
    made: Made, backup: Path, tmp_path: Path
) -> None:
    (tmp_path / "data" / "keys").mkdir(parents=True, mode=0o700)
    shutil.copy2(made.key_file, tmp_path / "data" / "keys")
    assert "1 practices" in succeeding("restore", backup, data=tmp_path / "data")
    with serving(data=tmp_path / "data") as service, signed_in(service.address, made.password) as ada:
        assert ada.get(f"/v1/clients/{made.client}").json()["crisis_plan"] == CANARY
        assert ada.post("/v1/clients", {"id": str(uuid4()), "label": "B. 18"}).status_code == 201


def test_a_phone_revoked_after_the_backup_stays_out(own: Made, tmp_path: Path) -> None:
    with serving(data=own.data) as service, signed_in(service.address, own.password) as lost:
        succeeding("backup", tmp_path / "monday", data=own.data)
        succeeding("device", "revoke", ADA, "--all", data=own.data)
        tokens = lost.tokens
    restored = restored_from(tmp_path / "monday", own)
    with serving(data=restored) as service, signed_in(service.address, own.password) as ada:
        assert Phone(ada.http, tokens).get("/v1/me").status_code == 401
        refreshing = {"refresh_token": tokens["refresh_token"], "device_id": tokens["device_id"]}
        assert Phone(ada.http).post("/v1/sign-in/refresh", refreshing).status_code == 401
        assert ada.get("/v1/me").status_code == 200


def test_an_etag_of_a_change_the_backup_lacks_fits_no_other(own: Made, tmp_path: Path) -> None:
    path = f"/v1/clients/{own.client}"
    with serving(data=own.data) as service, signed_in(service.address, own.password) as ada:
        succeeding("backup", tmp_path / "monday", data=own.data)
        ada.patch(path, {"label": "A. 17 (2)"})  # for the sign-in it takes to change anything after a restore
        lost = ada.patch(path, {"label": "A. 18"}).headers["etag"]
    restored = restored_from(tmp_path / "monday", own)
    with serving(data=restored) as service, signed_in(service.address, own.password) as ada:
        assert ada.patch(path, {"label": "A. 19"}).status_code == 200
        assert ada.get(path, headers={"If-None-Match": lost}).json()["label"] == "A. 19"
        assert ada.patch(path, {"label": "A. 18"}, etag=lost).status_code == 412


def restored_from(backup: Path, made: Made) -> Path:
    """Restore a backup into a new data folder beside it, and return that."""
    data = backup.with_name("restored")
    (data / "keys").mkdir(parents=True, mode=0o700)
    shutil.copy2(made.key_file, data / "keys")
    succeeding("restore", backup, data=data)
    return data


def test_a_backup_is_for_its_owner_alone(backup: Path) -> None:
    modes = {each.name: each.stat().st_mode & 0o777 for each in backup.iterdir()}
    assert modes == {"towpath.dump": 0o600, "manifest.json": 0o600}
    assert backup.stat().st_mode & 0o777 == 0o700


def test_a_backup_says_nothing_a_client_said_and_nothing_of_the_key(made: Made, backup: Path) -> None:
    secrets = [line.split()[2] for line in made.key_file.read_text().splitlines() if line[0] != "#"]
    assert len(secrets) == 2
    plain = dump_as_sql(backup) + (backup / "manifest.json").read_bytes()
    assert b"A. 17" in plain
    assert CANARY.encode() not in plain
    assert not any(secret.encode() in plain for secret in secrets)


def dump_as_sql(backup: Path) -> bytes:
    command = [str(find_binaries() / "pg_restore"), "--file=-", str(backup / "towpath.dump")]
    return subprocess.run(command, check=True, capture_output=True).stdout


def test_the_manifest_counts_every_table_at_the_instant_of_the_dump(backup: Path) -> None:
    rows = manifest_of(backup).rows
    assert {name: rows[name] for name in ("practice", "therapist", "client", "client_key")} == dict.fromkeys(
        ("practice", "therapist", "client", "client_key"), 1
    )


def test_a_running_service_is_backed_up(own: Made, tmp_path: Path) -> None:
    with serving(data=own.data) as service, signed_in(service.address, own.password):
        assert "verified" in succeeding("backup", tmp_path / "tuesday", data=own.data)
    assert manifest_of(tmp_path / "tuesday").rows["device"] == 2


def test_a_backup_is_never_overwritten(made: Made, backup: Path) -> None:
    before = (backup / "towpath.dump").read_bytes()
    assert "is there already" in refused("backup", backup, data=made.data)
    assert (backup / "towpath.dump").read_bytes() == before


def test_a_backup_where_none_can_be_made_is_refused_in_a_sentence(made: Made, tmp_path: Path) -> None:
    assert "cannot be used" in refused("backup", tmp_path / ("x" * 300), data=made.data)
    assert "there is no folder" in refused("backup", tmp_path / "a" / "b", data=made.data)


def test_the_services_own_login_is_not_trusted_with_a_backup(elsewhere: Elsewhere, tmp_path: Path) -> None:
    create_practice(**elsewhere.migrating)
    assert "TOWPATH_MIGRATOR_URL" in refused("backup", tmp_path / "monday", **elsewhere.settings)
    as_app = {**elsewhere.settings, "migrator_url": elsewhere.app_dsn}
    assert "Row-level security hides rows" in refused("backup", tmp_path / "monday", **as_app)
    assert list(tmp_path.glob("*monday*")) == []


def test_a_backup_whose_key_file_is_gone_is_made_but_ends_badly(own: Made, tmp_path: Path) -> None:
    own.key_file.unlink()
    assert "the key file that opens it is not" in refused("backup", tmp_path / "monday", data=own.data)
    assert manifest_of(tmp_path / "monday").rows["client"] == 1


def test_a_backup_that_is_stopped_leaves_nothing_behind(elsewhere: Elsewhere, tmp_path: Path) -> None:
    create_practice(**elsewhere.migrating)
    with locked_table(elsewhere), backing_up(tmp_path / "monday", **elsewhere.migrating) as process:
        assert process.stderr is not None
        assert "Dumping" in process.stderr.readline()
        assert list(tmp_path.glob(".monday.*"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    assert list(tmp_path.glob("*monday*")) == []


@contextmanager
def locked_table(elsewhere: Elsewhere) -> Iterator[None]:
    """Keep any dump waiting for a table of somebody else's in the same database."""
    elsewhere.ask("CREATE SCHEMA aside CREATE TABLE bench ()")
    with asyncio.Runner() as runner:
        holder = runner.run(asyncpg.connect(elsewhere.migrator_dsn))
        runner.run(holder.execute("BEGIN; LOCK TABLE aside.bench"))
        yield
        runner.run(holder.close())


def backing_up(target: Path, **settings: str | Path) -> subprocess.Popen[str]:
    command = [*COMMAND, "backup", str(target)]
    return subprocess.Popen(command, cwd=ROOT, env=environment(**settings), stderr=subprocess.PIPE, text=True)


def test_elsewhere_a_backup_comes_back_too(
    made: Made, backup: Path, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    put_key_file(elsewhere, made.key_file)
    succeeding("restore", backup, **elsewhere.migrating)
    succeeding("backup", tmp_path / "again", **elsewhere.migrating)
    assert manifest_of(tmp_path / "again").rows == manifest_of(backup).rows | {"token": 0, "invitation": 0}
    epoch = re.search(rb"COPY public.practice_revision .*\n.*\t(\S+)\n", dump_as_sql(backup))
    assert epoch
    assert str(elsewhere.ask("SELECT epoch FROM practice_revision")) != epoch[1].decode()


def test_a_tampered_dump_is_refused_before_anything_is_made(made: Made, backup: Path, tmp_path: Path) -> None:
    shutil.copytree(backup, tmp_path / "tampered")
    dump = tmp_path / "tampered" / "towpath.dump"
    content = bytearray(dump.read_bytes())
    content[len(content) // 2] ^= 1
    dump.write_bytes(content)
    said = refused("restore", tmp_path / "tampered", data=tmp_path / "data", key_file=made.key_file)
    assert "damaged or changed" in said
    assert not (tmp_path / "data").exists()


def test_another_key_file_is_refused_before_anything_is_made(backup: Path, tmp_path: Path) -> None:
    succeeding("key", "create", tmp_path / "other.key")
    said = refused("restore", backup, data=tmp_path / "data", key_file=tmp_path / "other.key")
    assert "does not belong" in said
    assert not (tmp_path / "data").exists()


def test_an_installation_that_has_a_record_is_left_as_it_was(own: Made, backup: Path) -> None:
    assert "not empty" in refused("restore", backup, data=own.data)
    with serving(data=own.data) as service, signed_in(service.address, own.password) as ada:
        assert ada.get(f"/v1/clients/{own.client}").status_code == 200


def test_what_is_no_backup_is_said(tmp_path: Path) -> None:
    assert "it lacks manifest.json" in refused("restore", tmp_path, data=tmp_path / "data")


def test_a_backup_of_a_newer_towpath_is_refused(made: Made, backup: Path, tmp_path: Path) -> None:
    newer = changed(backup, tmp_path / "newer", migration="9999_later.sql")
    said = refused("restore", newer, data=tmp_path / "data", key_file=made.key_file)
    assert "9999_later.sql" in said


def test_a_backup_with_a_later_version_of_a_function_is_refused(
    made: Made, backup: Path, tmp_path: Path
) -> None:
    later = AppliedDefinition("functions/enter_write.sql", "of a later release")
    newer = changed(backup, tmp_path / "newer", definitions=[*manifest_of(backup).definitions, later])
    said = refused("restore", newer, data=tmp_path / "data", key_file=made.key_file)
    assert "it has a later version of functions/enter_write.sql" in said
    assert not (tmp_path / "data").exists()


def test_a_backup_with_an_earlier_version_of_a_function_is_brought_up(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    create_practice(**elsewhere.migrating)
    elsewhere.ask("UPDATE definition_ledger SET sha256 = 'older' WHERE name = 'functions/enter_write.sql'")
    succeeding("backup", tmp_path / "monday", **elsewhere.migrating)
    succeeding("restore", tmp_path / "monday", data=tmp_path / "data", key_file=elsewhere.keys)
    assert "wrong" not in succeeding("doctor", data=tmp_path / "data", key_file=elsewhere.keys)


def test_a_backup_from_before_the_migrations_were_started_over_is_refused(
    made: Made, backup: Path, tmp_path: Path
) -> None:
    shutil.copytree(backup, tmp_path / "old")
    manifest = msgspec.to_builtins(manifest_of(backup))
    del manifest["definitions"]
    manifest |= {"format": 1, "migration": "0015_invitation_comment.sql"}
    (tmp_path / "old" / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    said = refused("restore", tmp_path / "old", data=tmp_path / "data", key_file=made.key_file)
    assert said.count(".") == 1 + str(tmp_path).count(".") + manifest["towpath"].count(".")
    assert "was made before Towpath's migrations were started over" in said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("member", "said"), [("rows", "has not the 99 rows"), ("key_check", "does not belong to this database")]
)
def test_rows_that_do_not_agree_with_the_manifest_leave_the_database_empty(
    made: Made, backup: Path, elsewhere: Elsewhere, tmp_path: Path, member: str, said: str
) -> None:
    put_key_file(elsewhere, made.key_file)
    other = {"rows": manifest_of(backup).rows | {"client": 99}, "key_check": b"\1" * 60}
    lying = changed(backup, tmp_path / "lying", **{member: other[member]})
    assert said in refused("restore", lying, **elsewhere.migrating)
    assert elsewhere.ask("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0
