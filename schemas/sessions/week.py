"""A week of sessions on the wire."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Instant, Output, present, shown
from schemas.sessions.before_leaving import ConcernOut
from service.clients.modality import Modality
from service.sessions.plan_week import WeekPlan
from service.sessions.sessions import SessionStatus
from service.sessions.week import ClockChange, Hindrance, HindranceKind, PlannedInWeek, PlannedWeek

MOST_IN_WEEK = 200


class WeekIn(Input):
    """A week to plan: from what is usual with each client, or as the week before it."""

    week_of: Annotated[date, Meta(description="Any day of the week, which begins on Monday.")]
    repeat: Annotated[
        bool, Meta(description="Repeat the sessions of the week before in place of the usual ones.")
    ] = False

    def to_plan(self) -> WeekPlan:
        """Return the week this asks for."""
        return WeekPlan(self.week_of, self.repeat)


class ClockChangeOut(Output):
    """What a change of the clocks does to the time of a session."""

    kind: ClockChange
    words: str


class PlannedInWeekOut(Output):
    """A session that was planned so, now or before, as it is now; and what you may want to look at."""

    session_id: UUID
    client_id: UUID
    planned_start: Instant
    planned_end: Instant
    modality: Modality
    status: SessionStatus
    concerns: list[ConcernOut]
    route_id: UUID | UnsetType = UNSET
    place_id: UUID | UnsetType = UNSET
    clock_change: Annotated[
        ClockChangeOut | UnsetType, Meta(description="Absent where the clocks do not change on that day.")
    ] = UNSET

    @classmethod
    def from_planned(cls, planned: PlannedInWeek) -> Self:
        """Return a planned session as a list shows it."""
        session, change = planned.session, planned.clock_change
        return cls(
            session_id=session.id,
            client_id=session.client_id,
            planned_start=session.planned_start,
            planned_end=session.planned_end,
            modality=session.modality,
            status=session.status,
            concerns=[ConcernOut.of(each) for each in planned.concerns],
            route_id=present(session.route_id),
            place_id=present(session.place_id),
            clock_change=UNSET if change is None else ClockChangeOut(change, change.words),
        )


class HindranceOut(Output):
    """A session that is due and was not planned, and why."""

    client_id: UUID
    kind: HindranceKind
    words: str
    starts_at: Annotated[Instant | UnsetType, Meta(description="When it would have been.")] = UNSET
    session_id: Annotated[UUID | UnsetType, Meta(description="The session it is about.")] = UNSET

    @classmethod
    def from_hindrance(cls, hindrance: Hindrance) -> Self:
        """Return what stood in the way."""
        return cls(**shown(hindrance, cls))


class WeekOut(Output):
    """What became of a week."""

    monday: date
    zone: Annotated[str, Meta(description="The practice's, by whose clocks the week is planned.")]
    planned: list[PlannedInWeekOut]
    not_planned: list[HindranceOut]
    with_others: Annotated[
        int, Meta(description="Sessions that were due with clients who have another one in this week.")
    ]

    @classmethod
    def from_week(cls, week: PlannedWeek) -> Self:
        """Return what became of a week."""
        return cls(
            monday=week.monday,
            zone=week.zone,
            planned=[PlannedInWeekOut.from_planned(each) for each in week.planned],
            not_planned=[HindranceOut.from_hindrance(each) for each in week.hindrances],
            with_others=week.with_others,
        )
