"""Whether a route fits, over HTTP."""

from typing import Any

import pytest

from tests.http.world import Phone, World
from tests.walks.drawings import draw
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


def test_a_route_across_the_antimeridian_fits_too(world: World) -> None:
    line = {"type": "LineString", "coordinates": [[179.995, -17.0], [-179.995, -17.0]]}
    path = draw(world.ada, geojson=line)
    mark(world.ada, path, lon=180.0, lat=-17.0, kind="toilet")
    known = read(world.ada, path)
    assert known["stretches"][0]["to_m"] == pytest.approx(1_064, abs=5)
    [toilet] = [each for each in known["nearest"] if each["facility"] == "toilet"]
    assert toilet["along_m"] == pytest.approx(532, abs=10)
