"""Changes of modality, route and place over HTTP: reported, put right, shown as spans."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from service.sessions.sessions import MOST_CHANGES
from tests.http.look import Look
from tests.http.sessions import a_recording, a_session, held, send_track
from tests.http.sessions import at as second
from tests.http.world import Phone, World
from tests.sessions.reporting import UNKNOWN, a_client, a_route, at, planned, refused, tell


def a_place(phone: Phone) -> str:
    """Add a room and return its id."""
    place = {"id": str(uuid4()), "kind": "room", "name": "Lock House"}
    assert phone.post("/v1/places", place).status_code == 201
    return str(place["id"])


def a_new_line(phone: Phone, route: str) -> None:
    """Replace a route's line, which makes its next version."""
    line = {"type": "LineString", "coordinates": [[8.0, 52.0], [8.02, 52.0]]}
    tag = phone.get(f"/v1/routes/{route}").headers["etag"]
    headers = {"If-Match": tag, "Content-Type": "application/geo+json"}
    replaced = phone.put(f"/v1/routes/{route}/line", content=msgspec.json.encode(line), headers=headers)
    assert replaced.status_code == 200, replaced.text


def rows(look: Look, path: str) -> list[dict[str, Any]]:
    """Return the rows of a session's changes, by instant."""
    return look.rows("SELECT * FROM session_change WHERE session_id = $1::uuid ORDER BY at", path[-36:])


def tombstones(look: Look, world: World) -> set[str]:
    """Return the ids of the changes of which a tombstone was left."""
    sql = "SELECT id FROM tombstone WHERE practice_id = $1 AND kind = 'session_change'"
    return {str(row["id"]) for row in look.rows(sql, world.practice_id)}


def test_going_indoors_needs_no_reason_and_keeps_one(world: World) -> None:
    path = planned(world.ada)
    tell(world.ada, path, "start", at=at(0))
    told = tell(world.ada, path, "changes", modality="room", at=at(20))
    assert [each["modality"] for each in told["spans"]] == ["walk", "room"]
    assert told["changes"][0].keys() == {"id", "modality", "at", "received_at"}
    reason = {"asked_by": "client", "reason": "cold hands"}
    told = tell(world.ada, path, "changes", modality="room", at=at(20), **reason)
    assert told["changes"][0] | reason == told["changes"][0]
    assert refused(world.ada.post(f"{path}/changes", {"modality": "phone", "at": at(20)}))


def test_a_switch_to_an_alternative_route_or_place_is_a_span(world: World) -> None:
    route, alternative, place = a_route(world.ada), a_route(world.ada), a_place(world.ada)
    path = planned(world.ada, route_id=route)
    tell(world.ada, path, "start", at=at(0))
    tell(world.ada, path, "changes", modality="walk", at=at(10), route_id=alternative)
    tell(world.ada, path, "changes", modality="room", at=at(20), place_id=place)
    told = tell(world.ada, path, "end", at=at(50))
    on = {"modality": "walk", "route_version": 1}
    assert told["spans"] == [
        on | {"route_id": route, "starts_at": at(0), "ends_at": at(10)},
        on | {"route_id": alternative, "starts_at": at(10), "ends_at": at(20)},
        {"modality": "room", "place_id": place, "starts_at": at(20), "ends_at": at(50)},
    ]
    assert (told["route_id"], [each.get("route_id") for each in told["changes"]]) == (
        route,
        [alternative, None],
    )
    assert world.ada.get("/v1/sessions", params={"status": "completed"}).json()["items"] == [told]


def test_a_switch_pins_the_line_in_use_when_it_is_reported(world: World) -> None:
    route, path = a_route(world.ada), planned(world.ada)
    report = {"modality": "walk", "at": at(10), "route_id": route}
    first = tell(world.ada, path, "changes", **report)
    a_new_line(world.ada, route)
    assert tell(world.ada, path, "changes", **report) == first
    assert refused(world.ada.post(f"{path}/changes", report | {"route_version": 2}))
    told = tell(world.ada, path, "changes", **report | {"at": at(20)})
    assert [each["route_version"] for each in told["changes"]] == [1, 2]
    assert [each.get("route_version") for each in told["spans"]] == [None, 1, 2]
    told = world.ada.patch(path, {"changes": [report]}).json()
    assert [each["route_version"] for each in told["changes"]] == [1]


@pytest.mark.parametrize(
    ("wrong", "member"),
    [
        ({"route_id": UNKNOWN}, "route_id"),
        ({"route_id": UNKNOWN, "route_version": 1}, "route_version"),
        ({"route_version": 1}, "route_version"),
        ({"place_id": UNKNOWN}, "place_id"),
    ],
)
def test_a_change_to_what_the_practice_does_not_have_says_where(
    world: World, wrong: dict[str, Any], member: str
) -> None:
    path = planned(world.ada)
    change = {"modality": "walk", "at": at(10)}
    answers = {
        f"/{member}": world.ada.post(f"{path}/changes", change | wrong),
        f"/changes/1/{member}": world.ada.patch(path, {"changes": [change, change | wrong | {"at": at(20)}]}),
    }
    assert {each.status_code for each in answers.values()} == {422}
    assert [each.json()["pointer"] for each in answers.values()] == list(answers)
    assert world.ada.get(path).json()["changes"] == []


def test_before_leaving_the_route_switched_to_is_timed(world: World) -> None:
    client = a_client(world.ada, flat_pace_mps=1.0, rests_s=0)
    far = {"type": "LineString", "coordinates": [[8.0, 52.0], [8.1, 52.0]]}
    path = planned(world.ada, client, route_id=a_route(world.ada))
    assert world.ada.get(f"{path}/before-leaving").json()["concerns"] == []
    longer = a_route(world.ada, geojson=far)
    tell(world.ada, path, "changes", modality="walk", at=at(-5), route_id=longer)
    told = world.ada.get(f"{path}/before-leaving").json()
    assert [each["kind"] for each in told["concerns"]] == ["route_longer_than_session"]
    assert told["walk"]["length_m"] == world.ada.get(f"/v1/routes/{longer}").json()["length_m"]


def test_a_switch_leaves_the_track_compared_with_the_planned_line(world: World) -> None:
    path = a_session(world.ada, route_id=a_route(world.ada))
    held(world.ada, path)
    assert send_track(world.ada, path, a_recording()).status_code == 201
    before = world.ada.get(f"{path}/track")
    tell(world.ada, path, "changes", modality="walk", at=second(600), route_id=a_route(world.ada))
    after = world.ada.get(f"{path}/track")
    assert "deviation" in before.json()
    assert (after.json(), after.headers["etag"]) == (before.json(), before.headers["etag"])


def test_a_change_has_the_id_its_phone_made_or_one_of_its_write(world: World, look: Look) -> None:
    path, change_id = planned(world.ada), str(uuid4())
    told = tell(world.ada, path, "changes", id=change_id, modality="room", at=at(20))
    assert [each["id"] for each in told["changes"]] == [change_id]
    key = {"Idempotency-Key": uuid4().hex}
    report = {"modality": "walk", "at": at(30)}
    answers = [world.ada.post(f"{path}/changes", report, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(rows(look, path)) == 2
    assert UUID(answers[0].json()["changes"][1]["id"]).version == 5


def test_a_change_of_one_id_is_told_once(world: World) -> None:
    path, change_id = planned(world.ada), str(uuid4())
    tell(world.ada, path, "changes", id=change_id, modality="room", at=at(20))
    assert refused(world.ada.post(f"{path}/changes", {"id": change_id, "modality": "room", "at": at(21)}))


def test_an_id_of_another_sessions_change_is_taken(world: World) -> None:
    change_id = str(uuid4())
    tell(world.ada, planned(world.ada), "changes", id=change_id, modality="room", at=at(20))
    change = {"id": change_id, "modality": "room", "at": at(20)}
    for phone in (world.ada, world.ben):
        path = planned(phone)
        for answer in (phone.post(f"{path}/changes", change), phone.patch(path, {"changes": [change]})):
            assert (answer.status_code, answer.json()["type"]) == (409, "urn:towpath:problem:id-taken")
        assert phone.get(path).json()["changes"] == []
    assert world.cleo.post(f"{planned(world.cleo)}/changes", change).status_code == 200


def test_changes_are_put_right_and_leave_tombstones(world: World, look: Look) -> None:
    path = planned(world.ada)
    tell(world.ada, path, "start", at=at(0))
    first = tell(world.ada, path, "changes", modality="room", at=at(20), reason="rain")["changes"][0]
    changes = [{"modality": "walk", "at": at(30), "asked_by": "both"}, {"modality": "room", "at": at(20)}]
    right = world.ada.patch(path, {"changes": changes}).json()
    assert [each["modality"] for each in right["spans"]] == ["walk", "room", "walk"]
    assert right["changes"][0] == {name: first[name] for name in ("id", "modality", "at", "received_at")}
    assert right["changes"][1]["asked_by"] == "both"
    assert tombstones(look, world) == set()
    assert len(world.ada.patch(path, {"changes": []}).json()["spans"]) == 1
    assert rows(look, path) == []
    assert tombstones(look, world) == {each["id"] for each in right["changes"]}


def test_two_changes_may_swap_their_instants(world: World) -> None:
    path = planned(world.ada)
    tell(world.ada, path, "changes", modality="room", at=at(20))
    told = tell(world.ada, path, "changes", modality="online", at=at(30))
    first, second = ({"id": each["id"], "modality": each["modality"]} for each in told["changes"])
    swapped = world.ada.patch(path, {"changes": [first | {"at": at(30)}, second | {"at": at(20)}]})
    assert swapped.status_code == 200, swapped.text
    assert [(each["id"], each["at"]) for each in swapped.json()["changes"]] == [
        (second["id"], at(20)),
        (first["id"], at(30)),
    ]
    assert world.ada.get(path).json() == swapped.json()


def test_only_the_change_that_changed_gets_the_revision(world: World, look: Look) -> None:
    path = planned(world.ada)
    for minutes in (20, 30):
        tell(world.ada, path, "changes", modality="room", at=at(minutes))
    before, later = rows(look, path)
    told = tell(world.ada, path, "changes", modality="room", at=at(30), reason="rain")
    now = rows(look, path)
    assert now[0] == before
    assert (now[1]["revision"], now[1]["received_at"]) == (told["revision"], later["received_at"])


def test_what_is_said_about_a_change_is_sealed(world: World, look: Look) -> None:
    path = planned(world.ada)
    said = {"asked_by": "client", "reason": "a migraine since Sunday"}
    told = tell(world.ada, path, "changes", modality="room", at=at(20), **said)
    assert told["changes"][0] | said == told["changes"][0]
    [row] = rows(look, path)
    assert b"migraine" not in row["sealed"]
    stored = look.value("SELECT session_change::text FROM session_change WHERE id = $1", row["id"])
    assert "client" not in stored.replace("client_id", "")
    long = "It rained. " * 300
    told = tell(world.ada, path, "changes", modality="room", at=at(20), reason=long.strip())
    assert told["changes"][0]["reason"] == long.strip()


def test_a_colleague_who_may_read_a_session_reads_its_changes(world: World, look: Look) -> None:
    path = planned(world.ada)
    told = tell(world.ada, path, "changes", modality="room", at=at(20))
    ben = str(world.ben.therapist_id)
    look.rows("UPDATE session SET viewers = ARRAY[$1::uuid] WHERE id = $2::uuid", ben, path[-36:])
    assert world.ben.get(path).json()["changes"] == []
    look.rows(
        "UPDATE session_change SET viewers = ARRAY[$1::uuid] WHERE session_id = $2::uuid", ben, path[-36:]
    )
    assert world.ben.get(path).json()["changes"] == told["changes"]
    assert world.ben.post(f"{path}/changes", {"modality": "walk", "at": at(30)}).status_code == 404


def test_a_change_is_seen_by_those_who_may_see_its_session(world: World, look: Look) -> None:
    client = a_client(world.ada)
    ben = str(world.ben.therapist_id)
    look.rows("UPDATE client SET viewers = ARRAY[$1::uuid] WHERE id = $2::uuid", ben, client)
    path = planned(world.ada, client)
    told = tell(world.ada, path, "changes", modality="room", at=at(20))
    assert world.ben.get(path).json()["changes"] == told["changes"]


def test_a_session_takes_so_many_changes_and_no_more(world: World) -> None:
    path = planned(world.ada)
    changes = [{"modality": "room", "at": at(minute)} for minute in range(MOST_CHANGES)]
    assert len(world.ada.patch(path, {"changes": changes}).json()["changes"]) == MOST_CHANGES
    assert refused(world.ada.post(f"{path}/changes", {"modality": "walk", "at": at(99)}))
    too_many = world.ada.patch(path, {"changes": [*changes, {"modality": "walk", "at": at(99)}]})
    assert too_many.status_code == 400
