"""Sessions replanned and put right."""

from uuid import uuid5

import pytest

from service.clients.modality import Modality
from service.foundation.retry_safe import Impossible, Unusable
from service.sessions.corrections import correct
from service.sessions.sessions import (
    Cancellation,
    SessionStatus,
)
from tests.sessions.made_up import a_change, a_session, at, called_off, changed, held, started


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
