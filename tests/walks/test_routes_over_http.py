"""Planned walks, over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import httpx
import pytest

from service.walks.features import FeatureKind
from tests.http.files import GEOJSON_TYPE, GPX_TYPE, send_file
from tests.http.world import Phone, World

LINE = [[8.0, 52.0], [8.01, 52.0], [8.01, 52.005]]
OTHER_LINE = [[8.0, 52.0], [8.02, 52.0]]
GPX = {"Content-Type": GPX_TYPE}


def a_drawing(**changes: Any) -> dict[str, Any]:
    geojson = {"type": "LineString", "coordinates": LINE}
    return {"id": str(uuid4()), "name": "Lock to weir", "geojson": geojson, **changes}


def a_gpx(*parts: str) -> bytes:
    head = '<gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1">'
    return (head + "".join(parts) + "</gpx>").encode()


def a_track(name: str, points: list[list[float]], *, kind: str = "trk") -> str:
    if kind == "rte":
        return f"<rte><name>{name}</name>{_points('rtept', points)}</rte>"
    return f"<trk><name>{name}</name><trkseg>{_points('trkpt', points)}</trkseg></trk>"


def _points(tag: str, points: list[list[float]]) -> str:
    return "".join(f'<{tag} lon="{lon}" lat="{lat}"/>' for lon, lat in points)


def a_waypoint(lon: float, lat: float, inner: str) -> str:
    return f'<wpt lon="{lon}" lat="{lat}">{inner}</wpt>'


def draw(phone: Phone, **changes: Any) -> str:
    """Draw a route and return its path."""
    answer = phone.post("/v1/routes", a_drawing(**changes))
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def replace_line(
    phone: Phone, path: str, points: list[list[float]], *, etag: str | None = None
) -> httpx.Response:
    headers = GPX | {"If-Match": etag or phone.get(path).headers["etag"]}
    return phone.put(f"{path}/line", content=a_gpx(a_track("New", points)), headers=headers)


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


def test_walking_time_is_told_at_the_practices_pace_a_clients_or_a_given_one(world: World) -> None:
    path = draw(world.ada)
    route = world.ada.get(path).json()
    assert (route["flat_pace_ms"], route["rests_s"]) == (0.9, 600)
    assert route["walking_time_s"] == pytest.approx(route["equivalent_flat_m"] / 0.9 + 600, abs=0.1)
    given = world.ada.get(path, params={"flat_pace_ms": 1.2, "rests_s": 0})
    assert given.json()["walking_time_s"] == pytest.approx(route["equivalent_flat_m"] / 1.2, abs=0.1)
    assert "etag" not in given.headers
    client = {"id": str(uuid4()), "label": "Heron", "flat_pace_ms": 0.6}
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
    assert world.ada.patch("/v1/practice", {"flat_pace_ms": 1.1}).status_code == 200
    again = world.ada.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.json()["flat_pace_ms"]) == (200, 1.1)
    assert world.ada.patch(path, {"name": "Renamed"}).status_code == 200


def test_where_to_turn_back_is_told(world: World) -> None:
    path = draw(world.ada, geojson={"type": "LineString", "coordinates": [[8.0, 52.0], [8.1, 52.0]]})
    answer = world.ada.get(
        f"{path}/turn-back", params={"available_s": 2_000, "flat_pace_ms": 1.0, "rests_s": 0}
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


def test_an_imported_track_is_a_route_with_its_waypoints(world: World) -> None:
    content = a_gpx(
        a_waypoint(8.002, 52.0, "<name>Toilets, key needed</name><desc>Closed in winter</desc>"),
        a_waypoint(8.001, 52.0, "<name>P1</name><sym>Parking Area</sym>"),
        a_track("Canal", LINE),
    )
    answer = send_file(world.ada, content)
    imported = answer.json()
    route = imported["route"]
    assert answer.status_code == 201
    assert (route["name"], route["points"]) == ("Canal", 3)
    assert [(each["kind"], each["name"]) for each in route["features"]] == [
        ("parking", "P1"),
        ("toilet", "Toilets, key needed"),
    ]
    assert (imported["skipped"], imported["skipped_count"], imported["waypoints_left_out"]) == ([], 0, 0)
    assert world.ada.get(answer.headers["location"]).json() == route


def test_the_same_file_again_answers_the_same_route(world: World) -> None:
    content = a_gpx(a_waypoint(8, 52, "<name>Gate</name>"), a_track("Canal", LINE))
    route_id = str(uuid4())
    first, again = (send_file(world.ada, content, id=route_id) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = send_file(world.ada, content, id=route_id, name="Another")
    assert other.json()["type"] == "urn:towpath:problem:id-taken"


def test_the_times_of_a_track_are_not_kept(world: World) -> None:
    points = "".join(
        f'<trkpt lon="8.0{number}" lat="52"><time>2025-06-01T09:0{number}:00Z</time></trkpt>'
        for number in range(3)
    )
    answer = send_file(world.ada, a_gpx(f"<trk><trkseg>{points}</trkseg></trk>"))
    path = answer.headers["location"]
    assert b"2025-06-01" not in world.ada.get(f"{path}/gpx").content
    assert b"2025-06-01" not in world.ada.get(f"{path}/geojson").content


def test_what_the_reader_skips_is_told_with_its_place(world: World) -> None:
    content = a_gpx("\n", a_track("Canal", [[8, 52], [8, 95], [8.01, 52]]))
    imported = send_file(world.ada, content).json()
    (skipped,) = imported["skipped"]
    assert (skipped["line"], skipped["what"], imported["skipped_count"]) == (2, "point", 1)
    assert imported["route"]["points"] == 2


def test_of_several_lines_the_caller_chooses(world: World) -> None:
    content = a_gpx(
        a_track("Planned", LINE, kind="rte"),
        a_track("One", LINE),
        a_track("Two", OTHER_LINE),
        a_track("Dot", [[8, 52]]),
    )
    unsaid = send_file(world.ada, content)
    assert (unsaid.status_code, unsaid.json()["type"]) == (409, "urn:towpath:problem:which-line")
    lines = unsaid.json()["lines"]
    assert [(each["line"], each["kind"], each["name"]) for each in lines] == [
        (0, "track", "One"),
        (1, "track", "Two"),
        (2, "track", "Dot"),
        (3, "route", "Planned"),
    ]
    assert [("fault" in each) for each in lines] == [False, False, True, False]
    for wrong in (2, 4):
        assert send_file(world.ada, content, line=wrong).json()["type"] == "urn:towpath:problem:which-line"
    assert world.ada.get("/v1/routes").json() == {"items": []}
    chosen = send_file(world.ada, content, line=1).json()["route"]
    assert (chosen["name"], chosen["points"]) == ("Two", 2)


def test_the_only_line_one_can_follow_needs_no_choice(world: World) -> None:
    content = a_gpx(a_track("Dot", [[8, 52]]), a_track("Canal", LINE))
    assert send_file(world.ada, content).json()["route"]["name"] == "Canal"


def test_waypoints_far_from_the_line_can_be_left_out(world: World) -> None:
    content = a_gpx(
        a_waypoint(8.001, 52, "<name>Near</name>"),
        a_waypoint(9, 52, "<name>Far</name>"),
        a_track("Canal", LINE),
    )
    imported = send_file(world.ada, content, waypoints_within_m=100).json()
    assert [each["name"] for each in imported["route"]["features"]] == ["Near"]
    assert imported["waypoints_left_out"] == 1


def test_a_preview_keeps_nothing(world: World) -> None:
    content = a_gpx(
        "<metadata><name>Sunday</name></metadata>",
        a_waypoint(8, 52, "<sym>Danger Area</sym>"),
        a_track("One", LINE),
    )
    answer = world.ada.send("POST", "/v1/routes/preview", content=content, headers=GPX)
    preview = answer.json()
    assert answer.status_code == 200
    assert preview["name"] == "Sunday"
    assert [(each["line"], each["name"], each["points"]) for each in preview["lines"]] == [(0, "One", 3)]
    assert [each["kind"] for each in preview["waypoints"]] == ["hazard"]
    assert world.ada.get("/v1/routes").json() == {"items": []}


def test_geojson_is_imported_as_gpx_is(world: World) -> None:
    drawing = {
        "type": "Feature",
        "properties": {"name": "Drawn"},
        "geometry": {"type": "LineString", "coordinates": LINE},
    }
    answer = world.ada.send("POST", "/v1/routes/import", params={"id": str(uuid4())}, json=drawing)
    assert (answer.status_code, answer.json()["route"]["name"]) == (201, "Drawn")


def test_a_file_of_another_kind_is_refused(world: World) -> None:
    parameters = {"id": str(uuid4())}
    answer = world.ada.send(
        "POST", "/v1/routes/import", params=parameters, content=b"x", headers={"Content-Type": "text/csv"}
    )
    assert answer.status_code == 415
    assert "application/gpx+xml" in answer.json()["detail"]


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


@pytest.mark.parametrize("letter", ["\U0001f333", "\u0001", "\u0130"])
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


def test_lines_and_features_sent_at_once_end_up_in_step(world: World) -> None:
    path = draw(world.ada)
    lines = [[[8.0, 52.0], [8.0 + number / 100, 52.001]] for number in range(1, 6)]

    def mark() -> httpx.Response:
        return world.ada.post(
            f"{path}/features", {"id": str(uuid4()), "kind": "bench", "lon": 8.004, "lat": 52.0}
        )

    with ThreadPoolExecutor(10) as phones:
        replacing = [phones.submit(replace_line, world.ada, path, each, etag="*") for each in lines]
        marking = [phones.submit(mark) for _ in lines]
    replaced = [each.result() for each in replacing]
    marked = [each.result() for each in marking]
    assert {each.status_code for each in replaced} <= {200, 503}
    assert {each.status_code for each in marked} <= {201, 503}
    made = sum(each.status_code == 200 for each in replaced)
    versions = world.ada.get(f"{path}/versions").json()["items"]
    assert [each["version"] for each in versions] == list(range(made + 1, 0, -1))
    standard = mark().json()
    features = world.ada.get(path).json()["features"]
    assert len(features) == 1 + sum(each.status_code == 201 for each in marked)
    assert {(each["along_m"], each["offset_m"]) for each in features} == {
        (standard["along_m"], standard["offset_m"])
    }


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


@pytest.mark.parametrize(("form", "media_type"), [("gpx", GPX_TYPE), ("geojson", GEOJSON_TYPE)])
def test_an_exported_route_imports_as_it_was(world: World, form: str, media_type: str) -> None:
    path = draw(world.ada, name="Zum Wehr, hin & zurück <3", description="Level.")
    for number, kind in enumerate(FeatureKind):
        place = {"kind": kind, "lon": round(8.001 + number / 2_000, 7), "lat": 52.0}
        texts = {"name": "Nook by the gate", "description": "Out of sight."}
        world.ada.post(f"{path}/features", {"id": str(uuid4()), **place, **texts})
    original = world.ada.get(path).json()
    exported = world.ada.get(f"{path}/{form}")
    assert exported.headers["content-type"] == media_type
    copy = send_file(world.ada, exported.content, media_type).json()["route"]
    for member in ("name", "description", "length_m", "equivalent_flat_m", "points", "start", "end"):
        assert copy[member] == original[member]
    assert len(original["features"]) == len(FeatureKind)
    for member in ("kind", "name", "description", "lon", "lat", "along_m"):
        assert [each[member] for each in copy["features"]] == [each[member] for each in original["features"]]


def test_geojson_out_is_the_line_and_then_the_features(world: World) -> None:
    path = draw(world.ada)
    world.ada.post(f"{path}/features", {"id": str(uuid4()), "kind": "cafe", "lon": 8.005, "lat": 52.0})
    answer = world.ada.get(f"{path}/geojson")
    line, cafe = answer.json()["features"]
    assert answer.headers["content-type"] == "application/geo+json"
    assert (line["geometry"]["coordinates"], line["properties"]["name"]) == (LINE, "Lock to weir")
    assert (cafe["geometry"]["type"], cafe["properties"]["kind"]) == ("Point", "cafe")
    etag = answer.headers["etag"]
    assert world.ada.get(f"{path}/geojson", headers={"If-None-Match": etag}).status_code == 304


def test_an_export_is_saved_under_the_routes_name(world: World) -> None:
    path = draw(world.ada, name='Ä/B"\r\n; ../日本')
    disposition = world.ada.get(f"{path}/gpx").headers["content-disposition"]
    plain, _, extended = disposition.partition("; filename*=UTF-8''")
    assert plain == 'attachment; filename="_ B ; .. __.gpx"'
    assert unquote(extended) == "Ä B ; .. 日本.gpx"


def test_an_export_is_compressed_only_for_who_can_read_it(world: World) -> None:
    path = draw(world.ada)
    plain = world.ada.get(f"{path}/gpx", headers={"Accept-Encoding": "identity"})
    packed = world.ada.get(f"{path}/gpx", headers={"Accept-Encoding": "gzip"})
    assert ("content-encoding" in plain.headers, packed.headers["content-encoding"]) == (False, "gzip")
    assert plain.content == packed.content


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
