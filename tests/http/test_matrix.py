"""Who may call each operation on whose things. An operation without a case fails a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import httpx
import msgspec
import pytest

from tests.conftest import Clock
from tests.http.look import Look
from tests.http.matrix import CASES, GUARDED, NAMING, Rule, call, operation_of, request
from tests.http.operations import OPERATIONS
from tests.http.running import Running
from tests.http.things import CLINICAL, Ids, refresh_ids, things_of, unknown
from tests.http.world import Phone, World, make_world, sign_in

SIGNED_OUT: Final = ("nobody", "expired", "signed out", "revoked", "deactivated")
NOT_THERE: Final = frozenset({404, 422})


class FilledPractices(msgspec.Struct):
    """Two practices in which everybody has one of everything."""

    world: World
    adas: Ids
    archived: Ids
    """A second set of Ada's, archived."""
    gone: Ids
    """A third set of Ada's, of which she deleted what can be deleted."""
    bens: Ids
    cleos: Ids
    callers: dict[str, Phone]
    """Phones without a valid sign-in, by the reason."""


def fill_practices(running: Running, clock: Clock) -> FilledPractices:
    """Make one of everything for three therapists, and phones whose sign-in has ended."""
    world = make_world(running)
    clock.ahead = -timedelta(hours=1)
    expired = sign_in(world.http, world.ada_email)
    clock.ahead = timedelta(0)
    signed_out, left = sign_in(world.http, world.ada_email), make_world(running)
    assert signed_out.delete("/v1/sign-in").status_code == 204
    stolen = sign_in(world.http, world.ada_email)
    device_id = stolen.get("/v1/me").json()["device_id"]
    assert world.ada.delete(f"/v1/devices/{device_id}").status_code == 204
    path = f"/v1/therapists/{left.ben.therapist_id}"
    assert left.ada.patch(path, {"deactivated": True}).status_code == 200
    callers = {
        "nobody": world.nobody,
        "expired": expired,
        "signed out": signed_out,
        "revoked": stolen,
        "deactivated": left.ben,
    }
    return FilledPractices(
        world,
        adas=things_of(world.ada),
        archived=things_of(world.ada, archived=True),
        gone=deleted(world.ada, things_of(world.ada)),
        bens=things_of(world.ben),
        cleos=things_of(world.cleo),
        callers=callers,
    )


def deleted(phone: Phone, ids: Ids) -> Ids:
    """Delete of these things what can be deleted, and return their ids."""
    for name in ("delete_note", "delete_moment", "delete_track", "delete_feature"):
        taken = operation_of(name).names[-1]
        for each in (taken, CASES[name].at[taken]):
            path = operation_of(name).path.format(**ids | {taken: ids[each]})
            assert phone.delete(path).status_code == 204, path
    return ids


@pytest.fixture(scope="module")
def untouched(running: Running, clock: Clock) -> FilledPractices:
    return fill_practices(running, clock)


@pytest.fixture(scope="module")
def changing(running: Running, clock: Clock) -> FilledPractices:
    """Return two more practices, whose things the tests change and delete."""
    return fill_practices(running, clock)


@contextmanager
def nothing_changes(look: Look, world: World) -> Iterator[None]:
    """Fail where a row of either practice has changed when the block ends."""
    practices = [world.practice_id, UUID(world.cleo.tokens["practice_id"])]
    before = look.everything(practices)
    yield
    after = look.everything(practices)
    assert [table for table in before if before[table] != after[table]] == []


def comparable(answer: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    """Return an answer without what differs between any two requests."""
    if answer.headers.get("content-type") == "application/problem+json":
        body = answer.json()
        assert body.pop("request_id") == answer.headers["x-request-id"]
        assert body["type"].startswith("urn:towpath:problem:")
        assert (body["status"], bool(body["title"])) == (answer.status_code, True)
    else:
        assert answer.is_success, answer.text
        body = answer.content
    ignored = {"x-request-id", "date"}
    return answer.status_code, body, {k: v for k, v in answer.headers.items() if k not in ignored}


def test_every_operation_of_the_route_table_has_a_case() -> None:
    assert {name.partition(" ")[0] for name in CASES} == set(OPERATIONS)
    assert [name for name in OPERATIONS if name not in CASES] == []


def test_the_operations_open_to_everybody_are_the_declared_ones() -> None:
    declared = {name for name, each in OPERATIONS.items() if each.handler.opt.get("open")}
    assert declared == {name for name, case in CASES.items() if case.rule is Rule.OPEN}


@pytest.mark.parametrize("name", GUARDED)
def test_a_caller_without_a_valid_sign_in_gets_401_for_known_and_unknown_ids(
    untouched: FilledPractices, look: Look, name: str
) -> None:
    with nothing_changes(look, untouched.world):
        for who in SIGNED_OUT:
            phone = untouched.callers[who]
            mine = untouched.adas
            for_own, for_nothing = call(phone, name, mine, mine), call(phone, name, unknown(), mine)
            assert (for_own.status_code, for_own.headers["www-authenticate"]) == (401, "Bearer")
            assert comparable(for_own) == comparable(for_nothing)


@pytest.mark.parametrize("name", NAMING)
def test_an_id_of_another_practice_gets_the_answer_of_an_unknown_id(
    untouched: FilledPractices, look: Look, name: str
) -> None:
    world = untouched.world
    strangers = ((world.cleo, untouched.cleos, untouched.adas), (world.ada, untouched.adas, untouched.cleos))
    with nothing_changes(look, world):
        lost = ((world.cleo, untouched.cleos, each) for each in (untouched.archived, untouched.gone))
        for phone, mine, theirs in (*strangers, *lost):
            foreign, nowhere = call(phone, name, theirs, mine), call(phone, name, unknown(), mine)
            assert comparable(foreign) == comparable(nowhere)
            assert foreign.status_code in NOT_THERE or CASES[name].lists


@pytest.mark.parametrize("name", [name for name in NAMING if CASES[name].rule is Rule.CLINICAL])
def test_an_id_of_a_colleagues_client_gets_the_answer_of_an_unknown_id(
    untouched: FilledPractices, look: Look, name: str
) -> None:
    world = untouched.world
    adas = (untouched.adas, untouched.archived, untouched.gone)
    pairs = [(world.ben, untouched.bens, theirs) for theirs in adas]
    if name != "revoke_device":  # an owner may revoke a colleague's phone, but not read whom they see
        pairs.append((world.ada, untouched.adas, untouched.bens))
    with nothing_changes(look, world):
        for phone, mine, theirs in pairs:
            answer, nowhere = call(phone, name, theirs, mine), call(phone, name, unknown(), mine)
            assert comparable(answer) == comparable(nowhere)
            assert answer.status_code in NOT_THERE or CASES[name].lists


@pytest.mark.parametrize("name", [name for name in GUARDED if CASES[name].rule is Rule.OWNER])
def test_only_an_owner_may_do_what_owners_do(untouched: FilledPractices, look: Look, name: str) -> None:
    ben, mine = untouched.world.ben, untouched.bens
    with nothing_changes(look, untouched.world):
        answers = [call(ben, name, each, mine) for each in (untouched.adas, untouched.cleos, unknown())]
    assert answers[0].json()["type"] == "urn:towpath:problem:owner-only"
    assert comparable(answers[0]) == comparable(answers[1]) == comparable(answers[2])


@pytest.mark.parametrize("name", [name for name in GUARDED if not operation_of(name).writes])
def test_an_answer_holds_no_id_of_another_therapists_clients(untouched: FilledPractices, name: str) -> None:
    world = untouched.world
    adas = {**untouched.adas, **{f"archived {key}": value for key, value in untouched.archived.items()}}
    for_cleo = call(world.cleo, name, untouched.cleos, untouched.cleos)
    assert not [key for key, value in adas.items() if value in for_cleo.text]
    for_ben = call(world.ben, name, untouched.bens, untouched.bens)
    clinical = {key: value for key, value in adas.items() if is_clinical(key)}
    assert not [key for key, value in clinical.items() if value in for_ben.text]
    assert for_cleo.is_success
    assert for_ben.is_success


def is_clinical(key: str) -> bool:
    return key.removeprefix("archived ").removesuffix("_id") in CLINICAL


@pytest.mark.parametrize("name", [name for name in NAMING if CASES[name].rule is Rule.PRACTICE])
def test_a_colleague_may_use_what_the_practice_shares(changing: FilledPractices, name: str) -> None:
    answer = call(changing.world.ben, name, changing.adas, changing.bens)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("name", sorted(CASES))
def test_its_owner_may_make_the_call(changing: FilledPractices, running: Running, name: str) -> None:
    case, world, ids = CASES[name], changing.world, changing.adas
    if case.own_world:
        world = make_world(running)
    if name == "refresh_sign_in":
        ids = ids | refresh_ids(world)
    phone = world.nobody if case.rule is Rule.OPEN else world.ada
    answer = call(phone, name, ids, ids)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("name", NAMING)
def test_its_owner_may_still_use_what_is_archived(changing: FilledPractices, name: str) -> None:
    mine = changing.archived if CASES[name].rule is Rule.CLINICAL else changing.adas
    answer = call(changing.world.ada, name, changing.archived, mine)
    if operation_of(name).writes:
        assert answer.is_success or answer.status_code == 409, answer.text
    else:
        assert answer.is_success, answer.text


CREATING: Final = {
    "add_therapist": "therapist_id",
    "create_client": "client_id",
    "create_feature": "feature_id",
    "create_place": "place_id",
    "create_route": "route_id",
    "mark_moment": "moment_id",
    "plan_session": "session_id",
    "write_note": "note_id",
}
"""Operations that create something under an id the phone made, with the name of that id."""


def test_every_create_is_named_with_what_it_makes() -> None:
    assert {name for name, each in OPERATIONS.items() if requires_id(each.body)} == set(CREATING)


def requires_id(body: Any) -> bool:
    """Return whether a wire type has an id that must be sent: a change of a session may leave its id out."""
    fields = msgspec.structs.fields(body) if isinstance(body, type(msgspec.Struct)) else ()
    return any(each.name == "id" and each.required for each in fields)


@pytest.mark.parametrize("name", sorted(CREATING))
def test_an_id_that_another_practice_uses_is_free(changing: FilledPractices, name: str) -> None:
    for used in (changing.adas, changing.archived, changing.gone):
        method, path, options = request(name, changing.cleos, changing.cleos)
        options["json"]["id"] = used[CREATING[name]]
        assert changing.world.cleo.send(method, path, **options).status_code == 201


@pytest.mark.parametrize("name", [name for name, each in CREATING.items() if is_clinical(each)])
def test_an_id_that_a_colleague_uses_is_taken(changing: FilledPractices, name: str) -> None:
    method, path, options = request(name, changing.bens, changing.bens)
    for used in (changing.adas, changing.archived, changing.gone):
        options["json"]["id"] = used[CREATING[name]]
        answer = changing.world.ben.send(method, path, **options)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:towpath:problem:id-taken")
