"""No confidential word lies anywhere in the open: not in data files, WAL, dumps or logs."""

import mmap
import struct
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from msgspec import inspect as wire

from service.foundation.database.embedded import EmbeddedServer
from service.foundation.database.embedded.binaries import find_binaries
from tests.conftest import Server
from tests.http.hostile import Member, members, with_member
from tests.http.look import Look
from tests.http.matrix import CASES, Rule, request
from tests.http.operations import OPERATIONS
from tests.http.running import Running
from tests.http.sessions import a_session, at, held, send_track
from tests.http.things import Ids, things_of
from tests.http.world import Phone, make_world

CANARY: Final = f"kingfisher{uuid4().hex[:12]}"
PLAIN: Final = f"moorhen{uuid4().hex[:12]}"
"""A place's name, which is not encrypted: a search that finds it would find the canary too."""
LONGITUDE: Final = 12.3456789
"""Coordinates no other test uses."""

NOT_THE_SERVICES: Final = frozenset({"httpx", "httpcore", "uvicorn"})
"""Loggers of the HTTP client and of the web server, which log requests only where a test listens."""

CLINICAL: Final = (
    "create_client",
    "change_client",
    "plan_session",
    "change_session",
    "start_session",
    "end_session",
    "report_change",
    "switch_session",
    "cancel_session",
    "miss_session",
    "mark_moment",
    "change_moment",
    "write_note",
    "edit_note",
    "change_recording",
    "edit_track",
    "shift_track",
)
"""Operations whose bodies hold words about a client."""
WITH_IT: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("write_note", "/fields"): {"format": "soap"},
    ("edit_note", "/fields"): {"format": "soap"},
    ("plan_session", "/alternatives/0/note"): {"alternatives": [{"kind": "phone"}]},
    ("change_session", "/alternatives/0/note"): {"alternatives": [{"kind": "phone"}]},
}
"""Other members a body needs so that a member is accepted."""


def text_members() -> list[tuple[str, Member]]:
    """Return every member of a clinical body that holds words; a time of the day is none."""
    return [
        (name, member)
        for name in CLINICAL
        for member in members(OPERATIONS[name].body)
        if isinstance(member.type, wire.StrType) and member.place[-1] != "local_time"
    ]


def positions() -> list[tuple[str, Member]]:
    """Return every member of a clinical body that is a longitude; a click on a track's line is not kept."""
    return [
        (name, member)
        for name in CLINICAL
        for member in members(OPERATIONS[name].body)
        if member.place[-1] == "lon" and name != "edit_track"
    ]


def say(phone: Phone, name: str, member: Member, value: str, ids: Ids) -> httpx.Response:
    """Send a correct clinical body with one member set to a value."""
    method, path, options = request(name, ids, ids)
    body = example_body(name, ids) | WITH_IT.get((name, member.pointer), {})
    headers = {**options["headers"], "Content-Type": "application/json"}
    return phone.send(method, path, content=with_member(body, member, value), headers=headers)


def example_body(name: str, ids: Ids) -> dict[str, Any]:
    body: dict[str, Any] = request(name, ids, ids)[2]["json"]
    return body


def word_for(member: Member) -> str:
    """Return the canary in the form that a member accepts."""
    assert isinstance(member.type, wire.StrType)
    return f'"{CANARY}@quay.example"' if "@" in (member.type.pattern or "") else f'"{CANARY}"'


def a_walk() -> bytes:
    """Return a recording with the canary in every text of the file."""
    points = "".join(
        f'<trkpt lat="51.{number:04}" lon="{LONGITUDE}"><time>{at(number)}</time>'
        f"<name>{CANARY}</name><cmt>{CANARY}</cmt></trkpt>"
        for number in range(60)
    )
    words = f"<name>{CANARY}</name><desc>{CANARY}</desc>"
    return (
        f'<gpx version="1.1" creator="{CANARY}" xmlns="http://www.topografix.com/GPX/1/1">'
        f'<metadata>{words}</metadata><wpt lat="51" lon="{LONGITUDE}">{words}</wpt>'
        f"<trk>{words}<trkseg>{points}</trkseg></trk></gpx>"
    ).encode()


CSV_HEAD: Final = "label,given_name,address,emergency_name,gp_name,crisis_plan\n"


def say_everything(phone: Phone, ids: Ids) -> None:
    """Send the canary in every confidential member, in accepted and in refused requests."""
    for name, member in text_members():
        answer = say(phone, name, member, word_for(member), ids | session_for(phone, name, member))
        assert answer.is_success, (name, member.pointer, answer.text)
        say(phone, name, member, f'["{CANARY}"]', ids)
    for name, member in positions():
        assert say(phone, name, member, str(LONGITUDE), ids).is_success, (name, member.pointer)
    csv = f"{CSV_HEAD}{','.join([CANARY] * 6)}\n{CANARY * 20},,,,,\n".encode()
    answer = phone.post("/v1/clients/import", content=csv, headers={"Content-Type": "text/csv"})
    assert answer.json()["created"] == 1, answer.text
    assert phone.post("/v1/places", {"id": str(uuid4()), "kind": "room", "name": PLAIN}).is_success
    session = f"/v1/sessions/{ids['planned_id']}"
    held(phone, session)
    assert send_track(phone, session, a_walk()).status_code == 201
    for odd in (f"/v1/clients?label={CANARY}", f"/v1/sessions?{CANARY}=1", f"/v1/clients/{CANARY}"):
        phone.get(odd)


def session_for(phone: Phone, name: str, member: Member) -> Ids:
    """Return a new session for what can be reported of a session only once."""
    if name == "cancel_session":
        return {"planned_id": a_session(phone).rpartition("/")[2]}
    if member.pointer == "/cancellation_words":
        session = a_session(phone)
        assert phone.post(f"{session}/cancel", {"reason": "weather"}).is_success
        return {"session_id": session.rpartition("/")[2]}
    return {}


def read_everything(phone: Phone, ids: Ids) -> str:
    """Return everything its owner reads of it afterwards."""
    names = ("read_client", "read_session", "list_moments", "list_notes", "read_track", "read_track_original")
    session = ids | {"session_id": ids["planned_id"]}
    paths = [OPERATIONS[name].path.format(**which) for name in names for which in (ids, session)]
    return "".join(phone.get(path).text for path in paths)


@pytest.fixture(scope="module")
def said(running: Running) -> tuple[Phone, Ids]:
    world = make_world(running)
    return world.ada, things_of(world.ada)


def needles() -> list[bytes]:
    """Return the canary and the place as they might be stored: as text, in hex, as a number."""
    words = [CANARY, CANARY.upper(), CANARY.encode().hex(), str(LONGITUDE), str(LONGITUDE).encode().hex()]
    return [each.encode() for each in words] + [struct.pack(order, LONGITUDE) for order in ("<d", ">d")]


def found_in(content: bytes | mmap.mmap, wanted: Sequence[bytes]) -> list[bytes]:
    """Return the bytes around each thing that is found."""
    places = (content.find(each) for each in wanted)
    return [content[max(0, place - 100) : place + 40] for place in places if place >= 0]


def files_below(folder: Path) -> Iterator[Path]:
    yield from (each for each in folder.rglob("*") if each.is_file() and each.stat().st_size)


def found_below(folder: Path, wanted: Sequence[bytes]) -> dict[str, list[bytes]]:
    """Return the files that hold one of the things."""
    found = {}
    for path in files_below(folder):
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if here := found_in(content, wanted):
                found[str(path.relative_to(folder))] = here
    return found


def dumped(look: Look) -> bytes:
    """Return the dump of the database."""
    dsn = urlsplit(look.admin_dsn)._replace(path=f"/{look.database}").geturl()
    command = [str(find_binaries() / "pg_dump"), "--dbname", dsn]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_confidential_words_are_found_nowhere(
    said: tuple[Phone, Ids],
    look: Look,
    server: Server,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    phone, ids = said
    with caplog.at_level("DEBUG"):
        say_everything(phone, ids)
        assert read_everything(phone, ids).count(CANARY) > 20
    libraries = [each for each in caplog.records if each.name.partition(".")[0] not in NOT_THE_SERVICES]
    logged = "".join(capfd.readouterr()) + "".join(each.getMessage() for each in libraries)
    assert "/v1/sessions/{session_id}/notes" in logged
    assert found_in(logged.encode(), needles()) == []
    dump = dumped(look)
    assert found_in(dump, [PLAIN.encode()])
    assert found_in(dump, needles()) == []
    if isinstance(server, EmbeddedServer):
        look.rows("CHECKPOINT")
        assert len(found_below(server.data, [PLAIN.encode()])) >= 2, "its table and the WAL"
        assert found_below(server.data, needles()) == {}


def test_every_body_about_a_client_is_searched() -> None:
    bodies = {name for name, case in CASES.items() if case.rule is Rule.CLINICAL and " " not in name}
    assert {name for name in bodies if OPERATIONS[name].body} | {"create_client"} == set(CLINICAL)
