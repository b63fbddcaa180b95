"""A valid call of each operation, and who may make it: one case an operation, more where it names more."""

import enum
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import msgspec

from tests.http.operations import OPERATIONS, Operation
from tests.http.sessions import at
from tests.http.things import LINE, RECORDING, Ids, new
from tests.http.world import PASSWORD, Phone, a_device

GPX: Final = {"content": RECORDING, "headers": {"Content-Type": "application/gpx+xml"}}
Options = dict[str, Any]
USUAL: Final = {"weekday": "friday", "local_time": "14:30", "modality": "walk"}
NEXT_WEEK: Final = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
OptionsMaker = Callable[[Ids, Ids], Options]
"""Takes the ids of what is asked for and the ids of what the caller has; returns what is sent."""


class Rule(enum.Enum):
    """Who may make the call."""

    CLINICAL = "the therapist who holds it; a colleague gets the same 404 as a stranger"
    PRACTICE = "everybody in the practice"
    OWNER = "owners; another therapist gets a 403"
    SELF = "everybody signed in: the call names nothing"
    OPEN = "anybody, signed in or not"


class Case(msgspec.Struct, frozen=True):
    """One way to call an operation."""

    rule: Rule
    options: OptionsMaker = lambda _, __: {}
    at: Mapping[str, str] = {}
    """The thing that a name in the path stands for, where it is not the usual one."""
    mine: frozenset[str] = frozenset()
    """Names in the path that are the caller's own, because the request names the other thing elsewhere."""
    refers: bool = False
    """The request names something outside the path."""
    lists: bool = False
    """The answer for something that is not there is an empty list."""
    own_world: bool = False
    """The call signs the caller out or changes their password, so it needs a practice of its own."""


def sent(body: Callable[[Ids], object]) -> OptionsMaker:
    """Send a JSON body made from the ids of what is asked for."""
    return lambda theirs, _: {"json": body(theirs)}


def mixed(body: Callable[[Ids, Ids], object]) -> OptionsMaker:
    """Send a JSON body in which some things are the caller's own."""
    return lambda theirs, mine: {"json": body(theirs, mine)}


def query(**names: str) -> OptionsMaker:
    """Send query parameters; a value that is the name of an id is replaced by that id."""
    return lambda theirs, _: {"params": {key: theirs.get(name, name) for key, name in names.items()}}


def a_client_file() -> Options:
    """Send a CSV file of one client nobody has imported before: the same row again is the same client."""
    return {"content": f"label\nB. {new()[:8]}\n".encode(), "headers": {"Content-Type": "text/csv"}}


def a_session(client_id: str, **members: object) -> dict[str, object]:
    return {"id": new(), "client_id": client_id, "modality": "walk", "planned_start": at(0), **members}


CLINICAL, PRACTICE, OWNER, SELF, OPEN = Rule
FOR_CLIENT: Final = Case(CLINICAL, query(client_id="client_id"), mine=frozenset({"route_id"}), refers=True)

CASES: Final[dict[str, Case]] = {
    "health_live": Case(OPEN),
    "health_ready": Case(OPEN),
    "sign_in": Case(
        OPEN, sent(lambda ids: {"email": ids["email"], "password": PASSWORD, "device": a_device()})
    ),
    "refresh_sign_in": Case(
        OPEN,
        sent(lambda ids: {"refresh_token": ids["refresh_token"], "device_id": ids["refreshing_device_id"]}),
    ),
    "accept_invitation": Case(
        OPEN, sent(lambda ids: {"token": ids["invitation"], "password": PASSWORD, "device": a_device()})
    ),
    "sign_out": Case(SELF, own_world=True),
    "change_password": Case(
        SELF, sent(lambda _: {"current": PASSWORD, "new": "heron mill rope sluice"}), own_world=True
    ),
    "change_email": Case(
        SELF, sent(lambda _: {"email": f"{new()}@example.org", "password": PASSWORD}), own_world=True
    ),
    "list_security_events": Case(SELF),
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
    "change_therapist": Case(OWNER, sent(lambda _: {"name": "Dora Quay-Towner"})),
    "invite_therapist": Case(OWNER),
    "create_place": Case(SELF, sent(lambda _: {"id": new(), "kind": "room", "name": "Yard"})),
    "list_places": Case(SELF),
    "read_place": Case(PRACTICE),
    "change_place": Case(PRACTICE, sent(lambda _: {"name": "Loft"})),
    "create_client": Case(SELF, sent(lambda _: {"id": new(), "label": "B. 2"})),
    "import_clients": Case(SELF, lambda _, __: a_client_file()),
    "list_clients": Case(SELF),
    "read_client": Case(CLINICAL),
    "change_client": Case(CLINICAL, sent(lambda _: {"label": "A. 18"})),
    "change_client to a usual route": Case(
        PRACTICE,
        sent(lambda ids: {"usual_session": USUAL | {"route_id": ids["route_id"]}}),
        mine=frozenset({"client_id"}),
        refers=True,
    ),
    "create_route": Case(SELF, sent(lambda _: {"id": new(), "name": "Weir", "geojson": LINE})),
    "find_routes": Case(SELF, lambda _, __: {"params": {"lon": 0, "lat": 51}}),
    "find_routes for a client": Case(CLINICAL, query(lon="0", lat="51", client_id="client_id"), refers=True),
    "list_routes": Case(SELF),
    "list_routes for a client": FOR_CLIENT,
    "preview_route_file": Case(SELF, lambda _, __: GPX),
    "import_route": Case(SELF, lambda _, __: {**GPX, "params": {"id": new()}}),
    "read_route": Case(PRACTICE),
    "read_route for a client": FOR_CLIENT,
    "change_route": Case(PRACTICE, sent(lambda _: {"name": "Weir and back"})),
    "replace_route_line": Case(PRACTICE, lambda _, __: GPX),
    "edit_route_line": Case(PRACTICE, sent(lambda _: {"edits": [{"do": "reverse"}], "restore_version": 1})),
    "list_route_versions": Case(PRACTICE),
    "plan_turn_back": Case(PRACTICE, query(available_s="1800")),
    "plan_turn_back for a client": Case(
        CLINICAL, query(available_s="1800", client_id="client_id"), mine=frozenset({"route_id"}), refers=True
    ),
    "export_route_gpx": Case(PRACTICE),
    "draw_outline": Case(PRACTICE),
    "draw_profile": Case(PRACTICE),
    "draw_profile for a client": Case(
        CLINICAL, query(client_id="client_id", minutes="50"), mine=frozenset({"route_id"}), refers=True
    ),
    "export_route_geojson": Case(PRACTICE),
    "create_feature": Case(PRACTICE, sent(lambda _: {"id": new(), "kind": "bench", "lon": 0.001, "lat": 51})),
    "read_feature": Case(PRACTICE),
    "change_feature": Case(PRACTICE, sent(lambda _: {"kind": "shelter"})),
    "delete_feature": Case(PRACTICE, at={"feature_id": "spare_feature_id"}),
    "read_fit": Case(PRACTICE, query(minutes="50")),
    "read_fit for a client": Case(
        CLINICAL, query(minutes="50", client_id="client_id"), mine=frozenset({"route_id"}), refers=True
    ),
    "list_alternatives": Case(PRACTICE),
    "replace_alternatives": Case(PRACTICE, sent(lambda _: {"alternatives": [{"kind": "phone"}]})),
    "replace_alternatives with a route": Case(
        PRACTICE,
        sent(lambda ids: {"alternatives": [{"kind": "route", "route_id": ids["other_route_id"]}]}),
        mine=frozenset({"route_id"}),
        refers=True,
    ),
    "replace_alternatives with a place": Case(
        PRACTICE,
        sent(lambda ids: {"alternatives": [{"kind": "room", "place_id": ids["place_id"]}]}),
        mine=frozenset({"route_id"}),
        refers=True,
    ),
    "read_last_resort": Case(SELF),
    "replace_last_resort": Case(OWNER, sent(lambda _: {"kind": "phone"})),
    "list_stretches": Case(PRACTICE),
    "replace_stretches": Case(
        PRACTICE, sent(lambda _: {"stretches": [{"from_m": 0, "to_m": 50, "surface": "grass"}]})
    ),
    "change_ground": Case(PRACTICE, sent(lambda _: {"from_m": 50, "to_m": 90, "light": "lit"})),
    "change_ground to a feature": Case(
        PRACTICE,
        sent(lambda ids: {"from_feature_id": ids["feature_id"], "light": "lit"}),
    ),
    "plan_session": Case(CLINICAL, sent(lambda ids: a_session(ids["client_id"])), refers=True),
    "plan_session on a route": Case(
        PRACTICE,
        mixed(lambda theirs, mine: a_session(mine["client_id"], route_id=theirs["route_id"])),
        refers=True,
    ),
    "plan_session in a place": Case(
        PRACTICE,
        mixed(
            lambda theirs, mine: a_session(mine["client_id"], modality="room", place_id=theirs["place_id"])
        ),
        refers=True,
    ),
    "plan_session with an alternative route": Case(
        PRACTICE,
        mixed(
            lambda theirs, mine: a_session(
                mine["client_id"],
                alternatives=[{"kind": "route", "route_id": theirs["other_route_id"]}],
            )
        ),
        refers=True,
    ),
    "plan_week": Case(SELF, sent(lambda _: {"week_of": NEXT_WEEK})),
    "list_sessions": Case(SELF),
    "list_sessions of a client": Case(CLINICAL, query(client_id="client_id"), refers=True, lists=True),
    "read_session": Case(CLINICAL),
    "read_before_leaving": Case(CLINICAL),
    "read_session_fit": Case(CLINICAL),
    "read_walk_pack": Case(CLINICAL),
    "change_session": Case(CLINICAL, sent(lambda _: {"planned_start": at(60)})),
    "change_session to a route": Case(
        PRACTICE,
        sent(lambda ids: {"route_id": ids["route_id"]}),
        at={"session_id": "session_id"},
        mine=frozenset({"session_id"}),
        refers=True,
    ),
    "change_session to a place": Case(
        PRACTICE,
        sent(lambda ids: {"place_id": ids["place_id"]}),
        mine=frozenset({"session_id"}),
        refers=True,
    ),
    "change_session to an alternative place": Case(
        PRACTICE,
        sent(lambda ids: {"alternatives": [{"kind": "room", "place_id": ids["place_id"]}]}),
        mine=frozenset({"session_id"}),
        refers=True,
    ),
    "list_session_alternatives": Case(CLINICAL),
    "switch_session": Case(CLINICAL, sent(lambda _: {"alternative": 0, "at": at(1_500)})),
    "start_session": Case(CLINICAL, sent(lambda _: {"at": at(0)})),
    "end_session": Case(CLINICAL, sent(lambda _: {"at": at(2_400)})),
    "report_change": Case(CLINICAL, sent(lambda _: {"modality": "room", "at": at(600)})),
    "report_change to a route": Case(
        PRACTICE,
        sent(lambda ids: {"modality": "walk", "at": at(900), "route_id": ids["route_id"]}),
        mine=frozenset({"session_id"}),
        refers=True,
    ),
    "report_change to a place": Case(
        PRACTICE,
        sent(lambda ids: {"modality": "room", "at": at(1_200), "place_id": ids["place_id"]}),
        mine=frozenset({"session_id"}),
        refers=True,
    ),
    "cancel_session": Case(CLINICAL, sent(lambda _: {"reason": "weather"}), at={"session_id": "planned_id"}),
    "miss_session": Case(CLINICAL, sent(lambda _: {}), at={"session_id": "missed_id"}),
    "mark_moment": Case(CLINICAL, sent(lambda _: {"id": new(), "at": at(60)})),
    "list_moments": Case(CLINICAL),
    "read_moment": Case(CLINICAL),
    "change_moment": Case(CLINICAL, sent(lambda _: {"words": "x"})),
    "delete_moment": Case(CLINICAL, at={"moment_id": "spare_moment_id"}),
    "write_note": Case(CLINICAL, sent(lambda _: {"id": new(), "written_at": at(0), "text": "x"})),
    "write_note about a moment": Case(
        CLINICAL,
        sent(
            lambda ids: {
                "id": new(),
                "written_at": at(0),
                "text": "x",
                "about": "moment",
                "moment_id": ids["moment_id"],
            }
        ),
        mine=frozenset({"session_id"}),
        refers=True,
    ),
    "list_notes": Case(CLINICAL),
    "read_note": Case(CLINICAL),
    "edit_note": Case(CLINICAL, sent(lambda _: {"text": "y"})),
    "edit_note to be about a moment": Case(
        CLINICAL,
        sent(lambda ids: {"about": "moment", "moment_id": ids["moment_id"]}),
        mine=frozenset({"note_id"}),
        refers=True,
    ),
    "delete_note": Case(CLINICAL, at={"note_id": "spare_note_id"}),
    "put_track": Case(CLINICAL, lambda _, __: {**GPX, "params": {"replace": "true"}}),
    "read_track": Case(CLINICAL),
    "read_track_geojson": Case(CLINICAL),
    "read_track_geojson with what is left out": Case(
        CLINICAL, lambda _, __: {"params": {"left_out": "true"}}
    ),
    "read_track_gpx": Case(CLINICAL),
    "read_track_original": Case(CLINICAL),
    "change_recording": Case(CLINICAL, sent(lambda _: {"shift_s": 1.0})),
    "shift_track": Case(CLINICAL, sent(lambda _: {"shift_by_s": 1.0})),
    "edit_track": Case(CLINICAL, sent(lambda _: {"begin": {"at": at(10)}})),
    "delete_recording": Case(CLINICAL, at={"session_id": "joined_id", "recording_id": "spare_recording_id"}),
    "delete_track": Case(CLINICAL, at={"session_id": "tracked_id"}),
}


def operation_of(name: str) -> Operation:
    """Return the operation a case calls: the case's name begins with its id."""
    return OPERATIONS[name.partition(" ")[0]]


def request(name: str, theirs: Ids, mine: Ids) -> tuple[str, str, Options]:
    """Return method, path and options of a case: it asks for `theirs`, and the caller has `mine`."""
    case, operation = CASES[name], operation_of(name)
    ids = {each: (mine if each in case.mine else theirs)[case.at.get(each, each)] for each in operation.names}
    options = {"headers": {}, **case.options(theirs, mine)}
    if operation.method in {"PATCH", "PUT"}:
        options["headers"] = {"If-Match": "*", **options["headers"]}
    return operation.method, operation.path.format(**ids), options


def call(phone: Phone, name: str, theirs: Ids, mine: Ids) -> httpx.Response:
    """Make the call of a case as `phone`."""
    method, path, options = request(name, theirs, mine)
    return phone.send(method, path, **options)


GUARDED: Final = sorted(name for name, case in CASES.items() if case.rule is not OPEN)
NAMING: Final = [name for name in GUARDED if operation_of(name).names or CASES[name].refers]
"""Cases that name something; the answer must not say whether a foreign thing exists."""
