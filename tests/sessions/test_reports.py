"""What a phone reports about a session, in whatever order."""

from datetime import datetime
from typing import Any

import pytest

from service.clients.modality import Modality
from service.foundation.retry_safe import Impossible
from service.sessions.flags import flagged
from service.sessions.reports import (
    end,
    miss,
    start,
)
from service.sessions.sessions import (
    AskedBy,
    Cancellation,
    Session,
    SessionFlag,
    SessionStatus,
)
from tests.sessions.made_up import Report, a_client, a_session, at, called_off, changed, held, started


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


def test_saying_nothing_leaves_what_was_said() -> None:
    session = changed(started(), Modality.ROOM, 20, reason="rain", asked_by=AskedBy.BOTH)
    assert changed(session, Modality.ROOM, 20, received=60) is session
    off = called_off(a_session(), Cancellation.WEATHER, -60, -60, words="a gale")
    assert called_off(off, Cancellation.WEATHER, None, -30) is off
