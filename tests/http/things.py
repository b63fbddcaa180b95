"""One of everything a therapist keeps, made over HTTP. Ids have the names that paths use."""

from collections.abc import Callable
from typing import Final
from uuid import uuid4

from tests.http.sessions import a_client, a_note, a_recording, a_session, at, held, send_track
from tests.http.world import PASSWORD, Phone, World, a_device, sign_in

Ids = dict[str, str]
LINE: Final = {"type": "LineString", "coordinates": [[0, 51], [0.01, 51]]}
RECORDING: Final = a_recording(out_s=60)
RECORDED_LATER: Final = a_recording(out_s=60, from_s=130, then_s=60)
CLINICAL: Final = frozenset(
    {
        "client",
        "session",
        "change",
        "planned",
        "missed",
        "tracked",
        "joined",
        "recording",
        "spare_recording",
        "moment",
        "spare_moment",
        "note",
        "spare_note",
    }
)
"""Things whose existence a colleague must not find out."""


def new() -> str:
    """Return an id nobody has."""
    return str(uuid4())


def things_of(phone: Phone, *, archived: bool = False) -> Ids:
    """Make one of everything, and a spare of what tests delete; return their ids."""
    ids: Ids = dict(Wanted(phone).all())
    if archived:
        for path in ("clients/{client_id}", "routes/{route_id}", "places/{place_id}"):
            answer = phone.patch(f"/v1/{path.format(**ids)}", {"archived": True})
            assert answer.status_code == 200, answer.text
    return ids


class Wanted(dict[str, str]):
    """The ids of things that are made, with what belongs to them, when one of them is asked for."""

    def __init__(self, phone: Phone) -> None:
        super().__init__()
        self._phone = phone

    def __missing__(self, name: str) -> str:
        make = next((make for names, make in MAKERS.items() if name in names), None)
        if make is None:
            raise KeyError(name)
        self.update(make(self._phone, self))
        return self[name]

    def all(self) -> Ids:
        """Make all that is missing."""
        for names in MAKERS:
            assert self[names[0]]
        return self


def _client(phone: Phone, _: Ids) -> Ids:
    return {"client_id": a_client(phone)}


def _unheld(phone: Phone, ids: Ids) -> Ids:
    """Make sessions that are only planned."""
    paths = {name: a_session(phone, ids["client_id"]) for name in ("planned", "missed")}
    return {f"{name}_id": path.rpartition("/")[2] for name, path in paths.items()}


def _recorded(phone: Phone, ids: Ids) -> Ids:
    """Make sessions of which one or two recordings are all there is."""
    paths = {name: _walked(phone, ids) for name in ("tracked", "joined")}
    assert send_track(phone, paths["joined"], RECORDED_LATER, add="true").status_code == 200
    made = {f"{name}_id": path.rpartition("/")[2] for name, path in paths.items()}
    return made | {"spare_recording_id": recordings(phone, paths["joined"])[1]}


def _walked(phone: Phone, ids: Ids) -> str:
    """Make a session that was held and recorded; return its path."""
    session = a_session(phone, ids["client_id"])
    held(phone, session)
    assert send_track(phone, session, RECORDING).status_code == 201
    return session


def _session(phone: Phone, ids: Ids) -> Ids:
    """Make a session with a track, a change of modality, moments and notes."""
    session = _walked(phone, ids)
    made = {"session_id": session.rpartition("/")[2], "recording_id": recordings(phone, session)[0]}
    made["change_id"] = new()
    change = {"id": made["change_id"], "modality": "room", "at": at(120)}
    assert phone.post(f"{session}/changes", change).status_code == 200
    for name in ("moment", "spare_moment"):
        made[f"{name}_id"] = new()
        moment = {"id": made[f"{name}_id"], "at": at(60)}
        assert phone.post(f"{session}/moments", moment).status_code == 201
    for name in ("note", "spare_note"):
        made[f"{name}_id"] = a_note(phone, session)["id"]
    return made


def recordings(phone: Phone, session: str) -> list[str]:
    """Return the ids of the recordings that a session's track is made from."""
    return [each["id"] for each in phone.get(f"{session}/track").json()["recordings"]]


def _walks(phone: Phone, _: Ids) -> Ids:
    """Make a route, features on it, and a place."""
    ids = {
        name: new() for name in ("route_id", "other_route_id", "feature_id", "spare_feature_id", "place_id")
    }
    for name in ("route_id", "other_route_id"):
        route = {"id": ids[name], "name": "Weir", "geojson": LINE}
        assert phone.post("/v1/routes", route).status_code == 201
    for name in ("feature_id", "spare_feature_id"):
        feature = {"id": ids[name], "kind": "bench", "lon": 0, "lat": 51}
        assert phone.post(f"/v1/routes/{ids['route_id']}/features", feature).status_code == 201
    stretches = {"stretches": [{"from_m": 0, "to_m": 300, "surface": "gravel"}]}
    answer = phone.put(f"/v1/routes/{ids['route_id']}/stretches", json=stretches, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    alternatives = {"alternatives": [{"kind": "route", "route_id": ids["other_route_id"]}]}
    path = f"/v1/routes/{ids['route_id']}/alternatives"
    assert phone.put(path, json=alternatives, headers={"If-Match": "*"}).status_code == 200
    place = {"id": ids["place_id"], "kind": "room", "name": "Yard"}
    assert phone.post("/v1/places", place).status_code == 201
    return ids


def _people(phone: Phone, _: Ids) -> Ids:
    """Sign in from a second phone; as an owner, add two colleagues, not yet joined, and a last resort."""
    me = phone.get("/v1/me").json()["therapist"]
    ids = {"email": me["email"], "device_id": _second_phone(phone, me["email"]), "therapist_id": me["id"]}
    if me["role"] == "owner":
        resort = {"kind": "online"}
        assert phone.put("/v1/practice/last-resort", json=resort).status_code == 200
        invited = phone.put(f"/v1/therapists/{_colleague(phone)}/invitation").json()
        ids |= {"therapist_id": _colleague(phone), "invitation": invited["token"]}
    return ids


def _colleague(phone: Phone) -> str:
    colleague = {"id": new(), "email": f"{new()}@example.org", "name": "Dora Quay"}
    assert phone.post("/v1/therapists", colleague).status_code == 201
    return colleague["id"]


def _second_phone(phone: Phone, email: str) -> str:
    device = a_device()
    answer = Phone(phone.http).post("/v1/sign-in", {"email": email, "password": PASSWORD, "device": device})
    assert answer.status_code == 200, answer.text
    return device["id"]


MAKERS: Final[dict[tuple[str, ...], Callable[[Phone, Ids], Ids]]] = {
    ("client_id",): _client,
    (
        "session_id",
        "recording_id",
        "change_id",
        "moment_id",
        "spare_moment_id",
        "note_id",
        "spare_note_id",
    ): _session,
    ("planned_id", "missed_id"): _unheld,
    ("tracked_id", "joined_id", "spare_recording_id"): _recorded,
    ("route_id", "other_route_id", "feature_id", "spare_feature_id", "place_id"): _walks,
    ("email", "device_id", "therapist_id", "invitation"): _people,
}
"""What makes things, by the names of those it makes."""


def refresh_ids(world: World) -> Ids:
    """Sign Ada in from a new phone; return what that phone refreshes with."""
    tokens = sign_in(world.http, world.ada_email).tokens
    return {"refresh_token": tokens["refresh_token"], "refreshing_device_id": tokens["device_id"]}


def unknown() -> Ids:
    """Return ids that nothing has."""
    names = (*CLINICAL, "route", "other_route", "feature", "spare_feature", "place", "therapist", "device")
    return {f"{name}_id": new() for name in names}
