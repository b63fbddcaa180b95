"""Migrating a database with whole files makes recordings of them, cut to their sessions; no track is lost."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from service.commands.installation import steps_of
from service.foundation.compression import compress
from service.foundation.crypto.key_file import create_key_file
from service.foundation.crypto.sealed_values import open_bytes, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, Keyring
from service.foundation.database.migrate import migrate
from service.foundation.database.roles import ensure_roles
from service.foundation.database.sql_files import MigrationRefused, SqlFiles, own_sql_files
from service.geo.blob import pack_fixes, unpack_fixes
from service.geo.fixes import Fixes
from service.record.cuts import Window
from service.record.read_recording import read_recording
from service.record.recording_queries import RECORDING, RecordingRow
from service.record.recordings import KeptRecording
from service.record.sealed_recordings import open_recordings
from service.record.sealed_track import open_fixes, open_track, track_cell
from service.record.track_queries import FIXES_COLUMNS, SUMMARY_COLUMNS, StoredFixes, TrackSummaryRow
from service.record.tracks import Track, cut_and_summarise
from tests.conftest import Server, connected
from tests.http.sessions import HALF_PAST_TWO, a_recording

KEEP_RECORDINGS = next(each for each in own_sql_files().migrations if each.after == "keep_recordings")
WITH_FILES = SqlFiles(own_sql_files().migrations[: KEEP_RECORDINGS.number - 1], [])
NOW = datetime(2026, 5, 4, 19, 30, 0, 123456, tzinfo=UTC)
ENDED = HALF_PAST_TWO + timedelta(minutes=40)
CONTENT = a_recording(from_s=-600)


class Older(msgspec.Struct, frozen=True):
    """A database as the program left it while files were stored whole, its migrator and its keys."""

    migrator: asyncpg.Connection
    key_file: Path
    practice_id: UUID
    client_id: UUID
    key: ClientKey

    async def add_track(self, ended_at: datetime | None = ENDED, odd: dict[str, bytes] | None = None) -> UUID:
        """Store a track as it was stored then; `odd` columns are stored as given."""
        session_id = uuid4()
        walked, summary = cut_and_summarise(
            read_recording(CONTENT, NOW), Window.between(HALF_PAST_TWO, ended_at), None
        )
        values = {
            "sealed_original": compress(CONTENT),
            "sealed_fixes": pack_fixes(walked),
            "sealed_geojson": b"{}",
            "sealed_gpx": b"<gpx/>",
        }
        sealed = {
            name: self.key.seal(Cell("track", name, session_id), value) for name, value in values.items()
        }
        sealed["sealed_summary"] = seal_value(self.key, Cell("track", "sealed_summary", session_id), summary)
        sealed |= odd or {}
        holder = uuid4()
        await self.migrator.execute(
            ADD_SESSION, self.practice_id, session_id, holder, self.client_id, HALF_PAST_TWO, ended_at
        )
        await self.migrator.execute(
            f"""INSERT INTO track (practice_id, session_id, therapist_id, client_id, fingerprint, received_at,
                                   updated_at, content_revision, revision, {", ".join(sealed)})
                VALUES ($1, $2, $3, $4, $5, $6, $6, 3, 4, $7, $8, $9, $10, $11)""",
            *(self.practice_id, session_id, holder, self.client_id, token_hex(8).encode(), NOW),
            *sealed.values(),
        )
        return session_id

    async def bring_up(self) -> None:
        await self.migrator.execute("SET session_replication_role = origin")
        await migrate(self.migrator, steps=steps_of(self.key_file), progress=lambda _: None)

    async def recording(self, session_id: UUID) -> KeptRecording:
        rows = await self.migrator.fetch(
            f"SELECT {RECORDING.listed} FROM recording WHERE session_id = $1", session_id
        )
        (kept,) = open_recordings(self.key, [RecordingRow(**each) for each in rows])
        return kept

    async def track(self, session_id: UUID) -> tuple[Track, Fixes]:
        """Return the track and its line, as the program opens them."""
        known = TrackSummaryRow(**await self.row(SUMMARY_COLUMNS.listed, session_id), wrapped_key=b"")
        stored = StoredFixes(**await self.row(FIXES_COLUMNS.listed, session_id), wrapped_key=b"")
        return open_track(self.key, known), unpack_fixes(open_fixes(self.key, stored))

    async def row(self, columns: str, session_id: UUID) -> dict[str, Any]:
        (found,) = await self.migrator.fetch(f"SELECT {columns} FROM track WHERE session_id = $1", session_id)
        return dict(found)


ADD_SESSION = """
    INSERT INTO session (practice_id, id, therapist_id, client_id, modality, planned_start, planned_end,
                         started_at, started_received_at, ended_at, ended_received_at, created_at, updated_at,
                         revision)
    VALUES ($1, $2, $3, $4, 'walk', $5, $5::timestamptz + interval '1 hour', $5, $5, $6, $6, $5, $5, 2)
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
    practice_id, client_id = uuid4(), uuid4()
    async with connected(server.admin_dsn) as admin:
        await admin.execute(f"CREATE DATABASE {name}")
    async with connected(server.admin_dsn, database=name) as migrator:
        await ensure_roles(migrator, login=f"phone_{token_hex(4)}", password=token_hex(16))
        await migrate(migrator, files=WITH_FILES, steps=steps_of(key_file), progress=lambda _: None)
        await migrator.execute("SET session_replication_role = replica")  # what tracks refer to is left out
        wrapped = keyring.new_practice_key(practice_id)
        await migrator.execute("INSERT INTO practice_key VALUES ($1, $2, now())", practice_id, wrapped)
        keys = keyring.practice(practice_id, wrapped)
        client_key = keys.new_client_key(client_id)
        await migrator.execute(ADD_KEY, practice_id, client_id, uuid4(), client_key)
        yield Older(migrator, key_file, practice_id, client_id, keys.client(client_id, client_key))


@pytest.mark.anyio
async def test_a_stored_file_becomes_a_recording_cut_to_its_session(older: Older) -> None:
    session_id = await older.add_track()
    await older.bring_up()
    recording = (await older.recording(session_id)).recording
    assert recording is not None
    assert (len(recording.fixes), recording.destroyed.before) == (2_401, 600)
    assert recording.fixes.time_ms.min() == HALF_PAST_TWO.timestamp() * 1_000
    track, line = await older.track(session_id)
    assert (track.summary.statistics.points, len(line)) == (2_401, 2_401)
    assert [(each.fixes, each.destroyed_before) for each in track.summary.recordings] == [(2_401, 600)]
    geojson = (await older.row("sealed_geojson", session_id))["sealed_geojson"]
    assert open_bytes(older.key, track_cell("sealed_geojson", session_id, NOW), geojson) == b"{}"
    columns = await older.migrator.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'track'"
    )
    assert not {"sealed_original", "sealed_gpx", "fingerprint"} & {each[0] for each in columns}


@pytest.mark.anyio
async def test_the_whole_stays_sealed_where_the_end_is_not_known(older: Older) -> None:
    session_id = await older.add_track(ended_at=None)
    await older.bring_up()
    recording = (await older.recording(session_id)).recording
    assert recording is not None
    assert len(recording.fixes) == 3_001


@pytest.mark.anyio
async def test_a_track_whose_file_is_damaged_keeps_its_line(older: Older) -> None:
    session_id = await older.add_track(odd={"sealed_original": b"damaged"})
    await older.bring_up()
    recording = (await older.recording(session_id)).recording
    assert recording is not None
    assert len(recording.fixes) == 2_401


@pytest.mark.anyio
async def test_a_track_of_which_nothing_opens_is_unreadable(older: Older) -> None:
    columns = ("sealed_original", "sealed_fixes", "sealed_summary", "sealed_geojson")
    session_id = await older.add_track(odd=dict.fromkeys(columns, b"damaged"))
    await older.bring_up()
    assert (await older.recording(session_id)).recording is None
    assert await older.row("sealed_summary", session_id) == {"sealed_summary": b"damaged"}


@pytest.mark.anyio
async def test_a_damaged_key_stops_the_migration_and_keeps_the_file(older: Older) -> None:
    session_id = await older.add_track()
    await older.migrator.execute("UPDATE client_key SET wrapped = 'not a key'")
    with pytest.raises(MigrationRefused, match=f"the track of session {session_id} cannot be cut"):
        await older.bring_up()
    assert (await older.row("sealed_gpx", session_id))["sealed_gpx"]


@pytest.mark.anyio
async def test_the_track_of_an_erased_client_stays_closed(older: Older) -> None:
    session_id = await older.add_track()
    await older.migrator.execute("DELETE FROM client_key")
    await older.bring_up()
    assert await older.migrator.fetchval("SELECT count(*) FROM recording") == 0
    assert (await older.row("sealed_fixes", session_id))["sealed_fixes"]
