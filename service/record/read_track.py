"""Read a session's track: what is known of it, and each form it is sent in."""

import gzip
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from service.foundation.compression import gzip_bytes
from service.foundation.crypto.sealed_values import open_bytes
from service.foundation.crypto.sealing import ClientKey, Keyring, PracticeKey, SealBroken
from service.foundation.database.connection import Begin, Pool
from service.foundation.retry_safe import Impossible, found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.geo.fixes import Fixes
from service.geo.gpx.writer import write_gpx
from service.people.sign_in_queries import TokenReader
from service.record.cuts import Window, fixes_within
from service.record.edits import NO_EDITS
from service.record.left_out import left_out_geojson
from service.record.plausibility import NothingPlausible
from service.record.prepare_track import TrackBasis, read_track_basis
from service.record.recorded_session_queries import find_recorded_session
from service.record.recording_queries import RecordingRow, list_recordings
from service.record.recordings import NO_FIXES, join_readable
from service.record.sealed_recordings import open_recordings
from service.record.sealed_track import TRACK_NAME, open_fixes, open_track, track_cell
from service.record.track_queries import (
    StoredFixes,
    find_geojson_of_token,
    find_stored_fixes,
    find_track_summary,
)
from service.record.tracks import Track
from service.record.walked_part import find_walked


async def read_track(begin: Begin, keys: PracticeKey, session_id: UUID) -> Track:
    """Return what is known of a session's track. Raises NotFound, SealBroken."""
    async with begin.read() as connection:
        row = found(await find_track_summary(connection, begin.tenant.practice_id, session_id))
    return open_track(keys.client(row.client_id, row.wrapped_key), row)


async def read_geojson_by_token(
    by_token: TokenReader, keyring: Keyring, session_id: UUID
) -> tuple[bytes, int]:
    """Return a track as GeoJSON, gzip as stored, and its revision.

    Raises NotSignedIn, NotFound, SealBroken.
    """
    answered = await find_geojson_of_token(by_token, session_id)
    stored = found(answered.asked)
    key = keyring.practice(answered.practice_id, answered.wrapped_key).client(
        stored.client_id, stored.wrapped_key
    )
    cell = track_cell("sealed_geojson", session_id, stored.updated_at)
    return open_bytes(key, cell, stored.sealed), stored.revision


async def read_left_out_by_token(
    by_token: TokenReader, pool: Pool, keyring: Keyring, session_id: UUID, *, gzipped: bool
) -> tuple[bytes, int]:
    """Return a track as GeoJSON with what is left out of it, made now, and its revision.

    Raises NotSignedIn, NotFound, SealBroken, Overloaded.
    """
    answered = await find_geojson_of_token(by_token, session_id)
    found(answered.asked)
    keys = keyring.practice(answered.practice_id, answered.wrapped_key)
    basis = await read_track_basis(Begin(pool, answered.sign_in.tenant), keys, session_id)
    stored = found(basis.stored)
    return await off_loop(_left_out, basis, stored, gzipped=gzipped), stored.revision


def _left_out(basis: TrackBasis, stored: StoredFixes, *, gzipped: bool) -> bytes:
    """Return the line that is stored, and what the recordings that open show beside it."""
    line = unpack_fixes(open_fixes(basis.key, stored))
    recording = join_readable(basis.kept())
    walked = None
    with suppress(Impossible, NothingPlausible):  # the track is empty
        walked = find_walked(recording, basis.frame.window, basis.edits() or NO_EDITS)
    content = left_out_geojson(line, TRACK_NAME, recording, walked)
    return gzip_bytes(content) if gzipped else content


async def read_track_gpx(
    begin: Begin, keys: PracticeKey, session_id: UUID, *, gzipped: bool
) -> tuple[bytes, int]:
    """Return a track as GPX, written now, and its revision. Raises NotFound, SealBroken, Overloaded."""
    async with begin.read() as connection:
        stored = found(await find_stored_fixes(connection, begin.tenant.practice_id, session_id))
    key = keys.client(stored.client_id, stored.wrapped_key)
    return await off_loop(_track_gpx, key, stored, gzipped=gzipped), stored.revision


def _track_gpx(key: ClientKey, stored: StoredFixes, *, gzipped: bool) -> bytes:
    return _gpx(unpack_fixes(open_fixes(key, stored)), stored.updated_at, gzipped=gzipped)


async def read_original(
    begin: Begin, keys: PracticeKey, session_id: UUID, *, gzipped: bool
) -> tuple[bytes, int]:
    """Return what was recorded within the session's times as GPX, before anything is left out of it.

    Also return the track's revision. Raises NotFound, SealBroken, Overloaded.
    """
    tenant = begin.tenant
    async with begin.read() as connection:
        stored = found(await find_stored_fixes(connection, tenant.practice_id, session_id))
        session = found(await find_recorded_session(connection, tenant, session_id))
        rows = await list_recordings(connection, tenant.practice_id, session_id)
    key = keys.client(stored.client_id, stored.wrapped_key)
    window = Window.between(session.started_at, session.ended_at)
    content = await off_loop(_original_gpx, key, rows, window, stored.updated_at, gzipped=gzipped)
    return content, stored.revision


def _original_gpx(
    key: ClientKey, rows: list[RecordingRow], window: Window, made_at: datetime, *, gzipped: bool
) -> bytes:
    """Return the recordings as one GPX, without those that do not open. Raises SealBroken if none does."""
    kept = open_recordings(key, rows)
    readable = [each.recording for each in kept if each.recording is not None]
    if kept and not readable:
        raise SealBroken("no recording of the track opens")
    fixes = fixes_within(join_readable(kept), window) if readable else NO_FIXES
    return _gpx(fixes, made_at, gzipped=gzipped)


def _gpx(fixes: Fixes, made_at: datetime, *, gzipped: bool) -> bytes:
    content = write_gpx(fixes, name=TRACK_NAME, description=None, waypoints=(), created_at=made_at)
    return gzip_bytes(content) if gzipped else content


def unpacked(content: bytes) -> bytes:
    """Return a stored form without its gzip, for the rare client that does not take it."""
    return gzip.decompress(content)
