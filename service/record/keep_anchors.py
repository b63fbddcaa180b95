"""Find and store where the moments and notes of a session lie on its track.

Decoding a track takes too long for a write transaction: the anchors are found outside, and the write stores
them if everything they were found from is unchanged.
"""

from uuid import UUID

import msgspec

from service.foundation.crypto.sealing import Cell, ClientKey, PracticeKey
from service.foundation.database.connection import Connection, Transaction
from service.foundation.prepare_and_write import NotPrepared
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.record.anchor_queries import store_anchors
from service.record.anchors import Anchor
from service.record.moment_queries import list_moments
from service.record.note_queries import list_notes
from service.record.recorded_session_queries import RecordedSession
from service.record.sealed_record import open_moment, open_note, seal_anchor
from service.record.session_marks import ChangedAnchors, SessionMark, anchor_marks, session_marks
from service.record.track_queries import find_sealed_fixes


class AnchorBasis(msgspec.Struct, frozen=True):
    """What anchors are found from: a session's track and marks, of which `changed` is new or changed."""

    session: RecordedSession
    changed: SessionMark
    key: ClientKey
    sealed_fixes: bytes | None
    marks: list[SessionMark]


class PreparedAnchors(msgspec.Struct, frozen=True):
    """The anchors of a session, and what they were found from."""

    track_revision: int | None
    marks_revision: int
    changed: SessionMark
    anchors: ChangedAnchors

    def fits(self, session: RecordedSession, changed: SessionMark) -> bool:
        """Return whether the session and the mark are still what the anchors were found from."""
        found_from = (self.track_revision, self.marks_revision, self.changed)
        return found_from == (session.track_revision, session.marks_revision, changed)

    @property
    def anchor(self) -> Anchor | None:
        """Return the anchor of the new or changed mark."""
        changed = self.changed
        anchors = self.anchors.moments if changed.table == "moment" else self.anchors.notes
        return anchors.get(changed.id, changed.anchor)


async def read_anchor_basis(
    connection: Connection,
    practice_id: UUID,
    keys: PracticeKey,
    session: RecordedSession,
    changed: SessionMark,
) -> AnchorBasis:
    """Read what the anchors of a session with a new or changed mark are found from."""
    key = keys.client(session.client_id, session.wrapped_key)
    sealed_fixes = await find_sealed_fixes(connection, practice_id, session.session_id)
    marks = await read_session_marks(connection, practice_id, key, session.session_id, changed)
    return AnchorBasis(session, changed, key, sealed_fixes, marks)


async def read_session_marks(
    connection: Connection,
    practice_id: UUID,
    key: ClientKey,
    session_id: UUID,
    changed: SessionMark | None = None,
) -> list[SessionMark]:
    """Return the marks of a session by instant, with `changed` in place of its own."""
    moments = await list_moments(connection, practice_id, session_id)
    notes = await list_notes(connection, practice_id, session_id)
    return session_marks(
        [open_moment(key, each) for each in moments], [open_note(key, each) for each in notes], changed
    )


async def prepare_anchors(basis: AnchorBasis) -> PreparedAnchors:
    """Return the anchors that change, found in another thread."""
    session = basis.session
    anchors = await off_loop(_find_anchors, basis)
    return PreparedAnchors(session.track_revision, session.marks_revision, basis.changed, anchors)


def _find_anchors(basis: AnchorBasis) -> ChangedAnchors:
    fixes = None
    if basis.sealed_fixes is not None:
        cell = Cell("track", "sealed_fixes", basis.session.session_id)
        fixes = unpack_fixes(basis.key.open(cell, basis.sealed_fixes))
    return anchor_marks(fixes, basis.marks)


async def keep_anchors(
    transaction: Transaction,
    key: ClientKey,
    session: RecordedSession,
    changed: SessionMark,
    prepared: PreparedAnchors | None,
) -> Anchor | None:
    """Store the anchors of a session with a new or changed mark; return that mark's.

    `session` was read in this transaction before the mark was written. Raises NotPrepared.
    """
    if session.track_revision is None:
        return changed.anchor
    if prepared is None or not prepared.fits(session, changed):
        raise NotPrepared(session.session_id)
    await store_changed_anchors(transaction, key, prepared.anchors)
    return prepared.anchor


async def store_changed_anchors(transaction: Transaction, key: ClientKey, anchors: ChangedAnchors) -> None:
    """Seal anchors and store them with their moments and notes."""
    moments = {each: seal_anchor(key, "moment", each, place) for each, place in anchors.moments.items()}
    notes = {each: seal_anchor(key, "note", each, place) for each, place in anchors.notes.items()}
    await store_anchors(transaction, moments, notes)
