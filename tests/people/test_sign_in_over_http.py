"""Signing in and out over HTTP, with a clock that can be moved."""

import asyncio
import hashlib
import socket
import threading
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from routes.http import strict
from service.people.devices import NewDevice
from service.people.keep_practice import NewPractice
from service.people.sign_in import PasswordProof, begin_proved_sign_in
from service.people.sign_ins import Account, WrongCredentials
from tests.conftest import Clock
from tests.http.look import Look
from tests.http.running import Running
from tests.http.things import RECORDING, new
from tests.http.world import PASSWORD, Phone, World, make_practice, sign_in
from tests.people.phones import ask, change_password, is_signed_in, refresh

NOT_SIGNED_IN = "urn:towpath:problem:not-signed-in"
WRONG = "urn:towpath:problem:wrong-credentials"
NEW_PASSWORD = "heron-lock-barge-sedge-nine"


@pytest.fixture(autouse=True)
def _time_stands_still(clock: Clock) -> None:
    """Let no time limit run out by itself, however slow the machine."""
    clock.stopped = clock()


def without_request_id(answer: httpx.Response) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Return all of an answer that must not tell one case from another."""
    told = dict(answer.json())
    del told["request_id"]
    headers = {key: value for key, value in answer.headers.items() if key not in {"x-request-id", "date"}}
    return answer.status_code, told, headers


def test_a_sign_in_says_who_it_is_for(world: World) -> None:
    me = world.ada.get("/v1/me").json()
    assert me["therapist"]["email"] == world.ada_email
    assert me["therapist"]["role"] == "owner"
    assert me["practice"]["practice_id"] == str(world.practice_id)


def test_letter_case_and_spaces_in_an_email_do_not_matter(world: World) -> None:
    assert ask(world.nobody, f"  {world.ada_email.upper()} ").status_code == 200


def test_wrong_email_and_wrong_password_are_not_told_apart(world: World) -> None:
    known = ask(world.nobody, world.ada_email, "not-the-password-at-all")
    unknown = ask(world.nobody, f"{uuid4().hex}@example.org", "not-the-password-at-all")
    elsewhere = ask(world.nobody, world.ada_email, practice_id=str(uuid4()))
    assert known.json()["type"] == WRONG
    assert without_request_id(known) == without_request_id(unknown) == without_request_id(elsewhere)


def test_passwords_are_kept_as_argon2id(world: World, look: Look) -> None:
    people = (world.ada, world.ben)
    hashes = look.rows("SELECT password_hash FROM therapist WHERE practice_id = $1", world.practice_id)
    assert [each["password_hash"][:30] for each in hashes] == ["$argon2id$v=19$m=19456,t=2,p=1"] * len(people)


def test_tokens_are_kept_as_digests_alone(world: World, look: Look) -> None:
    tokens = [world.ada.tokens[kind] for kind in ("access_token", "refresh_token")]
    rows = look.rows("SELECT digest, token::text AS content FROM token")
    assert {hashlib.sha256(each.encode()).digest() for each in tokens} <= {row["digest"] for row in rows}
    everything = "".join(row["content"] for row in rows)
    for token in tokens:
        assert token not in everything
        assert token[4:] not in everything


def test_the_email_is_found_by_a_keyed_hash_alone(world: World, look: Look) -> None:
    name = world.ada_email.partition("@")[0]
    rows = look.rows("SELECT sign_in_index::text AS content FROM sign_in_index")
    plain = hashlib.sha256(world.ada_email.encode()).hexdigest()
    assert rows
    assert not [row for row in rows if name in row["content"] or plain in row["content"]]


def test_an_access_token_lasts_ten_minutes(world: World, clock: Clock) -> None:
    clock.ahead = timedelta(minutes=9, seconds=59)
    assert is_signed_in(world.ada)
    clock.ahead = timedelta(minutes=10)
    answer = world.ada.get("/v1/me")
    assert (answer.status_code, answer.json()["type"]) == (401, NOT_SIGNED_IN)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_one_kind_of_token_is_not_taken_for_the_other(world: World, kind: str) -> None:
    other = "refresh_token" if kind == "access_token" else "access_token"
    swapped = Phone(world.http, {**world.ada.tokens, kind: world.ada.tokens[other]})
    answer = swapped.get("/v1/me") if kind == "access_token" else refresh(swapped)
    assert (answer.status_code, answer.json()["type"]) == (401, NOT_SIGNED_IN)


def test_a_token_is_worth_nothing_under_another_practice(world: World) -> None:
    foreign = world.cleo.tokens["access_token"]
    own = world.ada.tokens["access_token"]
    mixed = foreign[: 4 + 21] + own[4 + 21 :]
    assert not is_signed_in(Phone(world.http, {**world.ada.tokens, "access_token": mixed}))


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Basic YWRhOmFkYQ==", "Bearer twa_", "Bearer \xff\xfe", "twa_x"]
)
def test_anything_else_than_a_bearer_token_is_no_sign_in(world: World, header: str) -> None:
    headers = {b"Authorization": header.encode("latin-1")}
    answer = world.http.get("/v1/me", headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (401, NOT_SIGNED_IN)


def test_signing_out_ends_this_sign_in_and_no_other(world: World) -> None:
    other = sign_in(world.http, world.ada_email)
    assert world.ada.delete("/v1/sign-in").status_code == 204
    assert not is_signed_in(world.ada)
    assert refresh(world.ada).status_code == 401
    assert is_signed_in(other)


def test_a_deactivated_therapist_is_signed_out_at_once_and_can_come_back(world: World) -> None:
    path = f"/v1/therapists/{world.ben.therapist_id}"
    place = {"id": str(uuid4()), "kind": "room", "name": "Ben's room"}
    assert world.ben.post("/v1/places", place).status_code == 201
    assert world.ada.patch(path, {"deactivated": True}).status_code == 200
    assert not is_signed_in(world.ben)
    assert refresh(world.ben).status_code == 401
    refused, unknown = ask(world.nobody, world.ben_email), ask(world.nobody, f"{uuid4().hex}@example.org")
    assert without_request_id(refused) == without_request_id(unknown)
    assert "deactivated_at" in world.ada.get(path).json()
    assert world.ada.get(f"/v1/places/{place['id']}").status_code == 200
    assert world.ada.patch(path, {"deactivated": False}).status_code == 200
    assert not is_signed_in(world.ben)
    assert is_signed_in(sign_in(world.http, world.ben_email))


def test_one_email_in_two_practices_is_asked_which(world: World, running: Running) -> None:
    new = NewPractice("Canalside", "Europe/London", world.ada_email, "Ada Lock", PASSWORD)
    other = make_practice(running, new)
    asked = ask(world.nobody, world.ada_email)
    assert (asked.status_code, asked.json()["type"]) == (409, "urn:towpath:problem:which-practice")
    assert set(asked.json()["practice_ids"]) == {str(world.practice_id), str(other)}
    for practice_id in (world.practice_id, other):
        answer = ask(world.nobody, world.ada_email, practice_id=str(practice_id))
        assert answer.json()["practice_id"] == str(practice_id)


def test_two_practices_with_two_passwords_need_not_be_asked(world: World, running: Running) -> None:
    new = NewPractice("Canalside", "Europe/London", world.ada_email, "Ada Lock", NEW_PASSWORD)
    other = make_practice(running, new)
    assert ask(world.nobody, world.ada_email).json()["practice_id"] == str(world.practice_id)
    assert ask(world.nobody, world.ada_email, NEW_PASSWORD).json()["practice_id"] == str(other)


def test_a_password_changed_while_the_old_one_was_being_checked_opens_nothing(
    world: World, running: Running, look: Look
) -> None:
    row = look.rows("SELECT id, password_hash FROM therapist WHERE email = $1", world.ada_email)[0]
    assert change_password(world.ada).status_code == 204
    proof = PasswordProof(Account(world.practice_id, row["id"]), row["password_hash"], needs_rehash=False)
    now, pool = running.composition.clock(), running.app.state.services.pool
    beginning = begin_proved_sign_in(pool, proof, None, NewDevice(uuid4(), "Pixel 9"), now)
    with pytest.raises(WrongCredentials):
        asyncio.run_coroutine_threadsafe(beginning, running.loop).result(10)


@pytest.mark.parametrize(
    ("path", "content_type", "content"),
    [
        ("/v1/places", "application/json", b'{"id": "%s", "kind": "room", "name": "Yard"}'),
        ("/v1/routes/import?id=%s", "application/gpx+xml", RECORDING),
    ],
)
def test_a_request_begun_before_its_sign_in_ended_and_sent_after_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, path: str, content_type: str, content: bytes
) -> None:
    monkeypatch.setattr(strict, "SLOW_S", 0.1)
    reading, read_body = threading.Event(), strict.StrictRequest._read_body

    async def seen_reading(request: strict.StrictRequest) -> bytes:
        reading.set()
        return await read_body(request)

    monkeypatch.setattr(strict.StrictRequest, "_read_body", seen_reading)
    for ending, status in ((False, b" 201 "), (True, b" 401 ")):
        body, where = content.replace(b"%s", new().encode()), path.replace("%s", new())
        head = (
            f"POST {where} HTTP/1.1\r\nHost: phone.example\r\nContent-Type: {content_type}\r\n"
            f"Authorization: Bearer {world.ben.tokens['access_token']}\r\nContent-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        url = world.http.base_url
        with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
            reading.clear()
            connection.sendall(head.encode() + body[:10])
            assert reading.wait(10)
            time.sleep(0.2)
            if ending:
                assert world.ben.delete("/v1/sign-in").status_code == 204
            connection.sendall(body[10:])
            assert status in connection.recv(65_536).partition(b"\r\n")[0]
