"""One's own account: another email address, and what happened to the account."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from service.people.attempts import FREE_FAILURES
from tests.conftest import Clock
from tests.http.look import Look
from tests.http.world import PASSWORD, Phone, World, a_device, sign_in

NEW_PASSWORD = "heron-lock-barge-sedge-nine"
WRONG = "not-the-password-at-all"


@pytest.fixture(autouse=True)
def _time_stands_still(clock: Clock) -> None:
    clock.stopped = clock()


def an_email() -> str:
    return f"ada.{uuid4().hex[:8]}@example.org"


def change_email(phone: Phone, email: str, password: str = PASSWORD, **options: Any) -> httpx.Response:
    return phone.post("/v1/me/email", {"email": email, "password": password}, **options)


def signing_in(phone: Phone, email: str) -> int:
    sent = {"email": email, "password": PASSWORD, "device": a_device()}
    return Phone(phone.http).post("/v1/sign-in", sent).status_code


def events(phone: Phone) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = phone.get("/v1/me/security-events").json()["items"]
    return items


def kinds(phone: Phone) -> list[str]:
    return [each["kind"] for each in events(phone)]


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
    answer = change_email(world.ada, an_email(), WRONG)
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/password")
    assert signing_in(world.nobody, world.ada_email) == 200
    assert "email_changed" not in kinds(world.ada)


def test_the_security_events_show_both_addresses_to_their_owner_alone(world: World, clock: Clock) -> None:
    email = an_email()
    clock.ahead = timedelta(minutes=1)
    assert change_email(world.ada, email).status_code == 200
    (changed,) = [each for each in events(world.ada) if each["kind"] == "email_changed"]
    assert (changed["old_email"], changed["new_email"]) == (world.ada_email, email)
    assert changed["device_id"] == world.ada.tokens["device_id"]
    assert "email_changed" not in kinds(world.ben)


def test_a_change_sent_again_is_answered_again_and_recorded_once(world: World) -> None:
    email, key = an_email(), {"Idempotency-Key": uuid4().hex}
    answers = [change_email(world.ada, email, headers=key) for _ in range(2)]
    answers.append(change_email(world.ada, email))
    assert [each.status_code for each in answers] == [200, 200, 200]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert kinds(world.ada).count("email_changed") == 1


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
    unconfirmed = change_email(world.ben, invited, WRONG)
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
    guesses = [change_email(world.ada, an_email(), WRONG).status_code for _ in range(FREE_FAILURES + 2)]
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


def test_a_new_password_is_recorded_once_however_often_it_is_sent(world: World) -> None:
    sent = {"current": PASSWORD, "new": NEW_PASSWORD}
    with ThreadPoolExecutor(3) as requests:
        answers = list(requests.map(lambda _: world.ada.post("/v1/password", sent).status_code, range(3)))
    assert answers == [204, 204, 204]
    assert kinds(world.ada).count("password_changed") == 1


def test_weak_new_passwords_are_no_failed_attempts(world: World) -> None:
    for _ in range(FREE_FAILURES + 2):
        refused = world.ada.post("/v1/password", {"current": PASSWORD, "new": "ada lock ada lock"})
        assert refused.json()["type"] == "urn:towpath:problem:weak-password"
    assert world.ada.post("/v1/password", {"current": PASSWORD, "new": NEW_PASSWORD}).status_code == 204


def test_a_sign_in_from_a_new_device_is_recorded_and_one_from_a_known_device_is_not(world: World) -> None:
    device = a_device()
    for _ in range(2):
        sent = {"email": world.ada_email, "password": PASSWORD, "device": device}
        assert world.nobody.post("/v1/sign-in", sent).status_code == 200
    new = [each["device_id"] for each in events(world.ada) if each["kind"] == "new_device"]
    assert sorted(new) == sorted([world.ada.tokens["device_id"], device["id"]])


def test_a_revoked_device_is_recorded_once_for_whoever_it_belongs_to(world: World) -> None:
    tablet = sign_in(world.http, world.ben_email)
    path = f"/v1/devices/{tablet.tokens['device_id']}"
    assert [world.ada.delete(path).status_code for _ in range(2)] == [204, 204]
    revoked = [each["device_id"] for each in events(world.ben) if each["kind"] == "device_revoked"]
    assert revoked == [tablet.tokens["device_id"]]
    assert "device_revoked" not in kinds(world.ada)


def test_a_stolen_token_is_recorded_once(world: World) -> None:
    tablet = sign_in(world.http, world.ada_email)
    sent = {"refresh_token": tablet.tokens["refresh_token"], "device_id": str(uuid4())}
    with ThreadPoolExecutor(3) as thieves:
        answers = thieves.map(lambda _: world.nobody.post("/v1/sign-in/refresh", sent).status_code, range(3))
        assert set(answers) == {401}
    reused = [each["device_id"] for each in events(world.ada) if each["kind"] == "token_reused"]
    assert reused == [tablet.tokens["device_id"]]


def test_security_events_are_paged_the_latest_first(world: World, clock: Clock) -> None:
    for minute in range(1, 5):
        clock.ahead = timedelta(minutes=minute)
        assert change_email(world.ada, an_email()).status_code == 200
    every = events(world.ada)
    assert [each["at"] for each in every] == sorted((each["at"] for each in every), reverse=True)
    found: list[dict[str, Any]] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = world.ada.get("/v1/me/security-events", params=params).json()
        found += page["items"]
        if "next_cursor" not in page:
            break
        params["cursor"] = page["next_cursor"]
    assert found == every


@pytest.mark.parametrize("cursor", ["x", "WyJ4IiwiMDE5N2MyYTQtOGYzZS03YjFhLTljNTUtM2YwZTZiN2QyYTEwIl0"])
def test_a_made_up_cursor_is_refused(world: World, cursor: str) -> None:
    answer = world.ada.get("/v1/me/security-events", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "cursor")


def test_everybody_reads_their_own_events_alone(world: World, look: Look) -> None:
    of_ada, of_ben, of_cleo = (
        {each["id"] for each in events(phone)} for phone in (world.ada, world.ben, world.cleo)
    )
    stored = "SELECT id::text FROM security_event WHERE practice_id = $1"
    assert of_ada | of_ben == {each["id"] for each in look.rows(stored, world.practice_id)}
    assert not of_ada & of_ben
    assert not of_ada & of_cleo
