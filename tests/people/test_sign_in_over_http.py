"""Signing in, staying signed in, signing out: over HTTP, with a clock that can be moved."""

import asyncio
import hashlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
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
from tests.http.world import PASSWORD, Phone, World, a_device, make_practice, sign_in

NOT_SIGNED_IN = "urn:towpath:problem:not-signed-in"
WRONG = "urn:towpath:problem:wrong-credentials"
NEW_PASSWORD = "heron-lock-barge-sedge-nine"


@pytest.fixture(autouse=True)
def _time_stands_still(clock: Clock) -> None:
    """Let no half minute run out by itself, however slow the machine."""
    clock.stopped = clock()


def ask(phone: Phone, email: str, password: str = PASSWORD, **members: Any) -> httpx.Response:
    return phone.post("/v1/sign-in", {"email": email, "password": password, "device": a_device(), **members})


def refresh(phone: Phone, **members: Any) -> httpx.Response:
    """Refresh a sign-in as its phone does, or with other members."""
    sent = {name: phone.tokens[name] for name in ("refresh_token", "device_id")} | members
    return Phone(phone.http).post("/v1/sign-in/refresh", sent)


def refreshed(phone: Phone) -> Phone:
    """Return the phone with the tokens of a refresh."""
    answer = refresh(phone)
    assert answer.status_code == 200, answer.text
    return Phone(phone.http, answer.json() | {"device_id": phone.tokens["device_id"]})


def is_signed_in(phone: Phone) -> bool:
    answer = phone.get("/v1/me")
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


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


def test_refreshing_gives_new_tokens_for_the_same_sign_in(world: World, clock: Clock) -> None:
    clock.ahead = timedelta(minutes=11)
    answer = refresh(world.ada)
    assert answer.status_code == 200
    same = ("sign_in_id", "therapist_id", "practice_id")
    assert [answer.json()[each] for each in same] == [world.ada.tokens[each] for each in same]
    assert not {answer.json()[each] for each in ("access_token", "refresh_token")} & set(
        world.ada.tokens.values()
    )
    assert is_signed_in(Phone(world.http, answer.json()))


@pytest.mark.parametrize(
    "later", [timedelta(0), timedelta(seconds=31), timedelta(hours=5), timedelta(hours=24)]
)
def test_a_lost_answer_can_be_asked_for_again_for_a_day(world: World, clock: Clock, later: timedelta) -> None:
    first = refresh(world.ada)
    clock.ahead = later
    again = refresh(world.ada)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert is_signed_in(refreshed(refreshed(world.ada)))


def was_ended(world: World, look: Look, *phones: Phone) -> bool:
    """Return whether Ada's sign-in was ended as stolen, whichever of its tokens are sent."""
    why = look.value("SELECT revoked_why FROM sign_in WHERE id = $1", world.ada.tokens["sign_in_id"])
    still = [each for each in phones if is_signed_in(each) or refresh(each).status_code != 401]
    return why == "token_reused" and not still


def test_after_a_day_an_answer_cannot_be_asked_for_again(world: World, clock: Clock, look: Look) -> None:
    rightful = refreshed(world.ada)
    clock.ahead = timedelta(hours=24, seconds=1)
    late = refresh(world.ada)
    assert (late.status_code, late.json()["type"]) == (401, NOT_SIGNED_IN)
    assert was_ended(world, look, rightful)


@pytest.mark.parametrize(
    "path", ["/v1/me", "/v1/routes/{}", "/v1/sessions/{}", "/v1/sessions/{}/track/geojson", "/v1/places/{}"]
)
def test_once_the_new_access_token_is_used_the_old_refresh_token_is_stolen(
    world: World, look: Look, path: str
) -> None:
    rightful = refreshed(world.ada)
    assert rightful.get(path.format(uuid4())).status_code in {200, 404}
    assert refresh(world.ada).status_code == 401
    assert was_ended(world, look, rightful)


def test_once_the_new_refresh_token_is_used_the_old_one_is_stolen(world: World, look: Look) -> None:
    second = refreshed(world.ada)
    third = refreshed(second)
    assert refresh(world.ada).status_code == 401
    assert was_ended(world, look, second, third)


def test_the_earlier_access_token_is_no_use_of_the_new_pair(world: World) -> None:
    first = refresh(world.ada)
    assert is_signed_in(world.ada)
    assert refresh(world.ada).json() == first.json()


def test_a_refused_request_is_no_use_of_the_new_pair(world: World, clock: Clock) -> None:
    first = refresh(world.ada)
    clock.ahead = timedelta(minutes=11)
    assert not is_signed_in(Phone(world.http, first.json()))
    assert refresh(world.ada).json() == first.json()


@pytest.mark.parametrize("spent", [False, True])
def test_a_token_sent_from_another_device_is_stolen(world: World, look: Look, spent: bool) -> None:  # noqa: FBT001  a parameter
    rightful = refreshed(world.ada) if spent else world.ada
    stolen = refresh(world.ada, device_id=str(uuid4()))
    assert (stolen.status_code, stolen.json()["type"]) == (401, NOT_SIGNED_IN)
    assert was_ended(world, look, world.ada, rightful)


def test_a_thief_and_a_phone_cannot_both_go_on_from_one_token(world: World, look: Look) -> None:
    phone, thief = refreshed(world.ada), refreshed(world.ada)
    assert is_signed_in(thief)
    assert is_signed_in(refreshed(thief))
    assert refresh(phone).status_code == 401
    assert was_ended(world, look, phone, thief)


def test_only_the_first_use_of_a_pair_is_written_down(world: World, look: Look) -> None:
    version = "SELECT xmin::text FROM sign_in WHERE id = $1"
    phone = refreshed(world.ada)
    before = look.value(version, phone.tokens["sign_in_id"])
    assert is_signed_in(phone)
    after = look.value(version, phone.tokens["sign_in_id"])
    assert before != after
    assert is_signed_in(phone)
    assert phone.get(f"/v1/routes/{uuid4()}").status_code == 404
    assert look.value(version, phone.tokens["sign_in_id"]) == after


def test_many_first_uses_at_once_all_succeed(world: World) -> None:
    phone = refreshed(world.ada)
    with ThreadPoolExecutor(8) as requests:
        assert all(requests.map(lambda _: is_signed_in(phone), range(16)))
    assert refresh(world.ada).status_code == 401


def test_a_repeat_beside_the_first_use_gets_the_same_pair_or_ends_the_sign_in(
    world: World, look: Look
) -> None:
    phone = refreshed(world.ada)
    with ThreadPoolExecutor(2) as requests:
        using = requests.submit(phone.get, "/v1/me")
        again = refresh(world.ada)
        assert using.result().status_code in {200, 401}
    if again.status_code == 200:
        assert again.json()["refresh_token"] == phone.tokens["refresh_token"]
        assert is_signed_in(phone)
    else:
        assert was_ended(world, look, phone)


def test_of_many_refreshes_at_once_all_get_the_one_successor(world: World, look: Look) -> None:
    with ThreadPoolExecutor(8) as phones:
        answers = list(phones.map(lambda _: refresh(world.ada), range(16)))
    assert {each.status_code for each in answers} == {200}
    assert len({each.json()["refresh_token"] for each in answers}) == 1
    of_sign_in = "SELECT count(*) FROM token WHERE sign_in_id = $1 AND kind = 'refresh'"
    assert look.value(of_sign_in, world.ada.tokens["sign_in_id"]) == 2


def test_a_sign_in_not_used_for_two_weeks_ends(world: World, clock: Clock) -> None:
    clock.ahead = timedelta(days=13, hours=23)
    kept = refreshed(world.ada)
    clock.ahead = timedelta(days=28)
    assert refresh(kept).status_code == 401


def test_a_sign_in_ends_after_ninety_days_however_often_it_is_refreshed(world: World, clock: Clock) -> None:
    phone = world.ada
    end = datetime.fromisoformat(phone.tokens["access_expires_at"]) + timedelta(days=90)
    for day in range(13, 90, 13):
        clock.ahead = timedelta(days=day)
        phone = refreshed(phone)
        assert datetime.fromisoformat(phone.tokens["refresh_expires_at"]) <= end
    clock.ahead = timedelta(days=90) - timedelta(minutes=5)
    last = refreshed(phone)
    assert is_signed_in(last)
    clock.ahead = timedelta(days=90)
    assert not is_signed_in(last)
    assert refresh(last).status_code == 401


def test_spent_tokens_are_forgotten_once_they_could_not_be_used_anyway(
    world: World, clock: Clock, look: Look
) -> None:
    phone = world.ada
    for day in (1, 2, 3):
        clock.ahead = timedelta(days=day)
        phone = refreshed(phone)
    access = "SELECT count(*) FROM token WHERE sign_in_id = $1 AND kind = 'access'"
    assert look.value(access, world.ada.tokens["sign_in_id"]) <= 2


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


def test_devices_are_listed_the_last_used_first(world: World, clock: Clock) -> None:
    clock.ahead = timedelta(minutes=1)
    tablet = sign_in(world.http, world.ada_email)
    devices = tablet.get("/v1/devices").json()["items"]
    assert [each["this_one"] for each in devices] == [True, False]
    assert devices[0]["name"] == "Pixel 9"
    clock.ahead = timedelta(minutes=2)
    phone = refreshed(world.ada)
    assert [each["this_one"] for each in phone.get("/v1/devices").json()["items"]] == [True, False]


def test_a_revoked_device_is_signed_out_at_once_and_stays_out(world: World) -> None:
    stolen_device = a_device()
    answer = ask(world.nobody, world.ada_email, device=stolen_device).json()
    stolen = Phone(world.http, answer | {"device_id": stolen_device["id"]})
    path = f"/v1/devices/{stolen_device['id']}"
    assert world.ada.delete(path).status_code == 204
    assert not is_signed_in(stolen)
    assert refresh(stolen).status_code == 401
    again = ask(world.nobody, world.ada_email, device=stolen_device)
    assert (again.status_code, again.json()["type"]) == (409, "urn:towpath:problem:impossible")
    assert world.ada.delete(path).status_code == 204
    assert is_signed_in(world.ada)


def test_a_device_can_sign_in_again(world: World) -> None:
    device = a_device()
    for _ in range(2):
        assert ask(world.nobody, world.ada_email, device=device).status_code == 200
    listed = world.ada.get("/v1/devices").json()["items"]
    assert [each["id"] for each in listed].count(device["id"]) == 1


def test_a_colleagues_device_id_cannot_be_taken(world: World) -> None:
    device = a_device()
    ask(world.nobody, world.ben_email, device=device)
    answer = ask(world.nobody, world.ada_email, device=device)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:towpath:problem:impossible")


def test_an_owner_may_revoke_a_colleagues_device_but_not_the_other_way_round(world: World) -> None:
    bens = world.ben.get("/v1/me").json()["device_id"]
    adas = world.ada.get("/v1/me").json()["device_id"]
    assert world.ben.delete(f"/v1/devices/{adas}").status_code == 404
    assert world.ada.delete(f"/v1/devices/{bens}").status_code == 204
    assert not is_signed_in(world.ben)
    assert is_signed_in(world.ada)


def change_password(phone: Phone, current: str = PASSWORD, new: str = NEW_PASSWORD) -> httpx.Response:
    return phone.post("/v1/password", {"current": current, "new": new})


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
