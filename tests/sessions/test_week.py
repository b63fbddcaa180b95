"""Weeks of sessions: in which weeks one is due, at what instant, and what it clashes with."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.clients.modality import Modality
from service.clients.usual_sessions import UsualSession, Weekday, monday_of
from service.sessions.sessions import Session, Setting
from service.sessions.week import (
    ClockChange,
    DueSession,
    bounds_of_week,
    clash_with,
    due_again,
    due_by_usual,
    local_instant,
)
from tests.sessions.made_up import a_session

LONDON = ZoneInfo("Europe/London")
WALK = Setting(modality=Modality.WALK)
HOUR = timedelta(hours=1)
ZONES = ("Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia")


def usual(**changes: object) -> UsualSession:
    members = {"weekday": Weekday.TUESDAY, "local_time": "14:30", "modality": Modality.WALK} | changes
    return UsualSession(**members)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "every_weeks", "due"),
    [
        (None, 1, [True, True, True, True]),
        (date(2026, 12, 9), 1, [False, True, True, True]),
        (date(2026, 12, 6), 2, [True, False, True, False]),
        (date(2026, 12, 7), 2, [False, True, False, True]),
        (date(2026, 11, 30), 3, [True, False, False, True]),
    ],
)
def test_other_weeks_are_counted_from_the_first(
    first: date | None, every_weeks: int, due: list[bool]
) -> None:
    session = usual(from_date=first, every_weeks=every_weeks)
    mondays = [date(2026, 11, 30) + timedelta(weeks=number) for number in range(4)]
    assert [session.day_in(each) is not None for each in mondays] == due
    assert session.day_in(mondays[3]) in {None, date(2026, 12, 22)}


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.sampled_from(Weekday))
def test_the_day_lies_in_its_week(day: date, weekday: Weekday) -> None:
    monday = monday_of(day)
    found = usual(weekday=weekday).day_in(monday)
    assert found is not None
    assert monday.weekday() == 0
    assert monday_of(found) == monday
    assert found.strftime("%A").lower() == weekday


@pytest.mark.parametrize(
    ("day", "at", "instant", "change"),
    [
        (date(2026, 3, 24), "14:30", "2026-03-24T14:30", None),
        (date(2026, 3, 31), "14:30", "2026-03-31T13:30", None),
        (date(2026, 3, 29), "14:30", "2026-03-29T13:30", ClockChange.SAME_DAY),
        (date(2026, 3, 29), "01:30", "2026-03-29T01:30", ClockChange.LATER),
        (date(2026, 10, 25), "01:30", "2026-10-25T00:30", ClockChange.TWICE),
        (date(2026, 10, 25), "09:00", "2026-10-25T09:00", ClockChange.SAME_DAY),
    ],
)
def test_a_local_time_stays_when_the_clocks_change(
    day: date, at: str, instant: str, change: ClockChange | None
) -> None:
    expected = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert local_instant(day, time.fromisoformat(at), LONDON) == (expected, change)


@given(
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from(ZONES).map(ZoneInfo),
)
def test_a_local_time_is_right_in_every_zone(day: date, at: time, zone: ZoneInfo) -> None:
    instant, change = local_instant(day, at, zone)
    shown = instant.astimezone(zone).replace(tzinfo=None)
    if change is ClockChange.LATER:
        assert shown > datetime.combine(day, at)
    else:
        assert shown == datetime.combine(day, at)
    begins, ends = bounds_of_week(monday_of(day), zone)
    assert begins <= instant < ends or change is ClockChange.LATER


def planned(start: datetime) -> Session:
    return a_session(planned_start=start, planned_end=start + timedelta(minutes=50))


def test_a_session_is_due_again_at_the_same_local_time() -> None:
    before = planned(datetime(2026, 3, 24, 14, 30, tzinfo=UTC))
    again = due_again(before, LONDON)
    assert again.starts_at == datetime(2026, 3, 31, 13, 30, tzinfo=UTC)
    assert again.ends_at - again.starts_at == before.planned_end - before.planned_start


def test_a_usual_session_lasts_as_long_as_it_says_or_as_the_practices_do() -> None:
    monday = date(2026, 12, 7)
    for length_min, expected in ((None, timedelta(minutes=50)), (80, timedelta(minutes=80))):
        due = due_by_usual(
            uuid4(), usual(length_min=length_min), WALK, None, monday, LONDON, timedelta(minutes=50)
        )
        assert due is not None
        assert due.ends_at - due.starts_at == expected


def due_at(start: datetime) -> DueSession:
    return DueSession(client_id=uuid4(), setting=WALK, starts_at=start, ends_at=start + HOUR)


@pytest.mark.parametrize(
    ("later_min", "meets"), [(-60, False), (-59, True), (0, True), (49, True), (50, False)]
)
def test_sessions_that_touch_do_not_clash(later_min: int, meets: bool) -> None:  # noqa: FBT001
    other = planned(datetime(2026, 12, 8, 14, 30, tzinfo=UTC))
    due = due_at(other.planned_start + timedelta(minutes=later_min))
    assert clash_with(due, [other]) == (other.id if meets else None)


def test_a_due_session_gets_the_same_id_each_time() -> None:
    due = due_at(datetime(2026, 12, 8, 14, 30, tzinfo=UTC))
    elsewhere = datetime(2026, 12, 8, 15, 30, tzinfo=ZoneInfo("Europe/Paris"))
    assert (
        due.id
        == DueSession(client_id=due.client_id, setting=WALK, starts_at=elsewhere, ends_at=elsewhere + HOUR).id
    )
    assert due.id != due_at(due.starts_at).id
