"""Planning a week over HTTP: usual sessions, last week's again, and what stands in the way."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Clock
from tests.http.look import Look
from tests.http.sessions import HALF_PAST_TWO, a_client, a_session
from tests.http.things import LINE
from tests.http.world import Phone, World

WEEK = {"week_of": "2026-05-13"}
"""The week after that of half past two on 4 May."""
NOON: dict[str, Any] = {"weekday": "tuesday", "local_time": "12:00", "modality": "walk"}


@pytest.fixture(autouse=True)
def _on_that_monday(clock: Clock) -> None:
    """Stop the service's clock on 4 May, so that the weeks of the tests are the same ones always."""
    clock.stopped = HALF_PAST_TWO + timedelta(hours=1)


def usually(phone: Phone, client_id: str | None = None, **members: Any) -> str:
    """Say what is usual with a client."""
    client_id = client_id or a_client(phone)
    answer = phone.patch(f"/v1/clients/{client_id}", {"usual_session": NOON | members})
    assert answer.status_code == 200, answer.text
    return client_id


def plan(phone: Phone, **members: Any) -> dict[str, Any]:
    answer = phone.post("/v1/sessions/plan-week", WEEK | members)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def a_route(phone: Phone, coordinates: list[list[float]] | None = None) -> str:
    route = {"id": str(uuid4()), "name": "Weir", "geojson": LINE}
    if coordinates:
        route["geojson"] = {"type": "LineString", "coordinates": coordinates}
    assert phone.post("/v1/routes", route).status_code == 201
    return str(route["id"])


def test_what_is_usual_is_kept_and_replaced_as_a_whole(world: World) -> None:
    route = a_route(world.ada)
    first: dict[str, Any] = {"route_id": route, "length_min": 80, "every_weeks": 2, "from_date": "2026-05-04"}
    client = usually(world.ada, **first, alternative={"modality": "online"})
    read = world.ada.get(f"/v1/clients/{client}").json()["usual_session"]
    assert read == NOON | first | {"alternative": {"modality": "online"}}
    usually(world.ada, client)
    read = world.ada.get(f"/v1/clients/{client}").json()["usual_session"]
    assert read == NOON | {"every_weeks": 1}
    assert world.ada.patch(f"/v1/clients/{client}", {"usual_session": None}).status_code == 200
    assert "usual_session" not in world.ada.get(f"/v1/clients/{client}").json()


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"route_id": str(uuid4())}, "/usual_session/route_id"),
        ({"place_id": str(uuid4())}, "/usual_session/place_id"),
        ({"every_weeks": 2}, "/usual_session/from_date"),
        ({"alternative": {"modality": "walk"}}, "/usual_session/alternative/route_id"),
        ({"alternative": {"modality": "room"}}, "/usual_session/alternative/place_id"),
        (
            {"alternative": {"modality": "walk", "route_id": str(uuid4())}},
            "/usual_session/alternative/route_id",
        ),
    ],
)
def test_what_leads_nowhere_is_refused_and_the_rest_stays(
    world: World, members: dict[str, Any], pointer: str
) -> None:
    client = usually(world.ada)
    refused = world.ada.patch(f"/v1/clients/{client}", {"usual_session": NOON | members})
    assert (refused.status_code, refused.json()["pointer"]) == (422, pointer)
    new = {"id": str(uuid4()), "label": "Otter", "usual_session": NOON | members}
    assert world.ada.post("/v1/clients", new).json()["pointer"] == pointer
    assert world.ada.get(f"/v1/clients/{client}").json()["usual_session"] == NOON | {"every_weeks": 1}


def test_a_route_is_no_alternative_to_itself(world: World) -> None:
    route = a_route(world.ada)
    client = a_client(world.ada)
    both = NOON | {"route_id": route, "alternative": {"modality": "walk", "route_id": route}}
    refused = world.ada.patch(f"/v1/clients/{client}", {"usual_session": both})
    assert refused.json()["pointer"] == "/usual_session/alternative/route_id"


def test_one_request_plans_what_is_usual(world: World) -> None:
    route = a_route(world.ada)
    walker = usually(world.ada, route_id=route, length_min=80, alternative={"modality": "phone"})
    caller = usually(world.ada, weekday="monday", modality="online")
    usually(world.ada, every_weeks=2, from_date="2026-05-04")
    a_client(world.ada)
    told = plan(world.ada)
    assert (told["monday"], told["zone"], told["with_others"]) == ("2026-05-11", "Europe/London", 0)
    assert [each["client_id"] for each in told["planned"]] == [caller, walker]
    online, walk = told["planned"]
    assert (online["planned_start"], online["planned_end"]) == (
        "2026-05-11T11:00:00Z",
        "2026-05-11T11:50:00Z",
    )
    read = world.ada.get(f"/v1/sessions/{walk['session_id']}").json()
    assert (read["planned_end"], read["route_id"], read["route_version"]) == (
        "2026-05-12T12:20:00Z",
        route,
        1,
    )
    assert read["alternatives"] == [{"kind": "phone", "good_for": []}]
    assert told["not_planned"] == []


def test_a_week_that_is_planned_already_stays_as_it_is(world: World, look: Look) -> None:
    moved, cancelled, own = usually(world.ada), usually(world.ada, weekday="friday"), usually(world.ada)
    a_session(world.ada, own, planned_start="2026-05-16T09:00:00Z")
    first = plan(world.ada)
    assert {each["client_id"] for each in first["planned"]} == {moved, cancelled}
    at_noon, on_friday = (f"/v1/sessions/{each['session_id']}" for each in first["planned"])
    assert world.ada.patch(at_noon, {"planned_start": "2026-05-20T09:00:00Z"}).status_code == 200
    assert world.ada.post(f"{on_friday}/cancel", {"reason": "client_ill"}).status_code == 200
    before = look.value("SELECT count(*) FROM session WHERE practice_id = $1", world.practice_id)
    again = plan(world.ada)
    assert [each["session_id"] for each in again["planned"]] == [
        each["session_id"] for each in first["planned"]
    ]
    assert [(each["planned_start"], each["status"]) for each in again["planned"]] == [
        ("2026-05-20T09:00:00Z", "planned"),
        ("2026-05-15T11:00:00Z", "cancelled"),
    ]
    assert (again["not_planned"], again["with_others"]) == ([], 1)
    assert look.value("SELECT count(*) FROM session WHERE practice_id = $1", world.practice_id) == before


def test_an_answer_that_was_lost_is_given_again(world: World) -> None:
    usually(world.ada)
    key = {"Idempotency-Key": uuid4().hex}
    first = world.ada.post("/v1/sessions/plan-week", WEEK, headers=key)
    again = world.ada.post("/v1/sessions/plan-week", WEEK, headers=key)
    assert len(first.json()["planned"]) == 1
    assert (again.status_code, again.json()) == (200, first.json())


def test_a_clash_is_named_and_not_planned(world: World) -> None:
    first, second = usually(world.ada), usually(world.ada, local_time="12:30")
    third = usually(world.ada, local_time="12:50")
    other = a_session(world.ada, planned_start="2026-05-15T11:10:00Z")
    fourth = usually(world.ada, weekday="friday")
    cancelled = a_session(world.ada, planned_start="2026-05-14T11:10:00Z")
    assert world.ada.post(f"{cancelled}/cancel", {"reason": "weather"}).status_code == 200
    fifth = usually(world.ada, weekday="thursday")
    told = plan(world.ada)
    assert [each["client_id"] for each in told["planned"]] == [first, third, fifth]
    planned_id = told["planned"][0]["session_id"]
    assert [(each["client_id"], each["kind"], each["session_id"]) for each in told["not_planned"]] == [
        (second, "clash", planned_id),
        (fourth, "clash", other.rpartition("/")[2]),
    ]
    assert told["not_planned"][0]["starts_at"] == "2026-05-12T11:30:00Z"


def test_a_colleagues_sessions_and_clients_are_no_matter(world: World) -> None:
    usually(world.ben)
    mine = usually(world.ada)
    a_session(world.ben, planned_start="2026-05-12T11:00:00Z")
    told = plan(world.ada)
    assert [each["client_id"] for each in told["planned"]] == [mine]
    assert told["not_planned"] == []


def test_last_week_is_repeated(world: World) -> None:
    route = a_route(world.ada)
    client, ended = a_client(world.ada), a_client(world.ada)
    online = a_client(world.ada)
    instead = {"alternatives": [{"kind": "phone", "note": "Her mobile."}]}
    a_session(world.ada, client, route_id=route, **instead)
    a_session(world.ada, client, planned_start="2026-05-06T08:00:00Z", planned_end="2026-05-06T09:30:00Z")
    ill = a_session(world.ada, online, planned_start="2026-05-07T08:00:00Z", modality="online")
    assert world.ada.post(f"{ill}/cancel", {"reason": "client_ill"}).status_code == 200
    a_session(world.ada, ended, planned_start="2026-05-08T08:00:00Z")
    ending = {"stage": "ended", "ending": "planned"}
    assert world.ada.patch(f"/v1/clients/{ended}", ending).status_code == 200
    told = plan(world.ada, repeat=True)
    assert [(each["client_id"], each["planned_start"]) for each in told["planned"]] == [
        (client, "2026-05-11T14:30:00Z"),
        (client, "2026-05-13T08:00:00Z"),
        (online, "2026-05-14T08:00:00Z"),
    ]
    read = world.ada.get(f"/v1/sessions/{told['planned'][0]['session_id']}").json()
    assert read["alternatives"][0]["note"] == "Her mobile."
    assert (read["route_id"], read["status"]) == (route, "planned")
    assert told["planned"][1]["planned_end"] == "2026-05-13T09:30:00Z"
    assert plan(world.ada, repeat=True) == told
    assert (plan(world.ada)["planned"], plan(world.ada)["with_others"]) == ([], 0)


def test_what_no_longer_fits_is_planned_and_said(world: World) -> None:
    long = a_route(world.ada, [[0, 51], [0.2, 51]])
    client = usually(world.ada, route_id=long)
    assert world.ada.patch(f"/v1/routes/{long}", {"archived": True}).status_code == 200
    withdrawn = {"outdoor_agreement": {"agreed": False, "on": "2026-05-01T09:00:00Z"}}
    assert world.ada.patch(f"/v1/clients/{client}", withdrawn).status_code == 200
    (planned,) = plan(world.ada)["planned"]
    assert [each["kind"] for each in planned["concerns"]] == [
        "outdoor_agreement_withheld",
        "route_archived",
        "route_longer_than_session",
    ]


def test_a_clock_change_is_said(world: World) -> None:
    usually(world.ada, weekday="sunday")
    usually(world.ada, weekday="saturday")
    saturday, sunday = plan(world.ada, week_of="2026-10-19")["planned"]
    assert (saturday["planned_start"], sunday["planned_start"]) == (
        "2026-10-24T11:00:00Z",
        "2026-10-25T12:00:00Z",
    )
    assert "clock_change" not in saturday
    assert sunday["clock_change"]["kind"] == "same_day"


def test_what_has_begun_is_not_planned(world: World) -> None:
    usually(world.ada, weekday="monday")
    kept = usually(world.ada, weekday="saturday")
    told = plan(world.ada, week_of=HALF_PAST_TWO.date().isoformat())
    assert [each["client_id"] for each in told["planned"]] == [kept]


def test_a_client_whose_record_is_damaged_is_named(world: World, look: Look) -> None:
    client = usually(world.ada)
    look.rows("UPDATE client SET sealed = 'no record' WHERE practice_id = $1", world.practice_id)
    other = usually(world.ada)
    told = plan(world.ada)
    assert [each["client_id"] for each in told["planned"]] == [other]
    assert [(each["client_id"], each["kind"]) for each in told["not_planned"]] == [(client, "unreadable")]


@pytest.mark.parametrize("day", ["0001-01-01", "2026-04-20", "2030-01-01", "9999-12-31"])
def test_a_week_out_of_reach_is_refused(world: World, day: str) -> None:
    refused = world.ada.post("/v1/sessions/plan-week", {"week_of": day})
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/week_of")
