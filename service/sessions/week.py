"""A week of sessions: which are due, at what instants, and what stands in their way."""

import enum
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import msgspec

from service.clients.usual_sessions import UsualSession
from service.sessions.before_leaving import Concern
from service.sessions.sessions import Session, SessionFacts, SessionStatus, Setting
from service.walks.alternatives import Alternative

WEEK: Final = timedelta(weeks=1)
DAY: Final = timedelta(days=1)
PLANNED_WEEKS: Final = UUID("5b0f2a1c-0d5e-4c1f-9a57-0c3f6f3d2e11")
"""The namespace of the ids of sessions that were planned by the week."""
GIVEN_UP: Final = frozenset({SessionStatus.CANCELLED, SessionStatus.DID_NOT_ATTEND})


class HindranceKind(enum.StrEnum):
    """Why a session that is due was not planned."""

    CLASH = "clash"
    UNREADABLE = "unreadable"
    UNUSABLE = "unusable"


class Hindrance(msgspec.Struct, frozen=True):
    """A session that is due and was not planned, and why.

    `starts_at` is None where it is not known; `session_id` names the session it would meet.
    """

    client_id: UUID
    kind: HindranceKind
    words: str
    starts_at: datetime | None = None
    session_id: UUID | None = None


class ClockChange(enum.StrEnum):
    """What a change of the clocks does to a local time."""

    LATER = "later"
    TWICE = "twice"
    SAME_DAY = "same_day"

    @property
    def words(self) -> str:
        """Return it for a list."""
        return CLOCK_CHANGE_WORDS[self]


CLOCK_CHANGE_WORDS: Final = {
    ClockChange.LATER: "The clocks go forward over this time: it is planned as much later.",
    ClockChange.TWICE: "The clocks go back over this time, so it comes twice: the first is planned.",
    ClockChange.SAME_DAY: "The clocks change on this day.",
}


class DueSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that a week should have."""

    client_id: UUID
    setting: Setting
    starts_at: datetime
    ends_at: datetime
    alternatives: tuple[Alternative, ...] | None = None
    clock_change: ClockChange | None = None

    @property
    def id(self) -> UUID:
        """Return the id it gets: the same whenever the week is planned again."""
        return uuid5(PLANNED_WEEKS, f"{self.client_id} {self.starts_at.astimezone(UTC).isoformat()}")


class PlannedInWeek(msgspec.Struct, frozen=True):
    """A session that was planned, with what the therapist may want to look at."""

    session: Session
    concerns: Sequence[Concern] = ()
    clock_change: ClockChange | None = None


class PlannedWeek(msgspec.Struct, frozen=True):
    """What became of a week: the sessions planned, those that were not, and clients who have another one."""

    monday: date
    zone: str
    planned: Sequence[PlannedInWeek]
    hindrances: Sequence[Hindrance]
    with_others: int


def bounds_of_week(monday: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first instant of a week and that of the next one, by the clocks of a zone."""
    begins, ends = (datetime.combine(day, time.min, zone).astimezone(UTC) for day in (monday, monday + WEEK))
    return begins, ends


def local_instant(day: date, at: time, zone: ZoneInfo) -> tuple[datetime, ClockChange | None]:
    """Return the instant of a local time, and what a change of the clocks does to it.

    A time that is skipped lies as much later as the clocks go forward; of one that comes twice, it is the
    first.
    """
    local = datetime.combine(day, at, zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        return instant, ClockChange.LATER
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        return instant, ClockChange.TWICE
    midnights = (datetime.combine(each, time.min, zone).utcoffset() for each in (day, day + DAY))
    return instant, ClockChange.SAME_DAY if len(set(midnights)) > 1 else None


def due_by_usual(
    client_id: UUID,
    usual: UsualSession,
    setting: Setting,
    alternative: Alternative | None,
    monday: date,
    zone: ZoneInfo,
    usual_length: timedelta,
) -> DueSession | None:
    """Return a client's usual session in the week from a Monday on; None in a week without one."""
    day = usual.day_in(monday)
    if day is None:
        return None
    starts_at, change = local_instant(day, time.fromisoformat(usual.local_time), zone)
    length = usual_length if usual.length_min is None else timedelta(minutes=usual.length_min)
    return DueSession(
        client_id=client_id,
        setting=setting,
        starts_at=starts_at,
        ends_at=starts_at + length,
        alternatives=None if alternative is None else (alternative,),
        clock_change=change,
    )


def due_again(session: Session, zone: ZoneInfo) -> DueSession:
    """Return a session as it is due a week later: at the same local time, on the version in use."""
    local = session.planned_start.astimezone(zone)
    starts_at, change = local_instant(local.date() + WEEK, local.time(), zone)
    return DueSession(
        client_id=session.client_id,
        setting=Setting(modality=session.modality, route_id=session.route_id, place_id=session.place_id),
        starts_at=starts_at,
        ends_at=starts_at + (session.planned_end - session.planned_start),
        alternatives=session.alternatives,
        clock_change=change,
    )


def clash_with(due: DueSession, others: Iterable[SessionFacts]) -> UUID | None:
    """Return the id of a session that lasts at the same time; None without one."""
    meeting = (
        each.id for each in others if each.planned_start < due.ends_at and due.starts_at < each.planned_end
    )
    return next(meeting, None)
