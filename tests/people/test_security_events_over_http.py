"""What happened to an account, for its therapist to read."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Clock
from tests.http.look import Look
from tests.http.world import PASSWORD, World, a_device, sign_in
from tests.people.phones import an_email, change_email, events, kinds

NEW_PASSWORD = "heron-lock-barge-sedge-nine"


@pytest.fixture(autouse=True)
def _time_stands_still(clock: Clock) -> None:
    """Let no time limit run out by itself, however slow the machine."""
    clock.stopped = clock()


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


def test_a_new_password_is_recorded_once_however_often_it_is_sent(world: World) -> None:
    sent = {"current": PASSWORD, "new": NEW_PASSWORD}
    with ThreadPoolExecutor(3) as requests:
        answers = list(requests.map(lambda _: world.ada.post("/v1/password", sent).status_code, range(3)))
    assert answers == [204, 204, 204]
    assert kinds(world.ada).count("password_changed") == 1


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
