"""What happened to a session, in whatever order it is reported."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.clients.clients import Client, Stage
from service.foundation.retry_safe import Impossible, Once, Unusable
from service.geo.fixes import NO_TIME, Fixes
from service.geo.pace import Pace
from service.sessions.before_leaving import ConcernKind, concerns_about, time_walk
from service.sessions.corrections import correct
from service.sessions.flags import flagged
from service.sessions.reports import (
    CancellationReport,
    ChangeReport,
    add_change,
    cancel,
    derived_change_id,
    end,
    miss,
    start,
    with_known_version,
)
from service.sessions.sessions import (
    MOST_CHANGES,
    AskedBy,
    Cancellation,
    Modality,
    Session,
    SessionFlag,
    SessionStatus,
    Span,
)
from service.walks.routes import PlannedRoute

TEN = datetime(2026, 5, 4, 10, tzinfo=UTC)
Report = Callable[[Session], Session]


def at(minutes: float) -> datetime:
    """Return an instant so many minutes after ten o'clock, when the session was planned to start."""
    return TEN + timedelta(minutes=minutes)


def a_session(**members: Any) -> Session:
    """Return a walk planned from ten to ten to eleven."""
    planned: dict[str, Any] = {
        "id": UUID(int=1),
        "client_id": UUID(int=3),
        "planned_start": at(0),
        "planned_end": at(50),
        "modality": Modality.WALK,
        "created_at": at(-1_000),
        "updated_at": at(-1_000),
    }
    return Session(**planned | members)


def a_client(*, agreed: bool | None = True, on: float = -10_000, stage: Stage = Stage.IN_THERAPY) -> Client:
    return Client(
        id=UUID(int=3),
        label="A. 17",
        stage=stage,
        outdoor_agreed=agreed,
        outdoor_agreed_at=None if agreed is None else at(on),
        created_at=at(-20_000),
        updated_at=at(-20_000),
    )


def started(minutes: float = 0, *, received: float | None = None, **members: Any) -> Session:
    """Return a session started so many minutes after ten, reported at once unless told otherwise."""
    return start(a_session(**members), at(minutes), at(minutes if received is None else received))


def held(begins: float = 0, ends: float = 50) -> Session:
    return end(started(begins), at(ends), at(ends))


def a_change(modality: Modality, minutes: float, **members: Any) -> ChangeReport:
    """Return a report of a change so many minutes after ten; its id is made from the instant."""
    told: dict[str, Any] = {"id": uuid5(UUID(int=1), str(minutes)), "at": at(minutes)}
    return ChangeReport(modality=modality, **told | members)


def changed(
    session: Session, modality: Modality, minutes: float, *, received: float | None = None, **members: Any
) -> Session:
    """Return the session with a change, reported at once unless told otherwise."""
    report = a_change(modality, minutes, **members)
    return add_change(session, report, at(minutes if received is None else received))


def called_off(
    session: Session, reason: Cancellation, minutes: float | None, received: float, words: str | None = None
) -> Session:
    told_at = None if minutes is None else at(minutes)
    return cancel(session, CancellationReport(reason, told_at, words), at(received))


def test_a_session_goes_from_planned_through_in_progress_to_completed() -> None:
    planned = a_session()
    begun = start(planned, at(2), at(3))
    done = end(begun, at(52), at(53))
    assert [each.status for each in (planned, begun, done)] == ["planned", "in_progress", "completed"]
    assert (done.started_at, done.started_received_at) == (at(2), at(3))
    assert (done.ended_at, done.ended_received_at) == (at(52), at(53))


def test_a_session_goes_straight_from_planned_to_completed_hours_later() -> None:
    done = end(a_session(), at(50), at(600), started_at=at(0))
    assert (done.status, done.started_at, done.ended_at) == (SessionStatus.COMPLETED, at(0), at(50))
    assert done.started_received_at == at(600)


def test_an_end_without_a_start_invents_none() -> None:
    done = end(a_session(), at(50), at(51))
    assert (done.status, done.started_at) == (SessionStatus.COMPLETED, None)
    assert done.spans[0].starts_at is None
    assert start(done, at(1), at(60)).started_at == at(1)


def test_an_end_before_the_start_is_impossible_and_says_what_is_possible() -> None:
    with pytest.raises(Impossible, match="10:00:00Z") as refused:
        end(started(0), at(-1), at(0))
    assert any("PATCH" in each for each in refused.value.possible)
    with pytest.raises(Impossible):
        start(end(a_session(), at(50), at(50)), at(51), at(52))


def test_a_session_may_end_the_instant_it_starts() -> None:
    assert end(started(0), at(0), at(1)).spans[0].ends_at == at(0)


@pytest.mark.parametrize("report", [start, end])
def test_a_second_instant_for_the_same_thing_is_impossible_and_the_same_one_is_fine(report: Any) -> None:
    known = report(a_session(), at(5), at(5))
    assert report(known, at(5), at(90)) is known
    with pytest.raises(Impossible, match="already") as refused:
        report(known, at(6), at(6))
    assert refused.value.possible


def test_an_instant_is_the_same_in_any_offset() -> None:
    known = started(5)
    summer = at(5).astimezone(datetime.fromisoformat("2026-05-04T11:05:00+01:00").tzinfo)
    assert start(known, summer, at(9)) is known


def test_going_indoors_on_the_way_makes_two_spans() -> None:
    session = end(changed(started(), Modality.ROOM, 20), at(50), at(50))
    assert [(each.modality, each.starts_at, each.ends_at) for each in session.spans] == [
        (Modality.WALK, at(0), at(20)),
        (Modality.ROOM, at(20), at(50)),
    ]


def test_a_change_before_the_start_makes_the_first_span() -> None:
    asked = changed(a_session(), Modality.ONLINE, -90)
    assert [each.modality for each in asked.spans] == [Modality.ONLINE]
    assert start(asked, at(3), at(3)).spans[0].starts_at == at(3)


def test_changes_to_what_it_was_make_no_span_but_are_kept() -> None:
    session = changed(started(), Modality.WALK, 10)
    assert (len(session.spans), len(session.changes)) == (1, 1)
    assert len(changed(session, Modality.ROOM, 5, received=30).spans) == 3


def test_a_change_after_the_end_is_kept_and_makes_no_span() -> None:
    session = changed(held(), Modality.PHONE, 55)
    assert [each.modality for each in session.spans] == [Modality.WALK]
    assert flagged(session, None, a_client()).flags == (SessionFlag.CHANGED_AFTER_END,)


def test_a_change_at_the_very_start_or_end_makes_no_span_of_its_own() -> None:
    session = changed(held(), Modality.ONLINE, 0)
    session = changed(session, Modality.PHONE, 50)
    assert [each.modality for each in session.spans] == [Modality.ONLINE]
    assert flagged(session, None, a_client()).flags == ()


def test_two_modalities_at_one_instant_are_impossible() -> None:
    session = changed(started(), Modality.ROOM, 20)
    assert changed(session, Modality.ROOM, 20, received=99) is session
    with pytest.raises(Impossible, match="room"):
        changed(session, Modality.PHONE, 20)


def test_changes_are_bounded() -> None:
    session = started()
    for minute in range(MOST_CHANGES):
        session = changed(session, Modality.ROOM, minute)
    with pytest.raises(Impossible):
        changed(session, Modality.WALK, 99)


def test_a_cancelled_session_held_after_all_keeps_its_cancellation() -> None:
    off = called_off(a_session(), Cancellation.WEATHER, -60, -60)
    assert off.status is SessionStatus.CANCELLED
    on = flagged(start(off, at(0), at(0)), off, a_client())
    assert (on.status, on.cancellation) == (SessionStatus.IN_PROGRESS, Cancellation.WEATHER)
    assert on.flags == (SessionFlag.HELD_AFTER_ALL,)


def test_a_session_not_attended_is_neither_planned_nor_cancelled() -> None:
    missed = miss(a_session(), None, at(15))
    assert (missed.status, missed.closed_at) == (SessionStatus.DID_NOT_ATTEND, at(15))
    assert flagged(start(missed, at(20), at(20)), missed, a_client()).flags == (SessionFlag.HELD_AFTER_ALL,)


@pytest.mark.parametrize("session", [started(), held(), end(a_session(), at(50), at(50))])
def test_what_was_held_cannot_be_called_off_afterwards(session: Session) -> None:
    closings: list[Report] = [
        lambda session: miss(session, None, at(60)),
        lambda session: called_off(session, Cancellation.OTHER, None, 60),
    ]
    closings += [lambda session: miss(session, session.started_at or session.ended_at, at(60))]
    for close in closings:
        with pytest.raises(Impossible) as refused:
            close(session)
        assert len(refused.value.possible) == 2


def test_a_cancellation_that_arrives_after_the_start_it_preceded_is_kept() -> None:
    session = called_off(started(), Cancellation.CLIENT_ILL, -30, 5)
    assert (session.status, session.cancellation) == (SessionStatus.IN_PROGRESS, Cancellation.CLIENT_ILL)


def test_the_same_cancellation_again_is_fine_and_another_is_impossible() -> None:
    off = called_off(a_session(), Cancellation.WEATHER, -60, -60)
    assert called_off(off, Cancellation.WEATHER, None, -30) is off
    others: list[Report] = [
        lambda session: called_off(session, Cancellation.OTHER, -60, -60),
        lambda session: called_off(session, Cancellation.WEATHER, -59, -59),
        lambda session: miss(session, at(-60), at(-60)),
    ]
    for other in others:
        with pytest.raises(Impossible, match="already"):
            other(off)


def test_moving_a_session_keeps_its_length() -> None:
    moved = correct(a_session(), {"planned_start": at(60)}, at(0))
    assert (moved.planned_start, moved.planned_end) == (at(60), at(110))


@pytest.mark.parametrize("ends", [0, -1, 24 * 60 + 1])
def test_a_plan_ends_after_it_starts_and_within_a_day(ends: float) -> None:
    with pytest.raises(Unusable) as refused:
        correct(a_session(), {"planned_end": at(ends)}, at(0))
    assert refused.value.pointer == "/planned_end"


def test_a_start_reported_by_mistake_is_taken_back() -> None:
    planned = correct(started(), {"started_at": None}, at(9))
    assert (planned.status, planned.started_received_at) == (SessionStatus.PLANNED, None)


def test_corrected_times_are_received_when_they_are_corrected() -> None:
    session = correct(held(), {"started_at": at(1), "ended_at": at(50)}, at(99))
    assert (session.started_at, session.started_received_at) == (at(1), at(99))
    assert session.ended_received_at == at(50)
    with pytest.raises(Impossible):
        correct(held(), {"started_at": at(51)}, at(99))


def test_a_closing_is_corrected_or_taken_back_but_not_made_by_a_correction() -> None:
    off = called_off(a_session(), Cancellation.WEATHER, -60, -60)
    assert correct(off, {"cancellation": Cancellation.OTHER}, at(0)).cancellation is Cancellation.OTHER
    back = correct(off, {"closed_at": None}, at(0))
    assert (back.status, back.cancellation, back.closed_received_at) == (SessionStatus.PLANNED, None, None)
    for changes in ({"cancellation": Cancellation.OTHER}, {"closed_at": at(0)}):
        with pytest.raises(Impossible, match="neither"):
            correct(a_session(), changes, at(0))
    with pytest.raises(Unusable):
        correct(off, {"closed_at": None, "cancellation": Cancellation.OTHER}, at(0))


def test_corrected_changes_keep_when_they_were_first_received() -> None:
    session = changed(started(), Modality.ROOM, 20, received=21)
    told = [a_change(Modality.WALK, 30), a_change(Modality.ROOM, 20)]
    corrected = correct(session, {"changes": told}, at(99))
    assert [each.received_at for each in corrected.changes] == [at(21), at(99)]
    assert corrected.changes[0] is session.changes[0]
    for twice in ([told[0], told[0]], [told[0], a_change(Modality.ROOM, 40, id=told[0].id)]):
        with pytest.raises(Unusable):
            correct(session, {"changes": twice}, at(99))


def test_a_corrected_change_is_known_by_its_id_or_else_by_its_instant() -> None:
    session = changed(changed(started(), Modality.ROOM, 20), Modality.WALK, 30)
    first, second = session.changes
    moved = a_change(Modality.ROOM, 30, id=first.id)
    new_id = uuid5(first.id, "another phone")
    replaced = correct(session, {"changes": [moved, a_change(Modality.PHONE, 20, id=new_id)]}, at(99))
    assert [(each.id, each.at) for each in replaced.changes] == [(new_id, at(20)), (first.id, at(30))]
    same = correct(session, {"changes": [a_change(Modality.WALK, 30, id=new_id)]}, at(99))
    assert same.changes == (second,)


def test_a_cancellation_taken_back_takes_its_words_with_it() -> None:
    off = called_off(a_session(), Cancellation.WEATHER, -60, -60, words="a gale")
    back = correct(off, {"closed_at": None, "cancellation_words": "a storm"}, at(0))
    assert (back.status, back.cancellation_words) == (SessionStatus.PLANNED, None)
    assert correct(off, {}, at(0)) == off
    with pytest.raises(Unusable):
        correct(a_session(), {"cancellation_words": "a gale"}, at(0))


def test_saying_nothing_leaves_what_was_said() -> None:
    session = changed(started(), Modality.ROOM, 20, reason="rain", asked_by=AskedBy.BOTH)
    assert changed(session, Modality.ROOM, 20, received=60) is session
    off = called_off(a_session(), Cancellation.WEATHER, -60, -60, words="a gale")
    assert called_off(off, Cancellation.WEATHER, None, -30) is off


ROUTE, OTHER_ROUTE, LOCK_HOUSE = UUID(int=21), UUID(int=22), UUID(int=23)


def settings(
    session: Session,
) -> list[tuple[Modality, UUID | None, int | None, UUID | None, datetime | None]]:
    return [
        (each.modality, each.route_id, each.route_version, each.place_id, each.starts_at)
        for each in session.spans
    ]


def test_a_switch_to_another_route_or_place_begins_a_span() -> None:
    planned = started(route_id=ROUTE, route_version=1)
    session = changed(planned, Modality.WALK, 10, route_id=OTHER_ROUTE, route_version=3)
    session = changed(session, Modality.ROOM, 20, place_id=LOCK_HOUSE)
    session = changed(session, Modality.WALK, 30)
    assert settings(end(session, at(50), at(50))) == [
        (Modality.WALK, ROUTE, 1, None, at(0)),
        (Modality.WALK, OTHER_ROUTE, 3, None, at(10)),
        (Modality.ROOM, None, None, LOCK_HOUSE, at(20)),
        (Modality.WALK, None, None, None, at(30)),
    ]
    assert (session.route_id, session.route_version) == (ROUTE, 1)


def test_a_route_that_is_not_named_stays_as_long_as_the_modality_stays() -> None:
    planned = started(route_id=ROUTE, route_version=1)
    session = changed(planned, Modality.WALK, 10, place_id=LOCK_HOUSE)
    session = changed(session, Modality.WALK, 20)
    assert settings(session) == [
        (Modality.WALK, ROUTE, 1, None, at(0)),
        (Modality.WALK, ROUTE, 1, LOCK_HOUSE, at(10)),
    ]
    assert len(session.changes) == 2


def test_another_line_of_the_same_route_is_another_span() -> None:
    planned = started(route_id=ROUTE, route_version=1)
    session = changed(planned, Modality.WALK, 10, route_id=ROUTE, route_version=2)
    assert [each.route_version for each in session.spans] == [1, 2]
    assert len(changed(planned, Modality.WALK, 10, route_id=ROUTE, route_version=1).spans) == 1


def test_a_route_may_be_switched_before_the_start() -> None:
    planned = a_session(route_id=ROUTE, route_version=1)
    session = changed(planned, Modality.WALK, -30, route_id=OTHER_ROUTE, route_version=1)
    assert settings(session) == [(Modality.WALK, OTHER_ROUTE, 1, None, at(0))]


def test_a_report_may_add_what_a_known_change_did_not_say_and_not_contradict_it() -> None:
    session = changed(started(), Modality.WALK, 10, received=11)
    named = changed(session, Modality.WALK, 10, received=60, route_id=ROUTE, route_version=2)
    [change] = named.changes
    assert (change.route_id, change.received_at, change.updated_at) == (ROUTE, at(11), at(60))
    assert changed(named, Modality.WALK, 10, received=99) is named
    others: list[dict[str, Any]] = [
        {"route_id": OTHER_ROUTE, "route_version": 2},
        {"route_id": ROUTE, "route_version": 1},
    ]
    for other in others:
        with pytest.raises(Impossible) as refused:
            changed(named, Modality.WALK, 10, **other)
        assert refused.value.possible


def test_a_change_of_one_id_is_at_one_instant() -> None:
    session = changed(changed(started(), Modality.ROOM, 20), Modality.WALK, 30)
    for minutes in (30, 40):
        with pytest.raises(Impossible, match="10:20:00Z"):
            changed(session, Modality.ROOM, minutes, id=session.changes[0].id)


def test_a_change_reported_by_two_phones_is_one() -> None:
    session = changed(started(), Modality.ROOM, 20)
    assert changed(session, Modality.ROOM, 20, received=60, id=UUID(int=9)) is session


def test_a_known_change_keeps_the_version_it_pinned() -> None:
    session = changed(started(), Modality.WALK, 10, route_id=ROUTE, route_version=1)
    assert with_known_version(session.changes, a_change(Modality.WALK, 10, route_id=ROUTE)).route_version == 1
    assert (
        with_known_version(session.changes, a_change(Modality.WALK, 20, route_id=ROUTE)).route_version is None
    )
    for named in ({"route_id": OTHER_ROUTE}, {"route_id": ROUTE, "route_version": 2}):
        report = a_change(Modality.WALK, 10, **named)
        assert with_known_version(session.changes, report) is report


def test_an_id_the_service_makes_is_that_of_the_write() -> None:
    once, other = (Once(UUID(int=7), key, b"") for key in ("one tap", "another"))
    session_id = UUID(int=1)
    derived = derived_change_id(session_id, once, at(20))
    summer = at(20).astimezone(timezone(timedelta(hours=1)))
    assert derived_change_id(session_id, once, summer) == derived
    others = [(session_id, other, at(20)), (UUID(int=2), once, at(20)), (session_id, once, at(21))]
    assert derived not in {derived_change_id(*each) for each in others}


@pytest.mark.parametrize(
    ("session", "flags"),
    [
        (held(), ()),
        (held(60, 110), ()),
        (held(61, 110), (SessionFlag.OFF_PLANNED_TIME,)),
        (held(-61, 50), (SessionFlag.OFF_PLANNED_TIME,)),
        (started(received=60), ()),
        (started(received=61), (SessionFlag.REPORTED_LATER,)),
        (started(received=-2), ()),
        (started(received=-3), (SessionFlag.PHONE_CLOCK_AHEAD,)),
        (end(a_session(), at(50), at(50)), (SessionFlag.START_UNKNOWN,)),
        (held(0, 240), ()),
        (held(0, 241), (SessionFlag.OVER_FOUR_HOURS,)),
    ],
)
def test_only_what_is_odd_is_flagged(session: Session, flags: tuple[SessionFlag, ...]) -> None:
    assert flagged(session, None, a_client()).flags == flags


@pytest.mark.parametrize(
    ("client", "odd"),
    [
        (a_client(), False),
        (a_client(agreed=None), True),
        (a_client(agreed=False), True),
        (a_client(agreed=True, on=1), True),
        (a_client(agreed=False, on=1), False),
    ],
)
def test_a_walk_needs_an_agreement_that_held_when_it_started(client: Client, odd: bool) -> None:  # noqa: FBT001  a table's column
    flags = flagged(started(), a_session(), client).flags
    assert flags == ((SessionFlag.NO_OUTDOOR_AGREEMENT,) if odd else ())


def test_only_what_was_walked_needs_an_agreement() -> None:
    client = a_client(agreed=None)
    room = started(modality=Modality.ROOM)
    assert flagged(room, None, client).flags == ()
    assert flagged(a_session(), None, client).flags == ()
    outside = changed(room, Modality.WALK, 10)
    assert flagged(outside, room, client).flags == (SessionFlag.NO_OUTDOOR_AGREEMENT,)


def test_a_walk_found_in_order_stays_so_when_the_client_answers_anew() -> None:
    begun = flagged(started(), a_session(), a_client())
    later = end(begun, at(50), at(50))
    assert flagged(later, begun, a_client(agreed=True, on=40)).flags == ()
    moved = correct(later, {"started_at": at(1)}, at(50))
    assert SessionFlag.NO_OUTDOOR_AGREEMENT in flagged(moved, later, a_client(agreed=True, on=40)).flags


def test_an_agreement_recorded_late_clears_the_flag_with_the_next_report() -> None:
    begun = flagged(started(), a_session(), a_client(agreed=None))
    assert begun.flags == (SessionFlag.NO_OUTDOOR_AGREEMENT,)
    assert flagged(end(begun, at(50), at(50)), begun, a_client()).flags == ()


def kinds(session: Session, client: Client, **known: Any) -> list[ConcernKind]:
    told = concerns_about(session, client, known.get("route"), known.get("walk"), known.get("in_progress_id"))
    return [each.kind for each in told]


def test_before_leaving_nothing_speaks_against_an_agreed_walk() -> None:
    assert kinds(a_session(), a_client()) == []


def test_before_leaving_a_walk_is_checked_and_a_room_is_not() -> None:
    assert kinds(a_session(), a_client(agreed=None)) == [ConcernKind.NO_OUTDOOR_AGREEMENT]
    early = a_client(agreed=False, stage=Stage.ENQUIRY)
    assert kinds(a_session(), early) == [
        ConcernKind.OUTDOOR_AGREEMENT_WITHHELD,
        ConcernKind.NOT_IN_THERAPY,
    ]
    assert kinds(a_session(modality=Modality.ROOM), early) == []
    assert kinds(changed(a_session(), Modality.PHONE, -60), early) == []


def test_before_leaving_a_session_still_open_is_named_and_after_the_end_nothing_is() -> None:
    [concern] = concerns_about(a_session(), a_client(), None, None, UUID(int=9))
    assert (concern.kind, concern.session_id) == (ConcernKind.ANOTHER_IN_PROGRESS, UUID(int=9))
    assert kinds(held(), a_client(agreed=None), in_progress_id=UUID(int=9)) == []


def east(length_m: float) -> Fixes:
    """Return a level line along the equator."""
    lon = np.array([0.0, length_m / 111_319.49])
    return Fixes(lon, np.zeros(2), np.full(2, np.nan), np.full(2, NO_TIME), np.zeros(1, np.int64))


def a_route(length_m: float, *, archived_at: datetime | None = None) -> PlannedRoute:
    return PlannedRoute(1, length_m, length_m, False, archived_at)  # noqa: FBT003  a row's column


def test_a_route_is_timed_at_the_clients_pace_with_a_place_to_turn_back() -> None:
    walk = time_walk(a_session(), a_route(1_000), east(1_000), Pace(1.0, 600))
    assert (walk.walking_time_s, walk.available_s, walk.fits) == (1_600, 3_000, True)
    assert walk.turn_back.distance_m == pytest.approx(1_000, abs=1)
    assert walk.turn_back.whole
    long = time_walk(a_session(), a_route(3_000), east(3_000), Pace(1.0, 600))
    assert not long.fits
    assert long.turn_back.distance_m == pytest.approx(1_200, abs=1)
    assert long.turn_back_at == at(0) + timedelta(seconds=long.turn_back.after_s)
    assert kinds(a_session(), a_client(), walk=long) == [ConcernKind.ROUTE_LONGER_THAN_SESSION]


def test_who_started_late_turns_back_earlier() -> None:
    walk = time_walk(started(30), a_route(3_000), east(3_000), Pace(1.0, 0))
    assert walk.available_s == 20 * 60
    assert walk.turn_back.distance_m == pytest.approx(600, abs=1)
    assert walk.turn_back_at == at(30) + timedelta(seconds=walk.turn_back.after_s)
    assert time_walk(started(60), a_route(3_000), east(3_000), Pace(1.0, 0)).available_s == 0


def test_a_route_switched_to_is_timed_from_the_switch_on() -> None:
    switched = changed(started(route_id=ROUTE, route_version=1), Modality.WALK, 20, route_id=OTHER_ROUTE)
    walk = time_walk(switched, a_route(3_000), east(3_000), Pace(1.0, 0))
    assert walk.available_s == 30 * 60
    indoors = changed(started(route_id=ROUTE, route_version=1), Modality.ROOM, 20)
    assert time_walk(indoors, a_route(3_000), east(3_000), Pace(1.0, 0)).available_s == 50 * 60


def test_an_archived_route_is_named() -> None:
    assert kinds(a_session(), a_client(), route=a_route(10, archived_at=at(-60))) == [
        ConcernKind.ROUTE_ARCHIVED
    ]


MINUTES = st.integers(-120, 600)
MODALITIES = st.sampled_from(Modality)
IDS = st.integers(1, 40).map(lambda number: UUID(int=number))


@st.composite
def change_reports(draw: st.DrawFn, instant: datetime) -> ChangeReport:
    """Draw a change at an instant, of an id that another change may have."""
    route_id = draw(st.sampled_from([None, ROUTE, OTHER_ROUTE]))
    return ChangeReport(
        id=draw(IDS),
        at=instant,
        modality=draw(MODALITIES),
        route_id=route_id,
        route_version=None if route_id is None else draw(st.integers(1, 2)),
        place_id=draw(st.sampled_from([None, LOCK_HOUSE])),
        asked_by=draw(st.none() | st.sampled_from(AskedBy)),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Draw anything a phone may say about a session."""
    instant, received = at(draw(MINUTES)), at(draw(MINUTES))
    other = draw(st.none() | MINUTES.map(at))
    reason = draw(st.sampled_from(Cancellation))
    member = draw(st.sampled_from(["started_at", "ended_at", "closed_at"]))
    change, words = draw(change_reports(instant)), draw(st.sampled_from([None, "a gale"]))
    changes = [change, draw(change_reports(instant + timedelta(minutes=1)))]
    told: list[Report] = [
        lambda session: start(session, instant, received),
        lambda session: end(session, instant, received, started_at=other),
        lambda session: add_change(session, change, received),
        lambda session: cancel(session, CancellationReport(reason, other, words), received),
        lambda session: miss(session, other, received),
        lambda session: correct(session, {member: other}, received),
        lambda session: correct(session, {"planned_start": instant}, received),
        lambda session: correct(session, {"changes": changes}, received),
    ]
    return draw(st.sampled_from(told))


@given(st.lists(reports(), max_size=12))
def test_any_reports_in_any_order_leave_a_session_that_agrees_with_itself(told: list[Report]) -> None:
    session = a_session()
    for report in told:
        before = session
        try:
            session = flagged(report(before), before, a_client())
        except Impossible as refused:
            assert refused.possible  # noqa: PT017  the loop goes on
            continue
        except Unusable:
            continue
        assert_consistent(session)
        assert msgspec.structs.replace(report(session), flags=()) == msgspec.structs.replace(
            session, flags=()
        ), "told again, it changes nothing"


def assert_consistent(session: Session) -> None:
    """Assert what the table's own constraints ask for, and that the spans tile the session."""
    starts, ends, spans = session.started_at, session.ended_at, session.spans
    assert starts is None or ends is None or starts <= ends
    assert session.planned_start < session.planned_end
    for name in ("started", "ended", "closed"):
        assert (getattr(session, f"{name}_at") is None) == (getattr(session, f"{name}_received_at") is None)
    assert session.cancellation is None or session.closed_at is not None
    assert (session.status is SessionStatus.COMPLETED) == (ends is not None)
    assert (session.status is SessionStatus.IN_PROGRESS) == (ends is None and starts is not None)
    assert spans[0].starts_at == (starts if session.is_held else session.planned_start)
    assert spans[-1].ends_at == ends
    for one, next_one in pairwise(spans):
        assert one.ends_at == next_one.starts_at
        assert setting_of(one) != setting_of(next_one)
    instants = [each for span in spans for each in (span.starts_at, span.ends_at) if each is not None]
    assert instants == sorted(instants)
    assert len({each.at for each in session.changes}) == len(session.changes)
    assert len({each.id for each in session.changes}) == len(session.changes)
    for setting in (*spans, *session.changes):
        assert (setting.route_id is None) == (setting.route_version is None)


def setting_of(span: Span) -> Span:
    return msgspec.structs.replace(span, starts_at=None, ends_at=None)


def add_change_of(report: ChangeReport, session: Session, received: datetime) -> Session:
    return add_change(session, report, received)


@st.composite
def stories(draw: st.DrawFn) -> list[Report]:
    """Draw what can have happened in one session, each report with the time it is received."""
    begins = draw(st.integers(0, 90))
    ends = begins + draw(st.integers(0, 300))
    told: list[Report] = []

    def tell(report: Callable[[Session, datetime], Session]) -> None:
        received = at(draw(MINUTES))
        told.append(lambda session: report(session, received))

    if draw(st.booleans()):
        tell(lambda session, received: start(session, at(begins), received))
    if draw(st.booleans()):
        tell(lambda session, received: end(session, at(ends), received))
    closed = at(begins - draw(st.integers(1, 60)))
    closing = draw(st.sampled_from(["none", "cancelled", "missed"]))
    if closing == "cancelled":
        off = CancellationReport(Cancellation.WEATHER, closed, None)
        tell(lambda session, received: cancel(session, off, received))
    if closing == "missed":
        tell(lambda session, received: miss(session, closed, received))
    for minute in draw(st.lists(st.integers(-60, 400), unique=True, max_size=4)):
        report = msgspec.structs.replace(draw(change_reports(at(minute))), id=uuid5(ROUTE, str(minute)))
        tell(partial(add_change_of, report))
    return told


@given(st.data(), stories(), st.booleans())
def test_what_happened_is_the_same_in_whatever_order_it_arrives(
    data: st.DataObject,
    story: list[Report],
    agreed: bool,  # noqa: FBT001  drawn
) -> None:
    client = a_client(agreed=agreed, on=30)

    def told(reports: list[Report]) -> Session:
        session = a_session()
        for report in reports:
            session = flagged(report(session), session, client)
        return session

    assert told(story) == told(data.draw(st.permutations(story)))
