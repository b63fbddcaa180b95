"""Tracks: cut to the session, measured, sent again without harm, and gone when deleted."""

import gzip
import re
from datetime import datetime
from uuid import uuid4

import gpxpy
import pytest

from routes.record.track_handlers import GEOJSON_TYPE, GPX_TYPE
from tests.http.look import Look
from tests.http.operations import OPERATIONS
from tests.http.sessions import GPX, a_client, a_note, a_recording, a_session, at, held, send_track
from tests.http.world import World


def test_a_track_is_cut_to_the_session_and_says_what_it_dropped(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    track = send_track(world.ada, session, a_recording(then_s=300)).json()
    assert (track["points"], track["dropped"]) == (2_401, 300)
    assert track["length_m"] == pytest.approx(2_400, rel=0.01)
    assert track["duration_s"] == 2_400


def test_the_same_file_again_changes_nothing(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    first = send_track(world.ada, session, a_recording())
    again = send_track(world.ada, session, a_recording())
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_another_file_replaces_only_when_asked_to(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    send_track(world.ada, session, a_recording())
    refused = send_track(world.ada, session, a_recording(out_s=600))
    assert refused.status_code == 409
    assert [each.partition("=true")[0] for each in refused.json()["possible"]] == [
        "send it again with add",
        "send it again with replace",
    ]
    replaced = send_track(world.ada, session, a_recording(out_s=600), replace="true")
    assert replaced.json()["length_m"] == pytest.approx(1_200, rel=0.01)
    assert world.ada.get(f"{session}/track").json() == replaced.json()


def test_a_client_who_did_not_agree_is_not_located(world: World) -> None:
    session = a_session(world.ada, a_client(world.ada, located=False))
    held(world.ada, session)
    answer = send_track(world.ada, session, a_recording())
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:towpath:problem:location-not-agreed")
    assert world.ada.get(f"{session}/track").status_code == 404


@pytest.mark.parametrize("is_timed", [True, False])
def test_a_recording_of_a_session_whose_start_is_not_known_is_refused_with_its_span(
    world: World, look: Look, *, is_timed: bool
) -> None:
    session = a_session(world.ada)
    note = a_note(world.ada, session, about="instant", about_at=at(300))
    content = a_recording(from_s=-600, then_s=300)
    sent = content if is_timed else re.sub(rb"<time>[^<]*</time>", b"", content)
    before = look.everything([world.practice_id])
    answer = world.ada.put(f"{session}/track", content=sent, headers=GPX, params={"untimed": "true"})
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (409, "urn:towpath:problem:session-not-held")
    span = [datetime.fromisoformat(problem[each]) for each in ("first_at", "last_at") if each in problem]
    wanted = [datetime.fromisoformat(at(each)) for each in (-600, 2_700)]
    assert span == (wanted if is_timed else [])
    assert look.everything([world.practice_id]) == before
    held(world.ada, session)
    cut = send_track(world.ada, session, content).json()
    assert (cut["points"], cut["dropped"]) == (2_401, 900)
    assert world.ada.get(f"/v1/notes/{note['id']}").json()["anchor"]["elapsed_s"] == 300


def test_a_track_of_another_day_is_refused_with_the_way_out(world: World) -> None:
    session = a_session(world.ada)
    world.ada.post(f"{session}/start", {"at": at(86_400)})
    world.ada.post(f"{session}/end", {"at": at(90_000)})
    answer = send_track(world.ada, session, a_recording())
    assert answer.status_code == 409
    assert "correct when the session started" in answer.json()["possible"][0]


def test_times_that_leave_nothing_of_a_track_are_kept_and_it_is_shown_empty(world: World) -> None:
    session = a_session(world.ada)
    send_track(world.ada, session, a_recording())
    assert world.ada.patch(session, {"started_at": at(86_400)}).status_code == 200
    empty = world.ada.get(f"{session}/track").json()
    assert (empty["points"], empty["length_m"], empty["upload_again"]) == (0, 0, False)
    assert world.ada.get(f"{session}/track/geojson").json()["geometry"] is None
    assert world.ada.patch(session, {"started_at": at(0)}).status_code == 200
    assert world.ada.get(f"{session}/track").json()["points"] == 2_401


def test_a_deleted_track_takes_the_places_of_its_notes_with_it(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    note = a_note(world.ada, session, about="instant", about_at=at(300))
    send_track(world.ada, session, a_recording())
    assert [world.ada.delete(f"{session}/track").status_code for _ in range(2)] == [204, 204]
    assert world.ada.get(f"{session}/track").status_code == 404
    after = world.ada.get(f"/v1/notes/{note['id']}").json()
    assert ("anchor" in after, after["about_at"]) == (False, note["about_at"])
    assert send_track(world.ada, session, a_recording()).status_code == 201


def test_a_track_is_sent_as_geojson_and_gpx(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    send_track(world.ada, session, a_recording(then_s=60))
    geojson = world.ada.get(f"{session}/track/geojson")
    assert geojson.headers["content-encoding"] == "gzip"
    assert len(geojson.json()["geometry"]["coordinates"]) == 2_401
    gpx = gpxpy.parse(world.ada.get(f"{session}/track/gpx").text)
    assert sum(len(each.points) for each in gpx.tracks[0].segments) == 2_401
    original = world.ada.get(f"{session}/track/original")
    assert original.headers["content-encoding"] == "gzip"
    recorded = gpxpy.parse(original.text)
    assert sum(len(each.points) for each in recorded.tracks[0].segments) == 2_401


def test_figures_are_told_to_the_centimetre(world: World) -> None:
    """More digits carry no information, and differ between machines."""
    line = {"type": "LineString", "coordinates": [[0.0, 0.0003], [0.01003, 0.0003]]}
    route = {"id": str(uuid4()), "name": "Weir", "geojson": line}
    assert world.ada.post("/v1/routes", route).status_code == 201
    session = a_session(world.ada, route_id=route["id"])
    held(world.ada, session)
    told = send_track(world.ada, session, a_recording())
    assert {"halts", "deviation"} <= told.json().keys()
    before = world.ada.get(f"{session}/before-leaving")
    figures = re.findall(r'"(\w+)":-?\d+\.(\d+)', told.text + before.text)
    finer = {name for name, decimals in figures if len(decimals) > 2}
    assert finer <= {"lon", "lat", "share_walked"}
    assert max(len(decimals) for _, decimals in figures) <= 7


def test_no_file_is_compressed_on_the_event_loop() -> None:
    """All other requests would wait for it: a third of a second for the largest file."""
    files = [each for each in OPERATIONS.values() if each.handler.media_type in {GPX_TYPE, GEOJSON_TYPE}]
    assert len(files) == 5
    assert [each.id for each in files if not each.handler.opt.get("exclude_from_compression")] == []


@pytest.mark.parametrize("encoding", ["", "identity", "br", "gzip;q=0", "br, GZip ; q=0.000, identity"])
def test_a_phone_that_takes_no_gzip_gets_the_track_unpacked(world: World, encoding: str) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    send_track(world.ada, session, a_recording())
    plain = world.ada.get(f"{session}/track/geojson", headers={"Accept-Encoding": encoding})
    assert "content-encoding" not in plain.headers
    assert plain.json()["type"] == "Feature"
    original = world.ada.get(f"{session}/track/original", headers={"Accept-Encoding": encoding})
    assert "content-encoding" not in original.headers
    assert original.text.count("<trkpt") == 2_401


@pytest.mark.parametrize("encoding", ["gzip", "br, GZip", "gzip;q=0.001", "gzip ; q=0.5, identity;q=0"])
def test_a_phone_that_takes_gzip_gets_the_track_as_it_is_stored(world: World, encoding: str) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    send_track(world.ada, session, a_recording())
    packed = world.ada.get(f"{session}/track/geojson", headers={"Accept-Encoding": encoding})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json()["type"] == "Feature"


def test_a_file_without_a_track_is_refused(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    route = (
        b'<gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1"><rte>'
        b'<rtept lat="1" lon="1"/><rtept lat="1" lon="1.1"/></rte></gpx>'
    )
    answer = send_track(world.ada, session, route)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:towpath:problem:no-track")


def test_a_compressed_upload_is_refused(world: World) -> None:
    session = a_session(world.ada)
    headers = {"Content-Type": "application/gpx+xml", "Content-Encoding": "gzip"}
    answer = world.ada.put(f"{session}/track", content=gzip.compress(a_recording()), headers=headers)
    assert answer.status_code == 415


def test_a_walk_is_compared_with_its_planned_route(world: World) -> None:
    route = {
        "id": "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a11",
        "name": "East and back",
        "geojson": {
            "type": "LineString",
            "coordinates": [[0, 0], [1_200 / 111_320, 0], [0, 0]],
        },
    }
    assert world.ada.post("/v1/routes", route).status_code == 201
    session = a_session(world.ada, route_id=route["id"])
    held(world.ada, session)
    deviation = send_track(world.ada, session, a_recording()).json()["deviation"]
    assert deviation["share_walked"] == pytest.approx(1, abs=0.05)
    assert deviation["off_m"] == 0


def test_a_walk_is_compared_anew_when_its_session_is_given_another_route(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    assert "deviation" not in send_track(world.ada, session, a_recording()).json()
    east = [[0, 0], [1_200 / 111_320, 0], [0, 0]]
    for coordinates, share in ((east, 1), ([[1, 1], [1.01, 1]], 0)):
        geojson = {"type": "LineString", "coordinates": coordinates}
        route = {"id": str(uuid4()), "name": "Planned", "geojson": geojson}
        assert world.ada.post("/v1/routes", route).status_code == 201
        assert world.ada.patch(session, {"route_id": route["id"]}).status_code == 200
        deviation = world.ada.get(f"{session}/track").json()["deviation"]
        assert deviation["share_walked"] == pytest.approx(share, abs=0.05)
