"""A track of which something is damaged stops nothing else, and the same file mends it."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.http.look import Look
from tests.http.sessions import a_note, a_recording, a_session, at, send_track
from tests.http.world import Phone, World

FIRST, SECOND = a_recording(then_s=-1_200), a_recording(from_s=1_260)
FORMS = ("geojson", "gpx", "original", "geojson?left_out=true")
DAMAGED = pytest.mark.parametrize(
    ("table", "column"),
    [
        ("recording", "sealed"),
        ("track", "sealed_fixes"),
        ("track", "sealed_summary"),
        ("track", "sealed_geojson"),
    ],
    ids=["recording", "fixes", "summary", "geojson"],
)


def damage(look: Look, session: str, table: str, column: str) -> None:
    """Flip the last byte of a sealed value of the session's track."""
    last = f"octet_length({column}) - 1"
    flipped = f"set_byte({column}, {last}, 255 - get_byte({column}, {last}))"
    sql = f"UPDATE {table} SET {column} = {flipped} WHERE session_id = $1 RETURNING 1"
    assert look.rows(sql, UUID(session.rpartition("/")[2]))


def a_damaged_track(world: World, look: Look, table: str, column: str) -> tuple[str, str]:
    """Return a session whose track is damaged, and the id of its recording."""
    session = a_session(world.ada)
    world.ada.post(f"{session}/start", {"at": at(0)})
    recording = send_track(world.ada, session, FIRST).json()["recordings"][0]["id"]
    damage(look, session, table, column)
    return session, recording


def told(phone: Phone, session: str) -> dict[str, Any]:
    answer = phone.get(f"{session}/track")
    assert answer.status_code == 200, answer.text
    track: dict[str, Any] = answer.json()
    return track


@DAMAGED
def test_what_happened_is_taken_and_the_same_file_mends_the_track(
    world: World, look: Look, table: str, column: str
) -> None:
    session, _ = a_damaged_track(world, look, table, column)
    assert world.ada.post(f"{session}/moments", {"id": str(uuid4()), "at": at(60)}).status_code == 201
    note = a_note(world.ada, session, about="instant", about_at=at(300))
    assert world.ada.post(f"{session}/end", {"at": at(600)}).status_code == 200
    assert send_track(world.ada, session, FIRST).status_code == 200
    track = told(world.ada, session)
    assert (track["points"], track["upload_again"]) == (601, False)
    assert world.ada.get(f"/v1/notes/{note['id']}").json()["anchor"]["elapsed_s"] == 300
    for form in FORMS:
        assert world.ada.get(f"{session}/track/{form}").status_code == 200, form


@DAMAGED
def test_no_request_about_a_damaged_track_fails_without_saying_why(
    world: World, look: Look, table: str, column: str
) -> None:
    session, recording = a_damaged_track(world, look, table, column)
    path = f"{session}/track"
    answers = [
        world.ada.get(path),
        *(world.ada.get(f"{path}/{form}") for form in FORMS),
        world.ada.patch(f"{path}/recordings/{recording}", {"shift_s": 5}, etag="*"),
        world.ada.put(f"{path}/edits", json={"begin": {"at": at(60)}}, headers={"If-Match": "*"}),
        send_track(world.ada, session, SECOND, add="true"),
        world.ada.delete(f"{path}/recordings/{recording}"),
        send_track(world.ada, session, a_recording(), replace="true"),
    ]
    assert [each.text for each in answers if each.status_code not in {200, 204, 404, 409}] == []
    track = told(world.ada, session)
    assert (track["points"], len(track["recordings"])) == (2_401, 1)


def test_one_damaged_recording_of_two_is_shown_and_the_other_goes_on(world: World, look: Look) -> None:
    session = a_session(world.ada)
    world.ada.post(f"{session}/start", {"at": at(0)})
    send_track(world.ada, session, FIRST)
    second = send_track(world.ada, session, SECOND, add="true").json()["recordings"][1]["id"]
    sql = "UPDATE recording SET sealed = 'damaged' WHERE id = $1 RETURNING 1"
    assert look.rows(sql, UUID(second))
    assert world.ada.post(f"{session}/end", {"at": at(2_000)}).status_code == 200
    track = told(world.ada, session)
    assert [each["unreadable"] for each in track["recordings"]] == [False, True]
    assert (track["points"], track["upload_again"]) == (1_201 + 741, True)
    mended = send_track(world.ada, session, SECOND).json()
    assert (mended["points"], mended["upload_again"]) == (1_201 + 741, False)


def test_files_that_together_have_too_many_points_are_not_joined(world: World) -> None:
    session = a_session(world.ada)

    def many(first: int) -> bytes:
        points = "".join(
            f'<trkpt lat="0" lon="0"><time>{at(each)[:19]}Z</time></trkpt>'
            for each in range(first, first + 125_001)
        )
        return f'<gpx version="1.1" creator="x"><trk><trkseg>{points}</trkseg></trk></gpx>'.encode()

    assert send_track(world.ada, session, many(0)).status_code == 201
    refused = send_track(world.ada, session, many(130_000), add="true")
    assert (refused.status_code, "more than 250,000 points" in refused.json()["detail"]) == (409, True)
