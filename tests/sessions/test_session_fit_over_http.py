"""How a session's route fits it, over HTTP."""

from datetime import datetime
from typing import Any

import pytest

from tests.http.sessions import a_recording, a_session, held, send_track
from tests.http.world import Phone, World
from tests.sessions.reporting import NOW, a_client, a_route, at, planned, tell
from tests.walks.drawings import OTHER_LINE, replace_line
from tests.walks.test_fit_over_http import read


def fit_of(phone: Phone, session: str) -> dict[str, Any]:
    answer = phone.get(f"{session}/fit")
    assert answer.status_code == 200, answer.text
    fit: dict[str, Any] = answer.json()["fit"]
    return fit


def test_a_session_is_timed_with_its_own_client_start_length_and_version(world: World) -> None:
    client = a_client(world.ada, flat_pace_mps=0.5, rests_s=120, needs=["toilet"])
    route = a_route(world.ada)
    session = planned(world.ada, client, route_id=route, planned_end=at(40))
    assert replace_line(world.ada, f"/v1/routes/{route}", OTHER_LINE).status_code == 200
    length_m = world.ada.get(f"/v1/routes/{route}/versions").json()["items"][-1]["length_m"]
    answer = world.ada.get(f"{session}/fit").json()
    assert (answer["route_id"], answer["route_version"]) == (route, 1)
    known = answer["fit"]
    assert [each["need"] for each in known["reasons"]] == ["toilet"]
    assert (known["available_s"], known["starts_at"]) == (2_400, at(0))
    assert known["arrival"]["expected_s"] == pytest.approx(length_m / 0.5 + 120, abs=1)
    expected_at = datetime.fromisoformat(known["arrival"]["expected_at"])
    assert (expected_at - NOW).total_seconds() == pytest.approx(known["arrival"]["expected_s"], abs=0.01)
    route_fit = read(world.ada, f"/v1/routes/{route}", client_id=client)
    assert route_fit["arrival"]["expected_s"] > known["arrival"]["expected_s"], "the line in use is longer"


def test_what_is_read_before_leaving_never_disagrees_with_the_fit(world: World) -> None:
    session = planned(world.ada, route_id=a_route(world.ada), planned_end=at(33))
    assert_agreement(world.ada, session)
    tell(world.ada, session, "start", at=at(7))
    assert assert_agreement(world.ada, session)["starts_at"] == at(7)


def assert_agreement(phone: Phone, session: str) -> dict[str, Any]:
    fit, walk = fit_of(phone, session), phone.get(f"{session}/before-leaving").json()["walk"]
    assert walk["walking_time_s"] == fit["arrival"]["expected_s"]
    assert (walk["available_s"], walk["fits"]) == (fit["available_s"], fit["fits"])
    turn = {"distance_m": "turn_back_m", "after_s": "turn_back_after_s", "at": "turn_back_at"}
    assert {name: fit[other] for name, other in turn.items()} | {"whole": fit["whole"]} == walk["turn_back"]
    return fit


def test_the_clients_measured_pace_is_offered_beside_the_one_set(world: World) -> None:
    agreed = {"agreed": True, "on": at(-525_600)}
    client = a_client(world.ada, flat_pace_mps=0.5, location_permission=agreed)
    session = planned(world.ada, client, route_id=a_route(world.ada))
    assert "measured_pace" not in fit_of(world.ada, session)
    for _ in range(2):
        walked = a_session(world.ada, client)
        held(world.ada, walked)
        assert send_track(world.ada, walked, a_recording()).status_code == 201
    fit = fit_of(world.ada, session)
    assert (fit["flat_pace_mps"], fit["measured_pace"]["n"]) == (0.5, 2)
    assert fit["measured_pace"]["flat_pace_mps"] == pytest.approx(1.0, abs=0.02)
    route = world.ada.get(session).json()["route_id"]
    assert read(world.ada, f"/v1/routes/{route}", client_id=client)["measured_pace"] == fit["measured_pace"]
    withdrawn = {"location_permission": agreed | {"agreed": False}}
    assert world.ada.patch(f"/v1/clients/{client}", withdrawn).status_code == 200
    assert "measured_pace" not in fit_of(world.ada, session)


def test_without_a_route_nothing_is_timed_and_after_a_switch_the_new_one_is(world: World) -> None:
    session = planned(world.ada)
    assert set(world.ada.get(f"{session}/fit").json()) == {"session_id"}
    route = a_route(world.ada)
    tell(world.ada, session, "start", at=at(0))
    tell(world.ada, session, "changes", modality="walk", route_id=route, at=at(10))
    known = fit_of(world.ada, session)
    assert (known["starts_at"], known["available_s"]) == (at(10), 2_400)
