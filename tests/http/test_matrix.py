"""Every operation of the route table, whoever asks for whatever; one without a case fails a test."""

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
from tests.http.things import CLINICAL, Ids, things_of, unknown
from tests.http.world import Phone, World, make_world, sign_in

SIGNED_OUT: Final = ("nobody", "expired", "signed out", "revoked", "deactivated")
NOT_THERE: Final = frozenset({404, 422})


class Standing(msgspec.Struct):
    """A world with one of everything, archived and not, that refusals leave as it is."""

    world: World
    adas: Ids
    archived: Ids
    gone: Ids
    """Ada's, of which was deleted what can be."""
    bens: Ids
    cleos: Ids
    callers: dict[str, Phone]
    """Who has no sign-in, or one that is not worth anything any more."""


def make_standing(running: Running, clock: Clock) -> Standing:
    """Fill three therapists' hands, and sign some phones in to no avail."""
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
    return Standing(
        world,
        adas=things_of(world.ada),
        archived=things_of(world.ada, archived=True),
        gone=deleted(world.ada, things_of(world.ada)),
        bens=things_of(world.ben),
        cleos=things_of(world.cleo),
        callers=callers,
    )


def deleted(phone: Phone, ids: Ids) -> Ids:
    """Delete of some things what can be deleted, and return their ids."""
    for name in ("delete_note", "delete_moment", "delete_track", "delete_feature"):
        taken = operation_of(name).names[-1]
        for each in (taken, CASES[name].at[taken]):
            path = operation_of(name).path.format(**ids | {taken: ids[each]})
            assert phone.delete(path).status_code == 204, path
    return ids


@pytest.fixture(scope="module")
def standing(running: Running, clock: Clock) -> Standing:
    return make_standing(running, clock)


@pytest.fixture(scope="module")
def lived_in(running: Running, clock: Clock) -> Standing:
    """Return another such world, in which things are changed and deleted."""
    return make_standing(running, clock)


@contextmanager
def nothing_changes(look: Look, world: World) -> Iterator[None]:
    """Fail where a row of either practice is another one afterwards."""
    practices = [world.practice_id, UUID(world.cleo.tokens["practice_id"])]
    before = look.everything(practices)
    yield
    after = look.everything(practices)
    assert [table for table in before if before[table] != after[table]] == []


def told(answer: httpx.Response) -> tuple[int, Any, dict[str, str]]:
    """Return all an answer says, but for what differs between any two requests."""
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


def test_what_is_open_is_named_in_one_place() -> None:
    declared = {name for name, each in OPERATIONS.items() if each.handler.opt.get("open")}
    assert declared == {name for name, case in CASES.items() if case.rule is Rule.OPEN}


@pytest.mark.parametrize("name", GUARDED)
def test_without_a_sign_in_nothing_is_told(standing: Standing, look: Look, name: str) -> None:
    with nothing_changes(look, standing.world):
        for who in SIGNED_OUT:
            phone = standing.callers[who]
            mine = standing.adas
            for_own, for_nothing = call(phone, name, mine, mine), call(phone, name, unknown(), mine)
            assert (for_own.status_code, for_own.headers["www-authenticate"]) == (401, "Bearer")
            assert told(for_own) == told(for_nothing)


@pytest.mark.parametrize("name", NAMING)
def test_another_practices_things_are_told_apart_from_nothing_by_nobody(
    standing: Standing, look: Look, name: str
) -> None:
    world = standing.world
    strangers = ((world.cleo, standing.cleos, standing.adas), (world.ada, standing.adas, standing.cleos))
    with nothing_changes(look, world):
        lost = ((world.cleo, standing.cleos, each) for each in (standing.archived, standing.gone))
        for phone, mine, theirs in (*strangers, *lost):
            foreign, nowhere = call(phone, name, theirs, mine), call(phone, name, unknown(), mine)
            assert told(foreign) == told(nowhere)
            assert foreign.status_code in NOT_THERE or CASES[name].lists


@pytest.mark.parametrize("name", [name for name in NAMING if CASES[name].rule is Rule.CLINICAL])
def test_a_colleagues_clients_are_told_apart_from_nothing_by_nobody(
    standing: Standing, look: Look, name: str
) -> None:
    world = standing.world
    adas = (standing.adas, standing.archived, standing.gone)
    pairs = [(world.ben, standing.bens, theirs) for theirs in adas]
    if name != "revoke_device":  # an owner may revoke a colleague's phone, but not read whom they see
        pairs.append((world.ada, standing.adas, standing.bens))
    with nothing_changes(look, world):
        for phone, mine, theirs in pairs:
            answer, nowhere = call(phone, name, theirs, mine), call(phone, name, unknown(), mine)
            assert told(answer) == told(nowhere)
            assert answer.status_code in NOT_THERE or CASES[name].lists


@pytest.mark.parametrize("name", [name for name in GUARDED if CASES[name].rule is Rule.OWNER])
def test_what_owners_do_only_owners_do(standing: Standing, look: Look, name: str) -> None:
    ben, mine = standing.world.ben, standing.bens
    with nothing_changes(look, standing.world):
        answers = [call(ben, name, each, mine) for each in (standing.adas, standing.cleos, unknown())]
    assert answers[0].json()["type"] == "urn:towpath:problem:owner-only"
    assert told(answers[0]) == told(answers[1]) == told(answers[2])


@pytest.mark.parametrize("name", [name for name in GUARDED if not operation_of(name).writes])
def test_what_is_read_holds_nothing_of_others(standing: Standing, name: str) -> None:
    world = standing.world
    adas = {**standing.adas, **{f"archived {key}": value for key, value in standing.archived.items()}}
    for_cleo = call(world.cleo, name, standing.cleos, standing.cleos)
    assert not [key for key, value in adas.items() if value in for_cleo.text]
    for_ben = call(world.ben, name, standing.bens, standing.bens)
    clinical = {key: value for key, value in adas.items() if is_clinical(key)}
    assert not [key for key, value in clinical.items() if value in for_ben.text]
    assert for_cleo.is_success
    assert for_ben.is_success


def is_clinical(key: str) -> bool:
    return key.removeprefix("archived ").removesuffix("_id") in CLINICAL


@pytest.mark.parametrize("name", [name for name in NAMING if CASES[name].rule is Rule.PRACTICE])
def test_what_the_practice_shares_a_colleague_may_use(lived_in: Standing, name: str) -> None:
    answer = call(lived_in.world.ben, name, lived_in.adas, lived_in.bens)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("name", sorted(CASES))
def test_who_it_belongs_to_succeeds(lived_in: Standing, running: Running, name: str) -> None:
    case, world, ids = CASES[name], lived_in.world, lived_in.adas
    if case.own_world:
        world = make_world(running)
    if name == "refresh_sign_in":
        ids = ids | {"refresh_token": sign_in(world.http, world.ada_email).tokens["refresh_token"]}
    phone = world.nobody if case.rule is Rule.OPEN else world.ada
    answer = call(phone, name, ids, ids)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("name", NAMING)
def test_what_is_archived_is_still_its_owners(lived_in: Standing, name: str) -> None:
    mine = lived_in.archived if CASES[name].rule is Rule.CLINICAL else lived_in.adas
    answer = call(lived_in.world.ada, name, lived_in.archived, mine)
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
"""What makes something under an id of the phone's choice, and what that is."""


def test_every_operation_that_takes_an_id_for_something_new_is_named() -> None:
    assert {name for name, each in OPERATIONS.items() if requires_id(each.body)} == set(CREATING)


def requires_id(body: Any) -> bool:
    """Return whether a wire type has an id that must be sent: a change of a session may leave its id out."""
    fields = msgspec.structs.fields(body) if isinstance(body, type(msgspec.Struct)) else ()
    return any(each.name == "id" and each.required for each in fields)


@pytest.mark.parametrize("name", sorted(CREATING))
def test_an_id_another_practice_uses_is_as_free_as_any(lived_in: Standing, name: str) -> None:
    for used in (lived_in.adas, lived_in.archived, lived_in.gone):
        method, path, options = request(name, lived_in.cleos, lived_in.cleos)
        options["json"]["id"] = used[CREATING[name]]
        assert lived_in.world.cleo.send(method, path, **options).status_code == 201


@pytest.mark.parametrize("name", [name for name, each in CREATING.items() if is_clinical(each)])
def test_an_id_a_colleague_uses_is_taken_whatever_is_sent(lived_in: Standing, name: str) -> None:
    method, path, options = request(name, lived_in.bens, lived_in.bens)
    for used in (lived_in.adas, lived_in.archived, lived_in.gone):
        options["json"]["id"] = used[CREATING[name]]
        answer = lived_in.world.ben.send(method, path, **options)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:towpath:problem:id-taken")
