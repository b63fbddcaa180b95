"""Signing in, staying signed in and being signed out."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from service.crypto.tokens import parse_token
from tests.http.conftest import Clock
from tests.http.world import PASSWORD, Phone, World, a_device, sign_in

NEW_PASSWORD = "heron mill rope sluice"


def refresh(world: World, tokens: dict[str, Any]) -> httpx.Response:
    return world.nobody.post("/v1/sign-in/refresh", {"refresh_token": tokens["refresh_token"]})


def attempt(world: World, email: str, password: str, device: dict[str, str] | None = None) -> httpx.Response:
    body = {"email": email, "password": password, "device": device or a_device()}
    return world.nobody.post("/v1/sign-in", body)


def is_signed_in(phone: Phone) -> bool:
    return phone.get("/v1/me").status_code == 200


def test_a_wrong_password_and_an_unknown_email_are_answered_alike(world: World) -> None:
    wrong = attempt(world, world.ada_email, "not this one, surely")
    unknown = attempt(world, "nobody@example.org", "not this one, surely")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}


def test_letter_case_of_an_email_does_not_matter(world: World) -> None:
    assert attempt(world, f" {world.ada_email.upper()} ", PASSWORD).status_code == 200


def test_tokens_are_known_to_the_database_by_their_hash_alone(world: World, dsn: str) -> None:
    async def everything() -> str:
        connection = await asyncpg.connect(dsn)
        await connection.execute(f"BEGIN; SET LOCAL app.practice = '{world.practice_id}'")
        rows = await connection.fetch("SELECT * FROM token")
        await connection.close()
        return repr([dict(row) for row in rows])

    kept = asyncio.run(everything())
    for kind in ("access", "refresh"):
        text = world.ada.tokens[f"{kind}_token"]
        token = parse_token(text, "access" if kind == "access" else "refresh")
        assert token is not None
        assert repr(token.digest) in kept
        assert text[4:] not in kept


def test_an_access_token_is_good_for_ten_minutes(world: World, clock: Clock) -> None:
    clock.ahead = timedelta(minutes=9)
    assert is_signed_in(world.ada)
    clock.ahead = timedelta(minutes=11)
    assert not is_signed_in(world.ada)


def test_a_refresh_answers_new_tokens(world: World, clock: Clock) -> None:
    clock.ahead = timedelta(minutes=11)
    tokens = refresh(world, world.ada.tokens).json()
    assert is_signed_in(Phone(world.http, tokens))
    assert tokens["sign_in_id"] == world.ada.tokens["sign_in_id"]


def test_a_lost_answer_is_answered_again_within_half_a_minute(world: World, clock: Clock) -> None:
    first = refresh(world, world.ada.tokens)
    clock.ahead = timedelta(seconds=25)
    assert refresh(world, world.ada.tokens).json() == first.json()


def test_a_stolen_token_ends_the_whole_sign_in(world: World, clock: Clock) -> None:
    tokens = refresh(world, world.ada.tokens).json()
    clock.ahead = timedelta(seconds=40)
    assert refresh(world, world.ada.tokens).status_code == 401
    assert not is_signed_in(Phone(world.http, tokens))
    assert refresh(world, tokens).status_code == 401


def test_of_many_refreshes_at_once_exactly_one_is_made(world: World) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: refresh(world, world.ada.tokens), range(8)))
    assert {each.status_code for each in answers} == {200}
    assert len({each.json()["refresh_token"] for each in answers}) == 1


def test_a_sign_in_ends_after_ninety_days_however_often_it_is_refreshed(world: World, clock: Clock) -> None:
    tokens = world.ada.tokens
    for week in range(1, 13):
        clock.ahead = timedelta(weeks=week)
        tokens = refresh(world, tokens).json()
    clock.ahead = timedelta(days=91)
    assert refresh(world, tokens).status_code == 401


def test_a_phone_not_used_for_a_fortnight_signs_in_again(world: World, clock: Clock) -> None:
    clock.ahead = timedelta(days=15)
    assert refresh(world, world.ada.tokens).status_code == 401


def test_signing_out_ends_this_sign_in_and_no_other(world: World) -> None:
    other = sign_in(world.http, world.ada_email)
    assert world.ada.delete("/v1/sign-in").status_code == 204
    assert not is_signed_in(world.ada)
    assert is_signed_in(other)


def test_a_lost_phone_is_revoked_at_once(world: World) -> None:
    lost = sign_in(world.http, world.ada_email)
    device_id = lost.get("/v1/me").json()["device_id"]
    assert [world.ada.delete(f"/v1/devices/{device_id}").status_code for _ in range(2)] == [204, 204]
    assert not is_signed_in(lost)
    devices = {each["id"]: each for each in world.ada.get("/v1/devices").json()["items"]}
    assert "revoked_at" in devices[device_id]


def test_a_colleagues_phone_is_revoked_by_an_owner_alone(world: World) -> None:
    adas, bens = (phone.get("/v1/me").json()["device_id"] for phone in (world.ada, world.ben))
    assert world.ben.delete(f"/v1/devices/{adas}").status_code == 404
    assert world.ada.delete(f"/v1/devices/{bens}").status_code == 204
    assert not is_signed_in(world.ben)


def test_a_new_password_ends_every_other_sign_in(world: World) -> None:
    other = sign_in(world.http, world.ada_email)
    change = {"current": PASSWORD, "new": NEW_PASSWORD}
    assert world.ada.post("/v1/password", change).status_code == 204
    assert is_signed_in(world.ada)
    assert not is_signed_in(other)
    assert attempt(world, world.ada_email, PASSWORD).status_code == 401
    assert attempt(world, world.ada_email, NEW_PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"current": "not this one, surely", "new": NEW_PASSWORD}, "unusable"),
        ({"current": PASSWORD, "new": "too short"}, "weak-password"),
        ({"current": PASSWORD, "new": "passwordpassword"}, "weak-password"),
    ],
)
def test_a_password_is_not_changed_for_the_asking(world: World, change: dict[str, str], told: str) -> None:
    answer = world.ada.post("/v1/password", change)
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:towpath:problem:{told}")
    assert attempt(world, world.ada_email, PASSWORD).status_code == 200


def test_guessing_is_slowed_down_and_the_count_outlives_the_refusals(world: World, clock: Clock) -> None:
    answers = [attempt(world, world.ada_email, f"guess number {number} of many") for number in range(8)]
    assert [each.status_code for each in answers[:6]] == [401] * 6
    assert answers[7].status_code == 429
    assert int(answers[7].headers["retry-after"]) >= 1
    assert attempt(world, world.ada_email, PASSWORD).status_code == 429
    clock.ahead = timedelta(minutes=16)
    assert attempt(world, world.ada_email, PASSWORD).status_code == 200


def test_strangers_cannot_lock_a_known_phone_out(world: World) -> None:
    device = a_device()
    assert attempt(world, world.ada_email, PASSWORD, device).status_code == 200
    for number in range(10):
        attempt(world, world.ada_email, f"guess number {number} of many")
    assert attempt(world, world.ada_email, PASSWORD).status_code == 429
    assert attempt(world, world.ada_email, PASSWORD, device).status_code == 200


def test_an_invitation_is_used_once(world: World) -> None:
    token = world.ada.put(f"/v1/therapists/{world.ben.therapist_id}/invitation").json()["token"]
    accept = {"token": token, "password": NEW_PASSWORD, "device": a_device()}
    weak = world.nobody.post("/v1/invitations/accept", accept | {"password": "short"})
    assert weak.status_code == 422
    assert world.nobody.post("/v1/invitations/accept", accept).status_code == 200
    assert world.nobody.post("/v1/invitations/accept", accept).status_code == 410
    assert not is_signed_in(world.ben)


def test_an_invitation_expires_and_a_new_one_voids_the_last(world: World, clock: Clock) -> None:
    path = f"/v1/therapists/{world.ben.therapist_id}/invitation"
    first, second = (world.ada.put(path).json()["token"] for _ in range(2))
    clock.ahead = timedelta(days=8)
    for token in (first, second):
        accept = {"token": token, "password": NEW_PASSWORD, "device": a_device()}
        assert world.nobody.post("/v1/invitations/accept", accept).status_code == 410


def test_a_practice_keeps_an_owner_who_can_sign_in(world: World) -> None:
    path = f"/v1/therapists/{world.ada.therapist_id}"
    for change in ({"deactivated": True}, {"role": "therapist"}):
        answer = world.ada.patch(path, change)
        assert (answer.status_code, answer.json()["possible"]) == (409, ["make a colleague owner first"])


def test_one_email_in_two_practices_is_asked_which(world: World) -> None:
    shared = {"id": str(uuid4()), "email": world.ada_email, "name": "Ada Lock"}
    assert world.cleo.post("/v1/therapists", shared).status_code == 201
    token = world.cleo.put(f"/v1/therapists/{shared['id']}/invitation").json()["token"]
    accept = {"token": token, "password": PASSWORD, "device": a_device()}
    assert world.nobody.post("/v1/invitations/accept", accept).status_code == 200
    asked = attempt(world, world.ada_email, PASSWORD)
    assert (asked.status_code, len(asked.json()["practice_ids"])) == (409, 2)
    body = {"email": world.ada_email, "password": PASSWORD, "device": a_device()}
    chosen = world.nobody.post("/v1/sign-in", body | {"practice_id": str(world.practice_id)})
    assert chosen.json()["practice_id"] == str(world.practice_id)


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer twa_" + "A" * 64, "Bearer twr_" + "A" * 64]
)
def test_what_is_no_token_is_answered_as_such(world: World, header: str) -> None:
    answer = world.nobody.get("/v1/me", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
