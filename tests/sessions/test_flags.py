"""What is odd about a session is flagged."""

import pytest

from service.clients.clients import Client
from service.clients.modality import Modality
from service.sessions.corrections import correct
from service.sessions.flags import flagged
from service.sessions.reports import (
    end,
)
from service.sessions.sessions import (
    Session,
    SessionFlag,
)
from tests.sessions.made_up import a_client, a_session, at, changed, held, started


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
    assert flagged(session, a_session(), a_client()).flags == flags


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
    assert flagged(room, a_session(), client).flags == ()
    assert flagged(a_session(), a_session(), client).flags == ()
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
