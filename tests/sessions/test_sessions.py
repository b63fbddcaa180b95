"""What happened to a session, in whatever order it is reported."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.clients.clients import Client, Stage
from service.foundation.retry_safe import Impossible, Unusable
from service.geo.fixes import NO_TIME, Fixes
from service.geo.pace import Pace
from service.sessions.before_leaving import ConcernKind, concerns, time_walk
from service.sessions.flags import judged
from service.sessions.sessions import (
    MOST_CHANGES,
    Cancellation,
    ChangeWords,
    Correction,
    Modality,
    ModalityChange,
    Oddity,
    Session,
    SessionStatus,
    Words,
    cancel,
    change_modality,
    correct,
    corrected_words,
    end,
    miss,
    refuse_words_of_nothing,
    start,
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
        "therapist_id": UUID(int=2),
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
    session = end(change_modality(started(), Modality.ROOM, at(20), at(20)), at(50), at(50))
    assert [(each.modality, each.starts_at, each.ends_at) for each in session.spans] == [
        (Modality.WALK, at(0), at(20)),
        (Modality.ROOM, at(20), at(50)),
    ]


def test_a_change_before_the_start_makes_the_first_span() -> None:
    asked = change_modality(a_session(), Modality.ONLINE, at(-90), at(-90))
    assert [each.modality for each in asked.spans] == [Modality.ONLINE]
    assert start(asked, at(3), at(3)).spans[0].starts_at == at(3)


def test_changes_to_what_it_was_make_no_span_but_are_kept() -> None:
    session = change_modality(started(), Modality.WALK, at(10), at(10))
    assert (len(session.spans), len(session.changes)) == (1, 1)
    assert len(change_modality(session, Modality.ROOM, at(5), at(30)).spans) == 3


def test_a_change_after_the_end_is_kept_and_makes_no_span() -> None:
    session = change_modality(held(), Modality.PHONE, at(55), at(55))
    assert [each.modality for each in session.spans] == [Modality.WALK]
    assert judged(session, None, a_client()).flags == (Oddity.CHANGED_AFTER_END,)


def test_a_change_at_the_very_start_or_end_makes_no_span_of_its_own() -> None:
    session = change_modality(held(), Modality.ONLINE, at(0), at(0))
    session = change_modality(session, Modality.PHONE, at(50), at(50))
    assert [each.modality for each in session.spans] == [Modality.ONLINE]
    assert judged(session, None, a_client()).flags == ()


def test_two_modalities_at_one_instant_are_impossible() -> None:
    session = change_modality(started(), Modality.ROOM, at(20), at(20))
    assert change_modality(session, Modality.ROOM, at(20), at(99)) is session
    with pytest.raises(Impossible, match="room"):
        change_modality(session, Modality.PHONE, at(20), at(20))


def test_changes_are_bounded() -> None:
    session = started()
    for minute in range(MOST_CHANGES):
        session = change_modality(session, Modality.ROOM, at(minute), at(minute))
    with pytest.raises(Impossible):
        change_modality(session, Modality.WALK, at(99), at(99))


def test_a_cancelled_session_held_after_all_keeps_its_cancellation() -> None:
    off = cancel(a_session(), Cancellation.WEATHER, at(-60), at(-60))
    assert off.status is SessionStatus.CANCELLED
    on = judged(start(off, at(0), at(0)), off, a_client())
    assert (on.status, on.cancellation) == (SessionStatus.IN_PROGRESS, Cancellation.WEATHER)
    assert on.flags == (Oddity.HELD_AFTER_ALL,)


def test_a_session_not_attended_is_neither_planned_nor_cancelled() -> None:
    missed = miss(a_session(), None, at(15))
    assert (missed.status, missed.closed_at) == (SessionStatus.DID_NOT_ATTEND, at(15))
    assert judged(start(missed, at(20), at(20)), missed, a_client()).flags == (Oddity.HELD_AFTER_ALL,)


@pytest.mark.parametrize("session", [started(), held(), end(a_session(), at(50), at(50))])
def test_what_was_held_cannot_be_called_off_afterwards(session: Session) -> None:
    closings: list[Report] = [
        lambda session: miss(session, None, at(60)),
        lambda session: cancel(session, Cancellation.OTHER, None, at(60)),
    ]
    closings += [lambda session: miss(session, session.started_at or session.ended_at, at(60))]
    for close in closings:
        with pytest.raises(Impossible) as refused:
            close(session)
        assert len(refused.value.possible) == 2


def test_a_cancellation_that_arrives_after_the_start_it_preceded_is_kept() -> None:
    session = cancel(started(), Cancellation.CLIENT_ILL, at(-30), at(5))
    assert (session.status, session.cancellation) == (SessionStatus.IN_PROGRESS, Cancellation.CLIENT_ILL)


def test_the_same_cancellation_again_is_fine_and_another_is_impossible() -> None:
    off = cancel(a_session(), Cancellation.WEATHER, at(-60), at(-60))
    assert cancel(off, Cancellation.WEATHER, None, at(-30)) is off
    others: list[Report] = [
        lambda session: cancel(session, Cancellation.OTHER, at(-60), at(-60)),
        lambda session: cancel(session, Cancellation.WEATHER, at(-59), at(-59)),
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
    off = cancel(a_session(), Cancellation.WEATHER, at(-60), at(-60))
    assert correct(off, {"cancellation": Cancellation.OTHER}, at(0)).cancellation is Cancellation.OTHER
    back = correct(off, {"closed_at": None}, at(0))
    assert (back.status, back.cancellation, back.closed_received_at) == (SessionStatus.PLANNED, None, None)
    for changes in ({"cancellation": Cancellation.OTHER}, {"closed_at": at(0)}):
        with pytest.raises(Impossible, match="neither"):
            correct(a_session(), changes, at(0))
    with pytest.raises(Unusable):
        correct(off, {"closed_at": None, "cancellation": Cancellation.OTHER}, at(0))


def test_corrected_changes_keep_when_they_were_first_received() -> None:
    session = change_modality(started(), Modality.ROOM, at(20), at(21))
    told = [ModalityChange(Modality.WALK, at(30), at(99)), ModalityChange(Modality.ROOM, at(20), at(99))]
    corrected = correct(session, {"changes": told}, at(99))
    assert [each.received_at for each in corrected.changes] == [at(21), at(99)]
    with pytest.raises(Unusable):
        correct(session, {"changes": [told[0], told[0]]}, at(99))


def test_a_cancellation_taken_back_takes_its_words_with_it() -> None:
    words = Words("a gale", {at(0): ChangeWords(reason="rain")})
    back = corrected_words(words, Correction({"closed_at": None}, {"cancellation": "a storm"}))
    assert back == Words(None, words.changes)
    assert corrected_words(words, Correction({}, {})) == words
    with pytest.raises(Unusable):
        refuse_words_of_nothing(a_session(), words)


def test_saying_nothing_about_a_change_leaves_what_was_said() -> None:
    words = Words().about_change(at(0), ChangeWords(reason="rain"))
    assert words.about_change(at(0), ChangeWords()) == words


@pytest.mark.parametrize(
    ("session", "flags"),
    [
        (held(), ()),
        (held(60, 110), ()),
        (held(61, 110), (Oddity.OFF_PLANNED_TIME,)),
        (held(-61, 50), (Oddity.OFF_PLANNED_TIME,)),
        (started(received=60), ()),
        (started(received=61), (Oddity.REPORTED_LATER,)),
        (started(received=-2), ()),
        (started(received=-3), (Oddity.PHONE_CLOCK_AHEAD,)),
        (end(a_session(), at(50), at(50)), (Oddity.START_UNKNOWN,)),
        (held(0, 240), ()),
        (held(0, 241), (Oddity.OVER_FOUR_HOURS,)),
    ],
)
def test_only_what_is_odd_is_flagged(session: Session, flags: tuple[Oddity, ...]) -> None:
    assert judged(session, None, a_client()).flags == flags


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
    flags = judged(started(), a_session(), client).flags
    assert flags == ((Oddity.NO_OUTDOOR_AGREEMENT,) if odd else ())


def test_only_what_was_walked_needs_an_agreement() -> None:
    client = a_client(agreed=None)
    room = started(modality=Modality.ROOM)
    assert judged(room, None, client).flags == ()
    assert judged(a_session(), None, client).flags == ()
    outside = change_modality(room, Modality.WALK, at(10), at(10))
    assert judged(outside, room, client).flags == (Oddity.NO_OUTDOOR_AGREEMENT,)


def test_a_walk_found_in_order_stays_so_when_the_client_answers_anew() -> None:
    begun = judged(started(), a_session(), a_client())
    later = end(begun, at(50), at(50))
    assert judged(later, begun, a_client(agreed=True, on=40)).flags == ()
    moved = correct(later, {"started_at": at(1)}, at(50))
    assert Oddity.NO_OUTDOOR_AGREEMENT in judged(moved, later, a_client(agreed=True, on=40)).flags


def test_an_agreement_recorded_late_clears_the_flag_with_the_next_report() -> None:
    begun = judged(started(), a_session(), a_client(agreed=None))
    assert begun.flags == (Oddity.NO_OUTDOOR_AGREEMENT,)
    assert judged(end(begun, at(50), at(50)), begun, a_client()).flags == ()


def kinds(session: Session, client: Client, **known: Any) -> list[ConcernKind]:
    told = concerns(session, client, known.get("route"), known.get("walk"), known.get("in_progress_id"))
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
    assert kinds(change_modality(a_session(), Modality.PHONE, at(-60), at(-60)), early) == []


def test_before_leaving_a_session_still_open_is_named_and_after_the_end_nothing_is() -> None:
    [concern] = concerns(a_session(), a_client(), None, None, UUID(int=9))
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


def test_an_archived_route_is_named() -> None:
    assert kinds(a_session(), a_client(), route=a_route(10, archived_at=at(-60))) == [
        ConcernKind.ROUTE_ARCHIVED
    ]


MINUTES = st.integers(-120, 600)
MODALITIES = st.sampled_from(Modality)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Draw anything a phone may say about a session."""
    instant, received = at(draw(MINUTES)), at(draw(MINUTES))
    other = draw(st.none() | MINUTES.map(at))
    modality, reason = draw(MODALITIES), draw(st.sampled_from(Cancellation))
    member = draw(st.sampled_from(["started_at", "ended_at", "closed_at"]))
    told: list[Report] = [
        lambda session: start(session, instant, received),
        lambda session: end(session, instant, received, started_at=other),
        lambda session: change_modality(session, modality, instant, received),
        lambda session: cancel(session, reason, other, received),
        lambda session: miss(session, other, received),
        lambda session: correct(session, {member: other}, received),
        lambda session: correct(session, {"planned_start": instant}, received),
    ]
    return draw(st.sampled_from(told))


@given(st.lists(reports(), max_size=12))
def test_any_reports_in_any_order_leave_a_session_that_agrees_with_itself(told: list[Report]) -> None:
    session = a_session()
    for report in told:
        before = session
        try:
            session = judged(report(before), before, a_client())
        except Impossible as refused:
            assert refused.possible  # noqa: PT017  the loop goes on
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
        assert one.modality is not next_one.modality
    instants = [each for span in spans for each in (span.starts_at, span.ends_at) if each is not None]
    assert instants == sorted(instants)
    assert len({each.at for each in session.changes}) == len(session.changes)


def changed(modality: Modality, instant: datetime, session: Session, received: datetime) -> Session:
    return change_modality(session, modality, instant, received)


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
        tell(lambda session, received: cancel(session, Cancellation.WEATHER, closed, received))
    if closing == "missed":
        tell(lambda session, received: miss(session, closed, received))
    for minute in draw(st.lists(st.integers(-60, 400), unique=True, max_size=4)):
        tell(partial(changed, draw(MODALITIES), at(minute)))
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
            session = judged(report(session), session, client)
        return session

    assert told(story) == told(data.draw(st.permutations(story)))
