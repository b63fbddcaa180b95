"""Seal and open recordings: between the domain and their rows.

A recording is bound to its session and to the time of its last change, so an earlier, longer one put back
into the database does not open.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import numpy as np

from service.foundation.compression import compress, decompress
from service.foundation.crypto.sealed_values import log_broken, open_value, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, SealBroken
from service.geo.blob import pack_fixes, unpack_fixes
from service.geo.fixes import Indices
from service.record.recording_queries import RecordingRow
from service.record.recordings import DestroyedPart, KeptRecording, Recording, SkippedPart

FOUR_BYTES: Final = np.dtype("<u4")


class StoredRecording(msgspec.Struct, frozen=True):
    """A recording as it is sealed: `fixes` is a blob, `lines_and_columns` all lines, then all columns."""

    fixes: bytes
    lines_and_columns: bytes
    skipped: tuple[SkippedPart, ...]
    skipped_count: int
    shift_ms: int
    destroyed: DestroyedPart
    times_read_as: str | None = None
    offered_shift_ms: int | None = None


def recording_cell(recording_id: UUID, session_id: UUID, updated_at: datetime) -> Cell:
    """Return where a recording is stored, and what it is bound to."""
    return Cell("recording", "sealed", recording_id, (session_id, updated_at))


def seal_recording(key: ClientKey, cell: Cell, recording: Recording) -> bytes:
    """Return a recording as it is stored: its positions exact to 1e-7 degrees, its times to 1 ms."""
    stored = StoredRecording(
        fixes=pack_fixes(recording.fixes),
        lines_and_columns=_pack(np.concatenate((recording.lines, recording.columns))),
        skipped=recording.skipped,
        skipped_count=recording.skipped_count,
        shift_ms=recording.shift_ms,
        destroyed=recording.destroyed,
        times_read_as=recording.times_read_as,
        offered_shift_ms=recording.offered_shift_ms,
    )
    return seal_value(key, cell, stored)


def open_recordings(key: ClientKey, rows: Iterable[RecordingRow]) -> list[KeptRecording]:
    """Return recordings as they were sealed; without content where one does not open."""
    return [KeptRecording(row.id, row.fingerprint, row.received_at, _open(key, row)) for row in rows]


def _open(key: ClientKey, row: RecordingRow) -> Recording | None:
    cell = recording_cell(row.id, row.session_id, row.updated_at)
    try:
        stored = open_value(key, cell, row.sealed, StoredRecording)
    except SealBroken as broken:
        log_broken(broken)
        return None
    fixes = unpack_fixes(stored.fixes)
    where = _unpack(stored.lines_and_columns, 2 * len(fixes))
    return Recording(
        fixes=fixes,
        lines=where[: len(fixes)],
        columns=where[len(fixes) :],
        skipped=stored.skipped,
        skipped_count=stored.skipped_count,
        shift_ms=stored.shift_ms,
        destroyed=stored.destroyed,
        times_read_as=stored.times_read_as,
        offered_shift_ms=stored.offered_shift_ms,
    )


def _pack(numbers: Indices) -> bytes:
    """Return whole numbers as their differences, compressed."""
    return compress(np.diff(numbers, prepend=0).astype(FOUR_BYTES).tobytes())


def _unpack(packed: bytes, count: int) -> Indices:
    differences = np.frombuffer(decompress(packed, count * FOUR_BYTES.itemsize), FOUR_BYTES)
    return np.cumsum(differences.astype(np.int32), dtype=np.int64)
