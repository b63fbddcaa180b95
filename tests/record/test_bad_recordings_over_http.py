"""Recordings with every fault at once, and recordings nothing can be made of: right, or refused whole."""

import gzip
import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from service.geo.fixes import Fixes
from service.geo.gpx.writer import write_gpx
from tests.geo.fit_files import a_fit_file, a_record, a_timer_event
from tests.http.sessions import (
    GPX,
    HALF_PAST_TWO,
    a_client,
    a_note,
    a_recording,
    a_session,
    at,
    held,
    send_track,
)
from tests.http.world import World

STEP_DEG = 0.0004851
"""54 m to the north: 0.9 m/s for a minute."""
PERSIAN = str.maketrans("0123456789", "".join(chr(0x6F0 + digit) for digit in range(10)))


def point(minute: float, *, lat: float | None = None, lon: float = -0.03, ele: float = 12.0) -> str:
    when = (HALF_PAST_TWO + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")
    lat = 51.54 + minute * STEP_DEG if lat is None else lat
    return f'<trkpt lat="{lat:.7f}" lon="{lon}"><ele>{ele}</ele><time>{when}</time></trkpt>'


def every_fault() -> bytes:
    """Return a walk of 40 minutes and a drive home, in a file in which all goes wrong that may."""
    walked = [point(minute) for minute in range(41)]
    walked[0] = point(0, lat=0.0, lon=0.0, ele=0.0)
    walked[1] = point(1, ele=0.0)
    walked[9] = point(9, ele=0.0)
    walked[14] = point(14, ele=410.0)
    walked[20] = point(20, lon=-0.0185)
    walked[25] = walked[25].replace("2026-05-04T", "2031-05-04T")
    walked[30] = re.sub(r"<time>.*</time>", lambda time: time[0].translate(PERSIAN), walked[30])
    paused = point(33.4, lat=100.0) + point(33.6, lat=200.0)
    home = [point(minute, lon=-0.03 + (minute - 40) * 0.01) for minute in range(41, 71)]
    one = "\n".join([*walked[:34], paused, *walked[34:], *home])
    again = "\n".join(walked[5:15])
    segments = f"<trkseg>{one}</trkseg><trkseg>{again}</trkseg>"
    declared = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'\n\n{declared}<gpx version="1.1" creator="x"><trk>{segments}</trk></gpx>'.encode()


def test_a_file_with_every_fault_at_once_is_the_walk_that_was_walked(world: World) -> None:
    session = a_session(world.ada, a_client(world.ada))
    held(world.ada, session)
    note = a_note(world.ada, session, about="instant", about_at=at(20 * 60))
    answer = send_track(world.ada, session, gzip.compress(every_fault()))
    assert answer.status_code == 201, answer.text
    track: dict[str, Any] = answer.json()
    assert track["length_m"] == pytest.approx(38 * 54, rel=0.01), "from minute 1 to 40, with the pause a gap"
    assert track["ascent_m"] <= 10
    assert (track["implausible"], track["duplicates"]) == (2, 10)
    assert {each["what"] for each in track["skipped"]} == {"point", "time"}
    anchor = world.ada.get(f"/v1/notes/{note['id']}").json()["anchor"]
    assert anchor["lat"] == pytest.approx(51.54 + 20 * STEP_DEG, abs=15 / 111_320)
    assert anchor["lon"] == pytest.approx(-0.03, abs=15 / 69_000)
    left_out = world.ada.get(f"{session}/track/geojson", params={"left_out": "true"}).json()
    reasons = {each["properties"].get("reason") for each in left_out["features"]}
    assert {"implausible", "repeated"} <= reasons
    assert b"0.27" not in world.ada.get(f"{session}/track/original").content, "nothing of the drive is left"


def jumping(count: int) -> bytes:
    """Return a recording whose every step is 35 km."""
    seconds = np.arange(count)
    line = Fixes(
        lon=np.where(seconds % 2, 0.5, 0.0),
        lat=np.full(count, 51.0),
        ele_m=np.full(count, np.nan),
        time_ms=round(HALF_PAST_TWO.timestamp() * 1_000) + seconds * 500,
        starts=np.zeros(1, np.int64),
    )
    return write_gpx(line, name="Walk", description=None, waypoints=(), created_at=HALF_PAST_TWO)


def zip_of(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.gpx", content)
    return packed.getvalue()


def test_what_cannot_be_a_track_is_refused_with_the_reason_and_leaves_nothing(world: World) -> None:
    session = a_session(world.ada, a_client(world.ada))
    held(world.ada, session)
    refused = [
        (jumping(4_800), 422, "jumps farther"),
        (zip_of(walk=b" " * 60_000_000), 422, "once unpacked"),
        (zip_of(walk=zip_of(walk=a_recording())), 422, "archive inside an archive"),
        (zip_of(one=a_recording(), two=a_recording()), 422, "2 GPX or FIT files"),
        (a_recording(from_s=90_000, out_s=45_600), 409, "lies within"),
        (a_recording()[:-2_000], 422, "cut off"),
    ]
    for content, status, reason in refused:
        answer = world.ada.put(f"{session}/track", content=content, headers=GPX)
        assert (answer.status_code, reason in answer.text) == (status, True), answer.text
        assert world.ada.get(f"{session}/track").status_code == 404


def test_a_fit_file_is_cut_like_any_other_and_its_owner_is_forgotten(world: World) -> None:
    began_s = round(HALF_PAST_TWO.timestamp())

    def east(first: int, last: int) -> list[bytes]:
        return [a_record(began_s + each, 0.0, each / 111_320, 12.0) for each in range(first, last, 5)]

    paused = [a_timer_event(began_s + 600, 4), a_timer_event(began_s + 900, 0)]
    content = zip_of_fit(a_fit_file([*east(0, 601), *paused, *east(900, 4_000)]))
    session = a_session(world.ada, a_client(world.ada))
    held(world.ada, session)
    track = send_track(world.ada, session, content).json()
    assert (track["points"], track["began_at"]) == (121 + 301, "2026-05-04T14:30:00Z")
    assert track["length_m"] == pytest.approx(600 + 1_500, abs=3), "the way during the pause is not walked"
    assert track["recordings"][0]["destroyed_after"] == 319
    for form in ("original", "gpx", "geojson"):
        assert "Ada" not in world.ada.get(f"{session}/track/{form}").text
    as_route = world.ada.post("/v1/routes/preview", content=content, headers=GPX)
    assert (as_route.status_code, "The file is FIT" in as_route.json()["detail"]) == (422, True)


def zip_of_fit(content: bytes) -> bytes:
    """Return a zip as Garmin Connect exports an activity."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("4711_ACTIVITY.fit", content)
    return packed.getvalue()


def test_two_recorders_a_kilometre_apart_in_one_file_make_one_line_of_one_of_them(world: World) -> None:
    walked = a_recording()
    aside = walked.replace(b'lat="0.0000000"', b'lat="0.0090000"')
    two = walked.replace(b"</trk>", b"</trk>" + aside[aside.index(b"<trk>") : aside.index(b"</gpx>")])
    session = a_session(world.ada, a_client(world.ada))
    held(world.ada, session)
    track = send_track(world.ada, session, two).json()
    assert track["length_m"] == pytest.approx(2_400, rel=0.01)
    assert track["duplicates"] == pytest.approx(2_401, abs=2)
