"""The walk pack: one small answer with all that is needed on a walk without signal."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from service.geo.gpx.writer import write_gpx
from tests.http.files import send_file
from tests.http.sessions import HALF_PAST_TWO, a_client, a_session
from tests.http.world import Phone, World
from tests.made_up_walks import on_the_ground, walk

Pack = dict[str, Any]
LINE = walk((0, 0), (1_500, 0), (1_500, 700), pace_mps=None, every_m=5)
"""2,200 m, 441 points, of which three make its shape."""


def a_route(phone: Phone, line: Any = LINE) -> str:
    content = write_gpx(line, name="Weir", description=None, waypoints=(), created_at=HALF_PAST_TWO)
    location: str = send_file(phone, content).headers["location"]
    return location


def add(phone: Phone, route: str, kind: str, east_m: float, **members: Any) -> str:
    lon, lat = on_the_ground(np.array([east_m]), np.array([20.0]))
    feature = {"id": str(uuid4()), "kind": kind, "lon": float(lon[0]), "lat": float(lat[0]), **members}
    assert phone.post(f"{route}/features", feature).status_code == 201
    return str(feature["id"])


def know(phone: Phone, route: str, stretches: list[Pack]) -> None:
    tag = {"If-Match": phone.get(route).headers["etag"]}
    assert phone.put(f"{route}/stretches", json={"stretches": stretches}, headers=tag).status_code == 200


def pack_of(phone: Phone, session: str) -> Pack:
    answer = phone.get(f"{session}/walk-pack")
    assert answer.status_code == 200, answer.text
    pack: Pack = answer.json()
    return pack


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_pack_has_all_that_is_needed_on_the_way(world: World) -> None:
    phone, route = world.ada, a_route(world.ada)
    bench, shelter = add(phone, route, "bench", 500), add(phone, route, "shelter", 900, name="Boathouse")
    know(
        phone,
        route,
        [
            {"from_m": 0, "to_m": 600, "phone_signal": "good"},
            {"from_m": 600, "to_m": 1_000, "phone_signal": "weak"},
        ],
    )
    client = a_client(phone)
    told = {
        "emergency_contact": {"name": "Rowan", "phone_number": "020"},
        "crisis_plan": "Rowan first.",
        "encounter_wording": "A friend from the allotment.",
        "flat_pace_mps": 1.0,
        "rests_s": 0,
    }
    assert phone.patch(f"/v1/clients/{client}", told).status_code == 200
    alternatives = [{"kind": "online", "good_for": ["thunder"]}]
    session = a_session(phone, client, route_id=route.rpartition("/")[2], alternatives=alternatives)
    pack = pack_of(phone, session)
    assert (pack["crisis_plan"], pack["encounter_wording"]) == (
        "Rowan first.",
        "A friend from the allotment.",
    )
    assert pack["emergency_contact"]["name"] == "Rowan"
    assert [each["kind"] for each in pack["alternatives"]] == ["online"]
    assert instant(pack["discard_after"]) - instant(pack["agreed_end"]) == timedelta(hours=24)
    way = pack["walk"]
    assert [len(segment) for segment in way["line"]] == [3]
    assert [each["at_m"] for each in way["marks"]] == [100.0 * number for number in range(22)]
    fourth = {each["facility"]: each for each in way["marks"][4]["nearest"]}
    assert (fourth["bench"]["feature_id"], fourth["shelter"]["feature_id"]) == (bench, shelter)
    assert fourth["bench"]["walk_s"] == pytest.approx(120, abs=3)
    assert fourth["exit"]["walk_s"] == pytest.approx(400, abs=3)
    assert [(each["from_m"], each.get("signal")) for each in way["poor_signal"]] == [
        (600, "weak"),
        (1_000, None),
    ]
    assert [each["late_min"] for each in way["late_starts"]] == [0, 5, 10, 15]
    assert [each["turn_back_m"] for each in way["late_starts"]] == pytest.approx(
        [1_500, 1_350, 1_200, 1_050], abs=30
    )
    assert len({each["turn_back_at"] for each in way["late_starts"]}) == 4
    before = phone.get(f"{session}/before-leaving").json()
    assert way["late_starts"][0]["turn_back_m"] == before["walk"]["turn_back"]["distance_m"]


def test_an_unchanged_pack_costs_a_304_and_a_changed_one_does_not(world: World) -> None:
    phone, route = world.ada, a_route(world.ada)
    session = a_session(phone, route_id=route.rpartition("/")[2])
    path = f"{session}/walk-pack"
    tag = {"If-None-Match": phone.get(path).headers["etag"]}
    again = phone.get(path, headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    add(phone, route, "toilet", 300)
    assert phone.get(path, headers=tag).status_code == 200


def test_a_large_route_makes_a_pack_of_less_than_60_kb(world: World) -> None:
    phone = world.ada
    corners = [(each * 10.0, 60 * np.sin(each / 2)) for each in range(1_000)]
    route = a_route(phone, walk(*corners, pace_mps=None, every_m=2))
    length_m = phone.get(route).json()["length_m"]
    parts = enumerate(pairwise(np.linspace(0, length_m - 1, 201).tolist()))
    grounds: list[Pack] = [{"surface": "gravel", "light": "unlit"}, {"surface": "grass", "privacy": 3}]
    know(phone, route, [{"from_m": one, "to_m": two, **grounds[number % 2]} for number, (one, two) in parts])
    for number in range(60):
        add(phone, route, ("bench", "toilet", "exit")[number % 3], number * 80, name=f"Place {number}")
    session = a_session(phone, route_id=route.rpartition("/")[2])
    answer = phone.send("GET", f"{session}/walk-pack", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 60_000
    assert len(answer.json()["walk"]["features"]) == 60


def test_a_session_in_a_room_has_a_pack_without_a_walk(world: World) -> None:
    place = {"id": str(uuid4()), "kind": "room", "name": "Loft"}
    assert world.ada.post("/v1/places", place).status_code == 201
    pack = pack_of(world.ada, a_session(world.ada, modality="room", place_id=place["id"]))
    assert "walk" not in pack
    assert pack["modality"] == "room"
