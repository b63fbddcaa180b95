"""The ends of a track are trimmed and bad fixes left out, by instant or by a click, and put back."""

import re
from typing import Any

import pytest

from tests.http.sessions import a_note, a_recording, a_session, at, held, send_track
from tests.http.world import Phone, World

METRE = 1 / 111_320
"""In degrees of longitude where the made-up walk is; it goes east for 1,200 m and back, a metre a second."""
UNTIMED = re.sub(rb"<time>[^<]*</time>", b"", a_recording())


def a_track(world: World, content: bytes | None = None) -> str:
    session = a_session(world.ada)
    held(world.ada, session)
    assert send_track(world.ada, session, content or a_recording(), untimed="true").status_code == 201
    return session


def edit(phone: Phone, session: str, **edits: Any) -> Any:
    """Put the whole list of edits, as a phone that has read the track."""
    etag = phone.get(f"{session}/track").headers["etag"]
    return phone.put(f"{session}/track/edits", json=edits, headers={"If-Match": etag})


def told(phone: Phone, session: str) -> dict[str, Any]:
    track: dict[str, Any] = phone.get(f"{session}/track").json()
    return track


def without(track: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in track.items() if name not in {"updated_at", "revision", *names}}


def test_the_ends_are_trimmed_by_instant_and_put_back(world: World) -> None:
    session = a_track(world)
    note = a_note(world.ada, session, about="instant", about_at=at(60))
    whole = told(world.ada, session)
    anchor = world.ada.get(f"/v1/notes/{note['id']}").json()["anchor"]
    trimmed = edit(world.ada, session, begin={"at": at(300)}, end={"at": at(2_100)}).json()
    assert (trimmed["points"], trimmed["edited"], trimmed["duration_s"]) == (1_801, 600, 1_800)
    assert trimmed["length_m"] == pytest.approx(1_800, rel=0.01)
    assert world.ada.get(f"/v1/notes/{note['id']}").json()["anchor"] == {"how": "outside_track"}
    assert world.ada.get(f"{session}/track/gpx").text.count("<trkpt") == 1_801
    assert len(world.ada.get(f"{session}/track/geojson").json()["geometry"]["coordinates"]) == 1_801
    assert world.ada.get(f"{session}/track/original").text.count("<trkpt") == 2_401
    assert told(world.ada, session) == trimmed
    assert without(edit(world.ada, session).json()) == without(whole)
    assert world.ada.get(f"/v1/notes/{note['id']}").json()["anchor"] == anchor


def test_a_click_for_the_begin_means_the_first_pass_and_for_the_end_the_last(world: World) -> None:
    session = a_track(world)
    click = {"lon": 200 * METRE, "lat": 5 * METRE}
    trimmed = edit(world.ada, session, begin=click, end=click).json()
    assert (trimmed["began_at"], trimmed["ended_at"]) == ("2026-05-04T14:33:20Z", "2026-05-04T15:06:40Z")
    assert trimmed["edits"]["begin"] == {"at": trimmed["began_at"]}
    assert edit(world.ada, session, **trimmed["edits"]).json()["points"] == trimmed["points"]


def test_one_bad_fix_and_a_bad_stretch_are_left_out(world: World) -> None:
    session = a_track(world)
    left_out = [
        {"first": {"at": at(100)}},
        {"first": {"at": at(700)}, "last": {"at": at(799)}},
    ]
    edited = edit(world.ada, session, left_out=left_out).json()
    assert (edited["points"], edited["edited"]) == (2_300, 101)
    assert edited["length_m"] == pytest.approx(2_400 - 101, abs=2)
    lines = world.ada.get(f"{session}/track/geojson").json()["geometry"]["coordinates"]
    assert [len(each) for each in lines] == [699, 1_601]
    fewer = edit(world.ada, session, left_out=left_out[:1]).json()
    assert (fewer["points"], fewer["length_m"]) == (2_400, pytest.approx(2_400, abs=2))


def test_a_track_without_times_is_edited_by_number_and_by_click(world: World) -> None:
    session = a_track(world, UNTIMED)
    edited = edit(
        world.ada, session, begin={"number": 100}, left_out=[{"first": {"lon": 1_200 * METRE, "lat": 0}}]
    )
    assert edited.json()["points"] == 2_300
    assert edited.json()["edits"] == {
        "begin": {"number": 100},
        "left_out": [{"first": {"number": 1_200}, "last": {"number": 1_200}}],
    }
    refused = edit(world.ada, session, begin={"at": at(10)})
    assert (refused.status_code, refused.json()["pointer"]) == (422, "/begin")


@pytest.mark.parametrize(
    ("edits", "pointer"),
    [
        ({"begin": {"lon": 1, "lat": 1}}, "/begin"),
        ({"begin": {"number": 5}}, "/begin"),
        ({"begin": {}}, "/begin"),
        ({"end": {"lon": 0.001}}, "/end"),
        ({"end": {"at": at(60), "lon": 0.001, "lat": 0}}, "/end"),
        ({"left_out": [{"first": {"at": at(60)}}, {"first": {"at": at(9_000)}}]}, "/left_out/1/first"),
        ({"left_out": [{"first": {"at": at(60)}, "last": {"at": at(50)}}]}, "/left_out/0"),
    ],
    ids=["far", "number", "nothing", "half", "two", "no-fix", "backwards"],
)
def test_edits_that_name_nothing_are_refused_with_the_member(
    world: World, edits: dict[str, Any], pointer: str
) -> None:
    session = a_track(world)
    before = told(world.ada, session)
    refused = edit(world.ada, session, **edits)
    assert (refused.status_code, refused.json()["pointer"]) == (422, pointer)
    assert told(world.ada, session) == before


@pytest.mark.parametrize(
    "edits",
    [
        {"begin": {"at": at(2_300)}, "end": {"at": at(100)}},
        {"begin": {"at": at(20_000)}},
        {"end": {"at": at(-20_000)}},
        {"left_out": [{"first": {"at": at(0)}, "last": {"at": at(2_400)}}]},
        {"begin": {"at": at(2_400)}},
    ],
    ids=["crossed", "late", "early", "all", "one-fix"],
)
def test_edits_that_leave_nothing_are_refused(world: World, edits: dict[str, Any]) -> None:
    session = a_track(world)
    before = told(world.ada, session)
    refused = edit(world.ada, session, **edits)
    assert (refused.status_code, "leave nothing" in refused.json()["detail"]) == (409, True)
    assert told(world.ada, session) == before


def test_edits_survive_new_times_and_the_same_file_again(world: World) -> None:
    session = a_track(world, a_recording(from_s=-600))
    edit(world.ada, session, begin={"at": at(300)}, left_out=[{"first": {"at": at(400)}}])
    assert world.ada.patch(session, {"ended_at": at(2_000)}).status_code == 200
    assert told(world.ada, session)["points"] == 1_700
    assert world.ada.patch(session, {"started_at": at(-60), "ended_at": at(2_400)}).status_code == 200
    assert send_track(world.ada, session, a_recording(from_s=-600)).json()["points"] == 2_100
    assert edit(world.ada, session).json()["points"] == 2_461


def test_edits_follow_a_shifted_clock(world: World) -> None:
    session = a_track(world)
    edit(world.ada, session, begin={"at": at(300)})
    track = world.ada.get(f"{session}/track")
    path = f"{session}/track/recordings/{track.json()['recordings'][0]['id']}"
    moved = world.ada.patch(path, {"shift_s": -60}, etag=track.headers["etag"]).json()
    assert (moved["edits"]["begin"], moved["points"]) == ({"at": "2026-05-04T14:34:00Z"}, 2_101)


def test_edits_stay_when_a_recording_joins_and_go_when_another_takes_its_place(world: World) -> None:
    session = a_track(world, a_recording(then_s=-1_200))
    edit(world.ada, session, begin={"at": at(300)})
    joined = send_track(world.ada, session, a_recording(from_s=1_260), add="true").json()
    assert (joined["points"], joined["edited"]) == (901 + 1_141, 300)
    alone = send_track(world.ada, session, a_recording(), replace="true").json()
    assert (alone["points"], alone["edits"]) == (2_401, {})


def test_times_that_leave_nothing_beside_the_edits_show_the_track_empty(world: World) -> None:
    session = a_track(world)
    edit(world.ada, session, begin={"at": at(1_200)})
    assert world.ada.patch(session, {"ended_at": at(600)}).status_code == 200
    assert told(world.ada, session)["points"] == 0


def test_an_old_version_edits_nothing(world: World) -> None:
    session = a_track(world)
    etag = world.ada.get(f"{session}/track").headers["etag"]
    edit(world.ada, session, begin={"at": at(300)})
    stale = world.ada.put(f"{session}/track/edits", json={}, headers={"If-Match": etag})
    assert stale.status_code == 412
    assert told(world.ada, session)["points"] == 2_101


def test_a_colleague_and_another_practice_edit_nothing(world: World) -> None:
    session = a_track(world)
    for phone in (world.ben, world.cleo):
        answer = phone.put(f"{session}/track/edits", json={}, headers={"If-Match": "*"})
        assert answer.status_code == 404


def test_what_is_left_out_is_shown_with_its_reason_when_asked(world: World) -> None:
    there = f'lat="0.0000000" lon="{300 * METRE:.7f}"'.encode()
    spike = a_recording().replace(there, there.replace(b'lat="0.0', b'lat="0.5'), 1)
    assert spike != a_recording()
    session = a_track(world, spike)
    second = a_recording(out_s=1_200, from_s=600, then_s=-1_300).replace(
        b'lat="0.0000000"', b'lat="0.0000300"'
    )
    send_track(world.ada, session, second, add="true")
    edit(world.ada, session, end={"at": at(2_300)})
    shown = world.ada.get(f"{session}/track/geojson", params={"left_out": "true"})
    assert shown.headers["content-type"].startswith("application/geo+json")
    line, *others = shown.json()["features"]
    assert line == world.ada.get(f"{session}/track/geojson").json()
    found = {each["properties"]["reason"]: len(each["geometry"]["coordinates"]) for each in others}
    track = told(world.ada, session)
    assert found == {
        "implausible": track["implausible"],
        "repeated": track["duplicates"],
        "edited": track["edited"],
    }
    assert found["implausible"] == 1
    for each in others:
        assert len(each["properties"]["coordTimes"]) == len(each["geometry"]["coordinates"])


def test_a_track_of_which_nothing_is_left_out_is_shown_alone(world: World) -> None:
    session = a_track(world, a_recording(from_s=-600))
    shown = world.ada.get(f"{session}/track/geojson", params={"left_out": "true"}).json()
    assert [each["geometry"]["type"] for each in shown["features"]] == ["LineString"]
    assert world.ben.get(f"{session}/track/geojson", params={"left_out": "true"}).status_code == 404
