"""Two recordings of one walk become one track when asked, and a recorder's clock can be corrected."""

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.http.sessions import a_note, a_recording, a_session, at, held, send_track
from tests.http.world import Phone, World

FIRST, SECOND = a_recording(then_s=-1_200), a_recording(from_s=1_260)
"""The battery died after 20 minutes; another device went on a minute later."""
UNTIMED = re.sub(rb"<time>[^<]*</time>", b"", FIRST)
WEEKS_1024_S = 619_315_200


def told(phone: Phone, session: str) -> dict[str, Any]:
    track: dict[str, Any] = phone.get(f"{session}/track").json()
    return track


def shifted(content: bytes, seconds: int) -> bytes:
    """Return a recording by a clock that is ahead by `seconds`."""

    def ahead(each: re.Match[bytes]) -> bytes:
        moved = datetime.fromisoformat(each[1].decode()) + timedelta(seconds=seconds)
        return f"<time>{moved.isoformat(timespec='seconds')}Z</time>".encode()

    return re.sub(rb"<time>([^<]*)Z</time>", ahead, content)


def aside(content: bytes, degrees: float) -> bytes:
    """Return a recording that lies to the north of where it was made."""
    return content.replace(b'lat="0.0000000"', f'lat="{degrees:.7f}"'.encode())


def a_held_session(world: World) -> str:
    session = a_session(world.ada)
    held(world.ada, session)
    return session


def test_a_second_recording_goes_on_where_the_first_ends(world: World) -> None:
    session = a_held_session(world)
    note = a_note(world.ada, session, about="instant", about_at=at(1_800))
    assert send_track(world.ada, session, FIRST).json()["points"] == 1_201
    track = send_track(world.ada, session, SECOND, add="true").json()
    assert (track["points"], track["duration_s"]) == (1_201 + 1_141, 2_400)
    assert track["length_m"] == pytest.approx(2_340, abs=5)
    assert [each["fixes"] for each in track["recordings"]] == [1_201, 1_141]
    anchor = world.ada.get(f"/v1/notes/{note['id']}").json()["anchor"]
    assert anchor["lon"] == pytest.approx(600 / 111_320, abs=1e-4)
    original = world.ada.get(f"{session}/track/original").text
    assert (original.count("<trkpt"), original.count("<trkseg>")) == (2_342, 2)


def test_the_order_in_which_recordings_come_does_not_matter(world: World) -> None:
    lengths = []
    for first, second in ((FIRST, SECOND), (SECOND, FIRST)):
        session = a_held_session(world)
        send_track(world.ada, session, first)
        track = send_track(world.ada, session, second, add="true").json()
        lengths.append((track["length_m"], track["points"], track["began_at"]))
    assert lengths[0] == lengths[1]


def test_the_same_file_added_twice_changes_nothing(world: World) -> None:
    session = a_held_session(world)
    send_track(world.ada, session, FIRST)
    added = send_track(world.ada, session, SECOND, add="true")
    for params in ({"add": "true"}, {}, {"replace": "true"}):
        assert send_track(world.ada, session, SECOND, **params).json() == added.json()
    assert send_track(world.ada, session, FIRST, add="true").json() == added.json()


def test_two_recorders_of_the_whole_walk_count_once(world: World) -> None:
    session = a_held_session(world)
    send_track(world.ada, session, a_recording())
    track = send_track(world.ada, session, aside(a_recording(), 0.00002), add="true").json()
    assert (track["points"], track["duplicates"]) == (2_401, 2_401)
    assert track["length_m"] == pytest.approx(2_400, rel=0.01)


def test_of_two_recorders_a_kilometre_apart_one_line_is_kept(world: World) -> None:
    session = a_held_session(world)
    send_track(world.ada, session, a_recording())
    track = send_track(
        world.ada, session, shifted(a_recording(), 0).replace(b'lat="0.00', b'lat="0.01'), add="true"
    )
    assert track.status_code == 200
    assert track.json()["length_m"] == pytest.approx(2_400, rel=0.01)
    assert track.json()["duplicates"] == 2_401


def test_a_recording_without_times_is_not_joined(world: World) -> None:
    session = a_held_session(world)
    send_track(world.ada, session, SECOND)
    refused = send_track(world.ada, session, UNTIMED, add="true", untimed="true")
    assert refused.status_code == 409
    assert "without times" in refused.json()["detail"]
    assert told(world.ada, session)["points"] == 1_141


def test_add_and_replace_exclude_each_other(world: World) -> None:
    session = a_held_session(world)
    refused = send_track(world.ada, session, FIRST, add="true", replace="true")
    assert (refused.status_code, refused.json()["parameter"]) == (400, "add")
    assert world.ada.get(f"{session}/track").status_code == 404


def test_no_more_than_twelve_recordings_are_joined(world: World) -> None:
    session = a_held_session(world)
    for number in range(12):
        part = a_recording(from_s=200 * number, then_s=200 * number + 150 - 2_400)
        assert send_track(world.ada, session, part, add="true").is_success
    refused = send_track(world.ada, session, a_recording(out_s=7), add="true")
    assert (refused.status_code, "at most 12" in refused.json()["detail"]) == (409, True)
    assert len(told(world.ada, session)["recordings"]) == 12
    assert send_track(world.ada, session, a_recording(), replace="true").json()["points"] == 2_401
    assert len(told(world.ada, session)["recordings"]) == 1


def test_a_join_is_undone_by_deleting_the_recording(world: World) -> None:
    session = a_held_session(world)
    first = send_track(world.ada, session, FIRST).json()
    second = send_track(world.ada, session, SECOND, add="true").json()["recordings"][1]
    path = f"{session}/track/recordings/{second['id']}"
    assert [world.ada.delete(path).status_code for _ in range(2)] == [204, 204]
    after = told(world.ada, session)
    assert (after["points"], after["length_m"]) == (first["points"], first["length_m"])
    assert world.ada.delete(f"{session}/track/recordings/{uuid4()}").status_code == 404
    assert world.ada.delete(f"{session}/track/recordings/{first['recordings'][0]['id']}").status_code == 204
    assert world.ada.get(f"{session}/track").status_code == 404
    assert send_track(world.ada, session, FIRST).status_code == 201


def test_a_recording_of_another_session_is_not_found_under_this_one(world: World) -> None:
    session, other = a_held_session(world), a_held_session(world)
    mine = send_track(world.ada, session, FIRST).json()["recordings"][0]["id"]
    send_track(world.ada, other, FIRST)
    path = f"{other}/track/recordings/{mine}"
    etag = world.ada.get(f"{other}/track").headers["etag"]
    assert world.ada.delete(path).status_code == 404
    assert world.ada.patch(path, {"shift_s": 1}, etag=etag).status_code == 404


def test_both_recordings_are_cut_when_the_times_change(world: World) -> None:
    session = a_session(world.ada)
    send_track(world.ada, session, a_recording(from_s=-600, then_s=-1_200))
    send_track(world.ada, session, a_recording(from_s=1_260, then_s=300), add="true")
    held(world.ada, session)
    track = told(world.ada, session)
    destroyed = [(each["destroyed_before"], each["destroyed_after"]) for each in track["recordings"]]
    assert (track["points"], destroyed) == (2_342, [(600, 0), (0, 300)])
    world.ada.patch(session, {"started_at": at(-300)})
    assert [each["upload_again"] for each in told(world.ada, session)["recordings"]] == [True, False]
    again = send_track(world.ada, session, a_recording(from_s=-600, then_s=-1_200)).json()
    assert (again["points"], again["upload_again"], len(again["recordings"])) == (2_642, False, 2)


def test_an_upload_with_a_shift_lies_where_the_session_was(world: World) -> None:
    session = a_held_session(world)
    late = shifted(a_recording(), 7_200)
    assert send_track(world.ada, session, late).status_code == 409
    track = send_track(world.ada, session, late, shift_s="-7200").json()
    assert (track["points"], track["began_at"], track["recordings"][0]["shift_s"]) == (
        2_401,
        "2026-05-04T14:30:00Z",
        -7_200,
    )
    assert send_track(world.ada, session, late).json() == track
    moved = send_track(world.ada, session, late, shift_s="-7210").json()
    assert (moved["recordings"][0]["shift_s"], moved["recordings"][0]["destroyed_before"]) == (-7_210, 10)


def change_shift(phone: Phone, session: str, shift_s: float, number: int = 0) -> Any:
    track = phone.get(f"{session}/track")
    path = f"{session}/track/recordings/{track.json()['recordings'][number]['id']}"
    return phone.patch(path, {"shift_s": shift_s}, etag=track.headers["etag"])


def test_a_shift_after_a_cut_moves_the_anchors_and_asks_for_the_file_again(world: World) -> None:
    session = a_held_session(world)
    long = a_recording(from_s=-600, then_s=300)
    note = a_note(world.ada, session, about="instant", about_at=at(300))
    send_track(world.ada, session, long)
    before = world.ada.get(f"/v1/notes/{note['id']}").json()["anchor"]
    track = change_shift(world.ada, session, 60).json()
    assert (track["points"], track["upload_again"], track["recordings"][0]["shift_s"]) == (2_341, True, 60)
    after = world.ada.get(f"/v1/notes/{note['id']}").json()["anchor"]
    assert before["lon"] - after["lon"] == pytest.approx(60 / 111_320, abs=1e-5)
    again = send_track(world.ada, session, long).json()
    assert (again["points"], again["upload_again"], again["recordings"][0]["shift_s"]) == (2_401, False, 60)


def test_a_shift_that_leaves_nothing_is_refused_and_changes_nothing(world: World) -> None:
    session = a_held_session(world)
    before = send_track(world.ada, session, a_recording()).json()
    refused = change_shift(world.ada, session, 365 * 86_400)
    assert refused.status_code == 409
    assert told(world.ada, session) == before


def test_no_recording_joins_or_stays_that_lies_outside_the_session(world: World) -> None:
    """Otherwise it would be destroyed at once, and only the others would be left."""
    session = a_held_session(world)
    send_track(world.ada, session, FIRST)
    outside = send_track(world.ada, session, shifted(SECOND, 86_400), add="true")
    assert (outside.status_code, "nothing of this track" in outside.json()["detail"]) == (409, True)
    before = send_track(world.ada, session, SECOND, add="true").json()
    assert change_shift(world.ada, session, 86_400, number=1).status_code == 409
    assert told(world.ada, session) == before


def test_a_receiver_that_counts_its_weeks_anew_is_put_right_by_years(world: World) -> None:
    session = a_held_session(world)
    old = shifted(a_recording(), -WEEKS_1024_S)
    track = send_track(world.ada, session, old, shift_s=str(WEEKS_1024_S)).json()
    assert (track["points"], track["began_at"]) == (2_401, "2026-05-04T14:30:00Z")


def test_a_shift_of_years_is_refused_while_the_session_is_not_known(world: World) -> None:
    session = a_session(world.ada)
    old = shifted(a_recording(), -WEEKS_1024_S)
    refused = send_track(world.ada, session, old, shift_s=str(WEEKS_1024_S))
    assert (refused.status_code, "more than a day" in refused.json()["detail"]) == (409, True)
    assert send_track(world.ada, session, shifted(a_recording(), 3_600), shift_s="-3600").status_code == 201


def test_a_recording_without_times_has_no_clock_to_shift(world: World) -> None:
    session = a_held_session(world)
    send_track(world.ada, session, UNTIMED, untimed="true")
    refused = change_shift(world.ada, session, 60)
    assert (refused.status_code, "no usable times" in refused.json()["detail"]) == (409, True)


def test_a_colleague_and_another_practice_change_no_recording(world: World) -> None:
    session = a_held_session(world)
    track = send_track(world.ada, session, FIRST)
    path = f"{session}/track/recordings/{track.json()['recordings'][0]['id']}"
    for phone in (world.ben, world.cleo):
        assert phone.patch(path, {"shift_s": 5}, etag="*").status_code == 404
        assert phone.delete(path).status_code == 404
        assert send_track(phone, session, SECOND, add="true").status_code == 404
    assert told(world.ada, session) == track.json()


def test_what_was_left_out_of_several_recordings_names_its_recording(world: World) -> None:
    session = a_held_session(world)
    point = b'<trkpt lat="100" lon="0"></trkpt>\n</trkseg>'
    first, second = (each.replace(b"</trkseg>", point) for each in (FIRST, SECOND))
    alone = send_track(world.ada, session, first).json()
    assert ["recording_id" in each for each in alone["skipped"]] == [False]
    track = send_track(world.ada, session, second, add="true").json()
    assert {each["recording_id"] for each in track["skipped"]} == {each["id"] for each in track["recordings"]}
