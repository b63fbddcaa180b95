"""What is odd about a session, judged anew whenever a fact is reported or corrected."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from service.clients.clients import PlainClient
from service.clients.modality import Modality
from service.sessions.sessions import Session, SessionFlag

AN_HOUR: Final = timedelta(hours=1)
LONG: Final = timedelta(hours=4)
CLOCK_SLACK: Final = timedelta(minutes=2)
"""A phone's clock may be ahead by this much without being wrong."""


def flagged(session: Session, before: Session, client: PlainClient) -> Session:
    """Return the session with its flags; `before` is the session before this change."""
    flags = {flag for flag, holds in RULES.items() if holds(session)}
    if walked_without_agreement(session, before, client):
        flags.add(SessionFlag.NO_OUTDOOR_AGREEMENT)
    return msgspec.structs.replace(session, flags=tuple(each for each in SessionFlag if each in flags))


def walked_without_agreement(session: Session, before: Session, client: PlainClient) -> bool:
    """Return whether a walk began at a time for which no outdoor agreement is recorded.

    Only the client's latest answer is stored. So a walk that was in order stays in order when the client
    answers anew, and a later no does not count for the time before it.
    """
    at = _walked_at(session)
    if at is None:
        return False
    was_in_order = SessionFlag.NO_OUTDOOR_AGREEMENT not in before.flags
    if was_in_order and _walked_at(before) == at:
        return False
    answer = client.outdoor_agreement
    if answer is None:
        return True
    return at < answer.on if answer.agreed else at >= answer.on


def _walked_at(session: Session) -> datetime | None:
    """Return when a held session first was a walk; where its start is unknown, when it ended."""
    if not session.is_held:
        return None
    walks = (span for span in session.spans if span.modality is Modality.WALK)
    return next((span.starts_at or session.ended_at for span in walks), None)


def _off_planned_time(session: Session) -> bool:
    return session.started_at is not None and abs(session.started_at - session.planned_start) > AN_HOUR


def _reported_later(session: Session) -> bool:
    times = (
        (session.started_at, session.started_received_at),
        (session.ended_at, session.ended_received_at),
    )
    return any(at and received_at and received_at - at > AN_HOUR for at, received_at in times)


def _phone_clock_ahead(session: Session) -> bool:
    return any(at - received_at > CLOCK_SLACK for at, received_at in _reports(session))


def _reports(session: Session) -> Iterator[tuple[datetime, datetime]]:
    """Yield each reported instant with the time at which the server received it."""
    for at, received_at in (
        (session.started_at, session.started_received_at),
        (session.ended_at, session.ended_received_at),
        (session.closed_at, session.closed_received_at),
        *((change.at, change.received_at) for change in session.changes),
    ):
        if at is not None and received_at is not None:
            yield at, received_at


def _held_after_all(session: Session) -> bool:
    return session.closed_at is not None and session.is_held


def _start_unknown(session: Session) -> bool:
    return session.ended_at is not None and session.started_at is None


def _over_four_hours(session: Session) -> bool:
    starts, ends = session.started_at, session.ended_at
    return starts is not None and ends is not None and ends - starts > LONG


def _changed_after_end(session: Session) -> bool:
    ends = session.ended_at
    return ends is not None and any(change.at > ends for change in session.changes)


RULES: Final[Mapping[SessionFlag, Callable[[Session], bool]]] = {
    SessionFlag.OFF_PLANNED_TIME: _off_planned_time,
    SessionFlag.REPORTED_LATER: _reported_later,
    SessionFlag.PHONE_CLOCK_AHEAD: _phone_clock_ahead,
    SessionFlag.HELD_AFTER_ALL: _held_after_all,
    SessionFlag.START_UNKNOWN: _start_unknown,
    SessionFlag.OVER_FOUR_HOURS: _over_four_hours,
    SessionFlag.CHANGED_AFTER_END: _changed_after_end,
}
