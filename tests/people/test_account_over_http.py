"""One's own account: another password, another email address."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from service.people.attempts import FREE_FAILURES
from tests.conftest import Clock
from tests.http.world import PASSWORD, World, a_device, sign_in
from tests.people.phones import (
    an_email,
    ask,
    change_email,
    change_password,
    is_signed_in,
    kinds,
    refresh,
    signing_in,
)

NEW_PASSWORD = "heron-lock-barge-sedge-nine"
WRONG_PASSWORD = "not-the-password-at-all"


@pytest.fixture(autouse=True)
def _time_stands_still(clock: Clock) -> None:
    """Let no time limit run out by itself, however slow the machine."""
    clock.stopped = clock()


def test_a_new_password_ends_every_other_sign_in_and_keeps_this_one(world: World) -> None:
    tablet = sign_in(world.http, world.ada_email)
    assert change_password(world.ada).status_code == 204
    assert is_signed_in(world.ada)
    assert refresh(world.ada).status_code == 200
    assert not is_signed_in(tablet)
    assert refresh(tablet).status_code == 401
    assert is_signed_in(world.ben)
    assert ask(world.nobody, world.ada_email).status_code == 401
    assert is_signed_in(sign_in(world.http, world.ada_email, NEW_PASSWORD))


def test_the_new_password_needs_the_old_one(world: World) -> None:
    answer = change_password(world.ada, "not-the-password-at-all")
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/current")
    assert is_signed_in(sign_in(world.http, world.ada_email))


def test_a_weak_password_is_refused(world: World) -> None:
    answer = change_password(world.ada, new="ada lock ada lock")
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:towpath:problem:weak-password")


def test_a_password_change_whose_answer_was_lost_can_be_sent_again(world: World) -> None:
    assert change_password(world.ada).status_code == 204
    assert change_password(world.ada).status_code == 204


def test_a_new_address_signs_in_and_the_old_one_does_not(world: World) -> None:
    email = an_email()
    answer = change_email(world.ada, f" {email.upper()} ")
    assert (answer.status_code, answer.json()["email"]) == (200, email)
    assert signing_in(world.nobody, email) == 200
    assert signing_in(world.nobody, world.ada_email) == 401
    me = world.ada.get("/v1/me").json()["therapist"]
    path = f"/v1/therapists/{world.ada.therapist_id}"
    assert (me["email"], world.ben.get(path).headers["etag"]) == (email, answer.headers["etag"])


def test_a_new_address_needs_the_password(world: World) -> None:
    answer = change_email(world.ada, an_email(), WRONG_PASSWORD)
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/password")
    assert signing_in(world.nobody, world.ada_email) == 200
    assert "email_changed" not in kinds(world.ada)


def test_a_key_stands_for_one_address(world: World) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    assert change_email(world.ada, an_email(), headers=key).status_code == 200
    other = change_email(world.ada, an_email(), headers=key)
    assert other.json()["type"] == "urn:towpath:problem:idempotency-key-reused"


def test_an_address_of_a_colleague_is_refused_alike_joined_invited_or_gone(world: World) -> None:
    invited, gone, gone_id = an_email(), an_email(), str(uuid4())
    for email, colleague_id in ((invited, str(uuid4())), (gone, gone_id)):
        dora = {"id": colleague_id, "email": email, "name": "Dora Quay"}
        assert world.ada.post("/v1/therapists", dora).status_code == 201
    assert world.ada.patch(f"/v1/therapists/{gone_id}", {"deactivated": True}).status_code == 200
    answers = [change_email(world.ben, email) for email in (world.ada_email, invited, gone)]
    told = [{**each.json(), "request_id": ""} for each in answers]
    assert told[0] == told[1] == told[2]
    assert (answers[0].status_code, told[0]["type"]) == (409, "urn:towpath:problem:impossible")
    unconfirmed = change_email(world.ben, invited, WRONG_PASSWORD)
    assert unconfirmed.json()["pointer"] == "/password"
    assert signing_in(world.nobody, world.ben_email) == 200


def test_another_practice_may_have_the_same_address(world: World) -> None:
    assert change_email(world.cleo, world.ada_email).status_code == 200
    sent = {"email": world.ada_email, "password": PASSWORD, "device": a_device()}
    assert world.nobody.post("/v1/sign-in", sent).json()["type"] == "urn:towpath:problem:which-practice"


def test_an_address_left_behind_is_free_for_a_colleague(world: World) -> None:
    assert change_email(world.ada, an_email()).status_code == 200
    assert change_email(world.ben, world.ada_email).status_code == 200
    assert signing_in(world.nobody, world.ada_email) == 200
    assert signing_in(world.nobody, world.ben_email) == 401


def test_one_address_in_another_spelling_stays_ones_own(world: World) -> None:
    wide = world.ada_email.replace("ada", "\uff41da")
    assert change_email(world.ada, wide).status_code == 200
    assert signing_in(world.nobody, world.ada_email) == signing_in(world.nobody, wide) == 200


def test_two_who_want_one_address_at_once_do_not_both_get_it(world: World) -> None:
    email = an_email()
    with ThreadPoolExecutor(2) as phones:
        answers = list(phones.map(lambda phone: change_email(phone, email), (world.ada, world.ben)))
    assert sorted(each.status_code for each in answers) == [200, 409]
    assert signing_in(world.nobody, email) == 200


def test_guessing_at_a_new_address_is_slowed_down_with_the_sign_ins(world: World) -> None:
    guesses = [
        change_email(world.ada, an_email(), WRONG_PASSWORD).status_code for _ in range(FREE_FAILURES + 2)
    ]
    assert guesses == [422] * (FREE_FAILURES + 1) + [429]
    assert change_email(world.ada, an_email()).status_code == 429
    device = {**a_device(), "id": world.ada.tokens["device_id"]}
    asked = {"email": world.ada_email, "password": PASSWORD, "device": device}
    assert world.nobody.post("/v1/sign-in", asked).status_code == 429


def test_a_password_changed_meanwhile_confirms_nothing(world: World) -> None:
    sent = {"current": PASSWORD, "new": NEW_PASSWORD}
    assert world.ada.post("/v1/password", sent).status_code == 204
    answer = change_email(world.ada, an_email())
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/password")


def test_addresses_that_are_taken_are_no_failed_attempts(world: World) -> None:
    for _ in range(FREE_FAILURES + 2):
        assert change_email(world.ada, world.ben_email).status_code == 409
    assert change_email(world.ada, an_email()).status_code == 200


def test_weak_new_passwords_are_no_failed_attempts(world: World) -> None:
    for _ in range(FREE_FAILURES + 2):
        refused = world.ada.post("/v1/password", {"current": PASSWORD, "new": "ada lock ada lock"})
        assert refused.json()["type"] == "urn:towpath:problem:weak-password"
    assert world.ada.post("/v1/password", {"current": PASSWORD, "new": NEW_PASSWORD}).status_code == 204
