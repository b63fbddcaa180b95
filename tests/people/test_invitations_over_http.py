"""Invitations: a link by which one therapist joins, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from tests.conftest import Clock
from tests.http.look import Look
from tests.http.world import PASSWORD, World, a_device, sign_in
from tests.people.colleagues import accept, added, invited, joined

NEW_PASSWORD = "heron-lock-barge-sedge-nine"
IMPOSSIBLE = "urn:towpath:problem:impossible"
SPENT = "urn:towpath:problem:invitation-spent"


def test_who_is_invited_cannot_sign_in_before_they_accept(world: World) -> None:
    dora = added(world.ada)
    assert "joined_at" not in dora
    invited(world.ada, dora["id"])
    asked = {"email": dora["email"], "password": PASSWORD, "device": a_device()}
    assert world.nobody.post("/v1/sign-in", asked).status_code == 401


def test_accepting_signs_in_and_is_joining(world: World) -> None:
    dora = joined(world.ada)
    me = dora.get("/v1/me").json()["therapist"]
    assert (me["name"], me["role"]) == ("Dora Quay", "therapist")
    assert "joined_at" in me


def test_the_link_shows_phones_the_way_and_keeps_its_token_from_logs(world: World) -> None:
    dora = added(world.ada)
    answer = world.ada.put(f"/v1/therapists/{dora['id']}/invitation").json()
    address, _, fragment = answer["link"].partition("#")
    assert address.startswith("http://phone.example/")
    assert fragment == answer["token"]


def test_an_invitation_is_kept_as_a_digest_alone(world: World, look: Look) -> None:
    token = invited(world.ada, added(world.ada)["id"])
    kept = look.rows("SELECT invitation::text AS content FROM invitation")
    assert kept
    assert not [row for row in kept if token[4:] in row["content"]]


def test_an_invitation_is_good_once(world: World) -> None:
    token = invited(world.ada, added(world.ada)["id"])
    assert accept(world.nobody, token).status_code == 200
    again = accept(world.nobody, token, NEW_PASSWORD)
    assert (again.status_code, again.json()["type"]) == (410, SPENT)


def test_of_many_who_accept_at_once_one_joins(world: World) -> None:
    token = invited(world.ada, added(world.ada)["id"])
    with ThreadPoolExecutor(4) as phones:
        answers = list(phones.map(lambda _: accept(world.nobody, token).status_code, range(4)))
    assert sorted(answers) == [200, 410, 410, 410]


def test_an_invitation_expires_after_a_week(world: World, clock: Clock) -> None:
    dora = added(world.ada)
    answer = world.ada.put(f"/v1/therapists/{dora['id']}/invitation").json()
    until = datetime.fromisoformat(answer["expires_at"]) - clock()
    assert timedelta(days=6, hours=23) < until <= timedelta(days=7)
    clock.ahead = timedelta(days=7, seconds=1)
    assert accept(world.nobody, answer["token"]).status_code == 410


def test_a_new_invitation_voids_the_earlier_one(world: World) -> None:
    dora = added(world.ada)
    first, second = invited(world.ada, dora["id"]), invited(world.ada, dora["id"])
    assert accept(world.nobody, first).status_code == 410
    assert accept(world.nobody, second).status_code == 200


@pytest.mark.parametrize("password", ["short", "Dora Quay Dora Quay", "aaaaaaaaaaaaaaaaaaaa"])
def test_a_weak_password_leaves_the_invitation_open(world: World, password: str) -> None:
    token = invited(world.ada, added(world.ada)["id"])
    refused = accept(world.nobody, token, password)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:towpath:problem:weak-password")
    assert accept(world.nobody, token).status_code == 200


def test_a_device_that_cannot_be_used_leaves_the_invitation_open(world: World) -> None:
    token = invited(world.ada, added(world.ada)["id"])
    adas = a_device() | {"id": world.ada.get("/v1/me").json()["device_id"]}
    assert accept(world.nobody, token, device=adas).status_code == 409
    assert accept(world.nobody, token).status_code == 200


@pytest.mark.parametrize("token", ["x", "twi_" + "A" * 64, "twa_" + "A" * 64, "twi_" + "é" * 64])
def test_a_made_up_invitation_is_as_good_as_a_spent_one(world: World, token: str) -> None:
    answer = accept(world.nobody, token)
    assert (answer.status_code, answer.json()["type"]) == (410, SPENT)


def test_an_owner_cannot_become_a_colleague_who_has_joined(world: World) -> None:
    answer = world.ada.put(f"/v1/therapists/{world.ben.therapist_id}/invitation")
    assert (answer.status_code, answer.json()["type"]) == (409, IMPOSSIBLE)
    assert "reset-password" in answer.json()["possible"][1]
    assert sign_in(world.http, world.ben_email).get("/v1/me").status_code == 200


def test_no_invitation_makes_anybody_a_colleague_who_has_joined(world: World, look: Look) -> None:
    token = invited(world.ada, added(world.ada)["id"])
    astray = "UPDATE invitation SET therapist_id = $1 WHERE practice_id = $2 RETURNING therapist_id"
    look.rows(astray, world.ben.therapist_id, world.practice_id)
    assert accept(world.nobody, token, NEW_PASSWORD).status_code == 410
    assert world.ben.get("/v1/me").status_code == 200


def test_deactivating_voids_the_invitation_for_good(world: World) -> None:
    dora = added(world.ada)
    token, path = invited(world.ada, dora["id"]), f"/v1/therapists/{dora['id']}"
    world.ada.patch(path, {"deactivated": True})
    assert accept(world.nobody, token).status_code == 410
    assert world.ada.put(f"{path}/invitation").json()["type"] == IMPOSSIBLE
    world.ada.patch(path, {"deactivated": False})
    assert accept(world.nobody, token).status_code == 410
