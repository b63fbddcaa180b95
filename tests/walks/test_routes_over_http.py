"""Routes, over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from tests.http.world import World
from tests.walks.drawings import GPX, LINE, OTHER_LINE, a_drawing, a_gpx, a_track, draw, replace_line


def test_a_drawn_route_is_measured(world: World) -> None:
    sent = a_drawing(description="Level, quiet before ten.", tags=["Quiet ", "level", "quiet"])
    answer = world.ada.post("/v1/routes", sent)
    route = answer.json()
    assert answer.status_code == 201
    assert (route["name"], route["description"]) == (sent["name"], sent["description"])
    assert route["tags"] == ["quiet", "level"]
    assert route["length_m"] == pytest.approx(686.5 + 556.3, abs=1)
    assert route["start"] == {"lon": 8.0, "lat": 52.0}
    assert route["end"] == {"lon": 8.01, "lat": 52.005}
    assert (route["version"], route["points"], route["is_loop"]) == (1, 3, False)
    assert "ascent_m" not in route
    assert world.ada.get(answer.headers["location"]).json() == route


def test_a_route_is_timed_at_the_practices_pace_a_clients_or_a_given_one(world: World) -> None:
    path = draw(world.ada)
    route = world.ada.get(path).json()
    assert (route["flat_pace_mps"], route["rests_s"]) == (0.9, 600)
    assert route["walking_time_s"] == pytest.approx(route["equivalent_flat_m"] / 0.9 + 600, abs=0.1)
    given = world.ada.get(path, params={"flat_pace_mps": 1.2, "rests_s": 0})
    assert given.json()["walking_time_s"] == pytest.approx(route["equivalent_flat_m"] / 1.2, abs=0.1)
    assert "etag" not in given.headers
    client = {"id": str(uuid4()), "label": "Heron", "flat_pace_mps": 0.6}
    assert world.ada.post("/v1/clients", client).status_code == 201
    for answer in (
        world.ada.get(path, params={"client_id": client["id"]}).json(),
        world.ada.get("/v1/routes", params={"client_id": client["id"]}).json()["items"][0],
    ):
        assert answer["walking_time_s"] == pytest.approx(route["equivalent_flat_m"] / 0.6 + 600, abs=0.1)


def test_a_colleagues_client_has_no_pace_to_tell(world: World) -> None:
    path = draw(world.ada)
    client = {"id": str(uuid4()), "label": "Heron"}
    world.ada.post("/v1/clients", client)
    assert world.ben.get(path, params={"client_id": client["id"]}).status_code == 404


def test_a_changed_practice_pace_is_not_answered_with_304(world: World) -> None:
    path = draw(world.ada)
    etag = world.ada.get(path).headers["etag"]
    assert world.ada.get(path, headers={"If-None-Match": etag}).status_code == 304
    assert world.ada.patch("/v1/practice", {"flat_pace_mps": 1.1}).status_code == 200
    again = world.ada.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.json()["flat_pace_mps"]) == (200, 1.1)
    assert world.ada.patch(path, {"name": "Renamed"}).status_code == 200


def test_turning_back_in_time_has_a_place_and_an_instant(world: World) -> None:
    path = draw(world.ada, geojson={"type": "LineString", "coordinates": [[8.0, 52.0], [8.1, 52.0]]})
    answer = world.ada.get(
        f"{path}/turn-back", params={"available_s": 2_000, "flat_pace_mps": 1.0, "rests_s": 0}
    )
    turn = answer.json()
    assert turn["distance_m"] == pytest.approx(1_000, rel=1e-3)
    assert turn["after_s"] == pytest.approx(1_000, rel=1e-3)
    assert turn["lon"] == pytest.approx(8.0 + 1_000 / 68_677, abs=1e-4)
    assert turn["whole"] is False


def test_the_same_drawing_again_answers_the_same_route(world: World) -> None:
    sent = a_drawing()
    first, again = world.ada.post("/v1/routes", sent), world.ada.post("/v1/routes", sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = world.ada.post("/v1/routes", sent | {"name": "Another"})
    assert (other.status_code, other.json()["type"]) == (409, "urn:towpath:problem:id-taken")


def test_points_of_a_drawing_become_features(world: World) -> None:
    drawn = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {}, "geometry": {"type": "LineString", "coordinates": LINE}},
            {
                "type": "Feature",
                "properties": {"name": "Bench by the weir"},
                "geometry": {"type": "Point", "coordinates": [8.005, 52.0001]},
            },
        ],
    }
    (feature,) = world.ada.get(draw(world.ada, geojson=drawn)).json()["features"]
    assert (feature["kind"], feature["name"]) == ("bench", "Bench by the weir")
    assert feature["along_m"] == pytest.approx(343, abs=1)
    assert feature["offset_m"] == pytest.approx(11.1, abs=0.1)


def test_of_several_lines_in_a_drawing_the_caller_chooses(world: World) -> None:
    lines = [{"type": "LineString", "coordinates": each} for each in (LINE, OTHER_LINE)]
    features = [{"type": "Feature", "properties": None, "geometry": each} for each in lines]
    several = a_drawing(geojson={"type": "FeatureCollection", "features": features})
    unsaid = world.ada.post("/v1/routes", several)
    assert (unsaid.status_code, [each["line"] for each in unsaid.json()["lines"]]) == (409, [0, 1])
    drawn = world.ada.post("/v1/routes", several | {"line": 1})
    assert drawn.status_code == 201, drawn.text
    assert (drawn.json()["points"], drawn.json()["end"]["lon"]) == (2, 8.02)


@pytest.mark.parametrize(
    ("geojson", "slug", "pointer"),
    [
        (
            {"type": "LineString", "coordinates": [[8, 52], [8, 95]]},
            "geojson-refused",
            "/geojson/coordinates/1/1",
        ),
        ({"type": "Polygon", "coordinates": []}, "geojson-refused", "/geojson/type"),
        ({"type": "LineString", "coordinates": [[8, 52], [8, 52]]}, "no-line", None),
        ([], "geojson-refused", "/geojson"),
    ],
)
def test_a_drawing_without_a_line_to_follow_is_refused(
    world: World, geojson: object, slug: str, pointer: str | None
) -> None:
    answer = world.ada.post("/v1/routes", a_drawing(geojson=geojson))
    problem = answer.json()
    assert answer.status_code == 422, problem
    assert problem["type"] == f"urn:towpath:problem:{slug}"
    assert problem.get("pointer") == pointer
    assert world.ada.get("/v1/routes").json() == {"items": []}


def test_a_blank_tag_is_refused(world: World) -> None:
    answer = world.ada.post("/v1/routes", a_drawing(tags=["quiet", " "]))
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/tags/1")


def test_routes_are_found_by_name_and_tag(world: World) -> None:
    for name, tags in (("Äußere Runde", ["level"]), ("Canal", ["quiet", "level"]), ("Moor 50%_", [])):
        draw(world.ada, name=name, tags=tags)

    def names(**parameters: Any) -> list[str]:
        items = world.ada.get("/v1/routes", params=parameters).json()["items"]
        return [each["name"] for each in items]

    assert names() == ["Canal", "Moor 50%_", "Äußere Runde"]
    assert names(name="äUSSERE") == []
    assert names(name="äußere") == ["Äußere Runde"]
    assert names(name="%_") == ["Moor 50%_"]
    assert names(tag="LEVEL ") == ["Canal", "Äußere Runde"]
    assert names(tag="level", name="can") == ["Canal"]
    assert names(tag="lev") == []


def test_routes_are_read_a_page_at_a_time(world: World) -> None:
    for name in ("ß", "SS", "Ä", "É", "z"):
        draw(world.ada, name=name)
    names: list[str] = []
    parameters: dict[str, Any] = {"limit": 2}
    for _ in range(3):
        page = world.ada.get("/v1/routes", params=parameters).json()
        names += [each["name"] for each in page["items"]]
        parameters["cursor"] = page.get("next_cursor")
    assert parameters["cursor"] is None
    assert sorted(names) == sorted(["ß", "SS", "Ä", "É", "z"])


@pytest.mark.parametrize("letter", ["\U0001f333", "\\", "\u0130"])
def test_the_longest_names_are_paged_too(world: World, letter: str) -> None:
    for last in "ab":
        draw(world.ada, name=letter * 199 + last)
    cursor = world.ada.get("/v1/routes", params={"limit": 1}).json()["next_cursor"]
    (item,) = world.ada.get("/v1/routes", params={"limit": 1, "cursor": cursor}).json()["items"]
    assert item["name"] == letter * 199 + "b"


def test_an_archived_route_leaves_the_list_and_comes_back(world: World) -> None:
    path = draw(world.ada)
    archived = world.ada.patch(path, {"archived": True, "description": None}).json()
    assert "archived_at" in archived
    assert world.ada.get("/v1/routes").json() == {"items": []}
    assert len(world.ada.get("/v1/routes", params={"archived": True}).json()["items"]) == 1
    assert world.ada.get(path).status_code == 200
    assert "archived_at" not in world.ada.patch(path, {"archived": False}).json()


def test_a_repeated_change_is_made_once_and_answered_twice(world: World) -> None:
    path = draw(world.ada)
    etag = world.ada.get(path).headers["etag"]
    first, again = (
        world.ada.patch(path, {"name": "New"}, etag=etag, headers={"Idempotency-Key": "once"})
        for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.headers["etag"] == again.headers["etag"]
    assert world.ada.patch(path, {"name": "Newer"}, etag=etag).status_code == 412


def test_a_change_of_the_practice_makes_no_etag_of_a_route_stale(world: World) -> None:
    path = draw(world.ada)
    drawn = world.ada.get(path).headers["etag"]
    world.ada.patch("/v1/practice", {"name": "Canalside"})
    shown = world.ada.get(path).headers["etag"]
    world.ada.patch("/v1/practice", {"name": "Lockside"})
    assert world.ada.patch(path, {"name": "New"}, etag=drawn).status_code == 200
    assert world.ada.patch(path, {"name": "Newer"}, etag=shown).status_code == 412
    renamed = world.ada.get(path).headers["etag"]
    world.ada.patch("/v1/practice", {"name": "Weirside"})
    assert replace_line(world.ada, path, OTHER_LINE, etag=renamed).status_code == 200


def test_an_etag_of_no_version_changes_nothing(world: World) -> None:
    path = draw(world.ada)
    last = int(world.ada.get(path).headers["etag"].strip('"'))
    for never in (0, last - 1, last + 1, last + 1_000):
        answer = world.ada.patch(path, {"name": "New"}, etag=f'"{never}"')
        assert (answer.status_code, answer.json()["etag"]) == (412, f'"{last}"')


def test_another_line_is_another_version_and_the_old_one_stays(world: World) -> None:
    path = draw(world.ada)
    before = world.ada.get(path).json()
    answer = replace_line(world.ada, path, OTHER_LINE)
    after = answer.json()["route"]
    assert answer.status_code == 200
    assert (after["version"], after["points"]) == (2, 2)
    assert answer.headers["etag"] == world.ada.get(path).headers["etag"]
    versions = world.ada.get(f"{path}/versions").json()["items"]
    assert [(each["version"], each["length_m"]) for each in versions] == [
        (2, after["length_m"]),
        (1, before["length_m"]),
    ]
    old = world.ada.get(f"{path}/geojson", params={"version": 1}).json()
    assert old["features"][0]["geometry"]["coordinates"] == LINE
    assert world.ada.get(f"{path}/geojson", params={"version": 3}).status_code == 404


def test_a_replaced_line_may_be_sent_again_but_not_over_a_newer_one(world: World) -> None:
    path = draw(world.ada)
    etag = world.ada.get(path).headers["etag"]
    first, again = (replace_line(world.ada, path, OTHER_LINE, etag=etag) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["route"]["version"] == 2
    assert replace_line(world.ada, path, LINE, etag=etag).status_code == 412
    assert replace_line(world.ada, path, LINE, etag="*").json()["route"]["version"] == 3
    unsaid = world.ada.put(f"{path}/line", content=a_gpx(a_track("New", LINE)), headers=GPX)
    assert unsaid.status_code == 428


def test_another_practice_sees_and_changes_nothing(world: World) -> None:
    path = draw(world.ada)
    unknown = f"/v1/routes/{uuid4()}"
    for suffix in ("", "/gpx", "/geojson", "/versions", "/turn-back?available_s=60"):
        foreign = world.cleo.get(path + suffix)
        assert foreign.status_code == world.cleo.get(unknown + suffix).status_code == 404
    assert replace_line(world.cleo, path, OTHER_LINE, etag="*").status_code == 404
    assert world.cleo.patch(path, {"name": "Mine"}, etag="*").status_code == 404
    assert world.cleo.get("/v1/routes").json() == {"items": []}
    assert world.ben.patch(path, {"name": "Ours"}).json()["name"] == "Ours"
