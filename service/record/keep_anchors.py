"""Find and store where the moments and notes of a session lie on its track.

Decoding a track takes too long for a write transaction: the anchors are found outside, and the write stores
them if everything they were found from is unchanged.
"""

from uuid import UUID

import msgspec

from service.foundation.crypto.sealed_values import log_broken
from service.foundation.crypto.sealing import ClientKey, PracticeKey, SealBroken
from service.foundation.database.connection import Connection, Transaction
from service.foundation.prepare_and_write import NotPrepared
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.record.anchor_queries import MarkRow, list_marks, store_anchors
from service.record.anchors import Anchor
from service.record.recorded_session_queries import RecordedSession
from service.record.sealed_record import open_marks, seal_mark_anchor
from service.record.sealed_track import open_fixes
from service.record.session_marks import MarkChange, MarkKind, SessionMark, anchor_marks, session_marks
from service.record.track_queries import StoredFixes, find_stored_fixes


class AnchorBasis(msgspec.Struct, frozen=True):
    """What anchors are found from: a session's track, its marks, and what is about to change among them."""

    session: RecordedSession
    change: MarkChange
    key: ClientKey
    stored: StoredFixes | None
    marks: list[MarkRow]


class PreparedAnchors(msgspec.Struct, frozen=True):
    """The marks of a session whose anchors change, and what these were found from."""

    track_revision: int | None
    marks_revision: int
    change: MarkChange
    marks: list[SessionMark]

    def fits(self, session: RecordedSession, change: MarkChange) -> bool:
        """Return whether the session is unchanged, and the change is still what was prepared for."""
        found_from = (self.track_revision, self.marks_revision, self.change)
        return found_from == (session.track_revision, session.marks_revision, change)


async def read_anchor_basis(
    connection: Connection,
    practice_id: UUID,
    keys: PracticeKey,
    session: RecordedSession,
    change: MarkChange,
) -> AnchorBasis:
    """Read what the anchors of a session are found from."""
    key = keys.client(session.client_id, session.wrapped_key)
    stored = await find_stored_fixes(connection, practice_id, session.session_id)
    marks = await list_marks(connection, practice_id, session.session_id)
    return AnchorBasis(session, change, key, stored, marks)


async def prepare_anchors(basis: AnchorBasis) -> PreparedAnchors:
    """Return the anchors that change, found in another thread."""
    session = basis.session
    marks = await off_loop(_find_anchors, basis)
    return PreparedAnchors(session.track_revision, session.marks_revision, basis.change, marks)


def _find_anchors(basis: AnchorBasis) -> list[SessionMark]:
    if basis.stored is None:
        return []
    try:
        fixes = unpack_fixes(open_fixes(basis.key, basis.stored))
    except SealBroken as broken:
        log_broken(broken)
        return []
    return anchor_marks(fixes, session_marks(open_marks(basis.key, basis.marks), basis.change))


async def keep_anchors(
    transaction: Transaction,
    key: ClientKey,
    session: RecordedSession,
    change: MarkChange,
    prepared: PreparedAnchors | None,
) -> Anchor | None:
    """Store the anchors of a session after a change of its marks; return that of the changed mark.

    `session` was read in this transaction before anything was written. Raises NotPrepared.
    """
    if session.track_revision is None:
        return None
    if prepared is None or not prepared.fits(session, change):
        raise NotPrepared(session.session_id)
    await store_changed_anchors(transaction, key, session.session_id, prepared.marks)
    changed = change.changed
    return next((each.anchor for each in prepared.marks if changed and each.id == changed.id), None)


async def store_changed_anchors(
    transaction: Transaction, key: ClientKey, session_id: UUID, marks: list[SessionMark]
) -> None:
    """Seal the anchors of marks and store them with their moments and notes."""
    by_kind: dict[MarkKind, dict[UUID, bytes | None]] = {kind: {} for kind in MarkKind}
    for each in marks:
        by_kind[each.kind][each.id] = seal_mark_anchor(key, session_id, each)
    await store_anchors(transaction, by_kind[MarkKind.MOMENT], by_kind[MarkKind.NOTE])
