"""Sessions over HTTP: planned, held, put right, listed."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from service.foundation.pages import Cursor
from service.sessions.sessions import SessionStatus
from tests.conftest import Clock
from tests.http.look import Look
from tests.http.world import Phone, World
from tests.sessions.reporting import UNKNOWN, a_client, a_plan, a_route, at, planned, refused, tell


def test_who_when_and_how_are_enough_to_plan(world: World) -> None:
    plan = a_plan(a_client(world.ada))
    answer = world.ada.post("/v1/sessions", plan)
    session = answer.json()
    assert answer.status_code == 201
    assert session | plan == session
    assert (session["status"], session["planned_end"]) == ("planned", at(50))
    assert session["spans"] == [{"modality": "walk", "starts_at": at(0)}]
    assert (session["flags"], session["changes"]) == ([], [])
    kept = world.ada.get(answer.headers["location"])
    assert (kept.json(), kept.headers["etag"]) == (session, answer.headers["etag"])


def test_the_same_plan_again_answers_the_same_session(world: World) -> None:
    plan = a_plan(a_client(world.ada))
    first, again = world.ada.post("/v1/sessions", plan), world.ada.post("/v1/sessions", plan)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = world.ada.post("/v1/sessions", plan | {"modality": "room"})
    assert other.json()["type"] == "urn:towpath:problem:id-taken"


def test_a_session_lasts_as_long_as_the_practices_sessions_unless_planned_otherwise(world: World) -> None:
    assert world.ada.patch("/v1/practice", {"session_length_s": 5_400}).status_code == 200
    client = a_client(world.ada)
    assert world.ada.get(planned(world.ada, client)).json()["planned_end"] == at(90)
    path = planned(world.ada, client, planned_end=at(30))
    assert world.ada.get(path).json()["planned_end"] == at(30)


def test_a_walk_keeps_the_line_it_was_planned_on(world: World) -> None:
    route = a_route(world.ada)
    path = planned(world.ada, route_id=route)
    drawn = {"type": "LineString", "coordinates": [[8.0, 52.0], [8.02, 52.0]]}
    tag = {"If-Match": world.ada.get(f"/v1/routes/{route}").headers["etag"]}
    geojson = {"Content-Type": "application/geo+json"}
    replaced = world.ada.put(
        f"/v1/routes/{route}/line", content=msgspec.json.encode(drawn), headers=tag | geojson
    )
    assert replaced.status_code == 200, replaced.text
    assert world.ada.get(path).json()["route_version"] == 1
    now = world.ada.patch(path, {"route_id": route}).json()
    assert (now["route_id"], now["route_version"]) == (route, 2)
    back = world.ada.patch(path, {"route_version": 1}).json()
    assert (back["route_id"], back["route_version"]) == (route, 1)
    none = world.ada.patch(path, {"route_id": None}).json()
    assert not none.keys() & {"route_id", "route_version"}


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"client_id": UNKNOWN}, "/client_id"),
        ({"route_id": UNKNOWN}, "/route_id"),
        ({"route_id": UNKNOWN, "route_version": 1}, "/route_version"),
        ({"route_version": 1}, "/route_version"),
        ({"place_id": UNKNOWN}, "/place_id"),
        ({"planned_end": at(0)}, "/planned_end"),
        ({"planned_end": at(1_441)}, "/planned_end"),
    ],
)
def test_a_plan_that_makes_no_sense_says_where(world: World, wrong: dict[str, Any], pointer: str) -> None:
    client = a_client(world.ada)
    answer = world.ada.post("/v1/sessions", a_plan(client) | wrong)
    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)
    if "client_id" not in wrong:
        path = planned(world.ada, client)
        answer = world.ada.patch(path, wrong)
        assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)


@pytest.mark.parametrize(
    "instant",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2200-01-01T00:00:00Z", "2026-05-04T10:00:00"],
)
def test_an_instant_nobody_can_mean_is_refused(world: World, instant: str) -> None:
    path = planned(world.ada)
    answers = [
        world.ada.post("/v1/sessions", a_plan(UNKNOWN, planned_start=instant)),
        world.ada.post(f"{path}/start", {"at": instant}),
        world.ada.patch(path, {"changes": [{"modality": "room", "at": instant}]}),
        world.ada.get("/v1/sessions", params={"from": instant}),
        world.ada.get("/v1/sessions", params={"to": instant}),
    ]
    assert [each.status_code for each in answers] == [400] * 5


def test_a_session_is_started_and_ended_with_one_tap_each(world: World) -> None:
    path = planned(world.ada)
    begun = tell(world.ada, path, "start", at=at(1))
    assert (begun["status"], begun["started_at"], begun["flags"]) == ("in_progress", at(1), [])
    done = tell(world.ada, path, "end", at=at(2))
    assert (done["status"], done["ended_at"]) == ("completed", at(2))
    assert done["spans"] == [{"modality": "walk", "starts_at": at(1), "ends_at": at(2)}]
    assert {"started_received_at", "ended_received_at"} <= done.keys()


def test_a_session_is_reported_hours_later_in_one_go(world: World) -> None:
    path = planned(world.ada, planned_start=at(-300))
    done = tell(world.ada, path, "end", at=at(-250), started_at=at(-300))
    assert (done["status"], done["flags"]) == ("completed", ["reported_later"])
    assert done["started_received_at"] == done["ended_received_at"] > at(-1)


def test_an_end_may_arrive_before_its_start(world: World) -> None:
    path = planned(world.ada, planned_start=at(-50))
    ended = tell(world.ada, path, "end", at=at(0))
    assert (ended["status"], ended["flags"], "started_at" in ended) == ("completed", ["start_unknown"], False)
    assert ended["spans"] == [{"modality": "walk", "ends_at": at(0)}]
    whole = tell(world.ada, path, "start", at=at(-50))
    assert (whole["status"], whole["flags"]) == ("completed", [])


def test_the_same_report_changes_nothing_under_the_same_key_or_a_new_one(world: World) -> None:
    path = planned(world.ada)
    key = {"Idempotency-Key": "one tap"}
    assert world.ada.post(f"{path}/start", {"at": at(0)}, headers=key).status_code == 400
    key = {"Idempotency-Key": "one-tap"}
    answers = [world.ada.post(f"{path}/start", {"at": at(0)}, headers=key) for _ in range(2)]
    answers.append(world.ada.post(f"{path}/start", {"at": at(0)}))
    assert [each.status_code for each in answers] == [200] * 3
    assert len({each.headers["etag"] for each in answers}) == 1
    other = world.ada.post(f"{path}/start", {"at": at(1)}, headers=key)
    assert other.json()["type"] == "urn:towpath:problem:idempotency-key-reused"


def test_the_impossible_answers_what_is_possible(world: World) -> None:
    path = planned(world.ada)
    tell(world.ada, path, "start", at=at(0))
    impossible: list[tuple[str, dict[str, Any]]] = [
        ("start", {"at": at(1)}),
        ("end", {"at": at(-1)}),
        ("cancel", {"reason": "weather", "at": at(1)}),
        ("did-not-attend", {"at": at(1)}),
    ]
    before = world.ada.get(path)
    for what, body in impossible:
        assert refused(world.ada.post(f"{path}/{what}", body))
    assert world.ada.get(path).headers["etag"] == before.headers["etag"]
    assert refused(world.ada.patch(path, {"closed_at": at(0)}))


def test_a_start_without_an_outdoor_agreement_is_kept_and_flagged(world: World) -> None:
    client = a_client(world.ada, outdoor_agreement=None)
    path = planned(world.ada, client)
    told = world.ada.get(f"{path}/before-leaving")
    assert [each["kind"] for each in told.json()["concerns"]] == ["no_outdoor_agreement"]
    assert "etag" not in told.headers
    begun = tell(world.ada, path, "start", at=at(0))
    assert (begun["status"], begun["flags"]) == ("in_progress", ["no_outdoor_agreement"])


def test_a_withdrawn_agreement_shows_before_leaving(world: World) -> None:
    client = a_client(world.ada)
    path = planned(world.ada, client)
    assert world.ada.get(f"{path}/before-leaving").json() == {"concerns": []}
    withdrawn = {"outdoor_agreement": {"agreed": False, "on": at(-1)}}
    assert world.ada.patch(f"/v1/clients/{client}", withdrawn).status_code == 200
    [concern] = world.ada.get(f"{path}/before-leaving").json()["concerns"]
    assert concern["kind"] == "outdoor_agreement_withheld"
    assert tell(world.ada, path, "start", at=at(0))["flags"] == ["no_outdoor_agreement"]


def test_before_leaving_a_session_left_open_is_named(world: World) -> None:
    client = a_client(world.ada)
    left_open = planned(world.ada, client, planned_start=at(-60))
    tell(world.ada, left_open, "start", at=at(-60))
    [concern] = world.ada.get(f"{planned(world.ada, client)}/before-leaving").json()["concerns"]
    assert (concern["kind"], concern["session_id"]) == ("another_in_progress", left_open[-36:])
    assert world.ada.get(f"{left_open}/before-leaving").json()["concerns"] == []


def test_the_route_must_fit_the_time_and_has_a_turn_back_point(world: World) -> None:
    client = a_client(world.ada, flat_pace_mps=1.0, rests_s=300)
    route = a_route(world.ada)
    kept = world.ada.get(f"/v1/routes/{route}").json()
    path = planned(world.ada, client, route_id=route)
    walk = world.ada.get(f"{path}/before-leaving").json()["walk"]
    assert walk["walking_time_s"] == pytest.approx(kept["equivalent_flat_m"] + 300, abs=0.1)
    assert (walk["available_s"], walk["fits"], walk["is_loop"]) == (3_000, True, False)
    assert walk["turn_back"]["whole"]
    world.ada.patch(path, {"planned_end": at(20)})
    told = world.ada.get(f"{path}/before-leaving").json()
    assert [each["kind"] for each in told["concerns"]] == ["route_longer_than_session"]
    assert (told["walk"]["fits"], told["walk"]["turn_back"]["whole"]) == (False, False)
    assert told["walk"]["turn_back"]["distance_m"] == pytest.approx(450, abs=2)
    assert at(9) < told["walk"]["turn_back"]["at"] < at(11)


def test_a_cancellation_has_a_typed_reason_and_its_words_are_sealed(world: World, look: Look) -> None:
    path = planned(world.ada)
    told = tell(world.ada, path, "cancel", reason="client_ill", words="a migraine since Sunday")
    assert (told["status"], told["cancellation"]) == ("cancelled", "client_ill")
    assert told["cancellation_words"] == "a migraine since Sunday"
    assert told["closed_at"] == told["closed_received_at"]
    row = look.value("SELECT session::text FROM session WHERE id = $1::uuid", path[-36:])
    assert "client_ill" in row
    assert b"migraine".hex() not in row
    again = tell(world.ada, path, "cancel", reason="client_ill")
    assert again == told
    assert refused(world.ada.post(f"{path}/cancel", {"reason": "weather"}))
    listed = world.ada.get("/v1/sessions", params={"status": "cancelled"}).json()["items"]
    assert listed == [told]


def test_a_cancellation_is_put_right_or_taken_back(world: World) -> None:
    path = planned(world.ada)
    tell(world.ada, path, "cancel", reason="client_ill", words="flu")
    right = world.ada.patch(path, {"cancellation": "weather", "cancellation_words": "gale"}).json()
    assert (right["cancellation"], right["cancellation_words"]) == ("weather", "gale")
    back = world.ada.patch(path, {"closed_at": None}).json()
    assert back["status"] == "planned"
    assert not back.keys() & {"cancellation", "cancellation_words", "closed_at", "closed_received_at"}
    words = world.ada.patch(path, {"cancellation_words": "gale"})
    assert (words.status_code, words.json()["pointer"]) == (422, "/cancellation_words")


def test_a_cancelled_session_held_after_all_says_so(world: World) -> None:
    path = planned(world.ada)
    tell(world.ada, path, "cancel", reason="weather", at=at(-60))
    begun = tell(world.ada, path, "start", at=at(0))
    assert (begun["status"], begun["cancellation"]) == ("in_progress", "weather")
    assert begun["flags"] == ["held_after_all"]


def test_a_client_who_did_not_attend_may_come_yet(world: World) -> None:
    path = planned(world.ada, planned_start=at(-20))
    assert tell(world.ada, path, "did-not-attend", at=at(-5))["status"] == "did_not_attend"
    assert tell(world.ada, path, "start", at=at(0))["status"] == "in_progress"


def test_a_session_is_replanned_from_the_version_that_was_read(world: World) -> None:
    path = planned(world.ada)
    assert world.ada.send("PATCH", path, json={"modality": "room"}).status_code == 428
    etag = world.ada.get(path).headers["etag"]
    moved = world.ada.patch(path, {"planned_start": at(60), "modality": "online"}, etag=etag)
    assert (moved.json()["planned_start"], moved.json()["planned_end"]) == (at(60), at(110))
    assert world.ada.patch(path, {"modality": "room"}, etag=etag).status_code == 412
    tell(world.ada, path, "start", at=at(60))
    key = {"Idempotency-Key": uuid4().hex}
    tag = world.ada.get(path).headers["etag"]
    answers = [world.ada.patch(path, {"started_at": at(61)}, etag=tag, headers=key) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["started_at"] == at(61)


def test_a_place_may_be_given_and_taken_away(world: World) -> None:
    place = {"id": str(uuid4()), "kind": "room", "name": "Lock House"}
    world.ada.post("/v1/places", place)
    path = planned(world.ada, modality="room", place_id=place["id"])
    assert world.ada.get(path).json()["place_id"] == place["id"]
    assert "place_id" not in world.ada.patch(path, {"place_id": None}).json()


def test_a_phone_whose_clock_runs_ahead_is_believed_and_flagged(world: World, clock: Clock) -> None:
    path = planned(world.ada)
    clock.ahead = timedelta(minutes=-10)
    assert tell(world.ada, path, "start", at=at(0))["flags"] == ["phone_clock_ahead"]


def test_sessions_are_listed_by_time_client_and_status(world: World) -> None:
    one, other = a_client(world.ada), a_client(world.ada)
    paths = [
        planned(world.ada, client, planned_start=at(minute))
        for client, minute in ((one, 120), (other, 0), (one, 60), (other, 180))
    ]
    by_time = [paths[1], paths[2], paths[0], paths[3]]
    assert listed(world.ada) == by_time
    assert listed(world.ada, limit=1) == by_time
    assert listed(world.ada, **{"from": at(60), "to": at(180)}) == by_time[1:3]
    assert listed(world.ada, client_id=one, limit=1) == [paths[2], paths[0]]
    assert listed(world.ada, client_id=UNKNOWN) == []
    assert listed(world.ada, client_id=one, status="planned") == [paths[2], paths[0]]
    assert listed(world.ada, client_id=one, status="completed") == []
    cursor = world.ada.get("/v1/sessions", params={"limit": 1}).json()["next_cursor"]
    assert listed(world.ada, cursor=cursor, **{"from": at(120)}) == [paths[0], paths[3]]


def listed(phone: Phone, **wanted: Any) -> list[str]:
    """Return the paths of all sessions listed, however many pages they take."""
    paths: list[str] = []
    page = phone.get("/v1/sessions", params=wanted).json()
    paths += (f"/v1/sessions/{each['id']}" for each in page["items"])
    while "next_cursor" in page:
        page = phone.get("/v1/sessions", params=wanted | {"cursor": page["next_cursor"]}).json()
        paths += (f"/v1/sessions/{each['id']}" for each in page["items"])
    return paths


def test_each_status_lists_its_own_sessions(world: World) -> None:
    client = a_client(world.ada)
    paths = {status: planned(world.ada, client) for status in SessionStatus}
    tell(world.ada, paths[SessionStatus.IN_PROGRESS], "start", at=at(0))
    tell(world.ada, paths[SessionStatus.COMPLETED], "end", at=at(50))
    tell(world.ada, paths[SessionStatus.CANCELLED], "cancel", reason="other")
    tell(world.ada, paths[SessionStatus.DID_NOT_ATTEND], "did-not-attend")
    for status, path in paths.items():
        assert world.ada.get(path).json()["status"] == status
        assert listed(world.ada, status=status) == [path]


@pytest.mark.parametrize(
    "wrong",
    [
        {"from": "yesterday"},
        {"to": "123"},
        {"status": "asleep"},
        {"client_id": "A. 17"},
        {"starts_from": "2026-05-04T10:00:00Z"},
        {"cursor": Cursor("not an instant", UUID(int=1)).to_text()},
        {"cursor": Cursor("2026-05-04T10:00:00", UUID(int=1)).to_text()},
        {"cursor": Cursor("0001-01-01T00:00:00+14:00", UUID(int=1)).to_text()},
    ],
)
def test_a_parameter_that_cannot_be_used_is_refused(world: World, wrong: dict[str, str]) -> None:
    answer = world.ada.get("/v1/sessions", params=wrong)
    assert (answer.status_code, answer.json()["parameter"]) == (400, next(iter(wrong)))


def test_nobody_else_learns_of_a_session(world: World) -> None:
    client = a_client(world.ada)
    path, plan = planned(world.ada, client), a_plan(client)
    for phone in (world.ben, world.cleo):
        assert phone.get(path).status_code == phone.get(f"{path}/before-leaving").status_code == 404
        assert phone.post(f"{path}/start", {"at": at(0)}).status_code == 404
        assert phone.get("/v1/sessions").json() == {"items": []}
        foreign, unknown = (
            phone.post("/v1/sessions", plan | {"client_id": each}) for each in (client, UNKNOWN)
        )
        assert foreign.status_code == unknown.status_code == 422
        assert foreign.json()["detail"] == unknown.json()["detail"]
    assert world.nobody.get(path).status_code == 401


def test_a_colleague_who_may_read_may_not_write(world: World, look: Look) -> None:
    client = a_client(world.ada)
    shared = "UPDATE {} SET viewers = ARRAY[$1::uuid] WHERE {} = $2::uuid"
    for table, column in (("client", "id"), ("client_key", "client_id")):
        look.rows(shared.format(table, column), str(world.ben.therapist_id), client)
    path = planned(world.ada, client)
    tell(world.ada, path, "cancel", reason="client_ill", words="flu")
    seen = world.ben.get(path)
    assert seen.json()["cancellation_words"] == "flu"
    assert listed(world.ben, client_id=client) == [path]
    assert world.ben.get(f"{path}/before-leaving").status_code == 200
    etag = seen.headers["etag"]
    assert world.ben.patch(path, {"modality": "room"}, etag=etag).status_code == 404
    assert world.ben.post(f"{path}/start", {"at": at(0)}).status_code == 404
    assert world.ben.post(f"{path}/cancel", {"reason": "client_ill"}).status_code == 404
    assert world.ben.post("/v1/sessions", a_plan(client)).json()["pointer"] == "/client_id"
