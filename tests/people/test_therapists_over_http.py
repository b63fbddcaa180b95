"""Therapists: added, changed, deactivated; a practice keeps an owner."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Clock
from tests.http.world import Phone, World
from tests.people.colleagues import a_therapist, added, joined

IMPOSSIBLE = "urn:towpath:problem:impossible"


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
