"""Make recordings of the files that were stored whole before. Runs inside a migration, as the migrator."""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import msgspec
import numpy as np

from service.foundation.compression import CompressedDataCorrupt, decompress
from service.foundation.crypto.sealed_values import log_broken, seal_bytes, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, Keyring, SealBroken
from service.foundation.database.reseal import NOBODY, OpenKeys
from service.foundation.database.sql_files import MigrationRefused
from service.geo.blob import unpack_fixes
from service.geo.gpx.model import DEFAULT_LIMITS, GpxRefused
from service.record.cuts import Window, cut_for_good
from service.record.read_recording import read_recording
from service.record.recordings import KeptRecording, Recording
from service.record.sealed_recordings import recording_cell, seal_recording
from service.record.sealed_track import track_cell
from service.record.tracks import NoTrack, TrackSummary, summarise_recording


class WholeTrack(msgspec.Struct, frozen=True):
    """A track whose original file is stored, with the wrapped keys of the practice and the client."""

    practice_id: UUID
    session_id: UUID
    client_id: UUID
    sealed_original: bytes
    sealed_fixes: bytes
    sealed_summary: bytes
    sealed_geojson: bytes
    received_at: datetime
    updated_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    practice_key: bytes
    wrapped_key: bytes


NEXT_TRACK: Final = """
    SELECT track.practice_id, track.session_id, track.client_id, track.sealed_original, track.sealed_fixes,
           track.sealed_summary, track.sealed_geojson, track.received_at, track.updated_at,
           session.started_at, session.ended_at,
           practice_key.wrapped AS practice_key, client_key.wrapped AS wrapped_key
      FROM track
      JOIN session ON session.practice_id = track.practice_id AND session.id = track.session_id
      JOIN practice_key ON practice_key.practice_id = track.practice_id
      JOIN client_key ON client_key.practice_id = track.practice_id AND client_key.client_id = track.client_id
     WHERE (track.practice_id, track.session_id) > ($1, $2)
     ORDER BY track.practice_id, track.session_id
     LIMIT 1
"""
KEEP: Final = """
    INSERT INTO recording (practice_id, id, session_id, therapist_id, viewers, client_id, fingerprint, sealed,
                           received_at, updated_at, content_revision, revision)
    SELECT practice_id, $3, session_id, therapist_id, viewers, client_id, fingerprint, $4,
           received_at, updated_at, content_revision, revision
      FROM track
     WHERE practice_id = $1
       AND session_id = $2
"""
BIND: Final = """
    UPDATE track
       SET sealed_fixes = $3, sealed_summary = $4, sealed_geojson = $5
     WHERE practice_id = $1
       AND session_id = $2
"""


async def keep_recordings(connection: asyncpg.Connection, open_keys: OpenKeys) -> None:
    """Make a recording of every stored file, cut to its session's times, and bind the forms of its track.

    A track whose client's key was destroyed has none. One file at a time, because each may have 20 MB.
    Raises KeyFileError, MigrationRefused.
    """
    last = (NOBODY, NOBODY)
    while found := await connection.fetchrow(NEXT_TRACK, *last):
        row = WholeTrack(**found)
        last = (row.practice_id, row.session_id)
        key = _key(open_keys(), row)
        recording_id = uuid4()
        recording = _recording(key, row)
        sealed = row.sealed_original  # what does not open stays, and is shown as unreadable
        if recording is not None:
            sealed = seal_recording(
                key, recording_cell(recording_id, row.session_id, row.updated_at), recording
            )
        await connection.execute(KEEP, *last, recording_id, sealed)
        kept = KeptRecording(recording_id, b"", row.received_at, recording)
        await connection.execute(BIND, *last, *_bound(key, row, kept))


def _key(keyring: Keyring, row: WholeTrack) -> ClientKey:
    try:
        return keyring.practice(row.practice_id, row.practice_key).client(row.client_id, row.wrapped_key)
    except SealBroken:
        raise MigrationRefused(
            f"the key of client {row.client_id} is damaged, so the track of session {row.session_id}"
            " cannot be cut: restore the row of client_key from a backup, or delete it to give up what is"
            " sealed under it, and start again"
        ) from None


def _recording(key: ClientKey, row: WholeTrack) -> Recording | None:
    """Return the stored file as a recording, or the track's own line where the file cannot be read."""
    recording = _from_original(key, row) or _from_line(key, row)
    window = Window.between(row.started_at, row.ended_at)
    return None if recording is None else cut_for_good(recording, window)


def _from_original(key: ClientKey, row: WholeTrack) -> Recording | None:
    try:
        packed = key.open(Cell("track", "sealed_original", row.session_id), row.sealed_original)
        return read_recording(decompress(packed, DEFAULT_LIMITS.file_bytes), row.received_at)
    except SealBroken as broken:
        log_broken(broken)
    except (CompressedDataCorrupt, GpxRefused, NoTrack):
        pass  # this program is stricter than the one that took the file
    return None


def _from_line(key: ClientKey, row: WholeTrack) -> Recording | None:
    try:
        fixes = unpack_fixes(key.open(Cell("track", "sealed_fixes", row.session_id), row.sealed_fixes))
    except SealBroken as broken:
        log_broken(broken)
        return None
    nowhere = np.zeros(len(fixes), dtype=np.int64)
    return Recording(fixes, nowhere, nowhere)


def _bound(key: ClientKey, row: WholeTrack, kept: KeptRecording) -> tuple[bytes, bytes, bytes]:
    """Return the three forms bound to the track's last change; one that does not open stays as it is."""
    window = Window.between(row.started_at, row.ended_at)

    def open_form(column: str, sealed: bytes) -> bytes | None:
        try:
            return key.open(Cell("track", column, row.session_id), sealed)
        except SealBroken as broken:
            log_broken(broken)
            return None

    def bind(column: str, sealed: bytes) -> bytes:
        content = open_form(column, sealed)
        cell = track_cell(column, row.session_id, row.updated_at)
        return sealed if content is None else seal_bytes(key, cell, content)

    summary, content = row.sealed_summary, open_form("sealed_summary", row.sealed_summary)
    if content is not None:
        known = msgspec.json.decode(content, type=TrackSummary)
        told = msgspec.structs.replace(known, recordings=(summarise_recording(kept, window),))
        summary = seal_value(key, track_cell("sealed_summary", row.session_id, row.updated_at), told)
    return bind("sealed_fixes", row.sealed_fixes), summary, bind("sealed_geojson", row.sealed_geojson)
