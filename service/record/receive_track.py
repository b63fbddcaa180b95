"""Receiving tracks: cut to the session, measured, sealed, and the notes find their places on it."""

import gzip
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.compression import compress, decompress, gzip_bytes
from service.foundation.crypto.sealed_values import open_value, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, Keyring, PracticeKey
from service.foundation.database.connection import Begin, Connection, Transaction
from service.foundation.database.tombstones import bury, is_buried
from service.foundation.off_loop import off_loop
from service.foundation.prepare_and_write import ATTEMPTS, Crowded, Unprepared, turn
from service.foundation.retry_safe import Impossible, NotFound, found
from service.geo.blob import pack_fixes, unpack_fixes
from service.geo.fixes import Fixes
from service.geo.geojson import track_geojson
from service.geo.gpx.model import DEFAULT_LIMITS
from service.geo.gpx.reader import read_gpx
from service.geo.gpx.writer import write_gpx
from service.people.sign_in_queries import ByToken
from service.record.anchors import Anchor
from service.record.mark_moment import held_standing
from service.record.moment_queries import list_moments
from service.record.note_queries import list_notes
from service.record.place_marks import Marked, anchored_anew, marks_of, store_sealed_anchors
from service.record.track_queries import (
    SealedTrack,
    SentForm,
    Standing,
    TrackRow,
    delete_track,
    find_geojson_of_token,
    find_sent_form,
    find_standing,
    find_track,
    find_track_summary,
    put_track,
)
from service.record.tracks import (
    Frame,
    LocationNotAgreed,
    NoTrack,
    Recording,
    SkippedPart,
    TrackSummary,
    Window,
    cut_and_summarise,
    join_fixes,
)
from service.walks.route_queries import find_line

TRACK_NAME: Final = "Walk"
"""A file that leaves the phone must not say whose walk it was."""


class Basis(msgspec.Struct, frozen=True):
    """A session as it stood when its track was prepared."""

    standing: Standing
    frame: Frame
    key: ClientKey
    track: TrackRow | None
    planned: bytes | None
    marks: list[Marked]


class Prepared(msgspec.Struct, frozen=True):
    """A track ready to be stored, and the anchors that come with it."""

    standing: Standing
    track: SealedTrack
    summary: TrackSummary
    anchors: dict[UUID, tuple[str, Anchor | None]]


class KeptTrack(msgspec.Struct, frozen=True):
    """What a phone is told of a track."""

    session_id: UUID
    summary: TrackSummary
    received_at: datetime
    updated_at: datetime
    revision: int


class UploadedTrack(msgspec.Struct, frozen=True):
    """A file a phone or a watch recorded, and whether it may take the place of another."""

    session_id: UUID
    content: bytes
    replace: bool


async def receive_track(
    begin: Begin, keys: PracticeKey, uploaded: UploadedTrack, now: datetime
) -> tuple[KeptTrack, bool]:
    """Keep a session's track; also return whether it is its first.

    The same file again changes nothing. Raises NotFound, LocationNotAgreed, GpxRefused, NoTrack,
    Impossible, Crowded.
    """
    async with turn(begin.tenant, uploaded.session_id):
        return await _receive(begin, keys, uploaded, now)


async def _receive(
    begin: Begin, keys: PracticeKey, uploaded: UploadedTrack, now: datetime
) -> tuple[KeptTrack, bool]:
    fingerprint = keys.fingerprint(uploaded.content)
    for _ in range(ATTEMPTS):
        basis = await _read_basis(begin, keys, uploaded.session_id, frame=None)
        if basis.track is not None and basis.track.fingerprint == fingerprint:
            return _kept(basis.key, basis.track), False
        _refuse(basis, replace=uploaded.replace)
        prepared = await off_loop(_prepare, basis, uploaded.content, fingerprint, now)
        async with begin.write() as transaction:
            standing = await held_standing(transaction, uploaded.session_id)
            if standing == basis.standing:
                await store_prepared(transaction, basis.key, prepared, now)
        if standing == basis.standing:
            received_at = basis.track.received_at if basis.track else now
            kept = KeptTrack(uploaded.session_id, prepared.summary, received_at, now, transaction.revision)
            return kept, basis.track is None
    raise Crowded("this session is being changed by others; try again")


def _refuse(basis: Basis, *, replace: bool) -> None:
    """Raise where this session may not have the track that was sent."""
    if not basis.standing.held:
        raise NotFound
    if not basis.standing.location_agreed:
        raise LocationNotAgreed("the client has not agreed that where they walk is recorded")
    if basis.track is not None and not replace:
        raise Impossible("this session has another track", "send it again with replace=true")


async def store_prepared(transaction: Transaction, key: ClientKey, prepared: Prepared, now: datetime) -> None:
    """Store a track and the anchors found on it."""
    await put_track(transaction, prepared.standing, prepared.track, now)
    await store_sealed_anchors(transaction, key, prepared.anchors)


async def _read_basis(begin: Begin, keys: PracticeKey, session_id: UUID, *, frame: Frame | None) -> Basis:
    """Read all a track is prepared from, in one snapshot; for the session's own frame, or one it will have.

    Raises NotFound.
    """
    tenant = begin.tenant
    practice_id = tenant.practice_id
    async with begin.read() as connection:
        standing = found(await find_standing(connection, practice_id, tenant.therapist_id, session_id))
        track = await find_track(connection, practice_id, session_id)
        moments = await list_moments(connection, practice_id, session_id)
        notes = await list_notes(connection, practice_id, session_id)
        frame = frame or frame_of(standing)
        planned = None
        if frame.route_id is not None and frame.route_version is not None:
            planned = await find_line(connection, practice_id, frame.route_id, frame.route_version)
    key = keys.client(standing.client_id, standing.wrapped_key)
    return Basis(standing, frame, key, track, planned, marks_of(key, moments, notes, {}))


def _prepare(basis: Basis, content: bytes, fingerprint: bytes, now: datetime) -> Prepared:
    """Return a file made ready to store: read, cut, measured, encoded, sealed, notes anchored."""
    standing = basis.standing
    planned = None if basis.planned is None else unpack_fixes(basis.planned)
    walked, summary = cut_and_summarise(_read(content, now), basis.frame.window, planned)
    track = _sealed(basis.key, standing.session_id, content, fingerprint, walked, summary, now)
    return Prepared(standing, track, summary, anchored_anew(walked, basis.marks))


def _read(content: bytes, now: datetime) -> Recording:
    """Return a GPX file's tracks as one recording. Raises GpxRefused, NoTrack."""
    file = read_gpx(content, now=now)
    parts = [line.fixes for line in file.tracks if len(line.fixes)]
    if not parts:
        raise NoTrack("the file holds no track: a planned route or places alone are not what was walked")
    skipped = tuple(SkippedPart(each.line, each.column, each.what, each.reason) for each in file.skipped)
    return Recording(join_fixes(parts), skipped, file.skipped_count)


def frame_of(standing: Standing) -> Frame:
    """Return what a session's track is cut to and compared with."""
    window = Window.between(standing.started_at, standing.ended_at)
    return Frame(window, standing.route_id, standing.route_version)


def _sealed(
    key: ClientKey,
    session_id: UUID,
    content: bytes,
    fingerprint: bytes,
    walked: Fixes,
    summary: TrackSummary,
    now: datetime,
) -> SealedTrack:
    """Return every form of a track as it is stored: compressed once, sealed once."""
    gpx = write_gpx(walked, kind="track", name=TRACK_NAME, description=None, waypoints=(), created_at=now)

    def seal(column: str, value: bytes) -> bytes:
        return key.seal(Cell("track", column, session_id), value)

    return SealedTrack(
        fingerprint=fingerprint,
        original=seal("sealed_original", compress(content)),
        fixes=seal("sealed_fixes", pack_fixes(walked)),
        summary=seal_value(key, Cell("track", "sealed_summary", session_id), summary),
        geojson=seal("sealed_geojson", gzip_bytes(track_geojson(walked, {"name": TRACK_NAME}))),
        gpx=seal("sealed_gpx", gzip_bytes(gpx)),
    )


async def read_track(
    connection: Connection, keys: PracticeKey, practice_id: UUID, session_id: UUID
) -> KeptTrack:
    """Return what is known of a session's track. Raises NotFound."""
    row = found(await find_track_summary(connection, practice_id, session_id))
    key = keys.client(row.client_id, row.wrapped_key)
    cell = Cell("track", "sealed_summary", session_id)
    summary = open_value(key, cell, row.sealed_summary, TrackSummary)
    return KeptTrack(session_id, summary, row.received_at, row.updated_at, row.revision)


def _kept(key: ClientKey, row: TrackRow) -> KeptTrack:
    cell = Cell("track", "sealed_summary", row.session_id)
    summary = open_value(key, cell, row.sealed_summary, TrackSummary)
    return KeptTrack(row.session_id, summary, row.received_at, row.updated_at, row.revision)


async def read_form(
    connection: Connection, keys: PracticeKey, practice_id: UUID, session_id: UUID, form: str
) -> tuple[bytes, int]:
    """Return a track as GPX, gzip as stored, or the original file; and its revision. Raises NotFound."""
    row = found(await find_sent_form(connection, practice_id, session_id, form))
    return _form(keys, session_id, form, row)


async def read_geojson_by_token(by_token: ByToken, keyring: Keyring, session_id: UUID) -> tuple[bytes, int]:
    """Return a track as GeoJSON, gzip as it was stored, and its revision. Raises NotSignedIn, NotFound."""
    known = await find_geojson_of_token(by_token, session_id)
    keys = keyring.practice(known.practice_id, known.wrapped_key)
    return _form(keys, session_id, "geojson", found(known.asked))


def _form(keys: PracticeKey, session_id: UUID, form: str, row: SentForm) -> tuple[bytes, int]:
    key = keys.client(row.client_id, row.wrapped_key)
    return key.open(Cell("track", f"sealed_{form}", session_id), row.sealed), row.revision


def original_of(compressed: bytes) -> bytes:
    """Return an original file as it was uploaded."""
    return decompress(compressed, DEFAULT_LIMITS.file_bytes)


def sent_original(content: bytes, *, compressed: bool) -> bytes:
    """Return an original file as it was uploaded, or as gzip: of 20 MB that takes the third of a second."""
    original = original_of(content)
    return gzip_bytes(original) if compressed else original


def unpacked(content: bytes) -> bytes:
    """Return a stored form without its gzip, for the rare client that does not take it."""
    return gzip.decompress(content)


async def remove_track(transaction: Transaction, keys: PracticeKey, session_id: UUID, now: datetime) -> None:
    """Delete a session's track; its notes keep their instants and lose their places. Raises NotFound."""
    connection, practice_id = transaction.connection, transaction.practice_id
    standing = await held_standing(transaction, session_id)
    if standing.track_revision is None:
        if await is_buried(connection, practice_id, "track", session_id):
            return
        raise NotFound
    key = keys.client(standing.client_id, standing.wrapped_key)
    moments = await list_moments(connection, practice_id, session_id)
    notes = await list_notes(connection, practice_id, session_id)
    await delete_track(transaction, session_id)
    await bury(transaction, "track", session_id, now, clinical=True, viewers=standing.viewers)
    marks = marks_of(key, moments, notes, {})
    await store_sealed_anchors(transaction, key, anchored_anew(None, marks))


class CutAnew(msgspec.Struct, frozen=True):
    """A track cut to times, or compared with a line, that its session is about to have."""

    standing: Standing
    frame: Frame
    prepared: Prepared | None
    """None where nothing of it lies within the times: what was reported stands, and the track stays."""


class TrackOutOfStep(Unprepared):
    """A write changes when a session was held, or its planned line; its track must be cut anew."""

    def __init__(self, session_id: UUID, frame: Frame, now: datetime) -> None:
        super().__init__(session_id, "track")
        self._frame = frame
        self._now = now

    async def prepare(self, begin: Begin, keys: PracticeKey) -> CutAnew:
        """Return the track cut to the new times and compared with the new line."""
        basis = await _read_basis(begin, keys, self.session_id, frame=self._frame)
        prepared = None
        if basis.track is not None:
            prepared = await off_loop(_cut_anew, basis, basis.track, self._now)
        return CutAnew(basis.standing, self._frame, prepared)


def _cut_anew(basis: Basis, track: TrackRow, now: datetime) -> Prepared | None:
    """Return a stored track made anew from its original; None where nothing of it lies within the times."""
    cell = Cell("track", "sealed_original", track.session_id)
    original = original_of(basis.key.open(cell, track.sealed_original))
    try:
        return _prepare(basis, original, track.fingerprint, now)
    except Impossible:
        return None


async def keep_track_in_step(
    transaction: Transaction,
    keys: PracticeKey,
    session_id: UUID,
    frame: Frame,
    prepared: object,
    now: datetime,
) -> None:
    """Cut a session's track to new times, or compare it with a new line, where it has one.

    Raises TrackOutOfStep unless `prepared`.

    To be called in the write that changes the session, before its row is changed.
    """
    standing = await held_standing(transaction, session_id)
    if standing.track_revision is None or frame == frame_of(standing):
        return
    if not isinstance(prepared, CutAnew) or (prepared.standing, prepared.frame) != (standing, frame):
        raise TrackOutOfStep(session_id, frame, now)
    if prepared.prepared is not None:
        key = keys.client(standing.client_id, standing.wrapped_key)
        await store_prepared(transaction, key, prepared.prepared, now)
