"""Sessions: planned, held, called off; what happened is kept however late it is told, in any order."""

from typing import Any
from uuid import uuid4

import pytest

from tests.http.sessions import a_client, a_session, at, held
from tests.http.world import Phone, World


def tell(phone: Phone, session: str, what: str, **members: Any) -> Any:
    return phone.post(f"{session}/{what}", members)


def test_a_planned_session_lasts_as_long_as_the_practice_says(world: World) -> None:
    session = world.ada.get(a_session(world.ada)).json()
    assert (session["status"], session["planned_end"]) == ("planned", "2026-05-04T15:20:00Z")


def test_a_session_is_started_and_ended(world: World) -> None:
    session = a_session(world.ada)
    started = tell(world.ada, session, "start", at=at(70)).json()
    assert (started["status"], started["started_at"]) == ("in_progress", "2026-05-04T14:31:10Z")
    ended = tell(world.ada, session, "end", at=at(3_000)).json()
    assert (ended["status"], ended["ended_at"]) == ("completed", "2026-05-04T15:20:00Z")
    assert ended["started_received_at"] != ended["started_at"]


def test_a_session_may_go_from_planned_to_completed_hours_later(world: World) -> None:
    session = a_session(world.ada)
    ended = tell(world.ada, session, "end", at=at(3_000), started_at=at(0)).json()
    assert (ended["status"], ended["started_at"]) == ("completed", "2026-05-04T14:30:00Z")
    assert "reported_later" in ended["flags"]


def test_an_end_may_be_told_before_the_start(world: World) -> None:
    session = a_session(world.ada)
    ended = tell(world.ada, session, "end", at=at(3_000)).json()
    assert ("started_at" in ended, "start_unknown" in ended["flags"]) == (False, True)
    started = tell(world.ada, session, "start", at=at(0)).json()
    assert (started["status"], "start_unknown" in started["flags"]) == ("completed", False)


def test_a_walk_without_an_agreement_is_kept_and_flagged(world: World) -> None:
    client = {"id": str(uuid4()), "label": "B. 2", "stage": "in_therapy"}
    world.ada.post("/v1/clients", client)
    session = a_session(world.ada, client["id"])
    concerns = world.ada.get(f"{session}/before-leaving").json()["concerns"]
    assert "no_outdoor_agreement" in {each["kind"] for each in concerns}
    started = tell(world.ada, session, "start", at=at(0))
    assert (started.status_code, "no_outdoor_agreement" in started.json()["flags"]) == (200, True)


def test_a_walk_that_goes_indoors_has_two_spans(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    moved = tell(world.ada, session, "modality", modality="room", at=at(900), asked_by="client").json()
    assert [each["modality"] for each in moved["spans"]] == ["walk", "room"]
    assert moved["spans"][1]["starts_at"] == "2026-05-04T14:45:00Z"


def test_what_was_cancelled_and_held_after_all_was_held(world: World) -> None:
    session = a_session(world.ada)
    assert (
        tell(world.ada, session, "cancel", reason="weather", words="Thunder.").json()["status"] == "cancelled"
    )
    held(world.ada, session)
    after = world.ada.get(session).json()
    assert (after["status"], "held_after_all" in after["flags"]) == ("completed", True)
    assert after["cancellation_words"] == "Thunder."


def test_a_client_who_did_not_come_is_noted(world: World) -> None:
    session = a_session(world.ada)
    assert tell(world.ada, session, "did-not-attend").json()["status"] == "did_not_attend"


@pytest.mark.parametrize(
    ("what", "members"),
    [
        ("end", {"at": at(-60)}),
        ("start", {"at": at(600)}),
        ("cancel", {"reason": "weather"}),
        ("did-not-attend", {}),
    ],
)
def test_the_impossible_is_refused_with_what_is_possible(
    world: World, what: str, members: dict[str, Any]
) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    before = world.ada.get(session).json()
    answer = tell(world.ada, session, what, **members)
    assert answer.status_code == 409
    assert answer.json()["possible"]
    assert world.ada.get(session).json() == before


def test_the_same_report_again_changes_nothing(world: World) -> None:
    session = a_session(world.ada)
    first, again = (tell(world.ada, session, "start", at=at(0)) for _ in range(2))
    assert (first.json(), again.status_code) == (again.json(), 200)


def test_reported_times_are_corrected_by_a_change(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    corrected = world.ada.patch(session, {"started_at": at(300)})
    assert corrected.json()["started_at"] == "2026-05-04T14:35:00Z"


def test_sessions_are_listed_by_time_client_and_status(world: World) -> None:
    client = a_client(world.ada)
    first = a_session(world.ada, client)
    a_session(world.ada, client, planned_start=at(86_400))
    held(world.ada, first)

    def listed(**params: str) -> list[str]:
        items = world.ada.get("/v1/sessions", params=params).json()["items"]
        return [f"/v1/sessions/{each['id']}" for each in items]

    assert len(listed(client_id=client)) == 2
    assert listed(client_id=client, status="completed") == [first]
    assert listed(client_id=client, **{"from": at(-60), "to": at(60)}) == [first]


def test_a_session_names_only_what_the_practice_has(world: World) -> None:
    session = {
        "id": str(uuid4()),
        "client_id": a_client(world.ada),
        "modality": "walk",
        "planned_start": at(0),
    }
    answer = world.ada.post("/v1/sessions", session | {"route_id": str(uuid4())})
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/route_id")
    assert world.ada.get(f"/v1/sessions/{session['id']}").status_code == 404


def test_a_route_is_pinned_in_the_version_it_had(world: World) -> None:
    line = {"type": "LineString", "coordinates": [[0, 51], [0.01, 51]]}
    route = {"id": str(uuid4()), "name": "Weir", "geojson": line}
    world.ada.post("/v1/routes", route)
    session = a_session(world.ada, route_id=route["id"])
    walk = world.ada.get(f"{session}/before-leaving").json()["walk"]
    assert walk["walking_time_s"] == pytest.approx(walk["length_m"] / 0.9 + 600, rel=0.02)
    assert walk["fits"] is True
    assert world.ada.get(session).json()["route_version"] == 1
