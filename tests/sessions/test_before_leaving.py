"""What speaks against starting, and whether the route fits the time."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from service.clients.clients import Client, Stage
from service.clients.modality import Modality
from service.geo.fixes import NO_TIME, Fixes
from service.geo.pace import Pace
from service.sessions.before_leaving import ConcernKind, concerns_about, time_walk
from service.sessions.sessions import (
    Session,
)
from service.walks.routes import PlannedRoute
from tests.sessions.made_up import OTHER_ROUTE, ROUTE, a_client, a_session, at, changed, held, started


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
    return PlannedRoute(1, length_m, False, archived_at)  # noqa: FBT003  a row's column


def test_a_route_is_timed_at_the_clients_pace_with_a_place_to_turn_back() -> None:
    walk = time_walk(a_session(), a_route(1_000), east(1_000), Pace(1.0, 600))
    assert (walk.walking_time_s, walk.available_s) == pytest.approx((1_600, 3_000))
    assert walk.fits
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
