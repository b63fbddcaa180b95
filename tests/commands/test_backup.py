"""Backups: complete, verified, unreadable without the key file, and restored completely or not at all."""

import asyncio
import io
import re
import shutil
import signal
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest

from service.foundation.crypto.key_file import KeyFile, load_key_file
from service.foundation.crypto.sealed_files import FileSeal
from service.foundation.database.backup_files import Manifest, read_backup
from service.foundation.database.embedded.binaries import find_binaries
from service.foundation.database.sql_files import AppliedDefinition
from tests.commands.conftest import ADA, CANARY, LABEL, Elsewhere, Made, create_practice, signed_in
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


def changed(backup: Path, target: Path, made: Made, **members: Any) -> Path:
    """Return a copy of a backup whose manifest says something else, written by a holder of the key file."""
    shutil.copytree(backup, target)
    seal = FileSeal(load_key_file(made.key_file))
    if rows := members.pop("rows", None):
        members["sealed_rows"] = b"".join(seal.seal("rows", io.BytesIO(msgspec.json.encode(rows))))
    manifest = msgspec.structs.replace(manifest_of(backup), **members, tag=b"")
    manifest = msgspec.structs.replace(manifest, tag=seal.tag(msgspec.json.encode(manifest)))
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
    assert modes == dict.fromkeys(("client-keys.sealed", "manifest.json", "records.sealed"), 0o600)
    assert backup.stat().st_mode & 0o777 == 0o700


def test_no_file_of_a_backup_says_anything_of_a_practice_or_of_the_key(made: Made, backup: Path) -> None:
    keys = [line.split()[2] for line in made.key_file.read_text().splitlines() if line[0] != "#"]
    assert len(keys) == 2
    dump = dump_as_sql(backup, made.key_file)
    assert LABEL.encode() not in dump
    of_practice = [b"Ada Lock", ADA.encode(), b"Riverside", b"$argon2id$", made.client.encode()]
    assert [each for each in of_practice if each not in dump] == []
    sealed = [*of_practice, CANARY.encode(), b"CREATE TABLE", b"PGDMP", *(each.encode() for each in keys)]
    for file in backup.iterdir():
        content = file.read_bytes()
        assert [each for each in sealed if each in content or each in inflated(content)] == []
        listing = [str(find_binaries() / "pg_restore"), "--list", str(file)]
        assert subprocess.run(listing, check=False, capture_output=True).returncode != 0


def inflated(content: bytes) -> bytes:
    """Return what zlib finds in a file, wherever it begins: pg_dump compresses its rows."""
    found = [
        at for at in range(len(content) - 1) if content[at] == 0x78 and content[at : at + 2] in ZLIB_MAGIC
    ]
    return b"".join(zlib_prefix(content[at:]) for at in found)


ZLIB_MAGIC = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")


def zlib_prefix(content: bytes) -> bytes:
    with suppress(zlib.error):
        return zlib.decompressobj().decompress(content, 1 << 20)
    return b""


def dump_as_sql(backup: Path, keys: Path, name: str = "records.sealed") -> bytes:
    """Open a part of a backup with its key file and return its SQL."""
    with (backup / name).open("rb") as file:
        dump = b"".join(FileSeal(load_key_file(keys)).open(name, file))
    command = [str(find_binaries() / "pg_restore"), "--file=-"]
    return subprocess.run(command, check=True, input=dump, capture_output=True).stdout


def rows_of(backup: Path, keys: Path) -> dict[str, int]:
    return read_backup(backup, FileSeal(load_key_file(keys))).rows


def test_the_clients_keys_are_in_their_own_file_alone(made: Made, backup: Path) -> None:
    client = made.client.encode()
    assert re.search(rb"COPY public.client_key .*\n.*" + client, dump_as_sql(backup, made.key_file)) is None
    assert client in dump_as_sql(backup, made.key_file, "client-keys.sealed")


def test_without_the_clients_keys_the_rest_comes_back_and_the_closed_clients_are_named(
    made: Made, backup: Path, tmp_path: Path
) -> None:
    shutil.copytree(backup, tmp_path / "old")
    (tmp_path / "old" / "client-keys.sealed").unlink()
    put_key_file_in(tmp_path / "data", made)
    said = succeeding("restore", tmp_path / "old", data=tmp_path / "data")
    assert "cannot be opened" in said
    assert f"client {made.client}" in said
    with serving(data=tmp_path / "data") as service, signed_in(service.address, made.password) as ada:
        assert ada.get("/v1/me").status_code == 200


def test_a_backup_may_leave_the_clients_keys_out(own: Made, tmp_path: Path) -> None:
    succeeding("backup", tmp_path / "monday", "--without-client-keys", data=own.data)
    assert {each.name for each in (tmp_path / "monday").iterdir()} == {"manifest.json", "records.sealed"}
    put_key_file_in(tmp_path / "new", own)
    assert f"client {own.client}" in succeeding("restore", tmp_path / "monday", data=tmp_path / "new")


def put_key_file_in(data: Path, made: Made) -> None:
    (data / "keys").mkdir(parents=True, mode=0o700)
    shutil.copy2(made.key_file, data / "keys")


def test_the_rows_of_every_table_are_counted_at_the_instant_of_the_dump(made: Made, backup: Path) -> None:
    rows = rows_of(backup, made.key_file)
    practices = len(succeeding("practice", "list", data=made.data).splitlines())  # other tests add some
    counted = {name: rows[name] for name in ("practice", "therapist", "client", "client_key")}
    assert counted == {"practice": practices, "therapist": practices, "client": 1, "client_key": 1}


def test_a_running_service_is_backed_up(own: Made, tmp_path: Path) -> None:
    with serving(data=own.data) as service, signed_in(service.address, own.password):
        assert "verified" in succeeding("backup", tmp_path / "tuesday", data=own.data)
    assert rows_of(tmp_path / "tuesday", own.key_file)["device"] == 2


def test_a_backup_is_never_overwritten(made: Made, backup: Path) -> None:
    before = (backup / "records.sealed").read_bytes()
    assert "exists already" in refused("backup", backup, data=made.data)
    assert (backup / "records.sealed").read_bytes() == before


def test_a_backup_where_none_can_be_made_is_refused_in_a_sentence(made: Made, tmp_path: Path) -> None:
    assert "cannot be used" in refused("backup", tmp_path / ("x" * 300), data=made.data)
    assert "there is no folder" in refused("backup", tmp_path / "a" / "b", data=made.data)


def test_the_services_own_login_is_not_trusted_with_a_backup(elsewhere: Elsewhere, tmp_path: Path) -> None:
    create_practice(**elsewhere.migrating)
    assert "TOWPATH_MIGRATOR_URL" in refused("backup", tmp_path / "monday", **elsewhere.settings)
    as_app = {**elsewhere.settings, "migrator_url": elsewhere.app_dsn}
    assert "Row-level security hides rows" in refused("backup", tmp_path / "monday", **as_app)
    assert list(tmp_path.glob("*monday*")) == []


def test_without_the_right_key_file_no_backup_is_made(own: Made, tmp_path: Path) -> None:
    own.key_file.unlink()
    said = refused("backup", tmp_path / "monday", data=own.data)
    assert "No backup was made, because it is encrypted with the key file." in said
    assert f"There is no key file at {own.key_file}" in said
    succeeding("key", "create", own.key_file)
    assert "they were sealed with the key" in refused("backup", tmp_path / "monday", data=own.data)
    assert list(tmp_path.glob("*monday*")) == []


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
    again, before = rows_of(tmp_path / "again", made.key_file), rows_of(backup, made.key_file)
    assert again == before | {"token": 0, "invitation": 0}
    sql = dump_as_sql(backup, made.key_file)
    epoch = re.search(rb"COPY public.practice_revision .*\n.*\t(\S+)\n", sql)
    assert epoch
    assert str(elsewhere.ask("SELECT epoch FROM practice_revision")) != epoch[1].decode()


@pytest.mark.parametrize("name", ["records.sealed", "client-keys.sealed", "manifest.json"])
@pytest.mark.parametrize("cut", [False, True])
def test_a_tampered_backup_is_refused_before_anything_is_made(
    made: Made, backup: Path, tmp_path: Path, name: str, *, cut: bool
) -> None:
    shutil.copytree(backup, tmp_path / "tampered")
    file = tmp_path / "tampered" / name
    content = file.read_bytes()
    if cut:
        file.write_bytes(content[: len(content) // 2])
    elif name == "manifest.json":
        file.write_bytes(content.replace(b'"postgresql": "1', b'"postgresql": "2'))
    else:
        at = len(content) // 2
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    said = refused("restore", tmp_path / "tampered", data=tmp_path / "data", key_file=made.key_file)
    assert "damaged or changed" in said or "cannot be read" in said
    assert not (tmp_path / "data").exists()


def test_another_key_file_is_refused_before_anything_is_made(backup: Path, tmp_path: Path) -> None:
    succeeding("key", "create", tmp_path / "other.key")
    said = refused("restore", backup, data=tmp_path / "data", key_file=tmp_path / "other.key")
    wanted = manifest_of(backup).key_id
    found = load_key_file(tmp_path / "other.key").wrap[0].key_id.hex()
    assert f"The key file {tmp_path / 'other.key'} does not belong to these records" in said
    assert f"it holds the key {found}, and they were sealed with the key {wanted}" in said
    assert not (tmp_path / "data").exists()


def test_an_installation_that_has_a_record_is_left_as_it_was(own: Made, backup: Path) -> None:
    assert "not empty" in refused("restore", backup, data=own.data)
    with serving(data=own.data) as service, signed_in(service.address, own.password) as ada:
        assert ada.get(f"/v1/clients/{own.client}").status_code == 200


def test_what_is_no_backup_is_said(tmp_path: Path) -> None:
    assert "it lacks manifest.json" in refused("restore", tmp_path, data=tmp_path / "data")


def test_a_backup_of_a_newer_towpath_is_refused(made: Made, backup: Path, tmp_path: Path) -> None:
    newer = changed(backup, tmp_path / "newer", made, migration="9999_later.sql")
    said = refused("restore", newer, data=tmp_path / "data", key_file=made.key_file)
    assert "9999_later.sql" in said


def test_a_backup_with_a_later_version_of_a_function_is_refused(
    made: Made, backup: Path, tmp_path: Path
) -> None:
    later = AppliedDefinition("functions/enter_write.sql", "of a later release")
    newer = changed(backup, tmp_path / "newer", made, definitions=[*manifest_of(backup).definitions, later])
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


@pytest.mark.parametrize("old", [1, 2])
def test_a_backup_from_before_backups_were_encrypted_is_refused(made: Made, tmp_path: Path, old: int) -> None:
    (tmp_path / "old").mkdir()
    manifest = {"format": old, "towpath": "0.1.0", "sha256": "0" * 64, "size_bytes": 9, "rows": {"client": 1}}
    (tmp_path / "old" / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    (tmp_path / "old" / "towpath.dump").write_bytes(b"PGDMP")
    said = refused("restore", tmp_path / "old", data=tmp_path / "data", key_file=made.key_file)
    assert said.count(".") == 1 + str(tmp_path).count(".") + "0.1.0".count(".")
    assert "was made before backups were encrypted" in said
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("member", "said"),
    [("rows", "does not have the 99 rows"), ("key_check", "does not belong to these records")],
)
def test_rows_that_do_not_agree_with_the_manifest_leave_the_database_empty(
    made: Made, backup: Path, elsewhere: Elsewhere, tmp_path: Path, member: str, said: str
) -> None:
    put_key_file(elsewhere, made.key_file)
    rows = rows_of(backup, made.key_file)
    other: dict[str, Any] = {"rows": rows | {"client": 99}, "key_check": b"\1" * 60}
    lying = changed(backup, tmp_path / "lying", made, **{member: other[member]})
    assert said in refused("restore", lying, **elsewhere.migrating)
    assert elsewhere.ask("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0
