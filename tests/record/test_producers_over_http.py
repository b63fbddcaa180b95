"""A walk in the conventions of every producer, sent as a route and as what was walked in a session."""

from datetime import datetime

import pytest

from tests.geo.gpx.producers import PRODUCERS, WALK, Producer
from tests.http.files import GEOJSON_TYPE, GPX_TYPE, send_file
from tests.http.running import Running
from tests.http.sessions import a_client, a_session, send_track
from tests.http.world import Phone, make_world


@pytest.fixture(scope="module")
def ada(running: Running) -> Phone:
    return make_world(running).ada


@pytest.fixture(scope="module")
def client_id(ada: Phone) -> str:
    return a_client(ada)


@pytest.mark.parametrize("producer", PRODUCERS, ids=lambda each: each.name)
def test_a_walk_becomes_a_route_and_goes_out_and_in_unchanged(ada: Phone, producer: Producer) -> None:
    imported = send_file(ada, producer.file()).json()
    route = imported["route"]
    assert (route["points"], imported["skipped_count"]) == (len(WALK), 0)
    assert route["length_m"] == pytest.approx(producer.length_m, rel=1e-3)
    assert [each["kind"] for each in route["features"]] == [kind for _, kind in producer.waypoints]
    for form, media_type in (("gpx", GPX_TYPE), ("geojson", GEOJSON_TYPE)):
        exported = ada.get(f"/v1/routes/{route['id']}/{form}").content
        copy = send_file(ada, exported, media_type).json()["route"]
        for member in (
            "name",
            "description",
            "points",
            "length_m",
            "ascent_m",
            "equivalent_flat_m",
            "start",
            "end",
        ):
            assert (member, copy.get(member)) == (member, route.get(member))
        for member in ("kind", "name", "description", "along_m"):
            told = [[each.get(member) for each in every["features"]] for every in (copy, route)]
            assert told[0] == told[1]


@pytest.mark.parametrize(
    "producer", [each for each in PRODUCERS if not each.is_route], ids=lambda each: each.name
)
def test_a_recording_becomes_the_sessions_track(ada: Phone, client_id: str, producer: Producer) -> None:
    content = producer.file()
    session = a_session(ada, client_id)
    track = send_track(ada, session, content, untimed="true").json()
    assert (track["points"], track["skipped_count"], track["dropped"]) == (len(WALK), 0, 0)
    assert track["length_m"] == pytest.approx(producer.length_m, rel=1e-3)
    times = [datetime.fromisoformat(track[name]) for name in ("began_at", "ended_at") if name in track]
    assert times == ([WALK[0].at, WALK[-1].at] if "{time}" in producer.point else [])
    assert ada.get(f"{session}/track/original").text.count("<trkpt") == len(WALK)
