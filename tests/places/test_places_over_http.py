"""Rooms, online addresses and phone numbers, over HTTP."""

from uuid import uuid4

from tests.http.world import World


def a_room(**changes: object) -> dict[str, object]:
    return {"id": str(uuid4()), "kind": "room", "name": "Lock House, first floor", **changes}


def test_a_place_is_kept_as_it_was_sent(world: World) -> None:
    sent = a_room(address="1 Towpath", access="step-free", lon=-0.1, lat=51.5)
    answer = world.ada.post("/v1/places", sent)
    assert answer.status_code == 201
    kept = world.ada.get(answer.headers["location"])
    assert kept.json() | sent == kept.json() == answer.json()
    assert kept.headers["etag"] == answer.headers["etag"]


def test_the_same_create_again_answers_the_same_place(world: World) -> None:
    sent = a_room()
    first, again = world.ada.post("/v1/places", sent), world.ada.post("/v1/places", sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(world.ada.get("/v1/places").json()["items"]) == 1


def test_another_place_under_the_same_id_is_refused(world: World) -> None:
    sent = a_room()
    world.ada.post("/v1/places", sent)
    answer = world.ada.post("/v1/places", sent | {"name": "Another"})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:towpath:problem:id-taken"


def test_a_change_names_the_version_it_is_based_on(world: World) -> None:
    path = world.ada.post("/v1/places", a_room()).headers["location"]
    assert world.ada.send("PATCH", path, json={"name": "New"}).status_code == 428
    stale = world.ada.patch(path, {"name": "New"}, etag='"1"')
    assert stale.status_code == 412
    changed = world.ada.patch(path, {"name": "New", "archived": True})
    assert (changed.status_code, changed.json()["name"]) == (200, "New")
    assert "archived_at" in changed.json()


def test_a_repeated_change_is_made_once_and_answered_twice(world: World) -> None:
    path = world.ada.post("/v1/places", a_room()).headers["location"]
    etag = world.ada.get(path).headers["etag"]
    key = {"Idempotency-Key": "once"}
    first = world.ada.patch(path, {"name": "New"}, etag=etag, headers=key)
    again = world.ada.patch(path, {"name": "New"}, etag=etag, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.headers["etag"] == again.headers["etag"]
    other = world.ada.patch(path, {"name": "Other"}, etag=etag, headers=key)
    assert other.json()["type"] == "urn:towpath:problem:idempotency-key-reused"
    assert other.json()["parameter"] == "Idempotency-Key"


def test_an_unchanged_place_is_answered_304(world: World) -> None:
    path = world.ada.post("/v1/places", a_room()).headers["location"]
    etag = world.ada.get(path).headers["etag"]
    answer = world.ada.get(path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_an_online_place_needs_its_address(world: World) -> None:
    answer = world.ada.post("/v1/places", {"id": str(uuid4()), "kind": "online", "name": "Video"})
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/url")


def test_another_practice_sees_nothing(world: World) -> None:
    path = world.ada.post("/v1/places", a_room()).headers["location"]
    foreign, unknown = world.cleo.get(path), world.cleo.get(f"/v1/places/{uuid4()}")
    assert foreign.status_code == unknown.status_code == 404
    assert world.cleo.get("/v1/places").json() == {"items": []}
    assert world.nobody.get(path).status_code == 401


def test_places_are_read_a_page_at_a_time(world: World) -> None:
    for number in range(5):
        world.ada.post("/v1/places", a_room(name=f"Room {number}"))
    names, cursor = [], None
    for _ in range(3):
        page = world.ada.get(
            "/v1/places", params={"limit": 2} | ({"cursor": cursor} if cursor else {})
        ).json()
        names += [each["name"] for each in page["items"]]
        cursor = page.get("next_cursor")
    assert (names, cursor) == ([f"Room {number}" for number in range(5)], None)


def test_a_body_too_large_names_the_limit(world: World) -> None:
    answer = world.ada.post("/v1/places", a_room(access="x" * 1_000_001))
    assert (answer.status_code, answer.json()["limit"]) == (413, 1_000_000)


def test_a_phone_number_may_not_end_in_a_newline(world: World) -> None:
    phone = {"id": str(uuid4()), "kind": "phone", "name": "Line", "phone_number": "+44 20 7946 0000\n"}
    answer = world.ada.post("/v1/places", phone)
    assert (answer.status_code, answer.json()["pointer"]) == (400, "/phone_number")
