"""The practice: its settings and who may change them."""

from uuid import uuid4

import pytest

from tests.http.world import World


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


def test_a_practice_renamed_meanwhile_is_not_overwritten(world: World) -> None:
    read = world.ada.get("/v1/practice").headers["etag"]
    assert world.ada.patch("/v1/practice", {"name": "Canalside"}, etag=read).status_code == 200
    stale = world.ada.patch("/v1/practice", {"name": "Lockside"}, etag=read)
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:towpath:problem:stale")
    now = world.ada.get("/v1/practice")
    assert (now.json()["name"], now.headers["etag"]) == ("Canalside", stale.json()["etag"])


def test_other_writes_leave_the_version_of_the_practice_and_of_a_therapist(world: World) -> None:
    therapist = f"/v1/therapists/{world.ben.therapist_id}"
    practice_etag = world.ada.get("/v1/practice").headers["etag"]
    therapist_etag = world.ada.get(therapist).headers["etag"]
    assert world.ada.post("/v1/clients", {"id": str(uuid4()), "label": "A. 17"}).status_code == 201
    renamed = world.ada.patch("/v1/practice", {"name": "Canalside"}, etag=practice_etag)
    assert renamed.status_code == 200
    assert world.ada.get(therapist).headers["etag"] == therapist_etag
    assert world.ada.patch(therapist, {"name": "Ben Weir"}, etag=therapist_etag).status_code == 200
    assert world.ada.get("/v1/practice").headers["etag"] == renamed.headers["etag"]
