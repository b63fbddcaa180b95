"""Tracks: what was walked in a session, cut to its times and summarised."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.errors import DomainError
from service.foundation.retry_safe import Impossible
from service.geo.fixes import Fixes
from service.record.deviation import Deviation, compare
from service.record.halts import Halt, halts
from service.record.recordings import Recording, SkippedPart, cut_to, put_in_order
from service.record.track_statistics import TrackStatistics, statistics


class NoTrack(DomainError):
    """The file is GPX, but holds no track."""


class Window(msgspec.Struct, frozen=True):
    """A session's actual times, in milliseconds since 1970 UTC; None if not reported yet."""

    start_ms: int | None
    end_ms: int | None

    @classmethod
    def between(cls, start: datetime | None, end: datetime | None) -> "Window":
        """Return the window from one instant to another."""
        return cls(_ms(start), _ms(end))


class TrackFrame(msgspec.Struct, frozen=True):
    """What a track is cut to and compared with: when its session was held, and on which planned line."""

    window: Window
    route_id: UUID | None
    route_version: int | None


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else round(instant.timestamp() * 1_000)


class TrackSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a track besides its fixes. All of it can be rebuilt from the original file."""

    statistics: TrackStatistics
    halts: tuple[Halt, ...]
    deviation: Deviation | None
    """How closely the walk followed its planned route; None without one."""
    window: Window
    """The times the track was cut to."""
    dropped: int
    """Fixes outside those times, such as the drive home."""
    duplicates: int
    out_of_order: int
    skipped: tuple[SkippedPart, ...]
    skipped_count: int


class Track(msgspec.Struct, frozen=True):
    """What is known of a session's track."""

    session_id: UUID
    summary: TrackSummary
    received_at: datetime
    updated_at: datetime
    revision: int


def cut_and_summarise(
    recording: Recording, window: Window, planned: Fixes | None
) -> tuple[Fixes, TrackSummary]:
    """Return the part of a recording that lies within its session's times, and its summary.

    Raises Impossible if there is no such part.
    """
    ordered = put_in_order(recording.fixes)
    walked, dropped = cut_to(ordered.fixes, window.start_ms, window.end_ms)
    if not len(walked):
        raise Impossible(
            "nothing of this track lies within the session's actual times",
            "correct when the session started and ended, then send the track again",
        )
    stays = halts(walked)
    summary = TrackSummary(
        statistics=statistics(walked, stays),
        halts=stays,
        deviation=None if planned is None else compare(walked, planned),
        window=window,
        dropped=dropped,
        duplicates=ordered.duplicates,
        out_of_order=ordered.out_of_order,
        skipped=recording.skipped,
        skipped_count=recording.skipped_count,
    )
    return walked, summary
