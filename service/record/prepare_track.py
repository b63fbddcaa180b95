"""Make a track ready to store: read, cut, measured, encoded and sealed, with the anchors found on it.

All of it happens before a write is opened, from one snapshot of the session.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import numpy as np

from service.foundation.compression import gzip_bytes
from service.foundation.crypto.sealed_values import seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import found
from service.geo.blob import pack_fixes, unpack_fixes
from service.geo.fixes import Fixes
from service.geo.geojson import track_geojson
from service.geo.gpx.model import GpxFile, GpxLine
from service.geo.gpx.reader import read_gpx
from service.geo.gpx.writer import write_gpx
from service.record.anchor_queries import MarkRow, list_marks
from service.record.recorded_session_queries import RecordedSession, find_recorded_session
from service.record.recordings import Recording, SkippedPart, join_fixes
from service.record.sealed_record import open_marks
from service.record.session_marks import SessionMark, anchor_marks, session_marks
from service.record.track_queries import TrackForms
from service.record.tracks import NoTrack, TrackFrame, TrackSummary, Window, cut_and_summarise
from service.walks.route_queries import find_line

TRACK_NAME: Final = "Walk"
"""A file that leaves the phone must not say whose walk it was."""


class TrackBasis(msgspec.Struct, frozen=True):
    """What a track is prepared from, besides its file: the session, its frame, planned line and marks."""

    session: RecordedSession
    frame: TrackFrame
    key: ClientKey
    planned_line: bytes | None
    marks: list[MarkRow]


class PreparedTrack(msgspec.Struct, frozen=True):
    """A track ready to be stored with its anchors, and the session it was prepared for."""

    session: RecordedSession
    forms: TrackForms
    summary: TrackSummary
    anchors: list[SessionMark]


def frame_of(session: RecordedSession) -> TrackFrame:
    """Return what a session's track is cut to and compared with."""
    window = Window.between(session.started_at, session.ended_at)
    return TrackFrame(window, session.route_id, session.route_version)


async def read_track_basis(
    begin: Begin, keys: PracticeKey, session_id: UUID, frame: TrackFrame | None = None
) -> TrackBasis:
    """Read what a track is prepared from, for the session's own frame unless another is given.

    Raises NotFound.
    """
    tenant = begin.tenant
    async with begin.read() as connection:
        session = found(await find_recorded_session(connection, tenant, session_id))
        key = keys.client(session.client_id, session.wrapped_key)
        marks = await list_marks(connection, tenant.practice_id, session_id)
        frame = frame or frame_of(session)
        planned_line = None
        if frame.route_id is not None and frame.route_version is not None:
            planned_line = await find_line(
                connection, tenant.practice_id, frame.route_id, frame.route_version
            )
    return TrackBasis(session, frame, key, planned_line, marks)


def prepare_track(basis: TrackBasis, content: bytes, now: datetime) -> PreparedTrack:
    """Return a GPX file made ready to store; takes seconds for a large one.

    Raises GpxRefused, NoTrack, and Impossible where nothing of it lies within the session's times.
    """
    planned = None if basis.planned_line is None else unpack_fixes(basis.planned_line)
    walked, summary = cut_and_summarise(read_recording(content, now), basis.frame.window, planned)
    forms = _seal_forms(basis, walked, summary, now)
    anchors = anchor_marks(walked, session_marks(open_marks(basis.key, basis.marks)))
    return PreparedTrack(basis.session, forms, summary, anchors)


def read_recording(content: bytes, now: datetime) -> Recording:
    """Return a GPX file's tracks as one recording, or its timed routes where it holds nothing else.

    Raises GpxRefused, NoTrack.
    """
    file = read_gpx(content, now=now)
    lines = [line for line in file.tracks if len(line.fixes)] or _timed_routes(file)
    if not lines:
        raise NoTrack("the file holds no track: a planned route or places alone are not what was walked")
    offsets = np.concatenate([line.offsets for line in lines])
    skipped = tuple(SkippedPart(each.line, each.column, each.what, each.reason) for each in file.skipped)
    return Recording(
        fixes=join_fixes([_with_gaps(line) for line in lines]),
        positions=lambda fixes: list(file.text.lines_and_columns(offsets[fixes].tolist())),
        skipped=skipped,
        skipped_count=file.skipped_count,
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


def _seal_forms(basis: TrackBasis, walked: Fixes, summary: TrackSummary, now: datetime) -> TrackForms:
    """Return every form of a track as it is stored: compressed once, sealed once."""
    key, session_id = basis.key, basis.session.session_id
    gpx = write_gpx(walked, name=TRACK_NAME, description=None, waypoints=(), created_at=now)

    def seal(column: str, value: bytes) -> bytes:
        return key.seal(Cell("track", column, session_id), value)

    return TrackForms(
        session_id=session_id,
        sealed_fixes=seal("sealed_fixes", pack_fixes(walked)),
        sealed_summary=seal_value(key, Cell("track", "sealed_summary", session_id), summary),
        sealed_geojson=seal("sealed_geojson", gzip_bytes(track_geojson(walked, {"name": TRACK_NAME}))),
        sealed_gpx=seal("sealed_gpx", gzip_bytes(gpx)),
        updated_at=now,
    )
