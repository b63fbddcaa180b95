"""Every write of the route table sent again, as a phone does when the answer was lost on the way."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx
import msgspec
import pytest

from tests.http.look import Look
from tests.http.matrix import CASES, Rule, operation_of
from tests.http.operations import OPERATIONS
from tests.http.repeats import KEYED, PAYLOADS, UNKEYED, WRITING, Intended, intend, shown, with_other_payload
from tests.http.running import Running
from tests.http.things import Ids, Wanted, new, refresh_ids, things_of
from tests.http.world import Phone, World, make_world

RETRY_SAFE = [name for name in WRITING if name not in UNKEYED or UNKEYED[name].status is None]
COUNTS_AGAIN = [name for name, repeat in UNKEYED.items() if repeat.status is not None]
REFUSED = {
    "creating": (409, "urn:towpath:problem:id-taken"),
    "writing": (422, "urn:towpath:problem:idempotency-key-reused"),
}
AT_ONCE = 3
REVISION = "practice_revision"
"""The counter goes on with every write, whether or not it changes anything."""


class Fresh(msgspec.Struct):
    """Ada with one of everything for each use: what one test sent is not there for the next."""

    world: World
    twice: Ids
    alone: Ids
    at_once: Ids
    other: Ids


@pytest.fixture(scope="module")
def shared(running: Running) -> Fresh:
    world = make_world(running)
    return Fresh(world, *(things_of(world.ada) for _ in range(4)))


@pytest.fixture
def fresh(shared: Fresh, running: Running, name: str) -> Fresh:
    """Return what the tests of a module share, or another world for a write that ends the sign-in."""
    if not CASES[name].own_world:
        return shared
    world = make_world(running)
    return Fresh(world, *[things_of(world.ada)] * 4)


def sender(fresh: Fresh, name: str) -> Phone:
    return fresh.world.nobody if CASES[name].rule is Rule.OPEN else fresh.world.ada


def intended(fresh: Fresh, name: str, ids: Ids) -> Intended:
    """Return a write nobody has sent yet."""
    if name == "refresh_sign_in":
        ids = ids | refresh_ids(fresh.world)
    return intend(name, fresh.world.ada, ids)


def rows(look: Look, fresh: Fresh) -> dict[str, str]:
    """Return a digest of each table's rows, but for the counter."""
    everything = look.everything([fresh.world.practice_id])
    del everything[REVISION]
    return everything


def send_at_once(phone: Phone, sent: Intended) -> list[httpx.Response]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(sent.send, [phone] * AT_ONCE))


def test_every_write_asks_the_ledger_or_says_why_it_need_not() -> None:
    unkeyed = {name for name, each in OPERATIONS.items() if each.writes and each.ledger is None}
    assert unkeyed == set(UNKEYED)


@pytest.mark.parametrize("name", RETRY_SAFE)
def test_a_write_sent_again_gets_the_same_answer_and_changes_nothing(
    fresh: Fresh, look: Look, name: str
) -> None:
    phone, sent = sender(fresh, name), intended(fresh, name, fresh.twice)
    first = sent.send(phone)
    assert first.is_success, first.text
    before = rows(look, fresh)
    again = sent.send(phone)
    assert shown(again) == shown(first)
    assert again.status_code != 201
    assert rows(look, fresh) == before


@pytest.mark.parametrize("name", COUNTS_AGAIN)
def test_a_write_that_counts_each_time_answers_as_it_says(fresh: Fresh, name: str) -> None:
    phone, sent = sender(fresh, name), intended(fresh, name, fresh.twice)
    assert sent.send(phone).is_success
    assert sent.send(phone).status_code == UNKEYED[name].status


@pytest.mark.parametrize("name", [name for name in KEYED if not CASES[name].own_world])
def test_a_write_sent_again_undoes_nothing_that_came_after_it(fresh: Fresh, look: Look, name: str) -> None:
    phone, sent = sender(fresh, name), intended(fresh, name, Wanted(fresh.world.ada))
    first = sent.send(phone)
    assert first.is_success, first.text
    came_between = [each.send(phone).is_success for each in writes_between(name, sent, first)]
    assert any(came_between) or name in NOTHING_AFTER
    before = rows(look, fresh)
    again = sent.send(phone)
    assert again.is_success or again.status_code in {404, 409, 410}, again.text
    assert rows(look, fresh) == before


NOTHING_AFTER: Final = frozenset(
    {"delete_feature", "delete_moment", "delete_note", "delete_recording", "revoke_device", "import_clients"}
)
"""Writes of which nothing is left to be changed, or whose answer names nothing that can be."""


def writes_between(name: str, sent: Intended, first: httpx.Response) -> Iterator[Intended]:
    """Yield what another phone may do to the same thing: change it otherwise, then delete it."""
    path = first.headers.get("location", sent.path)
    if path == sent.path and sent.method != "DELETE":
        yield with_key(with_other_payload(name, sent) if name in PAYLOADS else sent)
    others = [each for each in WRITING if operation_of(each).method != "POST" and each != name]
    for other in sorted(others, key=lambda each: operation_of(each).method, reverse=True):
        operation = operation_of(other)
        for place in (path, path.rpartition("/")[0]):
            if template(operation.path).fullmatch(place):
                options = {"headers": {}, **CASES[other].options(defaultdict(new), defaultdict(new))}
                yield with_key(Intended(operation.method, place, options))


def template(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))


def with_key(intended: Intended) -> Intended:
    """Return a write under a key of its own, whatever version it meets."""
    headers = {**intended.options["headers"], "Idempotency-Key": new(), "If-Match": "*"}
    return msgspec.structs.replace(intended, options={**intended.options, "headers": headers})


@pytest.mark.parametrize("name", PAYLOADS)
def test_an_id_or_key_sent_with_another_payload_is_refused_and_changes_nothing(
    fresh: Fresh, look: Look, name: str
) -> None:
    phone, sent = sender(fresh, name), intended(fresh, name, fresh.other)
    assert sent.send(phone).is_success
    before = rows(look, fresh)
    refused = with_other_payload(name, sent).send(phone)
    expected = (
        (409, "id-taken") if operation_of(name).ledger == "creating" else (422, "idempotency-key-reused")
    )
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == expected
    assert rows(look, fresh) == before


@pytest.mark.parametrize("name", RETRY_SAFE)
def test_a_write_sent_several_times_at_once_has_the_effect_of_one(
    fresh: Fresh, look: Look, name: str
) -> None:
    phone, practice_id = sender(fresh, name), fresh.world.practice_id
    alone = intended(fresh, name, fresh.alone)
    start = Counter(look.counts(practice_id))
    assert alone.send(phone).is_success
    after_one = Counter(look.counts(practice_id))
    sent = intended(fresh, name, fresh.at_once)
    before = Counter(look.counts(practice_id))
    answers = send_at_once(phone, sent)
    assert [each.text for each in answers if not each.is_success] == []
    assert len({shown(each) for each in answers}) == 1
    assert sum(each.status_code == 201 for each in answers) <= 1
    after = Counter(look.counts(practice_id))
    assert change(before, after) == change(start, after_one)


@pytest.mark.parametrize("name", COUNTS_AGAIN)
def test_a_write_that_counts_each_time_is_answered_however_many_come_at_once(fresh: Fresh, name: str) -> None:
    phone, sent = sender(fresh, name), intended(fresh, name, fresh.at_once)
    statuses = {each.status_code for each in send_at_once(phone, sent)}
    first = min(statuses)
    assert 200 <= first < 300
    assert statuses <= {first, UNKEYED[name].status}


def change(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    """Return by how many rows each table grew or shrank."""
    before, after = Counter(before), Counter(after)
    after.subtract(before)
    return {name: count for name, count in after.items() if count}
