"""Whether a route fits, over HTTP."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from tests.http.things import new
from tests.http.world import Phone, World
from tests.sessions.reporting import a_client
from tests.walks.drawings import a_drawing, draw
from tests.walks.test_features_over_http import id_of, mark


def read(phone: Phone, path: str, **params: Any) -> dict[str, Any]:
    answer = phone.get(f"{path}/fit", params={"minutes": 50, **params})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_route_drawn_a_minute_ago_has_a_timetable(world: World) -> None:
    path = draw(world.ada)
    route, known = world.ada.get(path).json(), read(world.ada, path)
    [whole] = known["stretches"]
    assert (whole["from_m"], whole["to_m"]) == (0, route["length_m"])
    assert whole["left"] == known["arrival"]
    assert known["arrival"]["expected_s"] == pytest.approx(route["walking_time_s"], abs=1)


def test_it_is_timed_at_the_clients_pace_and_names_the_nearest_bench(world: World) -> None:
    path = draw(world.ada)
    bench = id_of(mark(world.ada, path))
    slow, fast = (read(world.ada, path, flat_pace_mps=each, rests_s=0) for each in (0.5, 1.0))
    times = [each["arrival"]["expected_s"] for each in (slow, fast)]
    assert times[0] == pytest.approx(2 * times[1], rel=0.001)
    benches = [each for each in fast["nearest"] if each["facility"] == "bench"]
    assert {each["feature_id"] for each in benches} == {bench}


@pytest.mark.parametrize(
    ("name", "value"), [("flat_pace_mps", 0), ("flat_pace_mps", "nan"), ("minutes", -1), ("rests_s", -1)]
)
def test_a_pace_of_nothing_is_refused(world: World, name: str, value: Any) -> None:
    answer = world.ada.get(f"{draw(world.ada)}/fit", params={"minutes": 50, name: value})
    assert (answer.status_code, answer.json()["parameter"]) == (400, name)


def test_arrivals_have_clock_times_from_a_start(world: World) -> None:
    known = read(world.ada, draw(world.ada), start="2026-06-01T11:30:00+01:00")
    begins = datetime(2026, 6, 1, 10, 30, tzinfo=UTC)
    assert known["starts_at"] == "2026-06-01T10:30:00Z"
    for arrival in (known["arrival"], known["stretches"][0]["left"]):
        for name in ("earliest", "expected", "latest"):
            after_s = (datetime.fromisoformat(arrival[f"{name}_at"]) - begins).total_seconds()
            assert after_s == pytest.approx(arrival[f"{name}_s"], abs=0.01)
    turn_s = (datetime.fromisoformat(known["turn_back_at"]) - begins).total_seconds()
    assert turn_s == pytest.approx(known["turn_back_after_s"], abs=0.01)
    assert "expected_at" not in read(world.ada, draw(world.ada))["arrival"]
    for wrong in ("2026-06-01T11:30:00", "noon", "0001-01-01T00:00:00Z"):
        answer = world.ada.get(f"{draw(world.ada)}/fit", params={"minutes": 50, "start": wrong})
        assert (answer.status_code, answer.json()["parameter"]) == (400, "start")


def test_for_a_client_it_says_what_meets_their_needs_and_triggers(world: World) -> None:
    path = draw(world.ada)
    length_m = world.ada.get(path).json()["length_m"]
    ground = [
        {"from_m": 0, "to_m": 400, "surface": "paved"},
        {"from_m": 400, "to_m": 450, "surface": "steps"},
        {"from_m": 450, "to_m": length_m, "surface": "gravel", "water_beside": True},
    ]
    headers = {"If-Match": "*"}
    answer = world.ada.put(f"{path}/stretches", json={"stretches": ground}, headers=headers)
    assert answer.status_code == 200, answer.text
    dogs = mark(world.ada, path, kind="hazard", name="Dogs off the lead")
    client = a_client(world.ada, needs=["step_free", "seats"], triggers=["dogs", "water"])
    steps, seats, dog, unknown, water = read(world.ada, path, client_id=client)["reasons"]
    assert steps == {
        "need": "step_free", "bearing": "against", "from_m": 400, "to_m": 450, "words": "surface: steps",
        "ground": "surface", "value": "steps",
    }  # fmt: skip
    assert (seats["need"], seats["bearing"], seats["to_m"]) == ("seats", "against", length_m)
    assert (dog["trigger"], dog["feature_id"], dog["kind"]) == ("dogs", id_of(dogs), "hazard")
    assert dog["from_m"] == dog["to_m"] == pytest.approx(world.ada.get(dogs).json()["along_m"], abs=0.5)
    assert (unknown["from_m"], unknown["bearing"]) == (0, "unknown")
    assert (water["from_m"], water["words"]) == (450, "water beside the path")
    assert read(world.ada, path, client_id=a_client(world.ada))["reasons"] == []
    assert "reasons" not in read(world.ada, path)


def test_a_line_of_two_points_a_metre_apart_fits_and_one_place_is_no_route(world: World) -> None:
    short = {"type": "LineString", "coordinates": [[8.0, 52.0], [8.0, 52.00001]]}
    known = read(world.ada, draw(world.ada, geojson=short), minutes=0, rests_s=0)
    assert known["arrival"]["expected_s"] == pytest.approx(1.11 / 0.9, abs=0.05)
    assert (known["fits"], known["turn_back_m"], known["turn_back_after_s"]) == (False, 0, 0)
    place = {"type": "LineString", "coordinates": [[8.0, 52.0]] * 50}
    answer = world.ada.post("/v1/routes", a_drawing(geojson=place))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:towpath:problem:no-line")


def test_a_line_of_two_hundred_thousand_points_without_heights_fits(world: World) -> None:
    lon = (8 + np.arange(200_000) * 1e-6).round(6).tolist()
    content = f'{{"type":"LineString","coordinates":[{",".join(f"[{each},52]" for each in lon)}]}}'
    path = f"/v1/routes/{new()}"
    answer = world.ada.post(
        "/v1/routes/import",
        content=content.encode(),
        params={"id": path.rpartition("/")[2]},
        headers={"Content-Type": "application/geo+json"},
    )
    assert answer.status_code == 201, answer.text
    assert world.ada.get(path).json()["points"] == 200_000
    known = read(world.ada, path, minutes=600, rests_s=0)
    assert known["arrival"]["expected_s"] == pytest.approx(13_731 / 0.9, rel=0.001)
    assert known["fits"]


def test_a_route_across_the_antimeridian_fits_too(world: World) -> None:
    line = {"type": "LineString", "coordinates": [[179.995, -17.0], [-179.995, -17.0]]}
    path = draw(world.ada, geojson=line)
    mark(world.ada, path, lon=180.0, lat=-17.0, kind="toilet")
    known = read(world.ada, path)
    assert known["stretches"][0]["to_m"] == pytest.approx(1_064, abs=5)
    toilets = [each for each in known["nearest"] if each["facility"] == "toilet"]
    assert [each["along_m"] for each in toilets] == pytest.approx([532, 532], abs=10)
