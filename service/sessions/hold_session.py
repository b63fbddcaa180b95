"""Store what a phone reports about a session, whenever and in whatever order the reports arrive."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin, Transaction
from service.foundation.retry_safe import Expected, Once
from service.sessions.name_session_alternatives import name_session_alternatives
from service.sessions.pin_setting import pin_setting
from service.sessions.reports import (
    CancellationReport,
    ChangeReport,
    add_change,
    cancel,
    end,
    miss,
    start,
    with_known_version,
)
from service.sessions.session_alternatives import Switch
from service.sessions.sessions import Session
from service.sessions.write_session import SessionUpdate, write_session


async def start_session(
    begin: Begin, keys: PracticeKey, once: Once, session_id: UUID, at: datetime, now: datetime
) -> Session:
    """Store that a session started. Raises NotFound, Impossible, Crowded."""
    report = _reporting(lambda session: start(session, at, now))
    return await write_session(begin, keys, once, session_id, report, now)


async def end_session(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    session_id: UUID,
    at: datetime,
    started_at: datetime | None,
    now: datetime,
) -> Session:
    """Store that a session ended, and when it started if the report says so.

    Raises NotFound, Impossible, Crowded.
    """
    report = _reporting(lambda session: end(session, at, now, started_at=started_at))
    return await write_session(begin, keys, once, session_id, report, now)


async def report_change(
    begin: Begin, keys: PracticeKey, once: Once, session_id: UUID, report: ChangeReport, now: datetime
) -> Session:
    """Store that from an instant on a session was held in another setting.

    Raises NotFound, Impossible, Unusable for an unknown route or place, IdTaken, Crowded.
    """

    async def add(transaction: Transaction, session: Session) -> Session:
        return await _with_change(transaction, session, report, now)

    return await write_session(begin, keys, once, session_id, add, now)


async def switch_session(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    session_id: UUID,
    switch: Switch,
    expected: Expected,
    now: datetime,
) -> Session:
    """Store that from an instant on a session was held as one of its alternatives says.

    `expected` is about the list of them. Raises NotFound, Stale, Impossible, Unusable, IdTaken, Crowded.
    """

    async def take(transaction: Transaction, session: Session) -> Session:
        listed = await name_session_alternatives(transaction.connection, transaction.practice_id, session)
        expected.check(listed.shown_revision, this_write=transaction.revision)
        return await _with_change(transaction, session, switch.to_report(listed.items), now)

    return await write_session(begin, keys, once, session_id, take, now)


async def _with_change(
    transaction: Transaction, session: Session, report: ChangeReport, now: datetime
) -> Session:
    pinned = await pin_setting(transaction, with_known_version(session.changes, report))
    return add_change(session, pinned, now)


async def cancel_session(
    begin: Begin, keys: PracticeKey, once: Once, session_id: UUID, report: CancellationReport, now: datetime
) -> Session:
    """Store that a session was called off. Raises NotFound, Impossible, Crowded."""
    cancelling = _reporting(lambda session: cancel(session, report, now))
    return await write_session(begin, keys, once, session_id, cancelling, now)


async def miss_session(
    begin: Begin, keys: PracticeKey, once: Once, session_id: UUID, at: datetime | None, now: datetime
) -> Session:
    """Store that the client did not attend. Raises NotFound, Impossible, Crowded."""
    report = _reporting(lambda session: miss(session, at, now))
    return await write_session(begin, keys, once, session_id, report, now)


def _reporting(report: Callable[[Session], Session]) -> SessionUpdate:
    """Return a report that needs nothing from the database."""

    async def update(_: Transaction, session: Session) -> Session:
        return report(session)

    return update
