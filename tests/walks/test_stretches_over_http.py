"""What is known along a route, over HTTP."""

from typing import Any

import httpx
import pytest

from tests.http.sessions import a_session
from tests.http.world import Phone, World
from tests.walks.drawings import draw, replace_line
from tests.walks.test_features_over_http import id_of, mark

LINE = [[8.0, 52.0], [8.02, 52.0]]


def drawn(phone: Phone) -> str:
    return draw(phone, geojson={"type": "LineString", "coordinates": LINE})


def put(phone: Phone, path: str, *stretches: dict[str, Any], etag: str | None = None) -> httpx.Response:
    headers = {"If-Match": etag or phone.get(path).headers["etag"]}
    return phone.put(f"{path}/stretches", json={"stretches": list(stretches)}, headers=headers)


def change(phone: Phone, path: str, **members: Any) -> dict[str, Any]:
    answer = phone.patch(f"{path}/stretches", members)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def parts(body: dict[str, Any], name: str = "surface") -> list[tuple[float, float, Any]]:
    return [(each["from_m"], each["to_m"], each.get(name)) for each in body["stretches"]]


def test_a_route_drawn_a_minute_ago_is_one_stretch_of_which_all_is_unset(world: World) -> None:
    path = drawn(world.ada)
    answer = world.ada.get(f"{path}/stretches")
    body = answer.json()
    (whole,) = body["stretches"]
    assert (whole["from_m"], whole["to_m"]) == (0, body["length_m"])
    assert {"surface", "canopy", "wind", "shade", "shelter", "light", "privacy"} <= set(whole["unset"])
    assert answer.headers["etag"] == world.ada.get(path).headers["etag"]


def test_a_property_is_set_from_a_metre_to_a_feature_and_along_the_whole_line(world: World) -> None:
    path = drawn(world.ada)
    gate = id_of(mark(world.ada, path, kind="gate", lon=8.01))
    length_m = world.ada.get(path).json()["length_m"]
    gate_m = world.ada.get(f"{path}/features/{gate}").json()["along_m"]
    change(world.ada, path, surface="gravel")
    body = change(world.ada, path, from_m=200, to_feature_id=gate, surface="mud_prone", privacy=3)
    expected = [(0, 200, "gravel"), (200, gate_m, "mud_prone"), (gate_m, length_m, "gravel")]
    assert parts(body) == expected
    assert "privacy" not in body["stretches"][1]["unset"]
    body = change(world.ada, path, surface="gravel", privacy=None)
    assert parts(body) == [(0, length_m, "gravel")]


def test_what_was_read_can_be_sent_back(world: World) -> None:
    path = drawn(world.ada)
    people = {"weekend_morning": "many"}
    first = put(
        world.ada,
        path,
        {"from_m": 300, "to_m": 700, "canopy": "woodland", "people": people, "width_m": 1.5},
        {"from_m": 0, "to_m": 300, "water_beside": True, "phone_signal": "none"},
    ).json()
    again = [
        {name: value for name, value in each.items() if name not in {"unset", "slope"}}
        for each in first["stretches"]
    ]
    assert put(world.ada, path, *again).json() == first
    assert first["stretches"][1]["people"] == people


def test_overlapping_and_off_line_stretches_are_refused_and_nothing_changes(world: World) -> None:
    path = drawn(world.ada)
    known = change(world.ada, path, to_m=300, light="lit")
    overlapping = put(world.ada, path, {"from_m": 0, "to_m": 500}, {"from_m": 400, "to_m": 600})
    assert (overlapping.status_code, overlapping.json()["pointer"]) == (422, "/stretches/1/from_m")
    assert "from 400.0 m to 500.0 m" in overlapping.json()["detail"]
    beyond = put(world.ada, path, {"from_m": 0, "to_m": 5_000})
    assert (beyond.status_code, beyond.json()["pointer"]) == (422, "/stretches/0/to_m")
    assert world.ada.get(f"{path}/stretches").json() == known


def test_two_phones_changing_one_route_lose_nothing(world: World) -> None:
    path = drawn(world.ada)
    etag = world.ada.get(path).headers["etag"]
    assert put(world.ada, path, {"from_m": 0, "to_m": 500, "light": "lit"}, etag=etag).status_code == 200
    stale = put(world.ben, path, {"from_m": 0, "to_m": 500, "light": "unlit"}, etag=etag)
    assert stale.status_code == 412
    moved = replace_line(world.ben, path, [*LINE, [8.03, 52.0]], etag=etag)
    assert moved.status_code == 412
    assert parts(world.ada.get(f"{path}/stretches").json(), "light")[0][2] == "lit"


def test_a_new_line_takes_stretches_along_and_reports_what_lost_its_place(world: World) -> None:
    path = drawn(world.ada)
    bench = id_of(mark(world.ada, path, lon=8.018))
    session = a_session(world.ada, route_id=id_of(path))
    known = put(
        world.ada,
        path,
        {"from_m": 100, "to_m": 400, "surface": "gravel"},
        {"from_m": 1_000, "to_m": 1_300, "surface": "sand"},
    ).json()
    assert replace_line(world.ada, path, [[8.0, 52.0], [8.01, 52.0], [8.01, 52.01]]).status_code == 200
    moved = world.ada.get(f"{path}/stretches").json()
    assert moved["version"] == 2
    assert parts(moved)[:2] == [(0, 100, None), (100, 400, "gravel")]
    assert [(each["from_m"], each["to_m"], each["surface"]) for each in moved["lost"]] == [
        (1_000, 1_300, "sand")
    ]
    assert moved["lost_features"] == [bench]
    assert bench in {each["id"] for each in world.ada.get(path).json()["features"]}
    version = world.ada.get(session).json()["route_version"]
    assert world.ada.get(f"{path}/stretches", params={"version": version}).json() == known


@pytest.mark.parametrize("version", [2, 999_999])
def test_a_line_the_route_never_had_is_not_there(world: World, version: int) -> None:
    path = drawn(world.ada)
    assert world.ada.get(f"{path}/stretches", params={"version": version}).status_code == 404


def test_a_session_on_the_line_before_finds_its_stretches_as_they_were(world: World) -> None:
    path = drawn(world.ada)
    change(world.ada, path, surface="gravel")
    assert replace_line(world.ada, path, [*LINE, [8.03, 52.0]]).status_code == 200
    change(world.ada, path, surface="sand")
    before = world.ada.get(f"{path}/stretches", params={"version": 1}).json()
    assert {each["surface"] for each in before["stretches"]} == {"gravel"}
