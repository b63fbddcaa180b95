"""Changes of modality, route and place, and the spans they make."""

from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from service.clients.modality import Modality
from service.foundation.retry_safe import Impossible, Once
from service.sessions.flags import flagged
from service.sessions.reports import (
    derived_change_id,
    end,
    start,
    with_known_version,
)
from service.sessions.sessions import (
    MOST_CHANGES,
    Session,
    SessionFlag,
)
from tests.sessions.made_up import (
    LOCK_HOUSE,
    OTHER_ROUTE,
    ROUTE,
    a_change,
    a_client,
    a_session,
    at,
    changed,
    held,
    started,
)


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
    assert flagged(session, a_session(), a_client()).flags == (SessionFlag.CHANGED_AFTER_END,)


def test_a_change_at_the_very_start_or_end_makes_no_span_of_its_own() -> None:
    session = changed(held(), Modality.ONLINE, 0)
    session = changed(session, Modality.PHONE, 50)
    assert [each.modality for each in session.spans] == [Modality.ONLINE]
    assert flagged(session, a_session(), a_client()).flags == ()


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
