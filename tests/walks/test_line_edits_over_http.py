"""Edits of a route's line from a phone, over HTTP: all or none, with what lost its place, and undone."""

from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from service.geo.gpx.writer import write_gpx
from tests.http.files import send_file
from tests.http.sessions import HALF_PAST_TWO, a_client, a_session
from tests.http.world import Phone, World
from tests.made_up_walks import on_the_ground, walk

Body = dict[str, Any]
CORNERS = ((0, 0), (400, 0), (400, 300))
LINE = walk(*CORNERS, pace_mps=None, every_m=100)
"""Eight points, 700 m."""


def a_route(phone: Phone) -> str:
    content = write_gpx(LINE, name="Weir", description=None, waypoints=(), created_at=HALF_PAST_TWO)
    answer = send_file(phone, content)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


def edited(phone: Phone, route: str, *edits: Body, **members: Any) -> Body:
    answer = edit(phone, route, *edits, **members)
    assert answer.status_code == 200, answer.text
    body: Body = answer.json()
    return body


def edit(phone: Phone, route: str, *edits: Body, **members: Any) -> Any:
    tag = members.pop("etag", None) or phone.get(route).headers["etag"]
    return phone.patch(f"{route}/line", {"edits": list(edits), **members}, etag=tag)


def line_of(phone: Phone, route: str) -> list[list[float]]:
    coordinates: list[list[float]] = phone.get(f"{route}/geojson").json()["features"][0]["geometry"][
        "coordinates"
    ]
    return coordinates


def place(east_m: float, north_m: float) -> Body:
    lon, lat = on_the_ground(np.array([east_m]), np.array([north_m]))
    return {"lon": round(float(lon[0]), 7), "lat": round(float(lat[0]), 7)}


@pytest.mark.parametrize(
    ("edits", "points", "length_m"),
    [
        ([{"do": "add_point", "after": 7, **place(500, 300)}], 9, 800),
        ([{"do": "add_point", "after": -1, **place(-100, 0)}], 9, 800),
        ([{"do": "move_point", "point": 7, **place(500, 200)}], 8, 600 + 100),
        ([{"do": "remove_points", "first": 5, "last": 7}], 5, 400),
        ([{"do": "remove_points", "first": 0}], 7, 600),
        ([{"do": "reverse"}], 8, 700),
        ([{"do": "keep", "from_m": 150, "to_m": 650}], 7, 500),
        ([{"do": "keep", "to_m": 250}], 4, 250),
        ([{"do": "out_and_back"}], 15, 1_400),
        ([{"do": "close_loop"}], 9, 1_200),
        ([{"do": "keep", "to_m": 400}, {"do": "out_and_back"}, {"do": "reverse"}], 9, 800),
    ],
    ids=lambda each: each[0]["do"] if isinstance(each, list) and len(each) == 1 else None,
)
def test_an_edit_makes_the_line_it_says(
    world: World, edits: list[Body], points: int, length_m: float
) -> None:
    route = a_route(world.ada)
    told = edited(world.ada, route, *edits)["route"]
    assert (told["version"], told["points"]) == (2, points)
    assert told["length_m"] == pytest.approx(length_m, abs=0.5)
    assert world.ada.get(route).json() == told


def test_another_route_is_joined_before_or_after_and_backwards(world: World) -> None:
    first, second = a_route(world.ada), a_route(world.ada)
    edited(world.ada, second, {"do": "reverse"})
    second_id = second.rpartition("/")[2]
    told = edited(world.ada, first, {"do": "join", "route_id": second_id})["route"]
    assert (told["points"], told["length_m"]) == (15, pytest.approx(1_400, abs=0.5))
    third = a_route(world.ada)
    joined = edited(world.ada, third, {"do": "join", "route_id": second_id, "version": 1, "before": True})[
        "route"
    ]
    assert joined["length_m"] == pytest.approx(700 + 500 + 700, abs=1), "with the straight line between"
    elsewhere = a_route(world.cleo).rpartition("/")[2]
    for route_id in (elsewhere, str(uuid4()), third.rpartition("/")[2]):
        refused = edit(world.ada, third, {"do": "reverse"}, {"do": "join", "route_id": route_id})
        assert (refused.status_code, refused.json()["pointer"]) == (422, "/edits/1/route_id")


def test_stretches_and_features_keep_their_ground_and_what_lost_it_is_said(world: World) -> None:
    route = a_route(world.ada)
    stretches = [
        {"from_m": 0, "to_m": 300, "surface": "gravel"},
        {"from_m": 500, "to_m": 700, "surface": "steps"},
    ]
    tag = {"If-Match": world.ada.get(route).headers["etag"]}
    put = world.ada.put(f"{route}/stretches", json={"stretches": stretches}, headers=tag)
    assert put.status_code == 200, put.text
    bench = {"id": str(uuid4()), "kind": "bench", **place(405, 250)}
    assert world.ada.post(f"{route}/features", bench).status_code == 201
    cut = edited(world.ada, route, {"do": "keep", "to_m": 450})
    (lost,) = cut["lost"]
    assert (lost["surface"], lost["from_m"], lost["to_m"]) == ("steps", pytest.approx(500, abs=26), 700)
    assert cut["lost_features"] == [bench["id"]]
    assert [each["surface"] for each in known(world.ada, route)] == ["gravel"]
    back = edited(world.ada, route, restore_version=1)
    assert (back["lost"], back["lost_features"], back["route"]["version"]) == ([], [], 3)
    assert [(each["from_m"], each["to_m"], each["surface"]) for each in known(world.ada, route)] == [
        (0, 300, "gravel"),
        (500, 700, "steps"),
    ]
    again = edited(world.ada, route, {"do": "reverse"})
    assert again["lost"] == []
    assert known(world.ada, route)[0]["surface"] == "steps"


def known(phone: Phone, route: str) -> list[Body]:
    stretches = phone.get(f"{route}/stretches").json()["stretches"]
    return [each for each in stretches if "surface" in each]


def test_undo_brings_the_very_line_back_and_a_session_keeps_its_version(world: World) -> None:
    route = a_route(world.ada)
    before = line_of(world.ada, route)
    session = a_session(world.ada, a_client(world.ada), route_id=route.rpartition("/")[2])
    edited(world.ada, route, {"do": "move_point", "point": 3, **place(350, 50), "ele_m": 12})
    edited(world.ada, route, {"do": "out_and_back"}, {"do": "remove_points", "first": 2, "last": 4})
    assert line_of(world.ada, route) != before
    edited(world.ada, route, restore_version=1)
    assert line_of(world.ada, route) == before
    assert world.ada.get(session).json()["route_version"] == 1


def test_a_failed_edit_leaves_the_old_line_and_says_which_it_was(world: World) -> None:
    route = a_route(world.ada)
    before = world.ada.get(route).json()
    beyond = {"do": "add_point", "after": 7, **place(0, 0)}
    refused: dict[str, list[Body]] = {
        "/edits/0/point": [{"do": "move_point", "point": 8, **place(0, 0)}],
        "/edits/1/last": [{"do": "reverse"}, {"do": "remove_points", "first": 3, "last": 2}],
        "/edits/1/after": [{"do": "remove_points", "first": 0}, beyond],
        "/edits/0": [{"do": "remove_points", "first": 0, "last": 7}],
        "/edits/1": [{"do": "reverse"}, {"do": "remove_points", "first": 1, "last": 7}],
        "/edits/0/from_m": [{"do": "keep", "from_m": 702}],
        "/edits/0/to_m": [{"do": "keep", "from_m": 300, "to_m": 300}],
        "/edits/0/lon": [{"do": "reverse", "lon": 1}],
        "/edits/0/lat": [{"do": "add_point", "after": 0, "lon": 1}],
        "/edits": [],
    }
    for pointer, edits in refused.items():
        answer = edit(world.ada, route, *edits)
        assert (answer.status_code, answer.json()["pointer"]) == (422, pointer), answer.text
    missing = edit(world.ada, route, restore_version=9)
    assert (missing.status_code, missing.json()["pointer"]) == (422, "/restore_version")
    assert world.ada.get(route).json() == before


def test_of_two_phones_that_edit_one_line_the_second_is_told_and_loses_nothing(world: World) -> None:
    route = a_route(world.ada)
    tag = world.ada.get(route).headers["etag"]
    assert edit(world.ada, route, {"do": "reverse"}, etag=tag).status_code == 200
    late = edit(world.ben, route, {"do": "close_loop"}, etag=tag)
    assert (late.status_code, late.json()["type"]) == (412, "urn:towpath:problem:stale")
    assert world.ben.get(route).json()["version"] == 2
