"""Holding a session: what the phone reports as having happened, whenever and in whatever order it arrives."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import msgspec

from service.clients.queries import find_client
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin, Transaction
from service.foundation.prepare_and_write import write_prepared
from service.foundation.retry_safe import Once, found
from service.record.receive_track import keep_track_in_step
from service.record.tracks import Frame, Window
from service.sessions.flags import judged
from service.sessions.queries import lock_session, update_session
from service.sessions.sealed_words import open_file, seal_words
from service.sessions.sessions import (
    Cancellation,
    ChangeWords,
    Modality,
    Session,
    SessionFile,
    Words,
    cancel,
    change_modality,
    end,
    miss,
    start,
)


async def start_session(
    begin: Begin, keys: PracticeKey, once: Once, session_id: UUID, at: datetime, now: datetime
) -> SessionFile:
    """Keep that a session started. Raises NotFound, Impossible."""
    return await _report(begin, keys, once, session_id, lambda session: start(session, at, now), now)


async def end_session(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    session_id: UUID,
    at: datetime,
    started_at: datetime | None,
    now: datetime,
) -> SessionFile:
    """Keep that a session ended, and when it started if that is told now. Raises NotFound, Impossible."""
    return await _report(
        begin, keys, once, session_id, lambda session: end(session, at, now, started_at=started_at), now
    )


class ReportedChange(msgspec.Struct, frozen=True):
    """A change of modality, and what was said about it."""

    modality: Modality
    at: datetime
    said: ChangeWords


async def move_session(
    begin: Begin, keys: PracticeKey, once: Once, session_id: UUID, change: ReportedChange, now: datetime
) -> SessionFile:
    """Keep that from an instant on the session was held another way. Raises NotFound, Impossible."""
    return await _report(
        begin,
        keys,
        once,
        session_id,
        lambda session: change_modality(session, change.modality, change.at, now),
        now,
        lambda words: words.about_change(change.at, change.said),
    )


class ReportedCancellation(msgspec.Struct, frozen=True):
    """Why a session was called off, when (now, if not said), and in what words."""

    reason: Cancellation
    at: datetime | None
    words: str | None


async def cancel_session(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    session_id: UUID,
    cancellation: ReportedCancellation,
    now: datetime,
) -> SessionFile:
    """Keep that a session was called off. Raises NotFound, Impossible."""
    said = cancellation.words
    return await _report(
        begin,
        keys,
        once,
        session_id,
        lambda session: cancel(session, cancellation.reason, cancellation.at, now),
        now,
        lambda words: words if said is None else msgspec.structs.replace(words, cancellation=said),
    )


async def miss_session(
    begin: Begin, keys: PracticeKey, once: Once, session_id: UUID, at: datetime | None, now: datetime
) -> SessionFile:
    """Keep that the client did not attend. Raises NotFound, Impossible."""
    return await _report(begin, keys, once, session_id, lambda session: miss(session, at, now), now)


def _unchanged(words: Words) -> Words:
    return words


async def _report(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    session_id: UUID,
    happened: Callable[[Session], Session],
    now: datetime,
    said: Callable[[Words], Words] = _unchanged,
) -> SessionFile:
    """Keep what happened to a session; what is known already, told again, changes nothing."""

    async def write(transaction: Transaction, prepared: object) -> SessionFile:
        file = await held_file(transaction, keys, session_id)
        if transaction.replays:
            return file
        words = said(file.words)
        sealed = await seal_words(transaction.connection, keys, transaction.practice_id, file, words)
        after = happened(sealed)
        if after == file.session:
            return file
        kept = await keep_session(transaction, keys, file.session, after, prepared, now)
        return SessionFile(kept, words)

    return await write_prepared(begin, keys, once, write)


async def held_file(transaction: Transaction, keys: PracticeKey, session_id: UUID) -> SessionFile:
    """Return a session to be changed. Raises NotFound, also where a colleague holds it."""
    session = found(await lock_session(transaction, session_id))
    return await open_file(transaction.connection, keys, transaction.practice_id, session)


async def keep_session(
    transaction: Transaction,
    keys: PracticeKey,
    before: Session,
    after: Session,
    prepared: object,
    now: datetime,
) -> Session:
    """Store a changed session, with what is odd about it. Every change to a session comes through here."""
    window = Window.between(after.started_at, after.ended_at)
    frame = Frame(window, after.route_id, after.route_version)
    await keep_track_in_step(transaction, keys, after.id, frame, prepared, now)
    client = found(await find_client(transaction.connection, transaction.practice_id, after.client_id))
    changed = msgspec.structs.replace(judged(after, before, client), updated_at=now)
    return await update_session(transaction, changed)
