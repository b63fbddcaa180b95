"""Files of other producers, and files at the limits, sent as routes over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from service.geo.gpx.model import DEFAULT_LIMITS
from tests.http.files import GPX_TYPE, send_file
from tests.http.running import Running
from tests.http.world import Phone, make_world
from tests.shared_data import SHARED, shared_file

Row = dict[str, Any]

GPX = {"Content-Type": GPX_TYPE}
UNUSABLE = {"CoreGPX__wptError.gpx", "gpxpod__testFile5RouteMissingData.gpx", "gpx__non_numeric_lon.gpx"}
"""Files with points off the Earth, which other readers count or measure, and ours leaves out."""

FAR_ASIDE = {"gpsbabel__skytraq-artificial.gpx"}
"""Made by hand to jump across the Earth."""


def real_files() -> pytest.MarkDecorator:
    """Run a test for each row of the truth; it skips where the folder is absent."""
    truth = SHARED / "gpx/truth.json"
    rows: list[Row] = [{"file": "truth.json"}]
    if truth.exists():
        rows = msgspec.json.decode(truth.read_bytes())["rows"]
    return pytest.mark.parametrize("row", rows, ids=lambda row: row["file"])


@pytest.fixture(scope="module")
def ada(running: Running) -> Phone:
    return make_world(running).ada


def content(row: Row) -> bytes:
    return shared_file(f"gpx/{row['file']}").read_bytes()


def preview(phone: Phone, file: bytes) -> httpx.Response:
    return phone.send("POST", "/v1/routes/preview", content=file, headers=GPX)


def stored(phone: Phone) -> set[str]:
    """Return the ids of all routes there are."""
    ids: set[str] = set()
    parameters: dict[str, Any] = {"limit": 100}
    while True:
        page = phone.get("/v1/routes", params=parameters).json()
        ids |= {each["id"] for each in page["items"]}
        if "next_cursor" not in page:
            return ids
        parameters["cursor"] = page["next_cursor"]


def measured(lines: list[dict[str, Any]], kind: str) -> dict[str, float]:
    chosen = [each for each in lines if each["kind"] == kind]
    return {
        "lines": len(chosen),
        "segments": sum(each["segments"] for each in chosen),
        "points": sum(each["points"] for each in chosen),
        "length_m": sum(each["length_m"] for each in chosen),
    }


def expected(truth: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield kind, our member, and the name of the truth, as far as the other readers agree."""
    names = (
        ("track", "lines", "tracks"),
        ("track", "segments", "segments"),
        ("track", "points", "track_points"),
        ("track", "length_m", "len_geodesic_m"),
        ("route", "lines", "routes"),
        ("route", "points", "route_points"),
        ("route", "length_m", "route_len_geodesic_m"),
    )
    return (each for each in names if truth[each[2]] is not None)


@real_files()
def test_a_real_file_is_previewed_truly_or_refused_with_a_reason(ada: Phone, row: Row) -> None:
    answer = preview(ada, content(row))
    if answer.status_code == 422:
        problem = answer.json()
        assert problem["type"] == "urn:towpath:problem:gpx-refused"
        assert problem["reason"] == "no-points" or problem["line"] >= 1
        assert row["file"] in UNUSABLE or not any(
            row["truth"][each] for each in ("track_points", "waypoints")
        )
        return
    assert answer.status_code == 200, answer.text
    if row["file"] in UNUSABLE:
        assert answer.json()["skipped_count"] > 0
        return
    lines = answer.json()["lines"]
    for kind, member, name in expected(row["truth"]):
        assert measured(lines, kind)[member] == pytest.approx(row["truth"][name], rel=1e-3, abs=0.02)
    assert answer.json()["waypoint_count"] == row["truth"]["waypoints"]
    assert any("far_corners" in each for each in lines) == (row["file"] in FAR_ASIDE)


@real_files()
def test_every_line_of_a_real_file_becomes_a_route_or_nothing(ada: Phone, row: Row) -> None:
    file, before = content(row), stored(ada)
    offered = preview(ada, file)
    usable = [each for each in offered.json().get("lines", []) if "fault" not in each]
    unsaid = send_file(ada, file)
    assert unsaid.status_code == (201 if len(usable) == 1 else 409 if usable else 422), unsaid.text
    made = {unsaid.json()["route"]["id"]} if unsaid.status_code == 201 else set()
    for line in usable:
        route = send_file(ada, file, line=line["line"]).json()["route"]
        made.add(route["id"])
        assert (route["points"], route["length_m"]) == (line["points"], line["length_m"])
        assert len(route["features"]) == offered.json()["waypoint_count"]
        again = ada.get(f"/v1/routes/{route['id']}/gpx").content
        (copy,) = preview(ada, again).json()["lines"]
        assert copy["points"] == line["points"]
        assert copy["length_m"] == pytest.approx(line["length_m"], rel=1e-3, abs=0.2)
    assert stored(ada) == before | made


@real_files()
def test_a_refused_real_file_leaves_its_id_free(ada: Phone, row: Row) -> None:
    route_id = str(uuid4())
    refused = send_file(ada, content(row), id=route_id, line=DEFAULT_LIMITS.lines)
    assert refused.status_code in {409, 422}
    assert ada.get(f"/v1/routes/{route_id}").status_code == 404
    assert send_file(ada, many_points(2), id=route_id).status_code == 201


def many_points(count: int, inside: str = "") -> bytes:
    """Return a track that winds for `count` points."""
    head = b'<gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>'
    points = "".join(
        f'<trkpt lat="{52 + number % 500 / 1e5:.5f}" lon="{8 + number / 1e6:.6f}">{inside}</trkpt>'
        for number in range(count)
    )
    return head + points.encode() + b"</trkseg></trk></gpx>"


def test_as_many_points_as_allowed_are_read(ada: Phone) -> None:
    file = many_points(DEFAULT_LIMITS.points)
    answer = send_file(ada, file)
    assert answer.status_code == 201, answer.text
    assert answer.json()["route"]["points"] == DEFAULT_LIMITS.points
    line = ada.get(f"{answer.headers['location']}/geojson").json()["features"][0]
    assert len(line["geometry"]["coordinates"]) == DEFAULT_LIMITS.points


def test_more_points_are_refused_with_the_limit_named(ada: Phone) -> None:
    before = stored(ada)
    answer = send_file(ada, many_points(DEFAULT_LIMITS.points + 1))
    problem = answer.json()
    assert (answer.status_code, problem["reason"], problem["limit"]) == (422, "too-many-points", 250_000)
    assert stored(ada) == before


def test_as_many_bytes_as_allowed_are_read(ada: Phone) -> None:
    file = many_points(1_000)
    file += b" " * (DEFAULT_LIMITS.file_bytes - len(file))
    assert send_file(ada, file).status_code == 201


@pytest.mark.parametrize("path", ["/v1/routes/preview", "/v1/routes/import"])
def test_more_bytes_are_refused_with_the_limit_named(ada: Phone, path: str) -> None:
    file = b" " * (DEFAULT_LIMITS.file_bytes + 1)
    parameters = {"id": str(uuid4())} if path.endswith("import") else {}
    answer = ada.send("POST", path, params=parameters, content=file, headers=GPX)
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (413, "urn:towpath:problem:too-large")
    assert problem["limit"] == DEFAULT_LIMITS.file_bytes


def test_a_thousand_waypoints_become_features_and_the_rest_is_counted(ada: Phone) -> None:
    waypoints = "".join(f'<wpt lat="52" lon="{8 + number / 1e5:.5f}"/>' for number in range(1_100)).encode()
    imported = send_file(ada, many_points(500).replace(b"<trk>", waypoints + b"<trk>", 1)).json()
    assert (len(imported["route"]["features"]), imported["waypoints_left_out"]) == (1_000, 100)
    feature = {"id": str(uuid4()), "kind": "bench", "lon": 8, "lat": 52}
    refused = ada.post(f"/v1/routes/{imported['route']['id']}/features", feature)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:towpath:problem:impossible")


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"<gpx",
        b"<kml/>",
        b"\x00" * 100,
        b"<gpx>" + b"<x>" * 5_000,
        b'<!DOCTYPE gpx [<!ENTITY a "b">]><gpx>&a;</gpx>',
        b"<gpx" + b"".join(b' xmlns:a%d="u"' % number for number in range(20_000)) + b"/>",
        b'<gpx><trk><trkseg><trkpt lat="nan" lon="inf"/><trkpt lat="1_0" lon="1e308"/></trkseg></trk></gpx>',
        many_points(3).decode().encode("utf-16"),
        many_points(3)[:-12],
    ],
)
def test_hostile_files_are_answered_and_never_break_the_service(ada: Phone, file: bytes) -> None:
    answer = send_file(ada, file)
    assert answer.status_code in {201, 422}, answer.text
    if answer.status_code == 422:
        assert answer.json()["reason"]
