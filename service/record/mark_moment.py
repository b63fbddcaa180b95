"""Marking moments: one tap now, the rest whenever."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.foundation.crypto.sealed_values import client_key, open_value, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, PracticeKey
from service.foundation.database.connection import Begin, Connection, Transaction
from service.foundation.database.tombstones import bury, is_buried
from service.foundation.prepare_and_write import prepare_and_write
from service.foundation.retry_safe import Expected, NotFound, Once, found, replayed
from service.foundation.tenant import Tenant
from service.record.anchor_marks import (
    PreparedAnchors,
    SessionMark,
    keep_anchors,
    open_anchor,
    prepare_anchors,
)
from service.record.moment_queries import (
    MomentRow,
    delete_moment,
    find_moment,
    insert_moment,
    list_moments,
    update_moment,
)
from service.record.moments import Moment, MomentContent
from service.record.note_queries import leave_notes_of_moment, move_notes_with_moment
from service.record.recorded_session_queries import (
    RecordedSession,
    find_recorded_session,
    find_session_to_record,
)


class NewMoment(msgspec.Struct, frozen=True):
    """A tap as the phone reports it."""

    id: UUID
    session_id: UUID
    at: datetime
    content: MomentContent


async def mark_moment(
    begin: Begin, keys: PracticeKey, once: Once, new: NewMoment, now: datetime
) -> tuple[Moment, bool]:
    """Keep a moment; also return whether it was kept before. Raises NotFound, IdTaken, Crowded."""
    mark = SessionMark(new.id, "moment", new.at, new.content.position)

    async def prepare() -> PreparedAnchors | None:
        return await prepare_anchors(begin, keys, new.session_id, mark)

    async def write(transaction: Transaction, prepared: PreparedAnchors | None) -> tuple[Moment, bool]:
        if transaction.replays:
            kept = replayed(await find_moment(transaction.connection, transaction.practice_id, new.id))
            return await _opened(transaction.connection, keys, transaction.practice_id, kept), True
        session = await find_session_to_record(transaction, new.session_id)
        key = keys.client(session.client_id, session.wrapped_key)
        row = await insert_moment(transaction, _new_row(key, session, new, now), session.viewers)
        anchored = await keep_anchors(transaction, key, session, mark, prepared)
        return await _kept(transaction, key, row, anchored=anchored), False

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


def _new_row(key: ClientKey, session: RecordedSession, new: NewMoment, now: datetime) -> MomentRow:
    return MomentRow(
        id=new.id,
        session_id=new.session_id,
        client_id=session.client_id,
        at=new.at,
        sealed=_seal(key, new.id, new.content),
        sealed_anchor=None,
        received_at=now,
        updated_at=now,
        revision=0,
    )


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

    async def prepare() -> PreparedAnchors | None:
        async with begin.read() as connection:
            row = found(await find_moment(connection, begin.tenant.practice_id, moment_id))
            key = await client_key(connection, keys, begin.tenant.practice_id, row.client_id)
        return await prepare_anchors(begin, keys, row.session_id, _changed_mark(key, row, changes))

    async def write(transaction: Transaction, prepared: PreparedAnchors | None) -> Moment:
        connection, practice_id = transaction.connection, transaction.practice_id
        row = found(await find_moment(connection, practice_id, moment_id))
        if transaction.replays:
            return await _opened(connection, keys, practice_id, row)
        expected.check(row.revision, this_write=transaction.revision)
        session = await find_session_to_record(transaction, row.session_id)
        key = keys.client(session.client_id, session.wrapped_key)
        at = changes.get("at", row.at)
        content = _changed(_content(key, row), changes)
        sealed = _seal(key, row.id, content)
        changed = msgspec.structs.replace(row, at=at, sealed=sealed, updated_at=now)
        kept = found(await update_moment(transaction, changed))
        await move_notes_with_moment(transaction, row.id, at)
        mark = _changed_mark(key, row, changes)
        anchored = await keep_anchors(transaction, key, session, mark, prepared)
        return await _kept(transaction, key, kept, anchored=anchored)

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


def _changed_mark(key: ClientKey, row: MomentRow, changes: Mapping[str, Any]) -> SessionMark:
    position = _changed(_content(key, row), changes).position
    at = changes.get("at", row.at)
    return SessionMark(row.id, "moment", at, position, open_anchor(key, "moment", row))


async def moments_of_session(
    connection: Connection, keys: PracticeKey, tenant: Tenant, session_id: UUID
) -> list[Moment]:
    """Return a session's moments in walking order. Raises NotFound."""
    session = found(
        await find_recorded_session(connection, tenant.practice_id, tenant.therapist_id, session_id)
    )
    key = keys.client(session.client_id, session.wrapped_key)
    return [_moment(key, row) for row in await list_moments(connection, tenant.practice_id, session_id)]


async def read_moment(
    connection: Connection, keys: PracticeKey, practice_id: UUID, moment_id: UUID
) -> Moment:
    """Return a moment. Raises NotFound."""
    row = found(await find_moment(connection, practice_id, moment_id))
    return await _opened(connection, keys, practice_id, row)


async def remove_moment(transaction: Transaction, moment_id: UUID, now: datetime) -> None:
    """Delete a moment; notes about it stay, about its instant. Raises NotFound."""
    row = await find_moment(transaction.connection, transaction.practice_id, moment_id)
    if row is None:
        if await is_buried(transaction.connection, transaction.practice_id, "moment", moment_id):
            return
        raise NotFound
    session = await find_session_to_record(transaction, row.session_id)
    await leave_notes_of_moment(transaction, moment_id)
    await delete_moment(transaction, moment_id)
    await bury(transaction, "moment", moment_id, now, clinical=True, viewers=session.viewers)


async def _kept(transaction: Transaction, key: ClientKey, row: MomentRow, *, anchored: bool) -> Moment:
    """Return a moment as it was written, read again where its anchor was stored after it."""
    if anchored:
        row = found(await find_moment(transaction.connection, transaction.practice_id, row.id))
    return _moment(key, row)


async def _opened(connection: Connection, keys: PracticeKey, practice_id: UUID, row: MomentRow) -> Moment:
    return _moment(await client_key(connection, keys, practice_id, row.client_id), row)


def _moment(key: ClientKey, row: MomentRow) -> Moment:
    return Moment(
        id=row.id,
        session_id=row.session_id,
        client_id=row.client_id,
        at=row.at,
        content=_content(key, row),
        anchor=open_anchor(key, "moment", row),
        received_at=row.received_at,
        updated_at=row.updated_at,
        revision=row.revision,
    )


def _content(key: ClientKey, row: MomentRow) -> MomentContent:
    if row.sealed is None:
        return MomentContent()
    return open_value(key, Cell("moment", "sealed", row.id), row.sealed, MomentContent)


def _seal(key: ClientKey, moment_id: UUID, content: MomentContent) -> bytes | None:
    """Return the content sealed, or None where a tap says nothing but when it was."""
    if content == MomentContent():
        return None
    return seal_value(key, Cell("moment", "sealed", moment_id), content)


def _changed(content: MomentContent, changes: Mapping[str, Any]) -> MomentContent:
    own = {name: value for name, value in changes.items() if name != "at"}
    return msgspec.structs.replace(content, **own)
