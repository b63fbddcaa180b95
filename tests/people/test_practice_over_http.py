"""The practice and who works in it: settings, invitations, roles, over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import Clock
from tests.http.look import Look
from tests.http.world import PASSWORD, Phone, World, a_device, sign_in

IMPOSSIBLE = "urn:towpath:problem:impossible"
SPENT = "urn:towpath:problem:invitation-spent"
NEW_PASSWORD = "heron-lock-barge-sedge-nine"


def a_therapist(**changes: object) -> dict[str, Any]:
    email = f"dora.{uuid4().hex[:8]}@example.org"
    return {"id": str(uuid4()), "email": email, "name": "Dora Quay", **changes}


def added(owner: Phone, **changes: object) -> dict[str, Any]:
    answer = owner.post("/v1/therapists", a_therapist(**changes))
    assert answer.status_code == 201, answer.text
    kept: dict[str, Any] = answer.json()
    return kept


def invited(owner: Phone, therapist_id: object) -> str:
    answer = owner.put(f"/v1/therapists/{therapist_id}/invitation")
    assert answer.status_code == 200
    token: str = answer.json()["token"]
    return token


def accept(phone: Phone, token: str, password: str = PASSWORD, **members: Any) -> httpx.Response:
    sent = {"token": token, "password": password, "device": a_device(), **members}
    return Phone(phone.http).post("/v1/invitations/accept", sent)


def joined(owner: Phone, **changes: object) -> Phone:
    answer = accept(owner, invited(owner, added(owner, **changes)["id"]))
    assert answer.status_code == 200, answer.text
    return Phone(owner.http, answer.json())


def test_a_practice_begins_with_defaults_that_fit_a_talking_walk(world: World) -> None:
    practice = world.ada.get("/v1/practice").json()
    kept = (practice["zone"], practice["flat_pace_mps"], practice["rests_s"], practice["session_length_s"])
    assert kept == ("Europe/London", 0.9, 600, 3000)


def test_an_owner_changes_the_practice_and_everybody_sees_it(world: World) -> None:
    changes = {"name": "Canalside", "zone": "Pacific/Auckland", "flat_pace_mps": 1.1, "rests_s": 0}
    assert world.ada.patch("/v1/practice", changes).status_code == 200
    assert world.ben.get("/v1/practice").json() | changes == world.ben.get("/v1/practice").json()
    assert world.cleo.get("/v1/practice").json()["name"] == "Riverside"


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "../etc/passwd", "UTC+2", "europe/london "])
def test_a_zone_is_an_iana_name(world: World, zone: str) -> None:
    answer = world.ada.patch("/v1/practice", {"zone": zone})
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/zone")


def test_a_therapist_changes_nothing_of_the_practice(world: World) -> None:
    answer = world.ben.patch("/v1/practice", {"name": "Ben's"})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:towpath:problem:owner-only")


def test_everybody_is_listed_by_name_also_who_left(world: World) -> None:
    dora = added(world.ada)
    world.ada.patch(f"/v1/therapists/{dora['id']}", {"deactivated": True})
    names = [each["name"] for each in world.ben.get("/v1/therapists").json()["items"]]
    assert names == ["Ada Lock", "Ben Towner", "Dora Quay"]


def test_the_same_therapist_added_again_is_answered_again(world: World) -> None:
    sent = a_therapist()
    first, again = world.ada.post("/v1/therapists", sent), world.ada.post("/v1/therapists", sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


@pytest.mark.parametrize("spelling", [str.upper, " {} ".format, lambda email: email.replace("s", "\u017f")])
def test_an_email_belongs_to_one_colleague(world: World, spelling: Any) -> None:
    email = f"susse.{uuid4().hex[:8]}@example.org"
    added(world.ada, email=email)
    answer = world.ada.post("/v1/therapists", a_therapist(email=spelling(email)))
    assert (answer.status_code, answer.json()["type"]) == (409, IMPOSSIBLE)


def test_another_practice_may_know_the_same_email(world: World) -> None:
    assert world.cleo.post("/v1/therapists", a_therapist(email=world.ada_email)).status_code == 201


def test_an_email_that_grows_in_lower_case_is_refused(world: World) -> None:
    answer = world.ada.post("/v1/therapists", a_therapist(email="\u0130" * 240 + "@example.org"))
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/email")


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


def test_deactivating_twice_keeps_the_first_day(world: World, clock: Clock) -> None:
    path = f"/v1/therapists/{added(world.ada)['id']}"
    first = world.ada.patch(path, {"deactivated": True}).json()
    clock.ahead = timedelta(minutes=5)
    again = world.ada.patch(path, {"deactivated": True}).json()
    assert first["deactivated_at"] == again["deactivated_at"]


@pytest.mark.parametrize("change", [{"role": "therapist"}, {"deactivated": True}])
def test_the_last_owner_stays(world: World, change: dict[str, object]) -> None:
    path = f"/v1/therapists/{world.ada.therapist_id}"
    answer = world.ada.patch(path, change)
    assert (answer.status_code, answer.json()["type"]) == (409, IMPOSSIBLE)
    assert world.ada.patch(path, {"name": "Ada Lock-Weir"}).status_code == 200


def test_an_owner_who_has_not_joined_yet_does_not_count(world: World) -> None:
    added(world.ada, role="owner")
    answer = world.ada.patch(f"/v1/therapists/{world.ada.therapist_id}", {"role": "therapist"})
    assert (answer.status_code, answer.json()["type"]) == (409, IMPOSSIBLE)


def test_a_practice_can_pass_from_one_owner_to_the_next(world: World) -> None:
    ben = f"/v1/therapists/{world.ben.therapist_id}"
    assert world.ada.patch(ben, {"role": "owner"}).status_code == 200
    ada = f"/v1/therapists/{world.ada.therapist_id}"
    assert world.ben.patch(ada, {"role": "therapist"}).status_code == 200
    assert world.ada.patch("/v1/practice", {"name": "Mine"}).status_code == 403
    assert world.ben.patch("/v1/practice", {"name": "Mine"}).status_code == 200


def test_two_owners_who_demote_each_other_at_once_leave_one(world: World) -> None:
    cora = joined(world.ada, role="owner")
    paths = {phone: f"/v1/therapists/{phone.therapist_id}" for phone in (world.ada, cora)}
    etags = {phone: world.ben.get(path).headers["etag"] for phone, path in paths.items()}

    def demote(pair: tuple[Phone, Phone]) -> int:
        by, whom = pair
        return by.patch(paths[whom], {"role": "therapist"}, etag=etags[whom]).status_code

    with ThreadPoolExecutor(2) as phones:
        statuses = list(phones.map(demote, [(world.ada, cora), (cora, world.ada)]))
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 403, 409}
    roles = [each["role"] for each in world.ben.get("/v1/therapists").json()["items"]]
    assert roles.count("owner") == 1
