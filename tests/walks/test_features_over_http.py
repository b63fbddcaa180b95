"""Features of routes, over HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import pytest

from tests.http.look import Look
from tests.http.world import Phone, World
from tests.walks.contention import Rival
from tests.walks.drawings import OTHER_LINE, draw, replace_line


def a_feature(**changes: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "kind": "bench", "lon": 8.004, "lat": 52.0, **changes}


def mark(phone: Phone, path: str, **changes: Any) -> str:
    """Mark a feature on a route and return its path."""
    answer = phone.post(f"{path}/features", a_feature(**changes))
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


def test_features_keep_their_places_when_the_line_changes(world: World) -> None:
    path = draw(world.ada)
    bench = {"id": str(uuid4()), "kind": "bench", "lon": 8.015, "lat": 52.0}
    added = world.ada.post(f"{path}/features", bench).json()
    assert added["offset_m"] == pytest.approx(343, abs=1)
    replaced = replace_line(world.ada, path, OTHER_LINE)
    (feature,) = replaced.json()["route"]["features"]
    assert (feature["lon"], feature["lat"]) == (8.015, 52.0)
    assert feature["along_m"] == pytest.approx(1_030, abs=1)
    assert feature["offset_m"] == pytest.approx(0, abs=0.1)
    assert feature["revision"] == replaced.json()["route"]["revision"]


def test_two_phones_change_a_routes_line_and_features_at_once_and_nothing_is_lost(world: World) -> None:
    path = draw(world.ada)
    kept, moving, going = (mark(world.ada, path) for _ in range(3))
    lines = [[[8.0, 52.0], [8.0 + number / 100, 52.001]] for number in range(1, 6)]
    added = [str(uuid4()) for _ in lines]

    def writes_of_ben(number: int) -> list[httpx.Response]:
        sent = a_feature(id=added[number])
        moved = {"lon": 8.001 + number / 1_000, "lat": 52.0}
        return [
            until_done(lambda: world.ben.post(f"{path}/features", sent)),
            until_done(lambda: world.ben.patch(moving, moved, etag="*")),
            until_done(lambda: world.ben.delete(going)),
        ]

    with ThreadPoolExecutor(10) as phones:
        replacing = [
            phones.submit(until_done, partial(replace_line, world.ada, path, each, etag="*"))
            for each in lines
        ]
        changing = [phones.submit(writes_of_ben, number) for number in range(5)]
    assert {each.result().status_code for each in replacing} == {200}
    assert {each.status_code for all_three in changing for each in all_three.result()} <= {200, 201, 204}

    versions = world.ada.get(f"{path}/versions").json()["items"]
    assert [each["version"] for each in versions] == [6, 5, 4, 3, 2, 1]
    features = {each["id"]: each for each in world.ada.get(path).json()["features"]}
    assert set(features) == {*added, id_of(kept), id_of(moving)}
    for feature in features.values():
        anew = world.ada.get(mark(world.ada, path, lon=feature["lon"])).json()
        assert (feature["along_m"], feature["offset_m"]) == (anew["along_m"], anew["offset_m"])


def until_done(write: Callable[[], httpx.Response]) -> httpx.Response:
    """Send a write as a phone does: again for as long as the answer is 503."""
    for _ in range(20):
        answer = write()
        if answer.status_code != 503:
            return answer
        assert answer.headers["retry-after"]
    raise AssertionError("still crowded out after twenty times")


ANOTHER_LINE: Final = """
    WITH added AS (
        INSERT INTO route_version
        SELECT (jsonb_populate_record(route_version, jsonb_build_object('version', version + 1))).*
          FROM route_version
         WHERE practice_id = $1
           AND route_id = $2
         ORDER BY version DESC
         LIMIT 1
     RETURNING version
    )
    UPDATE route
       SET version = added.version
      FROM added
     WHERE practice_id = $1
       AND id = $2
"""
MOVED_FEATURES: Final = """
    UPDATE route_feature
       SET lon = lon + 0.001
     WHERE practice_id = $1
       AND route_id = $2
"""


@pytest.mark.parametrize("changes", [1, 4])
def test_a_feature_is_added_though_another_process_has_just_replaced_the_line(
    world: World, look: Look, changes: int
) -> None:
    path = draw(world.ada)
    rival = Rival(look, world.practice_id, UUID(id_of(path)), ANOTHER_LINE)
    sent = a_feature()
    answer = rival.against(lambda: world.ada.post(f"{path}/features", sent), changes=changes)
    assert answer.status_code == 201
    assert world.ada.get(path).json()["version"] == 1 + changes
    assert [each["id"] for each in world.ada.get(path).json()["features"]] == [sent["id"]]


def test_a_feature_crowded_out_by_another_process_is_refused_and_may_be_sent_again(
    world: World, look: Look
) -> None:
    path = draw(world.ada)
    rival = Rival(look, world.practice_id, UUID(id_of(path)), ANOTHER_LINE)
    sent = a_feature()
    crowded = rival.against(lambda: world.ada.post(f"{path}/features", sent), changes=10)
    assert (crowded.status_code, crowded.json()["type"]) == (503, "urn:towpath:problem:unavailable")
    assert crowded.headers["retry-after"]
    assert world.ada.get(path).json()["features"] == []
    assert world.ada.post(f"{path}/features", sent).status_code == 201


def test_a_move_crowded_out_by_another_process_leaves_the_feature_where_it_was(
    world: World, look: Look
) -> None:
    path = draw(world.ada)
    place = mark(world.ada, path)
    before = world.ada.get(place).json()
    rival = Rival(look, world.practice_id, UUID(id_of(path)), ANOTHER_LINE)
    key = {"Idempotency-Key": "move"}

    def move() -> httpx.Response:
        return world.ada.patch(place, {"lon": 8.01, "lat": 52.0}, etag="*", headers=key)

    assert rival.against(move, changes=10).status_code == 503
    assert world.ada.get(place).json() == before
    assert move().json()["lon"] == 8.01


def test_a_line_crowded_out_by_another_process_changes_nothing_and_may_be_sent_again(
    world: World, look: Look
) -> None:
    path = draw(world.ada)
    place = mark(world.ada, path)
    rival = Rival(look, world.practice_id, UUID(id_of(path)), MOVED_FEATURES)

    def replace() -> httpx.Response:
        return replace_line(world.ada, path, OTHER_LINE, etag="*")

    crowded = rival.against(replace, changes=10)
    assert (crowded.status_code, crowded.json()["type"]) == (503, "urn:towpath:problem:unavailable")
    assert world.ada.get(path).json()["version"] == 1
    assert world.ada.get(place).json()["lon"] == pytest.approx(8.004 + 5 * 0.001)
    assert replace().status_code == 200


def test_a_line_is_replaced_once_another_process_lets_its_features_be(world: World, look: Look) -> None:
    path = draw(world.ada)
    place = mark(world.ada, path)
    rival = Rival(look, world.practice_id, UUID(id_of(path)), MOVED_FEATURES)
    answer = rival.against(lambda: replace_line(world.ada, path, OTHER_LINE, etag="*"), changes=3)
    assert answer.status_code == 200
    moved = world.ada.get(place).json()
    assert moved["lon"] == pytest.approx(8.004 + 3 * 0.001)
    anew = world.ada.get(mark(world.ada, path, lon=moved["lon"])).json()
    assert (moved["along_m"], moved["offset_m"]) == (anew["along_m"], anew["offset_m"])


def test_an_edit_sent_twice_is_made_once(world: World) -> None:
    place = mark(world.ada, draw(world.ada))
    etag = world.ada.get(place).headers["etag"]
    key = {"Idempotency-Key": "edit"}
    moved = {"lon": 8.008, "lat": 52.0, "name": "Weir bench"}
    first, again = (world.ada.patch(place, moved, etag=etag, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert (first.json(), first.headers["etag"]) == (again.json(), again.headers["etag"])
    other = world.ada.patch(place, {"name": "Lock bench"}, etag=etag, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "urn:towpath:problem:idempotency-key-reused")


def test_an_edit_sent_again_after_another_answers_the_feature_as_it_is_now(world: World) -> None:
    place = mark(world.ada, draw(world.ada))
    etag = world.ada.get(place).headers["etag"]
    key = {"Idempotency-Key": "edit"}
    world.ada.patch(place, {"name": "Weir bench"}, etag=etag, headers=key)
    latest = world.ben.patch(place, {"name": "Lock bench"})
    again = world.ada.patch(place, {"name": "Weir bench"}, etag=etag, headers=key)
    assert (again.status_code, again.json()) == (200, latest.json())


def test_two_edits_of_one_version_do_not_both_succeed(world: World) -> None:
    path = draw(world.ada)
    place = mark(world.ada, path)
    etag = world.ada.get(place).headers["etag"]
    assert world.ada.patch(place, {"kind": "shelter"}, etag=etag).status_code == 200
    stale = world.ben.patch(place, {"name": "Weir bench"}, etag=etag)
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:towpath:problem:stale")
    assert world.ben.patch(place, {"name": "Weir bench"}, etag=stale.json()["etag"]).status_code == 200
    feature = world.ada.get(place).json()
    assert (feature["kind"], feature["name"]) == ("shelter", "Weir bench")
    assert world.ada.get(path).json()["features"] == [feature]


def test_a_feature_changed_since_it_was_read_is_not_deleted(world: World) -> None:
    path = draw(world.ada)
    place = mark(world.ada, path)
    etag = world.ada.get(place).headers["etag"]
    changed = world.ben.patch(place, {"name": "Weir bench"})
    stale = world.ada.delete(place, headers={"If-Match": etag})
    assert (stale.status_code, stale.json()["etag"]) == (412, changed.headers["etag"])
    assert world.ada.get(place).json() == changed.json()
    unread = world.ada.delete(place, headers={"If-Match": "latest"})
    assert (unread.status_code, unread.json()["parameter"]) == (400, "If-Match")
    for _ in range(2):
        assert world.ada.delete(place, headers={"If-Match": changed.headers["etag"]}).status_code == 204
    assert world.ada.get(path).json()["features"] == []


def test_a_feature_is_marked_changed_and_removed(world: World) -> None:
    path = draw(world.ada)
    before = world.ada.get(path).headers["etag"]
    sent = {"id": str(uuid4()), "kind": "hazard", "lon": 8.005, "lat": 52.0, "name": "Low branch"}
    answer = world.ada.post(f"{path}/features", sent)
    assert answer.status_code == 201
    place = answer.headers["location"]
    assert world.ada.get(place).json() == answer.json() == answer.json() | sent
    marked = world.ada.get(path)
    assert marked.json()["features"] == [answer.json()]
    assert marked.headers["etag"] != before
    moved = world.ada.patch(place, {"lon": 8.01, "lat": 52.0, "name": None})
    assert moved.json()["along_m"] == pytest.approx(686.5, abs=1)
    assert "name" not in moved.json()
    assert world.ada.get(path).headers["etag"] != marked.headers["etag"]
    assert world.ada.delete(place).status_code == 204
    assert world.ada.delete(place).status_code == 204
    assert world.ada.get(place).status_code == 404
    assert world.ada.get(path).json()["features"] == []
    assert world.ada.delete(f"{path}/features/{uuid4()}").status_code == 404


def test_a_feature_sent_again_is_marked_once(world: World) -> None:
    path = draw(world.ada)
    sent = {"id": str(uuid4()), "kind": "exit", "lon": 8.0, "lat": 52.0}
    first, again = (world.ada.post(f"{path}/features", sent) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert world.ada.post(f"{path}/features", sent | {"kind": "gate"}).status_code == 409
    world.ada.delete(first.headers["location"])
    assert world.ada.post(f"{path}/features", sent).status_code == 409


def test_a_feature_moves_in_both_directions_or_not_at_all(world: World) -> None:
    path = draw(world.ada)
    sent = {"id": str(uuid4()), "kind": "exit", "lon": 8.0, "lat": 52.0}
    place = world.ada.post(f"{path}/features", sent).headers["location"]
    answer = world.ada.patch(place, {"lon": 8.01})
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/lat")


def test_a_feature_belongs_to_its_route(world: World) -> None:
    path, other = draw(world.ada), draw(world.ada)
    sent = {"id": str(uuid4()), "kind": "exit", "lon": 8.0, "lat": 52.0}
    world.ada.post(f"{path}/features", sent)
    assert world.ada.get(f"{other}/features/{sent['id']}").status_code == 404
    assert world.ada.delete(f"{other}/features/{sent['id']}").status_code == 404
    assert world.ada.post(f"/v1/routes/{uuid4()}/features", sent | {"id": str(uuid4())}).status_code == 404


def test_a_removed_feature_is_removed_under_its_own_route_only(world: World) -> None:
    path, other = mark(world.ada, draw(world.ada)), draw(world.ada)
    assert world.ada.delete(path).status_code == 204
    assert world.ada.delete(path).status_code == 204
    assert world.ada.delete(f"{other}/features/{id_of(path)}").status_code == 404
