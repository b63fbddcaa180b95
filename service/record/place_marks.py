"""Where moments and notes lie on a session's track: found again whenever either of them changes."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.crypto.sealed_values import open_value, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, PracticeKey
from service.foundation.database.connection import Begin, Transaction
from service.foundation.off_loop import off_loop
from service.foundation.prepare_and_write import Unprepared
from service.foundation.retry_safe import found
from service.geo.blob import unpack_fixes
from service.geo.fixes import Fixes
from service.record.anchors import Anchor, Mark, anchor
from service.record.moment_queries import MomentRow, list_moments
from service.record.moments import MomentContent, Position
from service.record.note_queries import NoteRow, list_notes
from service.record.notes import NoteContent
from service.record.track_queries import Standing, find_standing, find_track, store_anchors


class Marked(msgspec.Struct, frozen=True):
    """A moment or a note that speaks of an instant, and where it was found to lie so far."""

    id: UUID
    table: str
    at: datetime
    position: Position | None
    anchor: Anchor | None = None


class Anchored(msgspec.Struct, frozen=True):
    """Anchors found for a session as it stood, and what they were found from."""

    track_revision: int
    marks_revision: int
    anchors: dict[UUID, tuple[str, Anchor | None]]
    """By id of what is to be stored anew: its table, and where it lies."""


class AnchorsWanted(Unprepared):
    """A write met a track, and has no anchors found from it as it stands."""

    def __init__(self, session_id: UUID, changed: Mapping[UUID, Marked]) -> None:
        super().__init__(session_id, "anchors")
        self._changed = changed

    async def prepare(self, begin: Begin, keys: PracticeKey) -> Anchored | None:
        """Return the anchors of the session as it stands now; None where its track is gone meanwhile."""
        tenant = begin.tenant
        practice_id = tenant.practice_id
        async with begin.read() as connection:
            standing = found(
                await find_standing(connection, practice_id, tenant.therapist_id, self.session_id)
            )
            track = await find_track(connection, practice_id, self.session_id)
            moments = await list_moments(connection, practice_id, self.session_id)
            notes = await list_notes(connection, practice_id, self.session_id)
        if track is None or standing.track_revision is None:
            return None
        key = keys.client(standing.client_id, standing.wrapped_key)
        marks = marks_of(key, moments, notes, self._changed)
        anchors = await off_loop(_anchored_on_sealed, key, track.session_id, track.sealed_fixes, marks)
        return Anchored(standing.track_revision, standing.marks_revision, anchors)


async def keep_anchors(
    transaction: Transaction,
    key: ClientKey,
    standing: Standing,
    prepared: object,
    changed: Mapping[UUID, Marked],
) -> bool:
    """Store the anchors of a session whose marks are `changed`; return whether it has a track to lie on.

    `standing` was read in this transaction, before the changes. Raises AnchorsWanted unless `prepared`.
    """
    if standing.track_revision is None or not changed:
        return False
    now = (standing.track_revision, standing.marks_revision)
    if not isinstance(prepared, Anchored) or (prepared.track_revision, prepared.marks_revision) != now:
        raise AnchorsWanted(standing.session_id, changed)
    await store_sealed_anchors(transaction, key, prepared.anchors)
    return True


async def store_sealed_anchors(
    transaction: Transaction, key: ClientKey, anchors: Mapping[UUID, tuple[str, Anchor | None]]
) -> None:
    """Seal anchors and store them with their moments and notes."""
    sealed: dict[str, dict[UUID, bytes | None]] = {"moment": {}, "note": {}}
    for row_id, (table, place) in anchors.items():
        cell = Cell(table, "sealed_anchor", row_id)
        sealed[table][row_id] = None if place is None else seal_value(key, cell, place)
    await store_anchors(transaction, sealed["moment"], sealed["note"])


def _anchored_on_sealed(
    key: ClientKey, session_id: UUID, sealed_fixes: bytes, marks: list[Marked]
) -> dict[UUID, tuple[str, Anchor | None]]:
    fixes = unpack_fixes(key.open(Cell("track", "sealed_fixes", session_id), sealed_fixes))
    return anchored_anew(fixes, marks)


def anchored_anew(fixes: Fixes | None, marks: list[Marked]) -> dict[UUID, tuple[str, Anchor | None]]:
    """Return the marks that lie elsewhere than they were found so far; on no track they lie nowhere."""
    if fixes is None:
        return {mark.id: (mark.table, None) for mark in marks if mark.anchor is not None}
    places = anchor(fixes, [_mark(each) for each in marks])
    pairs = zip(marks, places, strict=True)
    return {mark.id: (mark.table, place) for mark, place in pairs if place != mark.anchor}


def _mark(marked: Marked) -> Mark:
    position = marked.position
    return Mark(
        id=marked.id,
        at_ms=round(marked.at.timestamp() * 1_000),
        lon=position.lon if position else None,
        lat=position.lat if position else None,
    )


def marks_of(
    key: ClientKey,
    moments: Iterable[MomentRow],
    notes: Iterable[NoteRow],
    changed: Mapping[UUID, Marked],
) -> list[Marked]:
    """Return every mark of a session in the order of their instants, as it will be once `changed`.

    A note about a moment speaks of the moment's instant, and of its position unless it has one itself.
    """
    marks = {each.id: _of_moment(key, each) for each in moments} | dict(changed)
    for note in notes:
        if note.id in changed or note.about_at is None:
            continue
        own = _of_note(key, note, note.about_at)
        moment = marks.get(note.moment_id) if note.moment_id else None
        if moment is not None:
            own = msgspec.structs.replace(own, at=moment.at, position=own.position or moment.position)
        marks[note.id] = own
    return sorted(marks.values(), key=lambda each: (each.at, each.id))


def _of_moment(key: ClientKey, row: MomentRow) -> Marked:
    content = row.sealed and open_value(key, Cell("moment", "sealed", row.id), row.sealed, MomentContent)
    position = content.position if content else None
    return Marked(row.id, "moment", row.at, position, open_anchor(key, "moment", row))


def _of_note(key: ClientKey, row: NoteRow, at: datetime) -> Marked:
    content = open_value(key, Cell("note", "sealed", row.id), row.sealed, NoteContent)
    return Marked(row.id, "note", at, content.position, open_anchor(key, "note", row))


def open_anchor(key: ClientKey, table: str, row: MomentRow | NoteRow) -> Anchor | None:
    """Return where a moment or note was found to lie; None where it was not."""
    if row.sealed_anchor is None:
        return None
    return open_value(key, Cell(table, "sealed_anchor", row.id), row.sealed_anchor, Anchor)
