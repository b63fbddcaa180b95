"""Open tracks: between the domain and their rows.

Every sealed column of a track is bound to the time of its last change, so an earlier one put back into the
database does not open. All are padded; about how long a walk was can still be told from their lengths.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from service.foundation.crypto.sealed_values import open_bytes, open_value
from service.foundation.crypto.sealing import Cell, ClientKey
from service.record.track_queries import StoredFixes, TrackSummaryRow
from service.record.tracks import Track, TrackSummary

TRACK_NAME: Final = "Walk"
"""A file that leaves the phone must not say whose walk it was."""


def track_cell(column: str, session_id: UUID, updated_at: datetime) -> Cell:
    """Return where a form of a track is stored, and what it is bound to."""
    return Cell("track", column, session_id, (updated_at,))


def open_fixes(key: ClientKey, row: StoredFixes) -> bytes:
    """Return the line of a track, packed. Raises SealBroken."""
    return open_bytes(key, track_cell("sealed_fixes", row.session_id, row.updated_at), row.sealed_fixes)


def open_track(key: ClientKey, row: TrackSummaryRow) -> Track:
    """Return what is known of a track. Raises SealBroken."""
    cell = track_cell("sealed_summary", row.session_id, row.updated_at)
    summary = open_value(key, cell, row.sealed_summary, TrackSummary)
    return Track(row.session_id, summary, row.received_at, row.updated_at, row.revision)
