"""What to do instead of what a session plans, and switching to it, over HTTP."""

from typing import Any

import httpx
import pytest

from tests.http.look import Look
from tests.http.things import new
from tests.http.world import Phone, World
from tests.sessions.reporting import a_client, a_plan, a_route, at, planned, tell
from tests.walks.test_alternatives_over_http import a_place, put

KEY = "Idempotency-Key"


def instead(phone: Phone, session: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = phone.get(f"{session}/alternatives").json()["alternatives"]
    assert [each["number"] for each in items] == list(range(len(items)))
    return items


def switch(phone: Phone, session: str, number: int, minutes: float = 0, **more: Any) -> httpx.Response:
    headers = more.pop("headers", {})
    return phone.post(
        f"{session}/alternatives/switch", {"alternative": number, "at": at(minutes), **more}, headers=headers
    )


@pytest.fixture
def ridge(world: World) -> str:
    """Return a route with a wood and a room as alternatives, in a practice whose last resort is the phone."""
    assert world.ada.put("/v1/practice/last-resort", json={"kind": "phone"}).status_code == 200
    ridge = a_route(world.ada)
    wood, room = a_route(world.ada, name="Mill wood"), a_place(world.ada)
    listed = (
        {"kind": "route", "route_id": wood, "good_for": ["wind"]},
        {"kind": "room", "place_id": room, "travel_min": 6},
    )
    assert put(world.ada, f"/v1/routes/{ridge}", *listed).status_code == 200
    return ridge


def test_a_session_carries_its_routes_alternatives_and_then_the_last_resort(world: World, ridge: str) -> None:
    session = planned(world.ada, route_id=ridge)
    wood, room, last = instead(world.ada, session)
    assert (wood["name"], wood["good_for"], room["travel_min"]) == ("Mill wood", ["wind"], 6)
    assert last == {"number": 2, "kind": "phone", "good_for": [], "last_resort": True}
    etag = world.ada.get(f"{session}/alternatives").headers["etag"]
    assert world.ada.patch(f"/v1/routes/{wood['route_id']}", {"archived": True}).status_code == 200
    after = world.ada.get(f"{session}/alternatives", headers={"If-None-Match": etag})
    assert (after.status_code, after.json()["own"]) == (200, False)
    assert [each.get("skipped") for each in after.json()["alternatives"]] == ["archived", None, None]
    assert "alternatives" not in world.ada.get(session).json()


def test_a_plan_reorders_or_replaces_them_and_follows_its_route_again(world: World, ridge: str) -> None:
    wood, room, _ = instead(world.ada, planned(world.ada, route_id=ridge))
    own = [
        {"kind": "room", "place_id": room["place_id"], "good_for": ["rain"], "note": "She likes the stove."},
        {"kind": "route", "route_id": wood["route_id"]},
    ]
    session = planned(world.ada, route_id=ridge, alternatives=own)
    shown = world.ada.get(session)
    assert [each["kind"] for each in shown.json()["alternatives"]] == ["room", "route"]
    first, second, last = instead(world.ada, session)
    assert (first["note"], second["name"], last["kind"]) == ("She likes the stove.", "Mill wood", "phone")
    moved = tell(world.ada, session, "start", at=at(0))
    assert moved["alternatives"] == shown.json()["alternatives"], "a report keeps what was planned"
    for listed, kinds in (([], ["phone"]), (None, ["route", "room", "phone"])):
        etag = world.ada.get(session).headers["etag"]
        answer = world.ada.patch(session, {"alternatives": listed}, headers={"If-Match": etag})
        assert answer.json().get("alternatives") == listed
        assert [each["kind"] for each in instead(world.ada, session)] == kinds


def test_an_own_list_is_refused_for_what_a_routes_is(world: World, ridge: str) -> None:
    session = planned(world.ada, route_id=ridge)
    room = {"kind": "room", "place_id": a_place(world.ada)}
    wrong = [
        ([{"kind": "phone"}, {"kind": "route", "route_id": ridge}], "/alternatives/1/route_id"),
        ([room, {"kind": "phone"}, room], "/alternatives/2"),
        ([{"kind": "route", "route_id": a_route(world.cleo)}], "/alternatives/0/route_id"),
        ([{"kind": "room", "place_id": a_place(world.cleo)}], "/alternatives/0/place_id"),
        ([{"kind": "room"}], "/alternatives/0/place_id"),
    ]
    plan = {"id": new(), "client_id": world.ada.get(session).json()["client_id"], "planned_start": at(0)}
    for alternatives, pointer in wrong:
        body = {"alternatives": alternatives}
        for answer in (
            world.ada.patch(session, body),
            world.ada.post("/v1/sessions", plan | {"modality": "walk", "route_id": ridge} | body),
        ):
            assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)
    indoors = plan | {"modality": "room", "place_id": room["place_id"], "alternatives": [room]}
    itself = world.ada.post("/v1/sessions", indoors)
    assert (itself.status_code, itself.json()["pointer"]) == (422, "/alternatives/0")
    assert "alternatives" not in world.ada.get(session).json()


def test_one_request_switches_before_the_start_and_on_the_way(world: World, ridge: str) -> None:
    session = planned(world.ada, route_id=ridge)
    wood, room, _ = instead(world.ada, session)
    walked = switch(world.ada, session, 0, -30, asked_by="client").json()
    [span] = walked["spans"]
    assert (span["modality"], span["route_id"], span["route_version"]) == ("walk", wood["route_id"], 1)
    assert [each["asked_by"] for each in walked["changes"]] == ["client"]
    assert [each.get("skipped") for each in instead(world.ada, session)] == ["in_use", None, None]
    tell(world.ada, session, "start", at=at(0))
    indoors = switch(world.ada, session, 1, 20).json()
    assert [each["modality"] for each in indoors["spans"]] == ["walk", "room"]
    assert indoors["spans"][1]["place_id"] == room["place_id"]
    assert (indoors["modality"], indoors["route_id"]) == ("walk", ridge), "the plan stays"


def test_a_number_that_is_not_in_the_list_or_of_another_list_switches_nothing(
    world: World, ridge: str
) -> None:
    session = planned(world.ada, route_id=ridge)
    answer = switch(world.ada, session, 3)
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/alternative")
    etag = world.ada.get(f"{session}/alternatives").headers["etag"]
    assert put(world.ben, f"/v1/routes/{ridge}", {"kind": "online"}).status_code == 200
    assert switch(world.ada, session, 0, headers={"If-Match": etag}).status_code == 412
    assert world.ada.get(session).json()["changes"] == []
    etag = world.ada.get(f"{session}/alternatives").headers["etag"]
    taken = switch(world.ada, session, 0, headers={"If-Match": etag})
    assert [each["modality"] for each in taken.json()["spans"]] == ["online"]


def test_a_switch_sent_again_is_made_once_though_the_list_has_changed(world: World, ridge: str) -> None:
    session = planned(world.ada, route_id=ridge)
    key = {KEY: new()}
    first = switch(world.ada, session, 1, headers=key)
    assert put(world.ada, f"/v1/routes/{ridge}", {"kind": "online"}).status_code == 200
    assert switch(world.ada, session, 1, headers=key).json() == first.json()


def test_a_damaged_list_is_said_to_be_missing_and_the_routes_takes_its_place(
    world: World, ridge: str, look: Look
) -> None:
    session = planned(world.ada, route_id=ridge, alternatives=[{"kind": "online"}])
    assert [each["kind"] for each in instead(world.ada, session)] == ["online", "phone"]
    moved = "UPDATE session SET updated_at = updated_at - interval '1 second' WHERE practice_id = $1"
    look.rows(moved, world.practice_id)
    answer = world.ada.get(f"{session}/alternatives").json()
    assert (answer["unreadable"], answer["own"]) == (True, False)
    assert [each["kind"] for each in answer["alternatives"]] == ["route", "room", "phone"]


def test_without_the_clients_key_a_session_is_planned_but_no_list_of_its_own(
    world: World, look: Look
) -> None:
    client = a_client(world.ada, needs=["toilet"])
    look.rows("DELETE FROM client_key WHERE practice_id = $1", world.practice_id)
    plan = a_plan(client, route_id=a_route(world.ada))
    refused = world.ada.post("/v1/sessions", plan | {"alternatives": [{"kind": "phone"}]})
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/alternatives")
    session = world.ada.post("/v1/sessions", plan).headers["location"]
    fit = world.ada.get(f"{session}/fit").json()["fit"]
    assert (fit["unreadable"], fit["reasons"]) == (True, [])
