"""A damaged value is shown as unreadable or answered with a plain problem, and the rest works."""

from typing import Final

import pytest

from tests.http.look import Look
from tests.http.matrix import CASES, NAMING, Rule, call
from tests.http.sessions import a_client, a_note, a_recording, a_session, at, send_track
from tests.http.things import Ids, new, things_of
from tests.http.world import World

COLUMNS: Final = """
    SELECT table_name, column_name
      FROM information_schema.columns
     WHERE table_schema = 'public'
       AND column_name ^@ 'sealed'
       AND table_name IN ('client', 'session', 'session_change', 'track', 'recording', 'moment', 'note')
"""
SEALED: Final = (
    ("client", "sealed"),
    ("client", "sealed_label"),
    ("client_key", "wrapped"),
    ("moment", "sealed"),
    ("moment", "sealed_anchor"),
    ("moment", "sealed_position"),
    ("note", "sealed"),
    ("note", "sealed_anchor"),
    ("note", "sealed_position"),
    ("recording", "sealed"),
    ("session", "sealed"),
    ("session_change", "sealed"),
    ("track", "sealed_fixes"),
    ("track", "sealed_geojson"),
    ("track", "sealed_summary"),
)
TOLD: Final = [name for name in NAMING if CASES[name].rule is Rule.CLINICAL and name != "revoke_device"]


def all_said(world: World) -> Ids:
    """Return one of everything, in which every sealed column has a value."""
    ids, phone = things_of(world.ada), world.ada
    session = f"/v1/sessions/{ids['session_id']}"
    client = phone.patch(f"/v1/clients/{ids['client_id']}", {"identity": {"given_name": "Ash"}})
    change = {"id": new(), "modality": "walk", "at": at(180), "asked_by": "client", "reason": "Rain."}
    words = {"reason": "client_asked", "words": "Flu."}
    answers = [
        client,
        phone.patch(f"/v1/moments/{ids['moment_id']}", {"kind": "silence", "words": "Long."}),
        phone.post(f"{session}/changes", change),
        phone.post(f"/v1/sessions/{ids['planned_id']}/cancel", words),
    ]
    assert [each.text for each in answers if not each.is_success] == []
    a_note(phone, session, about="instant", about_at=at(60))
    return ids


def test_every_sealed_column_is_damaged_by_a_test(look: Look) -> None:
    found = {(row["table_name"], row["column_name"]) for row in look.rows(COLUMNS)}
    assert found == {each for each in SEALED if each != ("client_key", "wrapped")}


@pytest.mark.parametrize(("table", "column"), SEALED)
def test_a_damaged_value_leaves_the_rest_at_work(world: World, look: Look, table: str, column: str) -> None:
    ids = all_said(world)
    session = f"/v1/sessions/{ids['session_id']}"
    damage = (
        f"UPDATE {table} SET {column} = set_byte({column}, octet_length({column}) - 1,"
        f" get_byte({column}, octet_length({column}) - 1) # 255)"
        f" WHERE practice_id = $1 AND {column} IS NOT NULL RETURNING 1"
    )
    assert look.rows(damage, world.practice_id)
    if column != "wrapped":
        for listed in (f"{session}/moments", f"{session}/notes", "/v1/sessions", "/v1/clients"):
            assert world.ada.get(listed).status_code == 200, listed
        assert world.ada.post(f"{session}/moments", {"id": new(), "at": at(90)}).status_code == 201
        a_note(world.ada, session, about="instant", about_at=at(120))
    for name in TOLD:
        answer = call(world.ada, name, ids, ids)
        assert answer.status_code < 500, (name, answer.text)


def test_a_session_ends_though_the_key_of_its_client_is_damaged(world: World, look: Look) -> None:
    session = a_session(world.ada)
    assert world.ada.post(f"{session}/start", {"at": at(0)}).is_success
    assert send_track(world.ada, session, a_recording()).status_code == 201
    look.rows("UPDATE client_key SET wrapped = 'no key' WHERE practice_id = $1", world.practice_id)
    ended = world.ada.post(f"{session}/end", {"at": at(1_200)})
    assert (ended.status_code, ended.json()["status"]) == (200, "completed")
    assert world.ada.get("/v1/clients").json()["items"][0]["unreadable"]
    refused = world.ada.post(f"{session}/moments", {"id": new(), "at": at(90)})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:towpath:problem:unreadable")


def test_what_cannot_be_sealed_for_want_of_a_key_is_refused_and_the_rest_is_kept(
    world: World, look: Look
) -> None:
    client = f"/v1/clients/{a_client(world.ada)}"
    look.rows("DELETE FROM client_key WHERE practice_id = $1", world.practice_id)
    for change in ({"crisis_plan": "Ring her sister."}, {"label": "Otter"}):
        refused = world.ada.patch(client, change)
        assert (refused.status_code, refused.json()["possible"]) == (409, ["restore it from a backup"])
    told = {"agreed": False, "on": at(0)}
    withdrawn = world.ada.patch(client, {"location_permission": told})
    assert (withdrawn.status_code, withdrawn.json()["location_permission"]["agreed"]) == (200, False)


@pytest.mark.parametrize("kind", ["moment", "note"])
@pytest.mark.parametrize("moved", ["instant", "session", "last change"])
def test_what_was_moved_in_the_database_is_unreadable(
    world: World, look: Look, kind: str, moved: str
) -> None:
    ids = all_said(world)
    path = f"/v1/{kind}s/{ids[f'{kind}_id']}"
    if kind == "note":
        world.ada.patch(path, {"about": "instant", "about_at": at(60)})
    at_column = "at" if kind == "moment" else "about_at"
    changed = {
        "instant": f"{at_column} = {at_column} + interval '1 minute'",
        "session": "session_id = $2::uuid",
        "last change": "updated_at = updated_at - interval '1 second'",
    }[moved]
    other = [ids["planned_id"]] if moved == "session" else []
    look.rows(f"UPDATE {kind} SET {changed} WHERE id = $1", ids[f"{kind}_id"], *other)
    body = world.ada.get(path).json()
    assert body["unreadable"]
    assert not {"text", "words", "kind", "position"} & body.keys()
    assert world.ada.patch(path, {"position": None}).status_code == 409
    assert world.ada.delete(path).status_code == 204


MOVED_WORDS: Final = (
    ("session", "updated_at = updated_at - interval '1 second'"),
    ("session_change", "at = at + interval '7 seconds'"),
    ("session_change", "session_id = $2::uuid"),
    ("session_change", "updated_at = updated_at - interval '1 second'"),
)


@pytest.mark.parametrize(("table", "changed"), MOVED_WORDS)
def test_words_of_a_session_moved_in_the_database_are_unreadable(
    world: World, look: Look, table: str, changed: str
) -> None:
    ids = all_said(world)
    name = "planned_id" if table == "session" else "session_id"
    into = ids["planned_id"] if "$2" in changed else ids[name]
    arguments = [ids[name], into] if "$2" in changed else [ids[name]]
    row = "id" if table == "session" else "session_id"
    look.rows(f"UPDATE {table} SET {changed} WHERE {row} = $1::uuid", *arguments)
    told = world.ada.get(f"/v1/sessions/{into}").json()
    assert told["unreadable"]
    assert {"session": "Flu.", "session_change": "Rain."}[table] not in str(told)
