"""Receive and delete a session's track."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.clients.location_permission import refuse_location_not_agreed
from service.foundation.compression import compress
from service.foundation.crypto.sealing import Cell, PracticeKey
from service.foundation.database.connection import Begin, Transaction
from service.foundation.database.tombstones import bury, refuse_unless_buried
from service.foundation.prepare_and_write import NotPrepared, prepare_and_write
from service.foundation.retry_safe import Expected, Impossible, Once, found
from service.foundation.threads import off_loop
from service.geo.gpx.unpacking import unpack
from service.record.anchor_queries import clear_anchors
from service.record.keep_anchors import store_changed_anchors
from service.record.prepare_track import PreparedTrack, TrackBasis, prepare_track, read_track_basis
from service.record.read_track import open_track
from service.record.recorded_session_queries import find_session_to_record
from service.record.track_queries import (
    TrackRow,
    delete_track,
    find_track_summary,
    insert_track,
    update_track,
)
from service.record.tracks import Track


class UploadedTrack(msgspec.Struct, frozen=True):
    """A file a phone or a watch recorded, and whether it may take the place of another."""

    session_id: UUID
    content: bytes
    fingerprint: bytes
    """A keyed hash of the content."""
    replace: bool


class PreparedUpload(msgspec.Struct, frozen=True):
    """An uploaded track ready to be stored, with its original."""

    track: PreparedTrack
    sealed_original: bytes


async def receive_track(
    begin: Begin, keys: PracticeKey, once: Once, uploaded: UploadedTrack, expected: Expected, now: datetime
) -> tuple[Track, bool]:
    """Keep a session's track; also return whether it is its first. The same file again changes nothing.

    A repeated write returns the track there is by now, whatever came after the first.

    Raises NotFound, Stale, LocationNotAgreed, GpxRefused, NoTrack, NothingPlausible, Impossible, Crowded.
    """
    tenant, session_id = begin.tenant, uploaded.session_id
    fingerprint = uploaded.fingerprint

    async def prepare() -> PreparedUpload:
        basis = await read_track_basis(begin, keys, session_id)
        return await off_loop(_prepare_upload, basis, uploaded.content, now)

    async def write(transaction: Transaction, prepared: PreparedUpload | None) -> tuple[Track, bool]:
        session = await find_session_to_record(transaction.connection, tenant, session_id)
        key = keys.client(session.client_id, session.wrapped_key)
        before = await find_track_summary(transaction.connection, tenant.practice_id, session_id)
        if transaction.replays:
            return open_track(key, found(before)), False
        if before is not None and before.fingerprint == fingerprint:
            return open_track(key, before), False
        refuse_location_not_agreed(session.location_agreed)
        known = transaction.revision if before is None else before.content_revision
        expected.check(known, this_write=transaction.revision)
        if before is not None and not uploaded.replace:
            raise Impossible("this session has another track", "send it again with replace=true")
        if prepared is None or prepared.track.session != session:
            raise NotPrepared(session_id)
        row = TrackRow(
            **msgspec.structs.asdict(prepared.track.forms),
            client_id=session.client_id,
            therapist_id=tenant.therapist_id,
            viewers=session.viewers,
            fingerprint=fingerprint,
            sealed_original=prepared.sealed_original,
            received_at=now,
        )
        store = insert_track if before is None else update_track
        await store(transaction, row)
        await store_changed_anchors(transaction, key, session_id, prepared.track.anchors)
        received_at = before.received_at if before else now
        track = Track(session_id, prepared.track.summary, received_at, now, transaction.revision)
        return track, before is None

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


def _prepare_upload(basis: TrackBasis, uploaded: bytes, now: datetime) -> PreparedUpload:
    content = unpack(uploaded)
    cell = Cell("track", "sealed_original", basis.session.session_id)
    return PreparedUpload(prepare_track(basis, content, now), basis.key.seal(cell, compress(content)))


async def remove_track(begin: Begin, once: Once, session_id: UUID, expected: Expected, now: datetime) -> None:
    """Delete a session's track; its marks keep their instants and lose their anchors.

    Raises NotFound, Stale.
    """
    tenant = begin.tenant
    async with begin.write(once) as transaction:
        if transaction.replays:
            return
        connection, practice_id = transaction.connection, tenant.practice_id
        session = await find_session_to_record(connection, tenant, session_id)
        track = await find_track_summary(connection, practice_id, session_id)
        if track is None:
            await refuse_unless_buried(transaction, "track", session_id)
            return
        expected.check(track.content_revision, this_write=transaction.revision)
        await delete_track(transaction, session_id)
        await bury(transaction, "track", session_id, now, clinical=True, viewers=session.viewers)
        await clear_anchors(transaction, session_id)
