"""Notes and moments find their places on the track, in whatever order things arrive."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from service.foundation.database.roles import APP
from tests.http.look import Look
from tests.http.sessions import a_client, a_note, a_recording, a_session, at, held, send_track
from tests.http.world import Phone, World


def test_a_tap_needs_only_an_id_and_an_instant(world: World) -> None:
    session = a_session(world.ada)
    answer = world.ada.post(f"{session}/moments", {"id": str(uuid4()), "at": at(60)})
    assert answer.status_code == 201
    assert answer.json().keys().isdisjoint({"kind", "words", "position", "anchor"})


def test_what_a_moment_was_may_be_said_later(world: World) -> None:
    session = a_session(world.ada)
    moment = world.ada.post(f"{session}/moments", {"id": str(uuid4()), "at": at(60)}).headers["location"]
    said = world.ada.patch(moment, {"kind": "insight", "words": "She saw the pattern herself."})
    assert (said.status_code, said.json()["kind"]) == (200, "insight")
    unsaid = world.ada.patch(moment, {"kind": None})
    assert "kind" not in unsaid.json()
    assert unsaid.json()["words"] == "She saw the pattern herself."


def test_one_sentence_is_a_note(world: World) -> None:
    note = a_note(world.ada, a_session(world.ada), text="Quiet today.")
    assert (note["about"], note["format"], note["text"]) == ("session", "free", "Quiet today.")


def test_a_note_may_use_the_fields_of_a_form(world: World) -> None:
    fields = {"data": "Walked to the weir.", "assessment": "Lighter than last week.", "plan": "Same path."}
    note = a_note(world.ada, a_session(world.ada), text=None, format="dap", fields=fields)
    assert note["fields"] == fields


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"text": None}, "/text"),
        ({"format": "soap", "fields": {"data": "x"}}, "/fields/data"),
        ({"about": "instant"}, "/about_at"),
        ({"about": "moment"}, "/moment_id"),
        ({"about": "moment", "moment_id": str(uuid4())}, "/moment_id"),
        ({"about_at": at(1)}, "/about_at"),
    ],
)
def test_a_note_that_makes_no_sense_says_where(
    world: World, members: dict[str, object], pointer: str
) -> None:
    session = a_session(world.ada)
    note = {"id": str(uuid4()), "written_at": at(9_000), "text": "x"} | members
    answer = world.ada.post(f"{session}/notes", note)
    assert (answer.status_code, answer.json()["pointer"]) == (422, pointer)
    assert world.ada.get(f"{session}/notes").json() == {"items": []}


def test_a_note_is_placed_when_the_track_comes_first(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    assert send_track(world.ada, session, a_recording()).status_code == 201
    anchor = a_note(world.ada, session, about="instant", about_at=at(300))["anchor"]
    assert anchor["how"] == "interpolated"
    assert anchor["distance_m"] == pytest.approx(300, rel=0.01)
    assert anchor["elapsed_s"] == 300


def test_a_note_is_placed_when_the_track_comes_later(world: World) -> None:
    session = a_session(world.ada)
    note = a_note(world.ada, session, about="instant", about_at=at(300))
    assert "anchor" not in note
    held(world.ada, session)
    send_track(world.ada, session, a_recording())
    after = world.ada.get(f"/v1/notes/{note['id']}")
    assert after.json()["anchor"]["elapsed_s"] == 300
    assert after.json()["revision"] > note["revision"]


def test_the_way_out_and_the_way_back_are_told_apart_at_the_same_place(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    out = a_note(world.ada, session, about="instant", about_at=at(300))
    back = a_note(world.ada, session, about="instant", about_at=at(2_100))
    send_track(world.ada, session, a_recording())
    placed = {each["id"]: each["anchor"] for each in world.ada.get(f"{session}/notes").json()["items"]}
    assert placed[out["id"]]["lon"] == pytest.approx(placed[back["id"]]["lon"], abs=1e-6)
    apart_m = placed[back["id"]]["distance_m"] - placed[out["id"]]["distance_m"]
    assert apart_m == pytest.approx(1_800, rel=0.01)


def test_notes_are_listed_in_walking_order_and_those_about_the_whole_session_last(world: World) -> None:
    session = a_session(world.ada)
    whole = a_note(world.ada, session)["id"]
    late = a_note(world.ada, session, about="instant", about_at=at(900))["id"]
    early = a_note(world.ada, session, about="instant", about_at=at(60))["id"]
    assert [each["id"] for each in world.ada.get(f"{session}/notes").json()["items"]] == [early, late, whole]


def test_a_note_about_a_moment_stands_where_the_moment_was(world: World) -> None:
    session = a_session(world.ada)
    moment = {"id": str(uuid4()), "at": at(600)}
    path = world.ada.post(f"{session}/moments", moment).headers["location"]
    note = a_note(world.ada, session, about="moment", moment_id=moment["id"])
    assert note["about_at"] == world.ada.get(path).json()["at"]
    held(world.ada, session)
    send_track(world.ada, session, a_recording())
    assert world.ada.get(path).json()["anchor"] == world.ada.get(f"/v1/notes/{note['id']}").json()["anchor"]


def test_a_corrected_moment_takes_its_notes_along(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    send_track(world.ada, session, a_recording())
    moment = {"id": str(uuid4()), "at": at(600)}
    path = world.ada.post(f"{session}/moments", moment).headers["location"]
    note = a_note(world.ada, session, about="moment", moment_id=moment["id"])
    world.ada.patch(path, {"at": at(660)})
    after = world.ada.get(f"/v1/notes/{note['id']}").json()
    assert after["anchor"]["elapsed_s"] == 660
    assert after["anchor"] == world.ada.get(path).json()["anchor"]


def test_a_deleted_moment_leaves_its_notes_at_their_instant(world: World) -> None:
    session = a_session(world.ada)
    moment = {"id": str(uuid4()), "at": at(600)}
    path = world.ada.post(f"{session}/moments", moment).headers["location"]
    note = a_note(world.ada, session, about="moment", moment_id=moment["id"])
    assert [world.ada.delete(path).status_code for _ in range(2)] == [204, 204]
    after = world.ada.get(f"/v1/notes/{note['id']}").json()
    assert (after["about"], after["about_at"]) == ("instant", note["about_at"])


OFF_THE_TRACK = {"lon": 0.02, "lat": 0.001, "accuracy_m": 12.0}


def a_note_about_a_moment_off_the_track(phone: Phone, session: str) -> tuple[str, str]:
    """Mark a moment long after the track's end, write a note about it, and return both paths."""
    moment = {"id": str(uuid4()), "at": at(14_400), "position": OFF_THE_TRACK}
    path = phone.post(f"{session}/moments", moment).headers["location"]
    return path, f"/v1/notes/{a_note(phone, session, about='moment', moment_id=moment['id'])['id']}"


def test_a_deleted_moment_leaves_its_notes_at_its_place(world: World) -> None:
    session = a_session(world.ada)
    send_track(world.ada, session, a_recording())
    moment, note = a_note_about_a_moment_off_the_track(world.ada, session)
    before = world.ada.get(note).json()
    assert (before["anchor"]["how"], before["anchor"]["lon"]) == ("phone", OFF_THE_TRACK["lon"])
    assert world.ada.delete(moment).status_code == 204
    left = world.ada.get(note).json()
    assert (left["about"], left["anchor"], left["position"]) == ("instant", before["anchor"], OFF_THE_TRACK)
    edited = world.ada.patch(note, {"text": "Spoke of her mother."}).json()
    assert edited["anchor"] == before["anchor"]


def test_the_place_of_a_deleted_moment_is_there_when_the_track_comes(world: World) -> None:
    session = a_session(world.ada)
    moment, note = a_note_about_a_moment_off_the_track(world.ada, session)
    assert world.ada.delete(moment).status_code == 204
    send_track(world.ada, session, a_recording())
    assert world.ada.get(note).json()["anchor"]["how"] == "phone"


def test_a_note_keeps_its_own_place_when_its_moment_is_deleted(world: World) -> None:
    session = a_session(world.ada)
    moment = {"id": str(uuid4()), "at": at(14_400), "position": OFF_THE_TRACK}
    path = world.ada.post(f"{session}/moments", moment).headers["location"]
    own = {"lon": 0.03, "lat": 0.002}
    note = a_note(world.ada, session, about="moment", moment_id=moment["id"], position=own)
    assert world.ada.delete(path).status_code == 204
    assert world.ada.get(f"/v1/notes/{note['id']}").json()["position"] == own


def test_a_note_taken_from_its_moment_to_the_moments_instant_stays_at_its_place(world: World) -> None:
    session = a_session(world.ada)
    send_track(world.ada, session, a_recording())
    _, note = a_note_about_a_moment_off_the_track(world.ada, session)
    before = world.ada.get(note).json()
    taken = world.ada.patch(note, {"about": "instant"}).json()
    assert (taken["about"], taken["about_at"]) == ("instant", before["about_at"])
    assert (taken["position"], taken["anchor"]) == (OFF_THE_TRACK, before["anchor"])


@pytest.mark.parametrize(
    "edit",
    [{"text": "y"}, {"fields": {"data": "y"}, "format": "dap"}, {"written_at": at(20_000)}],
)
def test_an_edit_that_is_not_about_its_place_moves_no_note(world: World, edit: dict[str, Any]) -> None:
    session = a_session(world.ada)
    send_track(world.ada, session, a_recording())
    _, note = a_note_about_a_moment_off_the_track(world.ada, session)
    before = world.ada.get(note).json()
    after = world.ada.patch(note, edit).json()
    for member in ("about", "about_at", "moment_id", "anchor"):
        assert after[member] == before[member]


def test_a_moment_given_another_place_takes_its_notes_along(world: World) -> None:
    session = a_session(world.ada)
    send_track(world.ada, session, a_recording())
    moment, note = a_note_about_a_moment_off_the_track(world.ada, session)
    assert world.ada.patch(moment, {"position": {"lon": 0.04, "lat": 0.003}}).status_code == 200
    assert world.ada.get(note).json()["anchor"]["lon"] == 0.04


def test_no_mark_is_anchored_by_reading_the_recordings(world: World, look: Look) -> None:
    """They may be long. The test takes the right to read them away; everything else still works."""
    session = a_session(world.ada)
    held(world.ada, session)
    assert send_track(world.ada, session, a_recording()).status_code == 201
    with unreadable(look, "recording", "sealed"):
        tap = world.ada.post(f"{session}/moments", {"id": str(uuid4()), "at": at(60)})
        assert (tap.status_code, tap.json()["anchor"]["elapsed_s"]) == (201, 60)
        moved = world.ada.patch(tap.headers["location"], {"at": at(90)})
        assert (moved.status_code, moved.json()["anchor"]["elapsed_s"]) == (200, 90)
        note = a_note(world.ada, session, about="instant", about_at=at(300))
        edited = world.ada.patch(f"/v1/notes/{note['id']}", {"about_at": at(360)})
        assert (edited.status_code, edited.json()["anchor"]["elapsed_s"]) == (200, 360)
        assert send_track(world.ada, session, a_recording()).status_code == 200
        assert world.ada.get(f"{session}/track").status_code == 200
        assert world.ada.get(f"{session}/track/geojson").status_code == 200
        assert world.ada.get(f"{session}/track/original").status_code == 500
        assert world.ada.delete(f"{session}/track").status_code == 204


@contextmanager
def unreadable(look: Look, table: str, column: str) -> Iterator[None]:
    """Take the application's right to read one column, for as long as the block lasts."""
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND column_name <> $2"
    others = ", ".join(each["column_name"] for each in look.rows(columns, table, column))
    look.rows(f"REVOKE SELECT ON {table} FROM {APP}")
    try:
        look.rows(f"GRANT SELECT ({others}) ON {table} TO {APP}")
        yield
    finally:
        look.rows(f"REVOKE SELECT ({others}) ON {table} FROM {APP}")
        look.rows(f"GRANT SELECT ON {table} TO {APP}")


def test_a_note_written_in_the_evening_is_not_pinned_to_the_last_place_walked(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    send_track(world.ada, session, a_recording())
    anchor = a_note(world.ada, session, about="instant", about_at=at(14_400))["anchor"]
    assert anchor == {"how": "outside_track"}


def test_the_phones_own_position_stands_outside_the_track(world: World) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    send_track(world.ada, session, a_recording())
    position = {"lon": 0.02, "lat": 0.001, "accuracy_m": 12.0}
    note = a_note(world.ada, session, about="instant", about_at=at(14_400), position=position)
    assert (note["anchor"]["how"], note["anchor"]["lon"]) == ("phone", 0.02)
    assert note["position"] == position


def test_all_a_phone_kept_for_a_walk_is_taken_when_it_comes_at_once(world: World) -> None:
    """With a track, each of them is anchored, and each write makes what the others prepared useless."""
    session = a_session(world.ada)
    held(world.ada, session)
    assert send_track(world.ada, session, a_recording()).status_code == 201

    def mark(number: int) -> httpx.Response:
        moment = {"id": str(uuid4()), "at": at(60 * number)}
        answer = world.ada.post(f"{session}/moments", moment)
        while answer.status_code == 503 and "others keep changing" not in answer.text:  # the machine is busy
            answer = world.ada.post(f"{session}/moments", moment)
        return answer

    with ThreadPoolExecutor(14) as phones:
        marking = [phones.submit(mark, number) for number in range(24)]
        replacing = phones.submit(send_track, world.ada, session, a_recording(then_s=5), replace="true")
    assert {each.result().status_code for each in marking} == {201}
    assert replacing.result().status_code == 200
    moments = world.ada.get(f"{session}/moments", params={"limit": 100}).json()["items"]
    assert [each["anchor"]["elapsed_s"] for each in moments] == [60 * number for number in range(24)]


def test_an_edited_note_changes_what_is_named_and_keeps_the_rest(world: World) -> None:
    session = a_session(world.ada)
    note = a_note(world.ada, session, about="instant", about_at=at(300))
    edited = world.ada.patch(f"/v1/notes/{note['id']}", {"text": "Spoke of her mother."}).json()
    assert (edited["text"], edited["about_at"]) == ("Spoke of her mother.", note["about_at"])
    whole = world.ada.patch(f"/v1/notes/{note['id']}", {"about": "session"}).json()
    assert "about_at" not in whole


def test_the_same_note_again_is_the_same_note(world: World) -> None:
    session = a_session(world.ada)
    note = {"id": str(uuid4()), "written_at": at(9_000), "text": "Once."}
    answers = [world.ada.post(f"{session}/notes", note) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()


def test_a_colleague_reads_none_of_it(world: World) -> None:
    session = a_session(world.ada, a_client(world.ada))
    note = a_note(world.ada, session)
    assert world.ben.get(f"/v1/notes/{note['id']}").status_code == 404
    assert world.ben.get(f"{session}/notes").status_code == 404
    refused = world.ben.post(f"{session}/notes", {"id": str(uuid4()), "written_at": at(1), "text": "x"})
    assert refused.status_code == 404
