"""Read a session's track: what is known of it, and each form it is sent in."""

import gzip
from typing import Final
from uuid import UUID

from service.foundation.compression import decompress, gzip_bytes
from service.foundation.crypto.sealed_values import open_value
from service.foundation.crypto.sealing import Cell, ClientKey, Keyring, PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import found
from service.geo.gpx.model import DEFAULT_LIMITS
from service.people.sign_in_queries import TokenReader
from service.record.track_queries import (
    GPX_OF_TRACK,
    ORIGINAL_OF_TRACK,
    SentForm,
    TrackSummaryRow,
    find_geojson_of_token,
    find_sent_form,
    find_track_summary,
)
from service.record.tracks import Track, TrackSummary

FORMS: Final = {"gpx": GPX_OF_TRACK, "original": ORIGINAL_OF_TRACK}


async def read_track(begin: Begin, keys: PracticeKey, session_id: UUID) -> Track:
    """Return what is known of a session's track. Raises NotFound."""
    async with begin.read() as connection:
        row = found(await find_track_summary(connection, begin.tenant.practice_id, session_id))
    return open_track(keys.client(row.client_id, row.wrapped_key), row)


def open_track(key: ClientKey, row: TrackSummaryRow) -> Track:
    """Return what is known of a track, opened."""
    cell = Cell("track", "sealed_summary", row.session_id)
    summary = open_value(key, cell, row.sealed_summary, TrackSummary)
    return Track(row.session_id, summary, row.received_at, row.updated_at, row.revision)


async def read_track_form(begin: Begin, keys: PracticeKey, session_id: UUID, form: str) -> tuple[bytes, int]:
    """Return a track in one of FORMS, compressed as stored, and its revision. Raises NotFound."""
    async with begin.read() as connection:
        row = found(await find_sent_form(connection, begin.tenant.practice_id, session_id, FORMS[form]))
    return _open_form(keys, session_id, form, row)


async def read_geojson_by_token(
    by_token: TokenReader, keyring: Keyring, session_id: UUID
) -> tuple[bytes, int]:
    """Return a track as GeoJSON, gzip as stored, and its revision. Raises NotSignedIn, NotFound."""
    geojson = await find_geojson_of_token(by_token, session_id)
    keys = keyring.practice(geojson.practice_id, geojson.wrapped_key)
    return _open_form(keys, session_id, "geojson", found(geojson.asked))


def _open_form(keys: PracticeKey, session_id: UUID, form: str, row: SentForm) -> tuple[bytes, int]:
    key = keys.client(row.client_id, row.wrapped_key)
    return key.open(Cell("track", f"sealed_{form}", session_id), row.sealed), row.revision


def original_of(compressed: bytes) -> bytes:
    """Return an original file as it was uploaded."""
    return decompress(compressed, DEFAULT_LIMITS.file_bytes)


def sent_original(compressed: bytes, *, gzipped: bool) -> bytes:
    """Return an original file as it was uploaded, or as gzip: a third of a second for 20 MB."""
    original = original_of(compressed)
    return gzip_bytes(original) if gzipped else original


def unpacked(content: bytes) -> bytes:
    """Return a stored form without its gzip, for the rare client that does not take it."""
    return gzip.decompress(content)
