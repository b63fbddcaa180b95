"""One write to a session: its facts, changes, words and flags stored, its track kept in step."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from service.clients.queries import find_client
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin, Transaction
from service.foundation.database.tombstones import bury
from service.foundation.prepare_and_write import prepare_and_write
from service.foundation.retry_safe import Once, found
from service.record.cuts import Window
from service.record.keep_track_in_step import TrackInStep, keep_track_in_step, prepare_track_in_step
from service.record.tracks import TrackFrame
from service.sessions.change_queries import ChangeRow, delete_changes, insert_change
from service.sessions.flags import flagged
from service.sessions.session_queries import SessionRow, find_changes_and_keys, lock_session, update_session
from service.sessions.session_words import SealedWords, open_session, seal_words
from service.sessions.sessions import ChangeFacts, Session, SessionChange, SessionFacts

SessionUpdate = Callable[[Transaction, Session], Awaitable[Session]]


async def write_session(
    begin: Begin, keys: PracticeKey, once: Once, session_id: UUID, update: SessionUpdate, now: datetime
) -> Session:
    """Store what `update` makes of a session. A session that stays the same is not written.

    Raises NotFound, also where a colleague holds it; Crowded; and whatever `update` raises.
    """
    frame = TrackFrame(Window(None, None), None, None)  # `write` says which, before it is prepared for

    async def prepare() -> TrackInStep:
        return await prepare_track_in_step(begin, keys, session_id, frame, now)

    async def write(transaction: Transaction, prepared: TrackInStep | None) -> Session:
        nonlocal frame
        row = found(await lock_session(transaction, session_id))
        [sealed] = await find_changes_and_keys(transaction.connection, transaction.practice_id, [row])
        before = open_session(keys, sealed)
        if transaction.replays:
            return before
        after = await update(transaction, before)
        if after == before:
            return before
        frame = _track_frame(after)
        await keep_track_in_step(transaction, keys, session_id, frame, prepared)
        client = found(await find_client(transaction.connection, transaction.practice_id, row.client_id))
        changed = msgspec.structs.replace(flagged(after, before, client), updated_at=now)
        return await _store(transaction, keys, row, before, changed)

    return await prepare_and_write(begin, once, prepare=prepare, write=write)


def _track_frame(session: Session) -> TrackFrame:
    """Return what a session's track is cut to and compared with: its times and its planned line."""
    window = Window.between(session.started_at, session.ended_at)
    return TrackFrame(window, session.route_id, session.route_version)


async def _store(
    transaction: Transaction, keys: PracticeKey, row: SessionRow, before: Session, after: Session
) -> Session:
    """Store a changed session, and those of its changes that are new or different.

    Damaged words stay stored as they are, unless new ones take their place.
    """
    known = {each.id: each for each in before.changes}
    changed = [each for each in after.changes if known.get(each.id) != each]
    words = await seal_words(transaction, keys, after, changed)
    facts = {name: getattr(after, name) for name in SessionFacts.__struct_fields__}
    sealed = words.session or (row.sealed if before.unreadable else None)
    await update_session(
        transaction, msgspec.structs.replace(row, **facts, flags=list(after.flags), sealed=sealed)
    )
    gone = known.keys() - {each.id for each in after.changes}
    await _replace_changes(
        transaction, row, [_change_row(row, each, words) for each in changed], gone, after.updated_at
    )
    return msgspec.structs.replace(after, revision=transaction.revision)


async def _replace_changes(
    transaction: Transaction,
    row: SessionRow,
    changed: Sequence[ChangeRow],
    gone: Collection[UUID],
    now: datetime,
) -> None:
    """Store new and different changes, delete and bury those that are gone. Raises IdTaken.

    The old ones are deleted first, because two changes may swap their instants.
    """
    if changed or gone:
        await delete_changes(transaction, row.id, [*(each.id for each in changed), *gone])
    for change in changed:
        await insert_change(transaction, change)
    for change_id in gone:
        await bury(transaction, "session_change", change_id, now, clinical=True, viewers=row.viewers)


def _change_row(row: SessionRow, change: SessionChange, words: SealedWords) -> ChangeRow:
    return ChangeRow(
        **{name: getattr(change, name) for name in ChangeFacts.__struct_fields__},
        therapist_id=row.therapist_id,
        viewers=row.viewers,
        sealed=words.changes.get(change.id),
    )
