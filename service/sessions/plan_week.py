"""Plan a week in one write: every client's usual session, or those of the week before again."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from service.clients.queries import RecordRow, list_held_clients
from service.clients.sealed_records import open_client
from service.clients.usual_sessions import monday_of
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin, Transaction
from service.foundation.retry_safe import Once, Unusable, found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.people.practice_queries import find_practice
from service.people.practices import Practice
from service.sessions.before_leaving import Concern, concerns_about, time_walk
from service.sessions.name_usual_session import usual_alternative, usual_setting
from service.sessions.plan_session import SessionPlan, new_session_row
from service.sessions.session_basis import SessionBasis, find_session_basis
from service.sessions.session_queries import (
    SessionRow,
    find_changes_and_keys,
    insert_session,
    list_own_sessions,
    sessions_among,
)
from service.sessions.session_words import open_session
from service.sessions.sessions import Session
from service.sessions.week import (
    DAY,
    WEEK,
    DueSession,
    Hindrance,
    HindranceKind,
    PlannedInWeek,
    PlannedWeek,
    bounds_of_week,
    clash_with,
    due_again,
    due_by_usual,
)

YEARS_AHEAD: Final = 2


class WeekPlan(msgspec.Struct, frozen=True):
    """Which week to plan, by one of its days, and whether to repeat the week before."""

    week_of: date
    repeat: bool


class _Week(msgspec.Struct, frozen=True):
    """A week by the clocks of a practice."""

    monday: date
    practice: Practice

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.practice.zone)

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        return bounds_of_week(self.monday, self.zone)


class _Due(msgspec.Struct):
    """What is due in a week, and what of it cannot be told."""

    sessions: list[DueSession]
    hindrances: list[Hindrance]


async def plan_week(
    begin: Begin, keys: PracticeKey, once: Once, plan: WeekPlan, now: datetime
) -> PlannedWeek:
    """Plan the sessions that a therapist's week should have; return them as they are now.

    What was planned so before stays as it is, wherever it was moved since, and a client with another session
    in that week is left alone. What has begun by now is not planned, nor what would clash with another
    session; a clash is named. Raises Unusable.
    """
    async with begin.write(once) as transaction:
        practice = found(await find_practice(transaction.connection, transaction.practice_id))
        if not transaction.replays:
            _refuse_far(plan.week_of, now)
        week = _Week(monday_of(plan.week_of), practice)
        clients = await list_held_clients(transaction)
        due = await _due_in(transaction, keys, week, clients, repeat=plan.repeat)
        due.sessions.sort(key=lambda each: (each.starts_at, each.client_id))
        rows, others = await _plan(transaction, keys, week, due, now)
        sealed = await find_changes_and_keys(transaction.connection, transaction.practice_id, rows)
    sessions = [open_session(keys, each) for each in sealed]
    concerns = await _concerns_about(begin, keys, sessions)
    changes = {each.id: each.clock_change for each in due.sessions}
    planned = [PlannedInWeek(each, concerns[each.id], changes[each.id]) for each in sessions]
    return PlannedWeek(week.monday, practice.zone, planned, due.hindrances, others)


def _refuse_far(day: date, now: datetime) -> None:
    """Raise Unusable for a week that is over, or that nobody plans yet."""
    if day - now.date() > YEARS_AHEAD * 52 * WEEK:
        raise Unusable("/week_of", f"lies more than {YEARS_AHEAD} years ahead")
    if monday_of(day) + WEEK < now.date():  # east or west of here it may be another day
        raise Unusable("/week_of", "this week is over")


async def _due_in(
    transaction: Transaction, keys: PracticeKey, week: _Week, clients: Sequence[RecordRow], *, repeat: bool
) -> _Due:
    if not repeat:
        return _usual_sessions(keys, week, clients)
    rows = await list_own_sessions(transaction, *bounds_of_week(week.monday - WEEK, week.zone))
    sealed = await find_changes_and_keys(transaction.connection, transaction.practice_id, rows)
    held = {each.id for each in clients}
    sessions = [open_session(keys, each) for each in sealed if each.row.client_id in held]
    due = _Due([due_again(each, week.zone) for each in sessions if not each.unreadable], [])
    words = "Last week's session does not open, so it is not known what was planned instead of it."
    due.hindrances += [
        Hindrance(each.client_id, HindranceKind.UNREADABLE, words, each.planned_start + WEEK, each.id)
        for each in sessions
        if each.unreadable
    ]
    return due


def _usual_sessions(keys: PracticeKey, week: _Week, clients: Sequence[RecordRow]) -> _Due:
    length = timedelta(seconds=week.practice.session_length_s)
    due = _Due([], [])
    for row in clients:
        opened = open_client(keys, row, row.wrapped_key)
        if opened.record_unreadable:
            words = "The client's record does not open, so a usual session is not known."
            due.hindrances.append(Hindrance(row.id, HindranceKind.UNREADABLE, words))
            continue
        usual = opened.record.usual_session
        if usual is None:
            continue
        setting, alternative = usual_setting(usual), usual_alternative(usual)
        session = due_by_usual(row.id, usual, setting, alternative, week.monday, week.zone, length)
        if session is not None:
            due.sessions.append(session)
    return due


async def _plan(
    transaction: Transaction, keys: PracticeKey, week: _Week, due: _Due, now: datetime
) -> tuple[list[SessionRow], int]:
    """Plan what is due; return its rows, and how many clients have another session in the week."""
    begins, ends = week.bounds
    ids = [each.id for each in due.sessions]
    known = {
        row.id: row for row in await sessions_among(transaction.connection, transaction.practice_id, ids)
    }
    around = await list_own_sessions(transaction, begins - DAY, ends + DAY)
    settled = {row.client_id for row in around if begins <= row.planned_start < ends and row.id not in known}
    taken = [row for row in around if not _is_given_up(row)]
    rows: list[SessionRow] = []
    others = 0
    for each in due.sessions:
        if each.id in known:
            rows.append(known[each.id])
        elif each.client_id in settled:
            others += 1
        elif each.starts_at > now:
            clash = clash_with(each, [*taken, *rows])
            if clash is not None:
                due.hindrances.append(_hindered(each, HindranceKind.CLASH, CLASHES, clash))
            elif not transaction.replays:
                try:
                    row = await new_session_row(transaction, keys, _as_plan(each), now)
                except Unusable as unusable:
                    due.hindrances.append(_hindered(each, HindranceKind.UNUSABLE, str(unusable)))
                else:
                    rows.append(await insert_session(transaction, row))
    return rows, others


CLASHES: Final = "Another session lasts at this time."


def _is_given_up(row: SessionRow) -> bool:
    return row.closed_at is not None and row.started_at is None and row.ended_at is None


def _hindered(due: DueSession, kind: HindranceKind, words: str, session_id: UUID | None = None) -> Hindrance:
    return Hindrance(due.client_id, kind, words, due.starts_at, session_id)


def _as_plan(due: DueSession) -> SessionPlan:
    return SessionPlan(
        **msgspec.structs.asdict(due.setting),
        id=due.id,
        client_id=due.client_id,
        planned_start=due.starts_at,
        planned_end=due.ends_at,
        alternatives=due.alternatives,
    )


async def _concerns_about(
    begin: Begin, keys: PracticeKey, sessions: Sequence[Session]
) -> Mapping[UUID, Sequence[Concern]]:
    """Return what the therapist may want to look at of each session."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        bases = [await find_session_basis(connection, keys, practice_id, each.id) for each in sessions]
    return await off_loop(_look_at, bases)


def _look_at(bases: Sequence[SessionBasis]) -> dict[UUID, Sequence[Concern]]:
    return {each.session.id: _look_at_one(each) for each in bases}


def _look_at_one(basis: SessionBasis) -> Sequence[Concern]:
    walk = None
    if basis.route is not None:
        walk = time_walk(basis.session, basis.route, unpack_fixes(basis.route.line), basis.pace)
    return concerns_about(basis.session, basis.client, basis.route, walk, None)
