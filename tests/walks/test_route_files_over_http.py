"""Route files, over HTTP: previewed, imported, exported."""

import gzip
from urllib.parse import unquote
from uuid import uuid4

import gpxpy
import pytest

from routes.walks.route_file_handlers import attachment
from service.walks.features import FeatureKind
from service.walks.route_files import FileForm
from tests.http.files import GEOJSON_TYPE, GPX_TYPE, send_file
from tests.http.world import World
from tests.walks.drawings import GPX, LINE, OTHER_LINE, a_gpx, a_track, a_waypoint, draw


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


def test_a_line_with_a_far_corner_is_reported_at_preview_and_at_import(world: World) -> None:
    line = [[8 + 0.0002 * number, 52] for number in range(40)]
    slipped: list[list[float]] = [[0, 0], *line[1:20], [8.004, 52.02], *line[21:]]
    content = gzip.compress(a_gpx(a_track("Canal", slipped)))
    headers = {"Content-Type": GPX_TYPE}
    preview = world.ada.post("/v1/routes/preview", content=content, headers=headers).json()
    begin, aside = preview["lines"][0]["far_corners"]
    assert (begin["point"], begin["points"], begin["lon"], begin["lat"]) == (0, 1, 0, 0)
    assert (aside["point"], aside["off_m"]) == (20, pytest.approx(2_225, abs=2))
    assert aside["adds_m"] == pytest.approx(2 * 2_225 - 28, abs=3)
    imported = send_file(world.ada, content).json()
    assert imported["far_corners"] == [begin, aside]
    assert imported["route"]["points"] == 40
    assert "far_corners" not in send_file(world.ada, a_gpx(a_track("Canal", line))).json()


def test_the_times_of_a_track_are_not_kept(world: World) -> None:
    points = "".join(
        f'<trkpt lon="8.0{number}" lat="52"><time>2025-06-01T09:0{number}:00Z</time></trkpt>'
        for number in range(3)
    )
    answer = send_file(world.ada, a_gpx(f"<trk><trkseg>{points}</trkseg></trk>"))
    path = answer.headers["location"]
    assert b"2025-06-01" not in world.ada.get(f"{path}/gpx").content
    assert b"2025-06-01" not in world.ada.get(f"{path}/geojson").content


def test_an_import_names_the_parts_of_the_file_it_left_out(world: World) -> None:
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


def test_gpx_out_marks_features_with_symbols_and_holds_a_route_on_request(world: World) -> None:
    path = draw(world.ada)
    world.ada.post(f"{path}/features", {"id": str(uuid4()), "kind": "toilet", "lon": 8.005, "lat": 52.0})
    plain, content = (world.ada.get(f"{path}/gpx", params={"rte": each}).content for each in (False, True))
    assert b"<rte>" not in plain
    gpx = gpxpy.parse(content)
    assert [(each.symbol, each.type) for each in gpx.waypoints] == [("Restroom", "toilet")]
    assert [[each.longitude, each.latitude] for each in gpx.routes[0].points] == LINE
    assert [[each.longitude, each.latitude] for each in gpx.tracks[0].segments[0].points] == LINE
    assert content.index(b"</rte>") < content.index(b"<trk>")
    assert send_file(world.ada, content).status_code == 409
    assert send_file(world.ada, content, line=0).status_code == 201


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
    path = draw(world.ada, name='Ä/B"; ../日本')
    disposition = world.ada.get(f"{path}/gpx").headers["content-disposition"]
    plain, _, extended = disposition.partition("; filename*=UTF-8''")
    assert plain == 'attachment; filename="_ B ; .. __.gpx"'
    assert unquote(extended) == "Ä B ; .. 日本.gpx"


def test_a_line_break_in_a_name_adds_no_header() -> None:
    assert (
        attachment("a\r\nb", FileForm.GPX) == "attachment; filename=\"a b.gpx\"; filename*=UTF-8''a%20b.gpx"
    )


def test_an_export_is_compressed_only_for_who_can_read_it(world: World) -> None:
    path = draw(world.ada)
    plain = world.ada.get(f"{path}/gpx", headers={"Accept-Encoding": "identity"})
    packed = world.ada.get(f"{path}/gpx", headers={"Accept-Encoding": "gzip"})
    assert ("content-encoding" in plain.headers, packed.headers["content-encoding"]) == (False, "gzip")
    assert plain.content == packed.content
