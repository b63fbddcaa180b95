"""Read what a device recorded in GPX or FIT: the fixes and where they stand, and nothing of its owner."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import numpy as np

from service.geo.fit import FitRecording, is_fit, read_fit
from service.geo.fixes import Fixes
from service.geo.gpx.assembly import EARLIEST
from service.geo.gpx.model import GpxFile, GpxLine
from service.geo.gpx.reader import read_gpx
from service.record.file_positions import lines_and_columns
from service.record.recordings import Recording, SkippedPart, join_fixes
from service.record.tracks import NoTrack

EARLIEST_OF_ALL: Final = datetime(2, 1, 1, tzinfo=UTC)
LATEST_OF_ALL: Final = datetime(9_998, 1, 1, tzinfo=UTC)


def read_recording(content: bytes, now: datetime, shift_ms: int = 0) -> Recording:
    """Return the records of a FIT file, or a GPX file's tracks, or its timed routes where it holds no more.

    Times are usable that lie between 1990 and `now` once `shift_ms` is added to them. Nothing the file says
    of its owner is kept: no names, descriptions, devices, heart rates. Raises GpxRefused, NoTrack.
    """
    by_recorder = timedelta(milliseconds=-shift_ms)
    return _read_between(content, EARLIEST + by_recorder, now + by_recorder)


def read_whenever(content: bytes) -> Recording:
    """Return what a file recorded with every time it names, however impossible. Raises as read_recording."""
    return _read_between(content, EARLIEST_OF_ALL, LATEST_OF_ALL)


def _read_between(content: bytes, earliest: datetime, now: datetime) -> Recording:
    if is_fit(content):
        return _recording_of_fit(read_fit(content, now=now, earliest=earliest))
    return _recording_of(read_gpx(content, now=now, earliest=earliest))


def _recording_of_fit(file: FitRecording) -> Recording:
    return Recording(
        fixes=file.fixes,
        lines=file.numbers,
        columns=np.ones_like(file.numbers),
        skipped=tuple(SkippedPart(each.line, each.column, each.what, each.reason) for each in file.skipped),
        skipped_count=file.skipped_count,
    )


def _recording_of(file: GpxFile) -> Recording:
    lines = [line for line in file.tracks if len(line.fixes)] or _timed_routes(file)
    if not lines:
        raise NoTrack("the file holds no track: a planned route or places alone are not what was walked")
    rows, columns = lines_and_columns(file.text, np.concatenate([line.offsets for line in lines]))
    skipped = tuple(SkippedPart(each.line, each.column, each.what, each.reason) for each in file.skipped)
    fixes = join_fixes([_with_gaps(line) for line in lines])
    timed = sum(int(np.count_nonzero(line.fixes.timed)) for line in (*file.tracks, *file.routes))
    return Recording(
        fixes=fixes,
        lines=rows,
        columns=columns,
        skipped=skipped,
        skipped_count=file.skipped_count,
        names_no_zone=file.without_zone >= timed > 0,
    )


def _with_gaps(line: GpxLine) -> Fixes:
    """Return a line with a gap at each unusable point.

    Some programs write a pause as latitude 100 and its end as latitude 200: nobody walked straight across.
    """
    gaps = line.after_unusable[line.after_unusable < len(line.fixes)]
    starts = np.unique(np.concatenate((line.fixes.starts, gaps)))
    return msgspec.structs.replace(line.fixes, starts=starts)


def _timed_routes(file: GpxFile) -> list[GpxLine]:
    """Return the routes of a file whose points have times: some programs write a walk so."""
    return [] if file.waypoints else [line for line in file.routes if line.fixes.timed.any()]
