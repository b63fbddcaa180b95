"""If-Match: a phone that has not seen the last change neither deletes nor replaces anything."""

from uuid import uuid4

import httpx
import pytest

from tests.http.sessions import GPX, a_note, a_recording, a_session, at, held, send_track
from tests.http.world import Phone, World

STALE = (412, "urn:towpath:problem:stale")


def status_and_type(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


def a_moment(phone: Phone, session: str) -> str:
    return str(phone.post(f"{session}/moments", {"id": str(uuid4()), "at": at(60)}).headers["location"])


def a_written_note(phone: Phone, session: str) -> str:
    return f"/v1/notes/{a_note(phone, session)['id']}"


def delete(phone: Phone, path: str, etag: str) -> httpx.Response:
    return phone.delete(path, headers={"If-Match": etag})


@pytest.mark.parametrize(("make", "change"), [(a_moment, {"words": "x"}), (a_written_note, {"text": "x"})])
def test_a_delete_that_names_an_old_version_deletes_nothing(
    world: World, make: type, change: dict[str, str]
) -> None:
    path = make(world.ada, a_session(world.ada))
    seen = world.ada.get(path).headers["etag"]
    changed = world.ada.patch(path, change)
    assert status_and_type(delete(world.ada, path, seen)) == STALE
    assert world.ada.get(path).json() == changed.json()
    assert delete(world.ada, path, changed.headers["etag"]).status_code == 204
    assert world.ada.get(path).status_code == 404


@pytest.mark.parametrize("make", [a_moment, a_written_note])
def test_a_repeated_delete_is_done_whatever_version_it_names(world: World, make: type) -> None:
    path = make(world.ada, a_session(world.ada))
    seen = world.ada.get(path).headers["etag"]
    assert [delete(world.ada, path, seen).status_code for _ in range(2)] == [204, 204]


@pytest.mark.parametrize("make", [a_moment, a_written_note])
def test_a_delete_need_not_name_a_version(world: World, make: type) -> None:
    path = make(world.ada, a_session(world.ada))
    assert world.ada.delete(path).status_code == 204


def test_a_track_replaced_by_another_phone_is_neither_deleted_nor_replaced_by_its_old_version(
    world: World,
) -> None:
    path = f"{(session := a_session(world.ada))}/track"
    seen = send_track(world.ada, session, a_recording()).headers["etag"]
    replaced = send_track(world.ada, session, a_recording(out_s=600), replace="true")
    assert replaced.status_code == 200
    assert status_and_type(delete(world.ada, path, seen)) == STALE
    headers = GPX | {"If-Match": seen}
    again = world.ada.put(path, content=a_recording(out_s=300), headers=headers, params={"replace": "true"})
    assert status_and_type(again) == STALE
    assert world.ada.get(path).json() == replaced.json()
    assert delete(world.ada, path, replaced.headers["etag"]).status_code == 204


def test_the_same_file_again_is_a_repeat_whatever_version_it_names(world: World) -> None:
    session = a_session(world.ada)
    first = send_track(world.ada, session, a_recording())
    again = world.ada.put(f"{session}/track", content=a_recording(), headers=GPX | {"If-Match": '"0"'})
    assert (again.status_code, again.json()) == (200, first.json())


def test_a_track_that_was_deleted_has_no_version_to_replace(world: World) -> None:
    session = a_session(world.ada)
    seen = send_track(world.ada, session, a_recording()).headers["etag"]
    assert world.ada.delete(f"{session}/track").status_code == 204
    headers = GPX | {"If-Match": seen}
    refused = world.ada.put(f"{session}/track", content=a_recording(out_s=600), headers=headers)
    assert status_and_type(refused) == STALE


@pytest.mark.parametrize("make", [a_moment, a_written_note])
def test_an_anchor_found_later_makes_no_edit_stale(world: World, make: type) -> None:
    """The phone has no signal while the watch sends the track; the phone's own edit is still accepted."""
    session = a_session(world.ada)
    path = make(world.ada, session)
    about = {"about": "instant", "about_at": at(300)} if "notes" in path else {"words": "x"}
    seen = world.ada.patch(path, about).headers["etag"]
    assert send_track(world.ada, session, a_recording()).status_code == 201
    anchored = world.ada.get(path)
    assert "anchor" in anchored.json()
    assert anchored.headers["etag"] != seen
    edit = {"text": "y"} if "notes" in path else {"words": "y"}
    edited = world.ada.patch(path, edit, etag=seen)
    assert edited.status_code == 200
    assert edited.json()["anchor"] == anchored.json()["anchor"]
    assert status_and_type(world.ada.patch(path, edit, etag=seen)) == STALE


def test_a_track_cut_anew_is_still_the_track_that_was_sent(world: World) -> None:
    session = a_session(world.ada)
    seen = send_track(world.ada, session, a_recording(then_s=60)).headers["etag"]
    held(world.ada, session)
    assert world.ada.get(f"{session}/track").headers["etag"] != seen
    assert delete(world.ada, f"{session}/track", seen).status_code == 204
