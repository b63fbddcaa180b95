"""Moments, edits and tracks that are sent again, or while others keep writing."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.http.sessions import a_note, a_recording, a_session, at, held, send_track
from tests.http.world import Phone, World


def patch(phone: Phone, path: str, key: str, etag: str, changes: dict[str, Any]) -> httpx.Response:
    headers = {"Idempotency-Key": key, "If-Match": etag}
    return phone.send("PATCH", path, json=changes, headers=headers)


@pytest.fixture(params=["no track", "a track"])
def session(world: World, request: pytest.FixtureRequest) -> str:
    """Return a session; with a track, every mark has to find its place on it."""
    session = a_session(world.ada)
    held(world.ada, session)
    if request.param == "a track":
        assert send_track(world.ada, session, a_recording()).status_code == 201
    return session


def test_the_same_moment_again_is_the_same_moment(world: World, session: str) -> None:
    moment = {"id": str(uuid4()), "at": at(60), "words": "She laughed."}
    first, again = (world.ada.post(f"{session}/moments", moment) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json(), first.headers["etag"]) == (again.json(), again.headers["etag"])
    assert world.ada.get(f"{session}/moments").json() == {"items": [first.json()]}


def test_another_moment_under_the_same_id_is_refused(world: World, session: str) -> None:
    moment = {"id": str(uuid4()), "at": at(60)}
    kept = world.ada.post(f"{session}/moments", moment).json()
    other = world.ada.post(f"{session}/moments", moment | {"at": at(90)})
    assert (other.status_code, other.json()["type"]) == (409, "urn:towpath:problem:id-taken")
    assert world.ada.get(f"{session}/moments").json() == {"items": [kept]}


def test_a_moment_sent_again_after_it_was_deleted_stays_deleted(world: World, session: str) -> None:
    moment = {"id": str(uuid4()), "at": at(60)}
    path = world.ada.post(f"{session}/moments", moment).headers["location"]
    assert world.ada.delete(path).status_code == 204
    again = world.ada.post(f"{session}/moments", moment)
    assert (again.status_code, again.json()["type"]) == (409, "urn:towpath:problem:id-taken")
    assert world.ada.get(f"{session}/moments").json() == {"items": []}


def test_the_same_change_of_a_moment_again_changes_nothing(world: World, session: str) -> None:
    moment = world.ada.post(f"{session}/moments", {"id": str(uuid4()), "at": at(60)})
    path, etag, key = moment.headers["location"], moment.headers["etag"], uuid4().hex
    changes = {"at": at(120), "kind": "insight"}
    first, again = (patch(world.ada, path, key, etag, changes) for _ in range(2))
    assert (first.status_code, first.json()) == (200, again.json())
    assert world.ada.get(path).json() == first.json()
    other = patch(world.ada, path, key, etag, {"kind": "silence"})
    assert (other.status_code, other.json()["type"]) == (422, "urn:towpath:problem:idempotency-key-reused")
    assert patch(world.ada, path, uuid4().hex, etag, changes).status_code == 412


def test_the_same_edit_of_a_note_again_changes_nothing(world: World, session: str) -> None:
    note = a_note(world.ada, session, about="instant", about_at=at(60))
    path, key = f"/v1/notes/{note['id']}", uuid4().hex
    etag = world.ada.get(path).headers["etag"]
    changes = {"about_at": at(120), "text": "Spoke of her mother."}
    first, again = (patch(world.ada, path, key, etag, changes) for _ in range(2))
    assert (first.status_code, first.json()) == (200, again.json())
    assert first.json()["text"] == "Spoke of her mother."
    assert world.ada.get(path).json() == first.json()
    other = patch(world.ada, path, key, etag, {"text": "Another."})
    assert (other.status_code, other.json()["type"]) == (422, "urn:towpath:problem:idempotency-key-reused")
    assert patch(world.ada, path, uuid4().hex, etag, changes).status_code == 412


def test_a_track_whose_session_others_keep_changing_is_worth_another_try(world: World) -> None:
    """Notes about the whole session need no preparation, so they come between preparation and write."""
    session, content = a_session(world.ada), a_recording(out_s=12_000)
    is_answered = Event()

    def write_notes() -> int:
        written = 0
        while not is_answered.is_set():
            a_note(world.ada, session)
            written += 1
        return written

    with ThreadPoolExecutor(1) as other_phone:
        writing = other_phone.submit(write_notes)
        crowded = send_track(world.ada, session, content)
        is_answered.set()
    assert writing.result() > 4
    assert (crowded.status_code, crowded.json()["type"]) == (503, "urn:towpath:problem:unavailable")
    assert crowded.headers["retry-after"]
    assert world.ada.get(f"{session}/track").status_code == 404
    assert send_track(world.ada, session, content).status_code == 201
