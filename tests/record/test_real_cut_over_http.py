"""What was recorded outside a session is never served, and destroyed once start and end are known."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from tests.http.look import Look
from tests.http.sessions import a_note, a_recording, a_session, at, held, send_track
from tests.http.world import Phone, World

FORMS = ("geojson", "gpx", "original")
LONG = a_recording(from_s=-600, then_s=300)
"""Ten minutes before the session of 40 minutes to five minutes after it."""
ROWS = """
    SELECT count(*) AS recordings, sum(octet_length(sealed)) AS bytes
      FROM recording
     WHERE session_id = $1
"""


METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)


def times_in(text: str) -> list[str]:
    """Return every instant that a form of a track names, apart from when it was made."""
    return re.findall(r"\d{4}-\d\d-\d\dT[\d:.]+Z", METADATA.sub("", text))


def trembling(content: bytes) -> bytes:
    """Return a recording whose positions tremble by centimetres, as real ones do: it packs less well."""
    random = np.random.default_rng(7)
    return re.sub(
        rb'(lat="[^"]*)\d\d"', lambda each: b'%s%02d"' % (each[1], int(random.integers(100))), content
    )


def outside(phone: Phone, session: str, first_s: float, last_s: float) -> dict[str, list[str]]:
    """Return the instants outside these seconds of the session that its track shows in any form."""
    first, last = datetime.fromisoformat(at(first_s)), datetime.fromisoformat(at(last_s))
    texts = {form: phone.get(f"{session}/track/{form}").text for form in FORMS}
    shown = {form: times_in(text) for form, text in texts.items()}
    assert all(shown.values())
    return {
        form: out
        for form, times in shown.items()
        if (out := [each for each in times if not first <= datetime.fromisoformat(each) <= last])
    }


def told(phone: Phone, session: str) -> dict[str, Any]:
    track: dict[str, Any] = phone.get(f"{session}/track").json()
    return track


def stored_bytes(look: Look, session: str) -> int:
    (row,) = look.rows(ROWS, UUID(session.rpartition("/")[2]))
    assert row["recordings"] == 1
    return int(row["bytes"])


def test_a_track_sent_after_the_session_is_cut_in_every_form(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    track = send_track(world.ada, session, LONG).json()
    assert (track["points"], track["dropped"]) == (2_401, 900)
    assert outside(world.ada, session, 0, 2_400) == {}
    (recording,) = track["recordings"]
    assert (recording["destroyed_before"], recording["destroyed_after"]) == (600, 300)
    assert (recording["fixes"], recording["upload_again"], track["upload_again"]) == (2_401, False, False)
    assert recording["began_at"] == track["began_at"]
    assert told(world.ada, session) == track


def test_nothing_outside_the_known_start_is_served_while_the_end_is_not_known(world: World) -> None:
    session = a_session(world.ada)
    send_track(world.ada, session, LONG)
    assert outside(world.ada, session, -600, 2_700) == {}
    world.ada.post(f"{session}/start", {"at": at(0)})
    assert outside(world.ada, session, 0, 2_700) == {}
    (recording,) = told(world.ada, session)["recordings"]
    assert (recording["destroyed_before"], recording["fixes"]) == (0, 2_701)
    assert world.ada.patch(session, {"started_at": at(-300)}).status_code == 200
    assert told(world.ada, session)["points"] == 3_001


def test_the_rest_is_destroyed_when_the_end_is_reported(world: World, look: Look) -> None:
    session = a_session(world.ada)
    send_track(world.ada, session, trembling(a_recording(from_s=-6_000)))
    whole = stored_bytes(look, session)
    held(world.ada, session)
    assert outside(world.ada, session, 0, 2_400) == {}
    assert stored_bytes(look, session) < whole * 0.6
    assert told(world.ada, session)["dropped"] == 6_000


def test_wider_times_ask_for_the_file_again_which_needs_no_replace(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    note = a_note(world.ada, session, about="instant", about_at=at(-60))
    first = send_track(world.ada, session, LONG).json()
    assert world.ada.patch(session, {"started_at": at(-300)}).status_code == 200
    widened = told(world.ada, session)
    assert (widened["upload_again"], widened["points"]) == (True, 2_401)
    again = send_track(world.ada, session, LONG)
    assert (again.status_code, again.json()["points"]) == (200, 2_701)
    assert (again.json()["upload_again"], again.json()["dropped"]) == (False, 600)
    assert again.json()["recordings"][0]["id"] == first["recordings"][0]["id"]
    assert again.json()["received_at"] == first["received_at"]
    assert outside(world.ada, session, -300, 2_400) == {}
    assert world.ada.get(f"/v1/notes/{note['id']}").json()["anchor"]["elapsed_s"] == 240
    unchanged = send_track(world.ada, session, LONG)
    assert unchanged.json() == again.json()


def test_narrower_times_and_back_ask_for_the_file_again(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    send_track(world.ada, session, a_recording())
    assert world.ada.patch(session, {"ended_at": at(1_200)}).status_code == 200
    assert not told(world.ada, session)["upload_again"]
    assert world.ada.patch(session, {"ended_at": at(2_400)}).status_code == 200
    track = told(world.ada, session)
    assert (track["upload_again"], track["points"]) == (True, 1_201)
    assert send_track(world.ada, session, a_recording()).json()["points"] == 2_401


def test_times_that_never_reach_what_was_destroyed_ask_for_nothing(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    send_track(world.ada, session, a_recording(from_s=-600))
    assert world.ada.patch(session, {"ended_at": at(3_000)}).status_code == 200
    assert not told(world.ada, session)["upload_again"]


def test_a_session_of_another_day_leaves_nothing_and_the_right_day_asks_for_it_again(
    world: World, look: Look
) -> None:
    session = a_session(world.ada)
    send_track(world.ada, session, LONG)
    another_day = {"started_at": at(86_400), "ended_at": at(90_000)}
    assert world.ada.patch(session, another_day).status_code == 200
    track = told(world.ada, session)
    assert (track["points"], track["dropped"], track["upload_again"]) == (0, 3_301, False)
    assert stored_bytes(look, session) < 1_000
    for form in ("gpx", "original"):
        assert times_in(world.ada.get(f"{session}/track/{form}").text) == []
    corrected = {"started_at": at(0), "ended_at": at(2_400)}
    assert world.ada.patch(session, corrected).status_code == 200
    assert told(world.ada, session)["upload_again"]
    assert send_track(world.ada, session, LONG).json()["points"] == 2_401


def test_a_file_without_times_is_taken_whole_when_the_request_says_so(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    untimed = re.sub(rb"<time>[^<]*</time>", b"", LONG)
    refused = send_track(world.ada, session, untimed)
    assert (refused.status_code, "untimed=true" in refused.json()["possible"][0]) == (409, True)
    assert world.ada.get(f"{session}/track").status_code == 404
    track = send_track(world.ada, session, untimed, untimed="true").json()
    assert (track["points"], track["untimed"]) == (3_301, True)
    assert send_track(world.ada, session, untimed).json() == track


@pytest.mark.parametrize("year", ["2035", "20x6"], ids=["ahead", "unreadable"])
def test_a_file_with_times_of_which_none_can_be_used_is_refused(world: World, year: str) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    odd = re.sub(rb"<time>2026", b"<time>" + year.encode(), LONG)
    refused = send_track(world.ada, session, odd)
    assert (refused.status_code, "none of the times" in refused.json()["detail"]) == (409, True)
    assert world.ada.get(f"{session}/track").status_code == 404


def test_a_clock_that_was_years_ahead_is_put_right_with_the_upload(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    ahead = LONG.replace(b"<time>2026", b"<time>2030")
    years_s = (datetime.fromisoformat("2030-05-04") - datetime.fromisoformat("2026-05-04")).total_seconds()
    assert send_track(world.ada, session, ahead).status_code == 409
    assert send_track(world.ada, session, ahead, shift_s=str(-years_s)).json()["points"] == 2_401
    assert outside(world.ada, session, 0, 2_400) == {}


def test_a_time_that_contradicts_the_order_of_the_file_is_not_shown(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    evening = at(20_000).replace("+00:00", "Z").encode()
    there = at(600).replace("+00:00", "Z").encode()
    assert there in LONG
    assert send_track(world.ada, session, LONG.replace(there, evening)).json()["points"] == 2_401
    assert outside(world.ada, session, 0, 2_400) == {}


def test_nothing_a_file_says_of_its_owner_is_kept(world: World) -> None:
    session = a_session(world.ada)
    words = ("Wren Aldous", "wren@quay.example", "Fenix 7X", "Through the park", "17171717")
    owner = "<metadata><author><name>Wren Aldous</name></author><desc>Through the park</desc>"
    trk = "<trk><name>Wren Aldous</name><cmt>wren@quay.example</cmt><src>Fenix 7X</src>"
    heart = "<extensions><hr>17171717</hr></extensions></trkpt>"
    text = a_recording().decode()
    for old, new in (("<metadata>", owner), ("<trk>", trk), ("</trkpt>", heart), ('"Towpath"', '"Fenix 7X"')):
        assert old in text
        text = text.replace(old, new)
    assert send_track(world.ada, session, text.encode()).status_code == 201
    for form in FORMS:
        sent = world.ada.get(f"{session}/track/{form}").text
        assert [each for each in words if each in sent] == [], form


def test_times_reported_after_the_permission_was_withdrawn_still_cut_the_track(world: World) -> None:
    session = a_session(world.ada)
    send_track(world.ada, session, LONG)
    client = world.ada.get(session).json()["client_id"]
    withdrawn = {"location_permission": {"agreed": False, "on": "2026-05-02T09:00:00Z"}}
    assert world.ada.patch(f"/v1/clients/{client}", withdrawn).status_code == 200
    held(world.ada, session)
    assert outside(world.ada, session, 0, 2_400) == {}
    assert world.ada.patch(session, {"started_at": at(-300)}).status_code == 200
    refused = send_track(world.ada, session, LONG)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:towpath:problem:location-not-agreed")


def test_an_earlier_recording_put_back_into_the_database_does_not_open(world: World, look: Look) -> None:
    session = a_session(world.ada)
    send_track(world.ada, session, LONG)
    session_id = UUID(session.rpartition("/")[2])
    before = look.value("SELECT sealed FROM recording WHERE session_id = $1", session_id)
    held(world.ada, session)
    look.rows("UPDATE recording SET sealed = $2 WHERE session_id = $1", session_id, before)
    assert world.ada.get(f"{session}/track/original").status_code == 409
    assert world.ada.patch(session, {"ended_at": at(1_200)}).status_code == 200
    track = told(world.ada, session)
    assert (track["points"], track["recordings"][0]["unreadable"]) == (1_201, True)
    mended = send_track(world.ada, session, LONG).json()
    assert (mended["points"], mended["upload_again"]) == (1_201, False)


def test_tracks_of_about_the_same_length_look_the_same_in_the_database(world: World, look: Look) -> None:
    sizes = set()
    for seconds in (1_200, 1_180, 1_190):
        session = a_session(world.ada)
        send_track(world.ada, session, a_recording(out_s=seconds))
        stored = """
            SELECT octet_length(sealed_fixes) AS fixes, octet_length(sealed_geojson) AS geojson,
                   octet_length(sealed_summary) AS summary
              FROM track
             WHERE session_id = $1
        """
        (row,) = look.rows(stored, UUID(session.rpartition("/")[2]))
        sizes.add(tuple(row.values()))
    assert len(sizes) == 1


@pytest.mark.parametrize("column", ["sealed_summary", "sealed_fixes", "sealed_geojson"])
def test_an_earlier_form_of_a_track_put_back_does_not_open(world: World, look: Look, column: str) -> None:
    session = a_session(world.ada)
    send_track(world.ada, session, LONG)
    session_id = UUID(session.rpartition("/")[2])
    before = look.value(f"SELECT {column} FROM track WHERE session_id = $1", session_id)
    assert world.ada.patch(session, {"started_at": at(1)}).status_code == 200
    look.rows(f"UPDATE track SET {column} = $2 WHERE session_id = $1", session_id, before)
    path = {"sealed_summary": "", "sealed_fixes": "/gpx", "sealed_geojson": "/geojson"}[column]
    assert world.ada.get(f"{session}/track{path}").status_code == 409
    assert world.ada.post(f"{session}/end", {"at": at(2_400)}).status_code == 200
    assert told(world.ada, session)["points"] == 2_400
