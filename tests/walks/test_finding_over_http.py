"""Finding routes over HTTP, near a place and across the antimeridian."""

from typing import Any
from uuid import uuid4

import pytest

from tests.http.look import Look
from tests.http.sessions import a_client
from tests.http.world import Phone, World


def a_route(phone: Phone, *places: tuple[float, float], name: str = "Weir") -> str:
    line = {"type": "LineString", "coordinates": [list(each) for each in places]}
    route = {"id": str(uuid4()), "name": name, "geojson": line}
    assert phone.post("/v1/routes", route).status_code == 201
    return str(route["id"])


def find(phone: Phone, lon: float, lat: float, **params: Any) -> dict[str, Any]:
    answer = phone.get("/v1/routes/near", params={"lon": lon, "lat": lat, **params})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def found(phone: Phone, lon: float, lat: float, **params: Any) -> list[str]:
    return [each["route"]["id"] for each in find(phone, lon, lat, **params)["items"]]


def test_a_route_is_found_near_its_line_and_not_elsewhere(world: World) -> None:
    route = a_route(world.ada, (0, 51), (0.02, 51))
    told = find(world.ada, 0.01, 51.001)
    assert [each["route"]["id"] for each in told["items"]] == [route]
    assert told["items"][0]["away_m"] == pytest.approx(111.3, abs=0.5)
    assert (told["found"], told["more"]) == (1, False)
    assert found(world.ada, 0.01, 51.02) == []
    assert found(world.ada, 0.01, 51.02, within_m=3_000) == [route]
    assert found(world.cleo, 0.01, 51.001) == []
    assert found(world.ben, 0.01, 51.001) == [route]


def test_an_archived_route_is_not_found_and_a_new_line_is(world: World) -> None:
    route = a_route(world.ada, (0, 51), (0.02, 51))
    moved = {"type": "LineString", "coordinates": [[1, 51], [1.02, 51]]}
    etag = world.ada.get(f"/v1/routes/{route}").headers["etag"]
    answer = world.ada.put(
        f"/v1/routes/{route}/line",
        json=moved,
        headers={"If-Match": etag, "Content-Type": "application/geo+json"},
    )
    assert answer.status_code == 200, answer.text
    assert (found(world.ada, 0, 51), found(world.ada, 1, 51)) == ([], [route])
    assert world.ada.patch(f"/v1/routes/{route}", {"archived": True}).status_code == 200
    assert found(world.ada, 1, 51) == []


def test_a_route_across_the_antimeridian_is_found_from_both_sides(world: World) -> None:
    route = a_route(world.ada, (179.99, -17), (-179.99, -17))
    for lon in (179.995, -179.995, 180, -180):
        assert found(world.ada, lon, -17.001) == [route]
    assert found(world.ada, 179.9, -17) == []


def test_the_clients_pace_and_needs_count(world: World) -> None:
    client = a_client(world.ada)
    slow = {"flat_pace_mps": 0.5, "rests_s": 0, "needs": ["step_free"]}
    assert world.ada.patch(f"/v1/clients/{client}", slow).status_code == 200
    route = a_route(world.ada, (0, 51), (0.02, 51))
    assert found(world.ada, 0, 51, minutes=45) == [route]
    assert found(world.ada, 0, 51, minutes=45, client_id=client) == []
    (item,) = find(world.ada, 0, 51, minutes=50, client_id=client)["items"]
    assert (item["unknown"], item["route"]["walking_time_s"]) == (["step_free"], pytest.approx(2_808, abs=5))
    steps = {"stretches": [{"from_m": 100, "to_m": 120, "surface": "steps"}]}
    etag = world.ada.get(f"/v1/routes/{route}/stretches").headers["etag"]
    put = world.ada.put(f"/v1/routes/{route}/stretches", json=steps, headers={"If-Match": etag})
    assert put.status_code == 200, put.text
    assert found(world.ada, 0, 51, client_id=client) == []
    assert found(world.ada, 0, 51, needs="seats,step_free") == []
    assert found(world.ada, 0, 51) == [route]


def test_a_route_is_found_by_its_bus_stop(world: World) -> None:
    route = a_route(world.ada, (0, 51), (0.02, 51))
    stop = {"id": str(uuid4()), "kind": "bus_stop", "lon": 0.02, "lat": 51.004}
    assert world.ada.post(f"/v1/routes/{route}/features", stop).status_code == 201
    told = find(world.ada, 0.02, 51.005, near="bus_stop", within_m=200)
    assert [(each["route"]["id"], each["feature_id"]) for each in told["items"]] == [(route, stop["id"])]
    assert told["facets"]["features"] == {"bus_stop": 1}
    assert found(world.ada, 0.02, 51.005, near="parking", within_m=200) == []


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"lon": 181, "lat": 0}, "lon"),
        ({"lon": 0, "lat": "x"}, "lat"),
        ({"lon": 0}, "lat"),
        ({"lat": 0}, "lon"),
        ({}, "lon"),
        ({"lon": 0, "lat": 0, "within_m": 0}, "within_m"),
        ({"lon": 0, "lat": 0, "needs": "wings"}, "needs"),
        ({"lon": 0, "lat": 0, "near": "pub"}, "near"),
        ({"lon": 0, "lat": 0, "lit_until": "tonight"}, "lit_until"),
        ({"lon": "nan", "lat": 0}, "lon"),
    ],
)
def test_a_wrong_parameter_is_named(world: World, params: dict[str, Any], named: str) -> None:
    refused = world.ada.get("/v1/routes/near", params=params)
    assert (refused.status_code, refused.json()["parameter"]) == (400, named)


@pytest.mark.parametrize("place", [(0, 90), (0, -90), (180, 89.999), (-180, 0)])
def test_the_ends_of_the_world_can_be_searched(world: World, place: tuple[float, float]) -> None:
    assert found(world.ada, *place, within_m=50_000) == []


def test_more_than_a_hundred_routes_are_said_to_be_more(world: World, look: Look) -> None:
    route = a_route(world.ada, (0, 51), (0.02, 51))
    for table, key in (("route", "id"), ("route_version", "route_id")):
        columns = [
            row["column_name"]
            for row in look.rows(
                "SELECT column_name FROM information_schema.columns WHERE table_name = $1 ORDER BY 1", table
            )
        ]
        copied = ", ".join(f"md5('{route}' || n)::uuid" if each == key else each for each in columns)
        look.rows(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {copied} FROM {table},"
            f" generate_series(1, 120) AS n WHERE {key} = $1",
            route,
        )
    told = find(world.ada, 0, 51, limit=5)
    assert (told["found"], len(told["items"]), told["more"]) == (100, 5, True)
