"""What to do instead of walking a route, over HTTP."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.http.things import new
from tests.http.world import Phone, World
from tests.walks.drawings import draw
from tests.walks.test_features_over_http import id_of, mark


def a_place(phone: Phone, kind: str = "room", **members: Any) -> str:
    place = {"id": str(uuid4()), "kind": kind, "name": "Lock House", **members}
    assert phone.post("/v1/places", place).status_code == 201
    return str(place["id"])


def put(phone: Phone, path: str, *alternatives: dict[str, Any], etag: str | None = None) -> httpx.Response:
    headers = {"If-Match": etag or phone.get(path).headers["etag"]}
    return phone.put(f"{path}/alternatives", json={"alternatives": list(alternatives)}, headers=headers)


def read(phone: Phone, path: str) -> dict[str, Any]:
    body: dict[str, Any] = phone.get(f"{path}/alternatives").json()
    return body


def test_alternatives_keep_their_order_and_say_what_each_is_good_for(world: World) -> None:
    path, wood, room = draw(world.ada), draw(world.ada, name="Mill wood"), a_place(world.ada)
    answer = put(
        world.ada,
        path,
        {
            "kind": "route",
            "route_id": id_of(wood),
            "variant": "sheltered",
            "good_for": ["wind", "rain", "wind"],
        },
        {"kind": "room", "place_id": room, "good_for": ["thunder"], "travel_min": 6, "note": "Ring twice."},
        {"kind": "phone"},
    )
    assert answer.status_code == 200, answer.text
    first, second, third = answer.json()["alternatives"]
    assert (first["name"], first["variant"], first["good_for"]) == (
        "Mill wood",
        "sheltered",
        ["wind", "rain"],
    )
    assert (second["name"], second["travel_min"], second["note"]) == ("Lock House", 6, "Ring twice.")
    assert third == {"kind": "phone", "good_for": []}
    assert world.ben.get(f"{path}/alternatives").json() == answer.json()


def test_two_routes_may_name_each_other_and_neither_is_followed(world: World) -> None:
    ridge, wood = draw(world.ada), draw(world.ada)
    for one, other in ((ridge, wood), (wood, ridge)):
        assert put(world.ada, one, {"kind": "route", "route_id": id_of(other)}).status_code == 200
    assert [each["route_id"] for each in read(world.ada, ridge)["alternatives"]] == [id_of(wood)]


def test_a_route_names_neither_itself_nor_another_twice(world: World) -> None:
    path, other = draw(world.ada), {"kind": "route", "route_id": id_of(draw(world.ada))}
    itself = put(world.ada, path, {"kind": "phone"}, {"kind": "route", "route_id": id_of(path)})
    assert (itself.status_code, itself.json()["pointer"]) == (422, "/alternatives/1/route_id")
    twice = put(world.ada, path, other, {"kind": "phone"}, other)
    assert (twice.status_code, twice.json()["pointer"]) == (422, "/alternatives/2")
    assert "alternative 0" in twice.json()["detail"]
    assert read(world.ada, path)["alternatives"] == []


def test_another_practices_route_or_place_is_answered_like_one_that_is_not_there(world: World) -> None:
    path = draw(world.ada)
    theirs = (("route", id_of(draw(world.cleo))), ("room", a_place(world.cleo)))
    for kind, foreign in theirs:
        member = "route_id" if kind == "route" else "place_id"
        answers = [put(world.ada, path, {"kind": kind, member: each}) for each in (foreign, new())]
        problems = [each.json() | {"request_id": None} for each in answers]
        assert problems[0] == problems[1]
        assert (problems[0]["status"], problems[0]["pointer"]) == (422, f"/alternatives/0/{member}")


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"kind": "route"}, "route_id"),
        ({"kind": "room"}, "place_id"),
        ({"kind": "phone", "route_id": str(uuid4())}, "route_id"),
        ({"kind": "phone", "variant": "short"}, "variant"),
    ],
    ids=["no route", "no room", "a route by phone", "a version by phone"],
)
def test_an_alternative_names_what_its_kind_needs(
    world: World, members: dict[str, Any], pointer: str
) -> None:
    answer = put(world.ada, draw(world.ada), members)
    assert (answer.status_code, answer.json()["pointer"]) == (422, f"/alternatives/0/{pointer}")


def test_a_room_is_not_named_as_online(world: World) -> None:
    answer = put(world.ada, draw(world.ada), {"kind": "online", "place_id": a_place(world.ada)})
    assert (answer.status_code, answer.json()["detail"]) == (422, "it is of kind room")


def test_an_archived_alternative_is_said_to_be_skipped_and_the_last_resort_takes_its_place(
    world: World,
) -> None:
    path, wood = draw(world.ada), draw(world.ada)
    room = a_place(world.ada)
    assert put(world.ada, path, {"kind": "route", "route_id": id_of(wood)}).status_code == 200
    resort = {"kind": "room", "place_id": room}
    assert world.ada.put("/v1/practice/last-resort", json=resort).status_code == 200
    assert "last_resort" not in read(world.ada, path)
    etag = world.ada.get(f"{path}/alternatives").headers["etag"]
    assert world.ada.patch(wood, {"archived": True}).status_code == 200
    after = world.ada.get(f"{path}/alternatives", headers={"If-None-Match": etag})
    assert after.status_code == 200
    assert [each["skipped"] for each in after.json()["alternatives"]] == ["archived"]
    assert after.json()["last_resort"] == {
        "kind": "room", "place_id": room, "name": "Lock House", "good_for": []
    }  # fmt: skip


def test_the_last_resort_is_the_owners_to_name_and_to_take_back(world: World) -> None:
    path = draw(world.ada)
    online = a_place(world.ada, "online", url="https://video.example/room")
    named = world.ada.put("/v1/practice/last-resort", json={"kind": "online", "place_id": online})
    assert named.json()["last_resort"]["place_id"] == online
    assert world.ben.put("/v1/practice/last-resort", json={}).status_code == 403
    assert read(world.ben, path)["last_resort"]["kind"] == "online"
    assert world.ada.put("/v1/practice/last-resort", json={}).json() == {}
    assert "last_resort" not in read(world.ada, path)
    foreign = world.ada.put(
        "/v1/practice/last-resort", json={"kind": "room", "place_id": a_place(world.cleo)}
    )
    assert (foreign.status_code, foreign.json()["pointer"]) == (422, "/place_id")


def test_two_phones_naming_alternatives_lose_nothing(world: World) -> None:
    path = draw(world.ada)
    etag = world.ada.get(f"{path}/alternatives").headers["etag"]
    assert put(world.ada, path, {"kind": "phone"}, etag=etag).status_code == 200
    assert put(world.ben, path, {"kind": "online"}, etag=etag).status_code == 412
    assert [each["kind"] for each in read(world.ada, path)["alternatives"]] == ["phone"]


@pytest.mark.parametrize("kind", ["shelter", "bus_stop", "bench"])
def test_an_open_shelter_is_no_refuge_from_lightning(world: World, kind: str) -> None:
    path = draw(world.ada)
    feature = {"id": new(), "kind": kind, "lon": 8.004, "lat": 52.0, "thunder_refuge": "yes"}
    refused = world.ada.post(f"{path}/features", feature)
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/thunder_refuge")
    assert world.ada.post(f"{path}/features", feature | {"thunder_refuge": "no"}).status_code == 201


def test_a_building_is_a_refuge_from_lightning_until_it_becomes_something_else(world: World) -> None:
    path = draw(world.ada)
    cafe = mark(world.ada, path, kind="cafe", thunder_refuge="yes")
    assert world.ada.get(cafe).json()["thunder_refuge"] == "yes"
    assert world.ada.patch(cafe, {"kind": "shelter"}).status_code == 422
    changed = world.ada.patch(cafe, {"kind": "shelter", "thunder_refuge": "unknown"})
    assert (changed.status_code, changed.json()["thunder_refuge"]) == (200, "unknown")
