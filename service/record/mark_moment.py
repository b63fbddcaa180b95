"""Mark, read, change and delete moments: one tap now, the rest whenever."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.foundation.crypto.sealing import ClientKey, PracticeKey
from service.foundation.database.client_keys import client_key
from service.foundation.database.connection import Begin, Connection, Transaction
from service.foundation.database.tombstones import bury, refuse_unless_buried
from service.foundation.pages import BadCursor, Cursor, PageOf, cut_page, instants_key, instants_of
from service.foundation.prepare_and_write import prepare_and_write
from service.foundation.retry_safe import Expected, Once, found, replayed
from service.foundation.threads import off_loop_if_large
from service.record.anchor_queries import MarkRow, list_marks_about_moment
from service.record.keep_anchors import PreparedAnchors, keep_anchors, prepare_anchors, read_anchor_basis
from service.record.moment_queries import (
    MomentRow,
    delete_moment,
    find_moment,
    insert_moment,
    list_moments,
    update_moment,
)
from service.record.moments import Moment, changed_moment
from service.record.note_queries import move_notes_with_moment, part_notes_from_moment
from service.record.notes import About
from service.record.recorded_session_queries import (
    RecordedSession,
    find_recorded_session,
    find_session_to_record,
)
from service.record.sealed_record import open_moment, reseal_position, seal_moment
from service.record.session_marks import MarkChange, moment_mark


class NewMoment(msgspec.Struct, frozen=True):
    """A tap as the phone reports it, and whatever else it says of the moment."""

    id: UUID
    session_id: UUID
    at: datetime
    members: Mapping[str, Any]

    def to_moment(self, session: RecordedSession, now: datetime) -> Moment:
        """Return the moment of a session this becomes."""
        tap = Moment(
            id=self.id,
            session_id=self.session_id,
            client_id=session.client_id,
            at=self.at,
            received_at=now,
            updated_at=now,
        )
        return changed_moment(tap, self.members, now, location_agreed=session.location_agreed)


async def mark_moment(
    begin: Begin, keys: PracticeKey, once: Once, new: NewMoment, now: datetime
) -> tuple[Moment, bool]:
    """Keep a moment; also return whether it was kept before. Raises NotFound, IdTaken, Crowded."""
    tenant = begin.tenant

    async def prepare() -> PreparedAnchors:
        async with begin.read() as connection:
            session = await find_session_to_record(connection, tenant, new.session_id)
            change = MarkChange(moment_mark(new.to_moment(session, now)))
            basis = await read_anchor_basis(connection, tenant.practice_id, keys, session, change)
        return await prepare_anchors(basis)

    async def write(transaction: Transaction, prepared: PreparedAnchors | None) -> tuple[Moment, bool]:
        connection = transaction.connection
        if transaction.replays:
            kept = replayed(await find_moment(connection, tenant.practice_id, new.id))
            return await _open(connection, keys, tenant.practice_id, kept), True
        session = await find_session_to_record(connection, tenant, new.session_id)
        key = keys.client(session.client_id, session.wrapped_key)
        moment = new.to_moment(session, now)
        row = await insert_moment(transaction, seal_moment(key, session, tenant, moment))
        anchor = await keep_anchors(transaction, key, session, MarkChange(moment_mark(moment)), prepared)
        return msgspec.structs.replace(open_moment(key, row), anchor=anchor), False

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


class MomentChange(msgspec.Struct, frozen=True):
    """A moment before and after a change, and the session it belongs to."""

    session: RecordedSession
    key: ClientKey
    before: Moment
    after: Moment


async def change_moment(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    moment_id: UUID,
    changes: Mapping[str, Any],
    expected: Expected,
    now: datetime,
) -> Moment:
    """Change instant, kind, words or position. Raises NotFound, Stale, Crowded."""
    tenant = begin.tenant

    async def find_row(connection: Connection) -> MomentRow:
        return found(await find_moment(connection, tenant.practice_id, moment_id))

    async def change(connection: Connection, row: MomentRow) -> MomentChange:
        session = await find_session_to_record(connection, tenant, row.session_id)
        key = keys.client(session.client_id, session.wrapped_key)
        before = open_moment(key, row)
        after = changed_moment(before, changes, now, location_agreed=session.location_agreed)
        return MomentChange(session, key, before, after)

    async def prepare() -> PreparedAnchors:
        async with begin.read() as connection:
            changed = await change(connection, await find_row(connection))
            mark_change = MarkChange(moment_mark(changed.after))
            basis = await read_anchor_basis(
                connection, tenant.practice_id, keys, changed.session, mark_change
            )
        return await prepare_anchors(basis)

    async def write(transaction: Transaction, prepared: PreparedAnchors | None) -> Moment:
        row = await find_row(transaction.connection)
        if transaction.replays:
            return await _open(transaction.connection, keys, tenant.practice_id, row)
        expected.check(row.content_revision, this_write=transaction.revision)
        changed = await change(transaction.connection, row)
        session, key = changed.session, changed.key
        kept = await update_moment(transaction, seal_moment(key, session, tenant, changed.after))
        mark = moment_mark(changed.after)
        if not mark.has_moved_from(moment_mark(changed.before)):
            return open_moment(key, kept)
        if changed.after.at != changed.before.at:
            await _move_notes(transaction, key, changed.after)
        anchor = await keep_anchors(transaction, key, session, MarkChange(mark), prepared)
        return msgspec.structs.replace(open_moment(key, kept), anchor=anchor)

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


async def _move_notes(transaction: Transaction, key: ClientKey, moment: Moment) -> None:
    """Move the notes about a moment to its new instant."""
    rows = await list_marks_about_moment(transaction.connection, transaction.practice_id, moment.id)
    moved = {
        each.id: reseal_position(key, each, msgspec.structs.replace(each, at=moment.at)) for each in rows
    }
    await move_notes_with_moment(transaction, moved, moment.at)


async def page_of_moments(
    begin: Begin, keys: PracticeKey, session_id: UUID, *, after: Cursor | None, limit: int
) -> PageOf[Moment]:
    """Return one page of a session's moments in walking order. Raises NotFound, BadCursor."""
    start = None if after is None else _place_of(after)
    async with begin.read() as connection:
        session = found(await find_recorded_session(connection, begin.tenant, session_id))
        rows = await list_moments(
            connection, begin.tenant.practice_id, session_id, after=start, limit=limit + 1
        )
    key = keys.client(session.client_id, session.wrapped_key)
    size_bytes = sum(len(row.sealed or b"") for row in rows)
    moments = await off_loop_if_large(size_bytes, _open_all, key, rows)
    return cut_page(moments, limit, lambda moment: Cursor(instants_key(moment.at), moment.id))


def _open_all(key: ClientKey, rows: Sequence[MomentRow]) -> list[Moment]:
    return [open_moment(key, row) for row in rows]


def _place_of(cursor: Cursor) -> tuple[datetime, UUID]:
    """Return where the next page starts. Raises BadCursor."""
    (at,) = instants_of(cursor, 1)
    if at is None:
        raise BadCursor("not a cursor of this list")
    return at, cursor.id


async def read_moment(begin: Begin, keys: PracticeKey, moment_id: UUID) -> Moment:
    """Return a moment. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        row = found(await find_moment(connection, practice_id, moment_id))
        return await _open(connection, keys, practice_id, row)


async def remove_moment(
    begin: Begin, keys: PracticeKey, once: Once, moment_id: UUID, expected: Expected, now: datetime
) -> None:
    """Delete a moment; notes about it stay, about its instant and at its place.

    The other marks of its session are anchored without it. Raises NotFound, Stale, Crowded.
    """
    tenant, change = begin.tenant, MarkChange(deleted=moment_id)

    async def prepare() -> PreparedAnchors | None:
        async with begin.read() as connection:
            row = await find_moment(connection, tenant.practice_id, moment_id)
            if row is None:
                return None
            session = await find_session_to_record(connection, tenant, row.session_id)
            basis = await read_anchor_basis(connection, tenant.practice_id, keys, session, change)
        return await prepare_anchors(basis)

    async def write(transaction: Transaction, prepared: PreparedAnchors | None) -> None:
        if transaction.replays:
            return
        row = await find_moment(transaction.connection, tenant.practice_id, moment_id)
        if row is None:
            await refuse_unless_buried(transaction, "moment", moment_id)
            return
        session = await find_session_to_record(transaction.connection, tenant, row.session_id)
        expected.check(row.content_revision, this_write=transaction.revision)
        key = keys.client(session.client_id, session.wrapped_key)
        await keep_anchors(transaction, key, session, change, prepared)
        await _part_notes(transaction, key, open_moment(key, row))
        await delete_moment(transaction, moment_id)
        await bury(transaction, "moment", moment_id, now, clinical=True, viewers=session.viewers)

    await prepare_and_write(begin, once, prepare=prepare, write=write)


async def _part_notes(transaction: Transaction, key: ClientKey, moment: Moment) -> None:
    """Make the notes about a moment be about its instant, each at its own place or the moment's."""
    rows = await list_marks_about_moment(transaction.connection, transaction.practice_id, moment.id)
    parted = {each.id: _parted(key, each, moment) for each in rows}
    await part_notes_from_moment(transaction, parted)


def _parted(key: ClientKey, row: MarkRow, moment: Moment) -> bytes:
    after = msgspec.structs.replace(row, about=About.INSTANT, moment_id=None)
    return reseal_position(key, row, after, inherited=moment.content.position)


async def _open(connection: Connection, keys: PracticeKey, practice_id: UUID, row: MomentRow) -> Moment:
    return open_moment(await client_key(connection, keys, practice_id, row.client_id), row)
