"""Who guesses passwords waits longer and longer; nobody is locked out by strangers."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from service.foundation.crypto.passwords import HASHING_PLACES
from service.people.attempts import FREE_FAILURES, FREE_FAILURES_OF_A_NETWORK
from service.people.keep_practice import NewPractice
from tests.conftest import Clock
from tests.http.look import Look
from tests.http.running import Running
from tests.http.sessions import a_recording, a_session, held, send_track
from tests.http.world import PASSWORD, Phone, World, a_device, make_practice

GUESS = "perhaps-it-is-this-one"
TOO_MANY = "urn:towpath:problem:too-many-attempts"
EVE_PASSWORD = "eve-knows-her-own-password"


@pytest.fixture(autouse=True)
def _time_stands_still(clock: Clock) -> None:
    """Let no wait run out by itself, however slow the machine."""
    clock.stopped = clock()


class Guesser:
    """Someone at an address of their own, or at the one they are given."""

    def __init__(self, world: World, network: str | None = None) -> None:
        self.phone = world.nobody
        first, second = uuid4().bytes[:2]
        self.network = network or f"2001:db8:{first:x}:{second:x}::{uuid4().hex[:4]}"

    def ask(self, email: str, password: str = GUESS, **members: Any) -> httpx.Response:
        sent = {"email": email, "password": password, "device": a_device(), **members}
        return self.phone.post("/v1/sign-in", sent, headers={"X-Forwarded-For": self.network})

    def fail(self, email: str, times: int, **members: Any) -> list[int]:
        return [self.ask(email, **members).status_code for _ in range(times)]


def test_failures_beyond_the_first_few_cost_a_growing_wait(world: World, clock: Clock) -> None:
    eve = Guesser(world)
    assert eve.fail(world.ada_email, FREE_FAILURES + 1) == [401] * (FREE_FAILURES + 1)
    waits = []
    for _ in range(12):
        refused = eve.ask(world.ada_email)
        assert (refused.status_code, refused.json()["type"]) == (429, TOO_MANY)
        waits.append(int(refused.headers["retry-after"]))
        clock.ahead += timedelta(seconds=waits[-1])
        assert eve.ask(world.ada_email).status_code == 401
    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == 15 * 60


def test_while_waiting_the_right_password_is_refused_too(world: World) -> None:
    eve = Guesser(world)
    eve.fail(world.ada_email, FREE_FAILURES + 1)
    assert eve.ask(world.ada_email, PASSWORD).status_code == 429


def test_the_refusal_does_not_take_back_the_count(world: World, look: Look) -> None:
    before = look.value("SELECT coalesce(sum(failures), 0) FROM throttle")
    Guesser(world).fail(world.ada_email, 3)
    assert look.value("SELECT sum(failures) FROM throttle") == before + 6
    Guesser(world).fail(world.ada_email, 4)
    assert look.value("SELECT sum(attempts_refused) FROM throttle") >= 1


def test_being_refused_does_not_make_the_wait_longer(world: World, clock: Clock) -> None:
    eve = Guesser(world)
    eve.fail(world.ada_email, FREE_FAILURES + 1)
    assert eve.fail(world.ada_email, 20) == [429] * 20
    clock.ahead = timedelta(seconds=3)
    assert eve.ask(world.ada_email, PASSWORD).status_code == 200


def test_an_unknown_email_is_slowed_down_alike(world: World) -> None:
    email = f"{uuid4().hex}@example.org"
    known, unknown = Guesser(world), Guesser(world)
    for_known = known.fail(world.ada_email, FREE_FAILURES + 2)
    assert unknown.fail(email, FREE_FAILURES + 2) == for_known
    elsewhere = Guesser(world)
    assert elsewhere.fail(world.ada_email, 1, practice_id=str(uuid4())) == [429]
    assert elsewhere.fail(email, 1, practice_id=str(uuid4())) == [429]


def test_strangers_cannot_lock_out_a_known_phone(world: World) -> None:
    device = a_device()
    ada = Guesser(world)
    assert ada.ask(world.ada_email, PASSWORD, device=device).status_code == 200
    Guesser(world).fail(world.ada_email, FREE_FAILURES + 2)
    assert ada.ask(world.ada_email, PASSWORD).status_code == 429
    assert ada.ask(world.ada_email, PASSWORD, device=device).status_code == 200


def test_a_known_phone_is_slowed_down_by_its_own_failures(world: World) -> None:
    device = a_device()
    ada = Guesser(world)
    ada.ask(world.ada_email, PASSWORD, device=device)
    ada.fail(world.ada_email, FREE_FAILURES + 1, device=device)
    assert ada.ask(world.ada_email, PASSWORD, device=device).status_code == 429
    assert Guesser(world).ask(world.ada_email, PASSWORD).status_code == 200


def test_a_revoked_phone_is_a_stranger_again(world: World) -> None:
    device = a_device()
    Guesser(world).ask(world.ada_email, PASSWORD, device=device)
    assert world.ada.delete(f"/v1/devices/{device['id']}").status_code == 204
    Guesser(world).fail(world.ada_email, FREE_FAILURES + 1)
    assert Guesser(world).ask(world.ada_email, PASSWORD, device=device).status_code == 429


def test_a_success_forgets_the_failures_before_it(world: World) -> None:
    for _ in range(3):
        eve = Guesser(world)
        assert eve.fail(world.ada_email, FREE_FAILURES) == [401] * FREE_FAILURES
        assert eve.ask(world.ada_email, PASSWORD).status_code == 200


def test_failures_are_forgotten_after_a_day(world: World, clock: Clock) -> None:
    Guesser(world).fail(world.ada_email, FREE_FAILURES)
    clock.ahead = timedelta(hours=25)
    assert Guesser(world).fail(world.ada_email, FREE_FAILURES + 1) == [401] * (FREE_FAILURES + 1)


def test_one_network_cannot_try_one_password_on_many_accounts(world: World) -> None:
    eve = Guesser(world)
    statuses = [
        eve.ask(f"{uuid4().hex}@example.org").status_code for _ in range(FREE_FAILURES_OF_A_NETWORK + 2)
    ]
    assert statuses == [401] * (FREE_FAILURES_OF_A_NETWORK + 1) + [429]
    neighbour = Guesser(world, eve.network.rpartition(":")[0] + ":7")
    assert neighbour.ask(world.ada_email, PASSWORD).status_code == 429
    assert Guesser(world).ask(world.ada_email, PASSWORD).status_code == 200


def test_many_honest_people_behind_one_address_are_not_slowed_down(world: World, look: Look) -> None:
    clinic = Guesser(world)
    before = look.value("SELECT count(*) FROM throttle WHERE failures > 0")
    for _ in range(3):
        assert clinic.ask(world.ada_email, PASSWORD).status_code == 200
    assert look.value("SELECT count(*) FROM throttle WHERE failures > 0") == before


def test_a_phone_that_is_known_passes_a_network_that_is_blocked(world: World) -> None:
    device = a_device()
    mobile = Guesser(world)
    mobile.ask(world.ada_email, PASSWORD, device=device)
    for _ in range(FREE_FAILURES_OF_A_NETWORK + 2):
        mobile.ask(f"{uuid4().hex}@example.org")
    assert mobile.ask(world.ben_email, PASSWORD).status_code == 429
    assert mobile.ask(world.ada_email, PASSWORD, device=device).status_code == 200


@pytest.fixture
def eves_practice(world: World, running: Running) -> str:
    """Eve owns a practice of her own, in which she is known by Ada's email."""
    new = NewPractice("Weirside", "Europe/London", world.ada_email, "Eve", EVE_PASSWORD)
    return str(make_practice(running, new))


def test_who_shares_the_email_elsewhere_does_not_reset_the_count(world: World, eves_practice: str) -> None:
    eve = Guesser(world)
    statuses = []
    for _ in range(4):
        statuses += eve.fail(world.ada_email, 2, practice_id=str(world.practice_id))
        assert eve.ask(world.ada_email, EVE_PASSWORD, practice_id=eves_practice).status_code in {200, 429}
    assert 429 in statuses


def test_who_shares_the_email_elsewhere_makes_no_phones_known_here(world: World, eves_practice: str) -> None:
    statuses = []
    for _ in range(FREE_FAILURES + 2):
        device = a_device()
        Guesser(world).ask(world.ada_email, EVE_PASSWORD, device=device, practice_id=eves_practice)
        statuses += Guesser(world).fail(world.ada_email, 2, device=device)
    assert 429 in statuses


def test_who_shares_the_email_elsewhere_cannot_lock_out_a_known_phone(
    world: World, eves_practice: str
) -> None:
    device, here = a_device(), str(world.practice_id)
    ada = Guesser(world)
    assert ada.ask(world.ada_email, PASSWORD, device=device, practice_id=here).status_code == 200
    Guesser(world).fail(world.ada_email, FREE_FAILURES + 2)
    assert Guesser(world).ask(world.ada_email, EVE_PASSWORD, practice_id=eves_practice).status_code == 429
    assert Guesser(world).ask(world.ada_email, PASSWORD).status_code == 429
    for named in ({}, {"practice_id": here}):
        assert ada.ask(world.ada_email, PASSWORD, device=device, **named).status_code == 200


def test_an_invitation_nobody_accepted_changes_nothing_for_who_has_the_email(world: World) -> None:
    device = a_device()
    ada = Guesser(world)
    assert ada.ask(world.ada_email, PASSWORD, device=device).status_code == 200
    invited = {"id": str(uuid4()), "email": world.ada_email, "name": "Ada"}
    assert world.cleo.post("/v1/therapists", invited).status_code == 201
    assert world.cleo.put(f"/v1/therapists/{invited['id']}/invitation").status_code == 200
    Guesser(world).fail(world.ada_email, FREE_FAILURES + 2)
    assert ada.ask(world.ada_email, PASSWORD, device=device).status_code == 200


def test_an_invitation_nobody_accepted_does_not_keep_failures_from_being_forgotten(world: World) -> None:
    invited = {"id": str(uuid4()), "email": world.ada_email, "name": "Ada"}
    assert world.cleo.post("/v1/therapists", invited).status_code == 201
    for _ in range(3):
        eve = Guesser(world)
        assert eve.fail(world.ada_email, FREE_FAILURES) == [401] * FREE_FAILURES
        assert eve.ask(world.ada_email, PASSWORD).status_code == 200


PARALLEL = FREE_FAILURES + 3


def at_once(world: World, email: str, password: str) -> list[int]:
    """Send the same sign-in from several phones at once and return the statuses, sorted."""
    guesser = Guesser(world)
    with ThreadPoolExecutor(PARALLEL) as phones:
        answers = list(phones.map(lambda _: guesser.ask(email, password), range(PARALLEL)))
    return sorted(each.status_code for each in answers)


def test_right_passwords_sent_at_once_are_all_right(world: World) -> None:
    assert at_once(world, world.ada_email, PASSWORD) == [200] * PARALLEL


def test_wrong_passwords_sent_at_once_count_like_as_many_in_a_row(world: World, look: Look) -> None:
    judged, refused = FREE_FAILURES + 1, PARALLEL - FREE_FAILURES - 1
    counted = "SELECT sum(failures + attempts_refused) FROM throttle"
    before = look.value(counted) or 0
    assert at_once(world, world.ada_email, GUESS) == [401] * judged + [429] * refused
    assert look.value(counted) == before + 2 * PARALLEL  # once for the account, once for the network
    assert Guesser(world).ask(world.ada_email, PASSWORD).status_code == 429


def test_guessing_the_password_from_a_stolen_phone_is_slowed_down(world: World) -> None:
    stolen = Phone(world.http, world.ada.tokens)
    changes = [
        stolen.post("/v1/password", {"current": GUESS, "new": "heron-lock-barge-sedge-nine"}).status_code
        for _ in range(FREE_FAILURES + 2)
    ]
    assert changes == [422] * (FREE_FAILURES + 1) + [429]
    right = stolen.post("/v1/password", {"current": PASSWORD, "new": "heron-lock-barge-sedge-nine"})
    assert right.status_code == 429


@contextmanager
def crowded(running: Running) -> Iterator[None]:
    """Let all places for hashing be taken."""
    hasher, gate = running.app.state.services.hasher, threading.Event()

    async def take_all() -> list[asyncio.Future[Any]]:
        waiting = [asyncio.ensure_future(hasher.verify(None, "")) for _ in range(HASHING_PLACES)]
        await asyncio.sleep(0)
        return waiting

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hasher, "_verify", lambda *_: gate.wait(30))
        waiting = asyncio.run_coroutine_threadsafe(take_all(), running.loop).result(30)
    try:
        yield
    finally:
        gate.set()
        asyncio.run_coroutine_threadsafe(asyncio.wait(waiting), running.loop).result(30)


def test_when_too_many_passwords_wait_the_next_is_refused_at_once_whoever_asks(
    world: World, running: Running
) -> None:
    known, unknown = Guesser(world), Guesser(world)
    with crowded(running):
        answers = [known.ask(world.ada_email, PASSWORD), unknown.ask(f"{uuid4().hex}@example.org")]
        assert world.ada.get("/v1/me").status_code == 200
    told = [(each.status_code, each.json()["type"], each.headers["retry-after"]) for each in answers]
    assert set(told) == {(503, "urn:towpath:problem:unavailable", "2")}
    assert known.ask(world.ada_email, PASSWORD).status_code == 200


def test_a_connection_forgets_whose_request_it_carried_last(world: World, running: Running) -> None:
    """A proxy sends everybody's requests over the same connections."""
    with httpx.Client(base_url=world.http.base_url, timeout=5) as proxy:
        session = a_session(world.ada)
        held(world.ada, session)
        upload = Phone(proxy, world.ada.tokens)
        assert send_track(upload, session, a_recording()).status_code == 201
        with crowded(running):
            sent = {"email": world.ada_email, "password": PASSWORD, "device": a_device()}
            assert proxy.post("/v1/sign-in", json=sent).status_code == 503


def test_an_attempt_that_was_not_judged_is_no_failure(world: World, running: Running, look: Look) -> None:
    ada = Guesser(world)
    ada.fail(world.ada_email, 2)
    counts = "SELECT bucket, failures FROM throttle WHERE failures > 0 ORDER BY bucket"
    before = look.rows(counts)
    with crowded(running):
        assert ada.fail(world.ada_email, FREE_FAILURES + 2) == [503] * (FREE_FAILURES + 2)
    assert look.rows(counts) == before


def test_counts_of_long_ago_are_swept_away(world: World, clock: Clock, look: Look) -> None:
    Guesser(world).fail(f"{uuid4().hex}@example.org", 1)
    clock.ahead = timedelta(hours=26)
    assert look.value("SELECT count(*) FROM throttle") > 0
    for _ in range(5):
        Guesser(world).ask(world.ada_email, PASSWORD)
    old = "SELECT count(*) FROM throttle WHERE last_failed_at < $1"
    assert look.value(old, clock() - timedelta(hours=25)) == 0
