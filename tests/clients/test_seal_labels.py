"""Migrating a database with plain labels seals them and changes nothing else."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from service.clients.clients import ClientRecord
from service.clients.queries import CLIENT, ClientRow
from service.clients.sealed_records import open_client
from service.commands.installation import steps_of
from service.foundation.crypto.key_file import create_key_file
from service.foundation.crypto.sealed_values import seal_value
from service.foundation.crypto.sealing import Cell, Keyring, PracticeKey
from service.foundation.database.migrate import migrate
from service.foundation.database.roles import ensure_roles
from service.foundation.database.sql_files import MigrationRefused, SqlFiles, own_sql_files
from tests.conftest import Server, connected

WITH_PLAIN_LABELS = SqlFiles(own_sql_files().migrations[:8], [])
RECORD = ClientRecord(crisis_plan="Ring her sister.")
NOW = datetime(2026, 5, 4, 9, 30, 0, 123456, tzinfo=UTC)
ADA = uuid4()


class Older(msgspec.Struct, frozen=True):
    """A database as the program left it before labels were sealed, its migrator and its keys."""

    migrator: asyncpg.Connection
    key_file: Path
    keyring: Keyring

    async def add_practice(self) -> tuple[UUID, PracticeKey]:
        practice_id = uuid4()
        wrapped = self.keyring.new_practice_key(practice_id)
        await self.migrator.execute("INSERT INTO practice_key VALUES ($1, $2, now())", practice_id, wrapped)
        return practice_id, self.keyring.practice(practice_id, wrapped)

    async def add_client(self, practice_id: UUID, keys: PracticeKey, label: str, **odd: Any) -> UUID:
        client_id = uuid4()
        wrapped = keys.new_client_key(client_id)
        key = keys.client(client_id, wrapped)
        sealed = odd.get("sealed") or seal_value(key, Cell("client", "sealed", client_id), RECORD)
        await self.migrator.execute(ADD_CLIENT, practice_id, client_id, ADA, label, sealed, NOW)
        if odd.get("wrapped", wrapped) is not None:
            kept = odd.get("wrapped", wrapped)
            await self.migrator.execute(ADD_KEY, practice_id, client_id, ADA, kept)
        return client_id

    async def bring_up(self) -> None:
        await self.migrator.execute("SET session_replication_role = origin")
        await migrate(self.migrator, steps=steps_of(self.key_file), progress=lambda _: None)

    async def labels(self, practice_id: UUID, keys: PracticeKey) -> dict[UUID, tuple[str, ClientRecord]]:
        """Return the label and the record of each client, as the program opens them."""
        rows = [
            ClientRow(**each)
            for each in await self.migrator.fetch(
                f"SELECT {CLIENT.listed} FROM client WHERE practice_id = $1", practice_id
            )
        ]
        found = await self.migrator.fetch("SELECT client_id, wrapped FROM client_key")
        wrapped = {each["client_id"]: each["wrapped"] for each in found}
        opened = [open_client(keys, row, wrapped.get(row.id)) for row in rows]
        return {each.client.id: (each.client.label, each.record) for each in opened}


ADD_CLIENT = """
    INSERT INTO client (practice_id, id, therapist_id, label, stage, sealed, created_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, 'in_therapy', $5, $6, $6, 7)
"""
ADD_KEY = """
    INSERT INTO client_key (practice_id, client_id, therapist_id, wrapped, created_at)
    VALUES ($1, $2, $3, $4, now())
"""


@pytest.fixture
async def older(server: Server, tmp_path: Path) -> AsyncIterator[Older]:
    name = f"older_{token_hex(4)}"
    key_file = tmp_path / "towpath.key"
    keyring = Keyring(create_key_file(key_file))
    async with connected(server.admin_dsn) as admin:
        await admin.execute(f"CREATE DATABASE {name}")
    async with connected(server.admin_dsn, database=name) as migrator:
        await ensure_roles(migrator, login=f"phone_{token_hex(4)}", password=token_hex(16))
        await migrate(migrator, files=WITH_PLAIN_LABELS, progress=lambda _: None)
        await migrator.execute(
            "SET session_replication_role = replica"
        )  # practice and therapist are left out
        yield Older(migrator, key_file, keyring)


@pytest.mark.anyio
async def test_labels_of_every_practice_are_sealed_and_open(older: Older) -> None:
    wanted: dict[UUID, dict[UUID, tuple[str, ClientRecord]]] = {}
    practices = [await older.add_practice() for _ in range(2)]
    for practice_id, keys in practices:
        added = {
            await older.add_client(practice_id, keys, each): (each, RECORD) for each in ("Heron", "Ålder")
        }
        wanted[practice_id] = added
    await older.bring_up()
    for practice_id, keys in practices:
        assert await older.labels(practice_id, keys) == wanted[practice_id]
    columns = await older.migrator.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'client'"
    )
    assert "label" not in {each[0] for each in columns}


@pytest.mark.anyio
async def test_the_label_of_an_erased_client_goes_with_the_key(older: Older) -> None:
    practice_id, keys = await older.add_practice()
    erased = await older.add_client(practice_id, keys, "Heron", wrapped=None)
    await older.bring_up()
    assert await older.labels(practice_id, keys) == {erased: ("(unreadable)", ClientRecord())}


@pytest.mark.anyio
async def test_a_damaged_record_stays_and_its_label_is_sealed(older: Older) -> None:
    practice_id, keys = await older.add_practice()
    damaged = await older.add_client(practice_id, keys, "Heron", sealed=b"not sealed")
    await older.bring_up()
    assert await older.labels(practice_id, keys) == {damaged: ("Heron", ClientRecord())}
    assert await older.migrator.fetchval("SELECT sealed FROM client") == b"not sealed"


@pytest.mark.anyio
async def test_a_damaged_key_stops_the_migration_and_keeps_the_label(older: Older) -> None:
    practice_id, keys = await older.add_practice()
    damaged = await older.add_client(practice_id, keys, "Heron", wrapped=b"not a key")
    with pytest.raises(MigrationRefused, match=f"the key of client {damaged} is damaged"):
        await older.bring_up()
    assert await older.migrator.fetchval("SELECT label FROM client") == "Heron"


@pytest.mark.anyio
async def test_a_database_without_clients_needs_no_key_file(older: Older) -> None:
    older.key_file.unlink()
    await older.bring_up()
    assert await older.migrator.fetchval("SELECT count(*) FROM client") == 0
