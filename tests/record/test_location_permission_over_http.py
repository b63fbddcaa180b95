"""A position is stored only where the client agreed. What happened is kept; the answer says what is not."""

from typing import Any
from uuid import uuid4

import pytest

from tests.http.sessions import a_client, a_recording, a_session, at, send_track
from tests.http.world import Phone, World

HERE = {"lon": 0.001, "lat": 0.002, "accuracy_m": 8.0}
THERE = {"lon": 0.003, "lat": 0.004}
LEFT_OUT = [{"member": "position", "reason": "location_not_agreed"}]
AGREED = {"agreed": True, "on": "2026-05-01T09:00:00Z"}
REFUSED = {"agreed": False, "on": "2026-05-02T09:00:00Z"}


def never_asked(phone: Phone) -> str:
    return a_client(phone, located=False)


def withheld(phone: Phone) -> str:
    client = a_client(phone, located=False)
    permit(phone, client, REFUSED)
    return client


def withdrawn(phone: Phone) -> str:
    client = a_client(phone)
    permit(phone, client, REFUSED)
    return client


NOT_AGREED = (never_asked, withheld, withdrawn)
KINDS = ("moments", "notes")


def permit(phone: Phone, client: str, permission: dict[str, Any]) -> None:
    answer = phone.patch(f"/v1/clients/{client}", {"location_permission": permission})
    assert answer.status_code == 200, answer.text


def something(kind: str, **members: Any) -> dict[str, Any]:
    """Return a moment, or a note about an instant, at five minutes."""
    if kind == "moments":
        return {"id": str(uuid4()), "at": at(300), "words": "x", **members}
    about = {"about": "instant", "about_at": at(300)}
    return {"id": str(uuid4()), "written_at": at(9_000), "text": "x", **about, **members}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("permission", NOT_AGREED)
def test_what_happened_is_kept_without_its_position(world: World, permission: Any, kind: str) -> None:
    client = permission(world.ada)
    session = a_session(world.ada, client)
    sent = something(kind, position=HERE)
    kept = world.ada.post(f"{session}/{kind}", sent)
    assert (kept.status_code, kept.json()["left_out"]) == (201, LEFT_OUT)
    assert "position" not in kept.json()
    again = world.ada.post(f"{session}/{kind}", sent)
    assert (again.status_code, again.json()) == (200, kept.json())
    permit(world.ada, client, AGREED)
    assert world.ada.get(kept.headers["location"]).json() == kept.json()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("permission", NOT_AGREED)
def test_an_edit_brings_no_position_in(world: World, permission: Any, kind: str) -> None:
    session = a_session(world.ada, permission(world.ada))
    path = world.ada.post(f"{session}/{kind}", something(kind)).headers["location"]
    word = "words" if kind == "moments" else "text"
    edited = world.ada.patch(path, {word: "y", "position": HERE}).json()
    assert (edited[word], edited["left_out"]) == ("y", LEFT_OUT)
    assert "position" not in edited
    assert world.ada.get(path).json() == edited


@pytest.mark.parametrize("kind", KINDS)
def test_a_position_is_stored_where_the_client_agreed(world: World, kind: str) -> None:
    session = a_session(world.ada)
    kept = world.ada.post(f"{session}/{kind}", something(kind, position=HERE))
    assert kept.json()["position"] == HERE
    assert "left_out" not in kept.json()


@pytest.mark.parametrize("kind", KINDS)
def test_a_position_stored_while_the_client_agreed_stays_until_it_is_cleared(world: World, kind: str) -> None:
    client = a_client(world.ada)
    session = a_session(world.ada, client)
    path = world.ada.post(f"{session}/{kind}", something(kind, position=HERE)).headers["location"]
    permit(world.ada, client, REFUSED)
    moved = world.ada.patch(path, {"position": THERE}).json()
    assert (moved["position"], moved["left_out"]) == (HERE, LEFT_OUT)
    same = world.ada.patch(path, {"position": HERE}).json()
    assert (same["position"], "left_out" in same) == (HERE, False)
    cleared = world.ada.patch(path, {"position": None}).json()
    assert cleared.keys().isdisjoint({"position", "left_out"})


@pytest.mark.parametrize("kind", KINDS)
def test_a_position_sent_again_after_the_client_agreed_is_stored(world: World, kind: str) -> None:
    client = never_asked(world.ada)
    session = a_session(world.ada, client)
    path = world.ada.post(f"{session}/{kind}", something(kind, position=HERE)).headers["location"]
    permit(world.ada, client, AGREED)
    answer = world.ada.patch(path, {"position": HERE}).json()
    assert (answer["position"], "left_out" in answer) == (HERE, False)


@pytest.mark.parametrize("permission", NOT_AGREED)
def test_a_track_is_refused_whole(world: World, permission: Any) -> None:
    session = a_session(world.ada, permission(world.ada))
    answer = send_track(world.ada, session, a_recording())
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:towpath:problem:location-not-agreed")
    assert world.ada.get(f"{session}/track").status_code == 404


def test_a_file_is_not_read_where_the_client_has_not_agreed(world: World) -> None:
    """The refusal comes before the file is parsed: the answer does not say that it is no GPX."""
    session = a_session(world.ada, never_asked(world.ada))
    answer = send_track(world.ada, session, b"no GPX at all")
    assert answer.json()["type"] == "urn:towpath:problem:location-not-agreed"
