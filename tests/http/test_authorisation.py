"""Every operation of the route table, whoever asks and whosever it is; one without a case fails a test."""

from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec
import pytest

from routes.openapi import openapi_document
from service.app import Composition, create_app
from service.crypto.key_file import KeyFile
from tests.http.running import Running
from tests.http.sessions import a_client, a_note, a_recording, a_session, at, held, send_track
from tests.http.world import PASSWORD, Phone, World, a_device, make_world

CLINICAL: Final = "clinical"
"""A colleague is told what a stranger is told: there is nothing."""
PRACTICE: Final = "practice"
"""Shared by the practice."""
OWNER: Final = "owner"
"""For owners; a colleague is refused as such."""
SELF: Final = "self"
"""About the sign-in itself, whoever's it is."""
OPEN: Final = "open"
"""For anybody."""

Ids = dict[str, str]
Body = Callable[[Ids], dict[str, Any]]
GPX: Final = {"content": a_recording(out_s=60), "headers": {"Content-Type": "application/gpx+xml"}}
LINE: Final = {"type": "LineString", "coordinates": [[0, 51], [0.01, 51]]}
CSV: Final = {"content": b"label\nB. 2\n", "headers": {"Content-Type": "text/csv"}}


class Case(msgspec.Struct, frozen=True):
    """How an operation is called rightly, and by whom it may be."""

    rule: str
    options: Body = lambda _: {}


def sent(body: Callable[[Ids], object]) -> Body:
    return lambda ids: {"json": body(ids)}


def new() -> str:
    return str(uuid4())


def with_note(_: Ids) -> object:
    return {"id": new(), "written_at": at(0), "text": "x"}


STARTING: Final = {"planned_start": at(0)}

CASES: Final[dict[str, Case]] = {
    "sign_in": Case(
        OPEN, sent(lambda ids: {"email": ids["email"], "password": PASSWORD, "device": a_device()})
    ),
    "refresh_sign_in": Case(OPEN, sent(lambda ids: {"refresh_token": ids["refresh_token"]})),
    "accept_invitation": Case(
        OPEN, sent(lambda ids: {"token": ids["invitation"], "password": PASSWORD, "device": a_device()})
    ),
    "health_live": Case(OPEN),
    "health_ready": Case(OPEN),
    "sign_out": Case(SELF),
    "change_password": Case(SELF, sent(lambda _: {"current": PASSWORD, "new": "heron mill rope sluice"})),
    "list_devices": Case(SELF),
    "revoke_device": Case(CLINICAL),
    "read_me": Case(SELF),
    "read_practice": Case(SELF),
    "change_practice": Case(OWNER, sent(lambda _: {"name": "Lockside"})),
    "list_therapists": Case(SELF),
    "read_therapist": Case(PRACTICE),
    "add_therapist": Case(
        OWNER, sent(lambda _: {"id": new(), "email": f"{new()}@example.org", "name": "Cy"})
    ),
    "change_therapist": Case(OWNER, sent(lambda _: {"name": "Benedict Towner"})),
    "invite_therapist": Case(OWNER),
    "create_place": Case(SELF, sent(lambda _: {"id": new(), "kind": "room", "name": "Yard"})),
    "list_places": Case(SELF),
    "read_place": Case(PRACTICE),
    "change_place": Case(PRACTICE, sent(lambda _: {"name": "Loft"})),
    "create_client": Case(SELF, sent(lambda _: {"id": new(), "label": "B. 2"})),
    "import_clients": Case(SELF, lambda _: CSV),
    "list_clients": Case(SELF),
    "read_client": Case(CLINICAL),
    "change_client": Case(CLINICAL, sent(lambda _: {"label": "A. 18"})),
    "create_route": Case(SELF, sent(lambda _: {"id": new(), "name": "Weir", "geojson": LINE})),
    "list_routes": Case(SELF),
    "preview_route_file": Case(SELF, lambda _: GPX),
    "import_route": Case(SELF, lambda _: {**GPX, "params": {"id": new()}}),
    "read_route": Case(PRACTICE),
    "change_route": Case(PRACTICE, sent(lambda _: {"name": "Weir and back"})),
    "replace_route_line": Case(PRACTICE, lambda _: GPX),
    "list_route_versions": Case(PRACTICE),
    "plan_turn_back": Case(PRACTICE, lambda _: {"params": {"available_s": "1800"}}),
    "export_route_gpx": Case(PRACTICE),
    "export_route_geojson": Case(PRACTICE),
    "create_feature": Case(PRACTICE, sent(lambda _: {"id": new(), "kind": "bench", "lon": 0.001, "lat": 51})),
    "read_feature": Case(PRACTICE),
    "change_feature": Case(PRACTICE, sent(lambda _: {"kind": "shelter"})),
    "delete_feature": Case(PRACTICE),
    "plan_session": Case(
        CLINICAL,
        sent(
            lambda ids: {
                "id": new(),
                "client_id": ids["client_id"],
                "modality": "room",
                "planned_start": at(0),
            }
        ),
    ),
    "list_sessions": Case(SELF),
    "read_session": Case(CLINICAL),
    "read_before_leaving": Case(CLINICAL),
    "change_session": Case(CLINICAL, sent(lambda _: {"planned_start": at(60)})),
    "start_session": Case(CLINICAL, sent(lambda _: {"at": at(0)})),
    "end_session": Case(CLINICAL, sent(lambda _: {"at": at(2_400)})),
    "change_modality": Case(CLINICAL, sent(lambda _: {"modality": "room", "at": at(600)})),
    "cancel_session": Case(CLINICAL, sent(lambda _: {"reason": "weather"})),
    "miss_session": Case(CLINICAL, sent(lambda _: {})),
    "mark_moment": Case(CLINICAL, sent(lambda _: {"id": new(), "at": at(60)})),
    "list_moments": Case(CLINICAL),
    "read_moment": Case(CLINICAL),
    "change_moment": Case(CLINICAL, sent(lambda _: {"words": "x"})),
    "delete_moment": Case(CLINICAL),
    "write_note": Case(CLINICAL, sent(with_note)),
    "list_notes": Case(CLINICAL),
    "read_note": Case(CLINICAL),
    "edit_note": Case(CLINICAL, sent(lambda _: {"text": "y"})),
    "delete_note": Case(CLINICAL),
    "put_track": Case(CLINICAL, lambda _: {**GPX, "params": {"replace": "true"}}),
    "read_track": Case(CLINICAL),
    "read_track_geojson": Case(CLINICAL),
    "read_track_gpx": Case(CLINICAL),
    "read_track_original": Case(CLINICAL),
    "delete_track": Case(CLINICAL),
}

DOCUMENT = openapi_document(create_app(Composition(dsn="", keys=KeyFile.new(), address="")))
OPERATIONS: Final[dict[str, tuple[str, str]]] = {
    operation["operationId"]: (method.upper(), path)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
GUARDED = sorted(name for name, case in CASES.items() if case.rule != OPEN)
NAMING = sorted(
    name for name in GUARDED if "{" in OPERATIONS.get(name, ("", ""))[1] or name == "plan_session"
)
CANNOT_SUCCEED_TWICE: Final = {"cancel_session", "miss_session"}
"""On a session that was held they contradict it: the good case uses one that was only planned."""


def ids_of(world: World) -> Ids:
    """Make one of everything in Ada's practice and return the ids by the names paths use."""
    ada = world.ada
    client_id = a_client(ada)
    session = a_session(ada, client_id)
    held(ada, session)
    assert send_track(ada, session, a_recording(out_s=600)).status_code == 201
    moment, route, feature, place = new(), new(), new(), new()
    ada.post(f"{session}/moments", {"id": moment, "at": at(60)})
    ada.post("/v1/routes", {"id": route, "name": "Weir", "geojson": LINE})
    ada.post(f"/v1/routes/{route}/features", {"id": feature, "kind": "bench", "lon": 0, "lat": 51})
    ada.post("/v1/places", {"id": place, "kind": "room", "name": "Yard"})
    invitation = ada.put(f"/v1/therapists/{world.ben.therapist_id}/invitation").json()["token"]
    planned = a_session(ada, client_id).rpartition("/")[2]
    return {
        "client_id": client_id,
        "session_id": session.rpartition("/")[2],
        "planned_id": planned,
        "moment_id": moment,
        "note_id": a_note(ada, session)["id"],
        "route_id": route,
        "feature_id": feature,
        "place_id": place,
        "therapist_id": str(world.ben.therapist_id),
        "device_id": ada.get("/v1/me").json()["device_id"],
        "email": world.ada_email,
        "refresh_token": ada.tokens["refresh_token"],
        "invitation": invitation,
    }


def call(phone: Phone, name: str, ids: Ids) -> httpx.Response:
    """Call an operation rightly, on the things named by `ids`."""
    method, path = OPERATIONS[name]
    options = dict(CASES[name].options(ids))
    headers = (
        {"If-Match": "*", **options.pop("headers", {})}
        if method in {"PATCH", "PUT"}
        else options.pop("headers", {})
    )
    return phone.send(method, path.format(**ids), headers=headers, **options)


def unknown(ids: Ids) -> Ids:
    """Return ids of things that are nowhere."""
    return ids | {name: new() for name in ids if name.endswith("_id")}


def told(answer: httpx.Response) -> tuple[int, dict[str, Any], set[str]]:
    """Return all an answer says, but for the request's own id."""
    body = answer.json() | {"request_id": None}
    return answer.status_code, body, set(answer.headers) - {"x-request-id", "date"}


@pytest.fixture(scope="module")
def standing(running: Running) -> tuple[World, Ids]:
    """Return a world that refusals leave as it is."""
    world = make_world(running)
    return world, ids_of(world)


def seen_by_ada(world: World, ids: Ids) -> list[Any]:
    """Return everything there is, as its owner reads it."""
    reads = [name for name in NAMING if OPERATIONS[name][0] == "GET"]
    lists = [
        "list_clients",
        "list_sessions",
        "list_routes",
        "list_places",
        "list_therapists",
        "read_practice",
    ]
    answers = (call(world.ada, name, ids) for name in reads + lists)
    return [(each.status_code, each.content) for each in answers]


def test_every_operation_of_the_route_table_has_a_case() -> None:
    assert sorted(CASES) == sorted(OPERATIONS)


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_one_it_belongs_to_succeeds(world: World, name: str) -> None:
    ids = ids_of(world)
    if name in CANNOT_SUCCEED_TWICE:
        ids |= {"session_id": ids["planned_id"]}
    phone = world.nobody if CASES[name].rule == OPEN else world.ada
    answer = call(phone, name, ids)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("name", GUARDED)
def test_nobody_is_asked_to_sign_in(standing: tuple[World, Ids], name: str) -> None:
    world, ids = standing
    answer = call(world.nobody, name, ids)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("name", NAMING)
def test_another_practice_is_told_what_it_would_be_told_of_nothing(
    standing: tuple[World, Ids], name: str
) -> None:
    world, ids = standing
    foreign, nowhere = call(world.cleo, name, ids), call(world.cleo, name, unknown(ids))
    assert foreign.status_code in {404, 422}
    assert told(foreign) == told(nowhere)


@pytest.mark.parametrize("name", NAMING)
def test_a_colleague_sees_what_the_practice_shares_and_nothing_clinical(world: World, name: str) -> None:
    ids = ids_of(world)
    answer = call(world.ben, name, ids)
    if CASES[name].rule == CLINICAL:
        assert told(answer) == told(call(world.ben, name, unknown(ids)))
    elif CASES[name].rule == OWNER:
        assert answer.status_code == 403
    else:
        assert answer.is_success, answer.text


@pytest.mark.parametrize("name", sorted(name for name in CASES if CASES[name].rule == OWNER))
def test_what_owners_do_only_owners_do(standing: tuple[World, Ids], name: str) -> None:
    world, ids = standing
    assert call(world.ben, name, ids).json()["type"] == "urn:towpath:problem:owner-only"


def test_no_refusal_changes_anything(running: Running) -> None:
    world = make_world(running)
    ids = ids_of(world)
    before = seen_by_ada(world, ids)
    for name in NAMING:
        call(world.nobody, name, ids)
        call(world.cleo, name, ids)
        if CASES[name].rule in {CLINICAL, OWNER}:
            call(world.ben, name, ids)
    assert seen_by_ada(world, ids) == before


def test_who_is_deactivated_is_signed_out_of_everything(running: Running) -> None:
    world = make_world(running)
    ids = ids_of(world)
    path = f"/v1/therapists/{world.ben.therapist_id}"
    assert world.ada.patch(path, {"deactivated": True}).status_code == 200
    assert {call(world.ben, name, ids).status_code for name in GUARDED} == {401}
    assert world.ada.get(path).json()["name"] == "Ben Towner"


def test_what_is_archived_is_still_read_by_its_owner_alone(world: World) -> None:
    ids = ids_of(world)
    for path in ("clients/{client_id}", "routes/{route_id}", "places/{place_id}"):
        archived = f"/v1/{path.format(**ids)}"
        assert world.ada.patch(archived, {"archived": True}).status_code == 200
        assert "archived_at" in world.ada.get(archived).json()
        assert world.cleo.get(archived).status_code == 404
