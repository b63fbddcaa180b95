"""What a phone reports about a session.

What happened is never refused: a report is kept, in whatever order reports arrive, unless it contradicts
a known one. A known fact that is reported again changes nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID, uuid5

import msgspec

from service.foundation.retry_safe import Impossible, Once
from service.sessions.sessions import (
    MOST_CHANGES,
    AskedBy,
    Cancellation,
    Session,
    SessionChange,
    Setting,
    utc_text,
)


class CancellationReport(msgspec.Struct, frozen=True):
    """Why a session was called off, when, and in what words. Without `at`, it was called off now."""

    reason: Cancellation
    at: datetime | None
    words: str | None


class ChangeReport(Setting, frozen=True, kw_only=True):
    """From `at` on, the session was held in another setting. What is None was not said."""

    id: UUID
    at: datetime
    asked_by: AskedBy | None = None
    reason: str | None = None

    def to_change(self, session_id: UUID, received_at: datetime) -> SessionChange:
        """Return the change this reports."""
        return SessionChange(
            session_id=session_id,
            received_at=received_at,
            created_at=received_at,
            updated_at=received_at,
            **msgspec.structs.asdict(self),
        )


def derived_change_id(session_id: UUID, once: Once, at: datetime) -> UUID:
    """Return the id of a change whose phone sent none: the same whenever the same write is sent again."""
    return uuid5(session_id, f"{once.scope} {once.key} {utc_text(at)}")


def start(session: Session, at: datetime, received_at: datetime) -> Session:
    """Return the session with its start. Raises Impossible for a second one, or one after the end."""
    if session.started_at == at:
        return session
    if session.started_at is not None:
        raise Impossible(
            f"it started at {utc_text(session.started_at)} already", "correct `started_at` with PATCH"
        )
    started = msgspec.structs.replace(session, started_at=at, started_received_at=received_at)
    refuse_end_before_start(started)
    return started


def end(
    session: Session, at: datetime, received_at: datetime, *, started_at: datetime | None = None
) -> Session:
    """Return the session with its end, and with its start where the report names it.

    Raises Impossible for a second end, or one before the start. Without a start, that stays unknown.
    """
    session = session if started_at is None else start(session, started_at, received_at)
    if session.ended_at == at:
        return session
    if session.ended_at is not None:
        raise Impossible(f"it ended at {utc_text(session.ended_at)} already", "correct `ended_at` with PATCH")
    ended = msgspec.structs.replace(session, ended_at=at, ended_received_at=received_at)
    refuse_end_before_start(ended)
    return ended


def add_change(session: Session, report: ChangeReport, received_at: datetime) -> Session:
    """Return the session with a change. Raises Impossible where it contradicts a known one.

    A report of a known change may add what was not said before.
    """
    known = known_change(session.changes, report)
    if known is None:
        if len(session.changes) >= MOST_CHANGES:
            raise Impossible(f"it has changed {MOST_CHANGES} times already", "correct `changes` with PATCH")
        changes = (*session.changes, report.to_change(session.id, received_at))
        return msgspec.structs.replace(session, changes=by_instant(changes))
    _refuse_other_change(session, known, report)
    said = _said_more(known, report)
    if said == known:
        return session
    said = msgspec.structs.replace(said, updated_at=received_at)
    changes = tuple(said if each is known else each for each in session.changes)
    return msgspec.structs.replace(session, changes=changes)


def known_change(changes: Iterable[SessionChange], report: ChangeReport) -> SessionChange | None:
    """Return the change a report is about: the one of its id, or else the one at its instant."""
    changes = list(changes)
    of_id = next((each for each in changes if each.id == report.id), None)
    return of_id or next((each for each in changes if each.at == report.at), None)


def with_known_version(changes: Iterable[SessionChange], report: ChangeReport) -> ChangeReport:
    """Return a report with the version that its known change pinned, where it names none."""
    known = known_change(changes, report)
    if known is None or report.route_version is not None or report.route_id != known.route_id:
        return report
    return msgspec.structs.replace(report, route_version=known.route_version)


def by_instant(changes: Sequence[SessionChange]) -> tuple[SessionChange, ...]:
    """Return changes in the order in which they happened."""
    return tuple(sorted(changes, key=lambda change: change.at))


def cancel(session: Session, report: CancellationReport, received_at: datetime) -> Session:
    """Return the session cancelled. Raises Impossible where it was held by then."""
    cancelled = _close(session, report.reason, report.at, received_at)
    if report.words is None:
        return cancelled
    return msgspec.structs.replace(cancelled, cancellation_words=report.words)


def miss(session: Session, at: datetime | None, received_at: datetime) -> Session:
    """Return the session the client did not attend. Raises Impossible where it was held by then."""
    return _close(session, None, at, received_at)


def refuse_end_before_start(session: Session) -> None:
    """Raise Impossible where a session ends before it starts."""
    starts, ends = session.started_at, session.ended_at
    if starts is not None and ends is not None and ends < starts:
        raise Impossible(
            f"it cannot start at {utc_text(starts)} and end at {utc_text(ends)}, before that",
            "report the instant again",
            "correct `started_at` or `ended_at` with PATCH",
        )


def _refuse_other_change(session: Session, known: SessionChange, report: ChangeReport) -> None:
    """Raise Impossible where a report contradicts the known change it is about."""
    at_instant = next((each for each in session.changes if each.at == report.at), None)
    if at_instant is not known:
        raise Impossible(
            f"the change of this id is at {utc_text(known.at)} already", "correct `changes` with PATCH"
        )
    pairs = (
        (known.modality, report.modality),
        (known.route_id, report.route_id),
        (known.route_version, report.route_version),
        (known.place_id, report.place_id),
    )
    if any(None not in (one, other) and one != other for one, other in pairs):
        raise Impossible(
            f"at {utc_text(known.at)} another change is known: to {known.modality}",
            "report the instant it changed again",
            "correct `changes` with PATCH",
        )


def _said_more(known: SessionChange, report: ChangeReport) -> SessionChange:
    """Return a known change with what a report adds; saying nothing leaves what was said before."""
    members = ("route_id", "route_version", "place_id")
    added = {name: getattr(report, name) for name in members if getattr(report, name) is not None}
    if (report.asked_by, report.reason) != (None, None):
        added |= {"asked_by": report.asked_by, "reason": report.reason}
    return msgspec.structs.replace(known, **added)


def _close(
    session: Session, reason: Cancellation | None, at: datetime | None, received_at: datetime
) -> Session:
    if session.closed_at is not None:
        if session.cancellation is reason and at in (None, session.closed_at):
            return session
        raise Impossible(
            f"{_closing(session)} at {utc_text(session.closed_at)} already",
            "correct `cancellation` or `closed_at` with PATCH",
            "take it back with PATCH: `closed_at` null",
        )
    closed_at = at or received_at
    held_by = session.started_at or session.ended_at
    if held_by is not None and closed_at >= held_by:
        raise Impossible(
            f"it was held: {'it started' if session.started_at else 'it ended'} at {utc_text(held_by)}",
            "report its end" if session.ended_at is None else "correct `started_at` or `ended_at` with PATCH",
            "take back that it was held with PATCH: `started_at` and `ended_at` null",
        )
    return msgspec.structs.replace(
        session, cancellation=reason, closed_at=closed_at, closed_received_at=received_at
    )


def _closing(session: Session) -> str:
    return "the client did not attend" if session.cancellation is None else "it was cancelled"
