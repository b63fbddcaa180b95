"""Half a surrogate pair in a body becomes U+FFFD, and the answer says so: the phone can send the rest."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routes.http.json_body import replace_half_pairs
from tests.http.refusals import problem
from tests.http.sessions import a_note, a_session, at
from tests.http.things import LINE
from tests.http.world import Phone, World

JSON = {"Content-Type": "application/json"}
HEADER = "Towpath-Replaced"


def written(member: str, text: str, **others: Any) -> bytes:
    """Return a body with a member that is written as `text` stands here."""
    return json.dumps(others | {member: "HERE"}).replace("HERE", text).encode()


def send(phone: Phone, method: str, path: str, body: bytes, **headers: str) -> httpx.Response:
    return phone.send(method, path, content=body, headers=JSON | headers)


@pytest.mark.parametrize(
    ("text", "kept", "replaced"),
    [
        (r"cut \ud83d", "cut \ufffd", "1"),
        (r"\uDE00 cut", "\ufffd cut", "1"),
        (r"\ud83d\ud83d\ude00\ude00", "\ufffd\U0001f600\ufffd", "2"),
        (r"\ud83dx\ude00", "\ufffdx\ufffd", "2"),
        (r"\\\ud83d \\\\\uDBFF", "\\\ufffd \\\\\ufffd", "2"),
        (r"\ud83d\\ude00", "\ufffd\\ude00", "1"),
        (r"\ud83d\n\ude00", "\ufffd\n\ufffd", "2"),
        (r"\ud83d\u0022", '\ufffd"', "1"),
    ],
)
def test_a_note_cut_in_the_middle_of_an_emoji_is_kept(
    world: World, text: str, kept: str, replaced: str
) -> None:
    session = a_session(world.ada)
    body = written("text", text, id=str(uuid4()), written_at=at(0))
    first = send(world.ada, "POST", f"{session}/notes", body)
    assert (first.status_code, first.json()["text"], first.headers[HEADER]) == (201, kept, replaced)
    again = send(world.ada, "POST", f"{session}/notes", body)
    assert (again.status_code, again.json(), again.headers[HEADER]) == (200, first.json(), replaced)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\\ud83d", r"\ud83d"),
        (r"\\\\uDE00", r"\\uDE00"),
        (r"\ud7ff\ue000", "\ud7ff\ue000"),
    ],
)
def test_whole_pairs_and_escaped_backslashes_are_kept_as_they_are(world: World, text: str, kept: str) -> None:
    body = written("text", text, id=str(uuid4()), written_at=at(0))
    answer = send(world.ada, "POST", f"{a_session(world.ada)}/notes", body)
    assert (answer.status_code, answer.json()["text"]) == (201, kept)
    assert HEADER not in answer.headers


def test_a_change_with_half_a_pair_is_made_once(world: World) -> None:
    note = a_note(world.ada, a_session(world.ada))
    headers = {"Idempotency-Key": uuid4().hex, "If-Match": "*"}
    body = written("text", r"\ud83d")
    first, again = (send(world.ada, "PATCH", f"/v1/notes/{note['id']}", body, **headers) for _ in range(2))
    assert (first.status_code, first.json()["text"], first.headers[HEADER]) == (200, "\ufffd", "1")
    assert (again.status_code, again.json(), again.headers[HEADER]) == (200, first.json(), "1")


def test_half_a_pair_is_replaced_where_the_text_is_not_decoded(world: World) -> None:
    drawing = {"type": "Feature", "geometry": LINE, "properties": {"name": "x", "HERE": "HERE"}}
    route = json.dumps({"id": str(uuid4()), "name": "Weir", "geojson": drawing}).replace("HERE", r"\ud83d")
    answer = send(world.ada, "POST", "/v1/routes", route.encode())
    assert (answer.status_code, answer.headers[HEADER]) == (201, "2"), answer.text


def test_half_a_pair_is_replaced_in_a_geojson_file(world: World) -> None:
    point = {"type": "Point", "coordinates": [0.005, 51]}
    features = [
        {"type": "Feature", "geometry": LINE, "properties": {}},
        {"type": "Feature", "geometry": point, "properties": {"kind": "bench", "name": "HERE"}},
    ]
    file = json.dumps({"type": "FeatureCollection", "features": features}).replace("HERE", r"Bench \ud83d")
    route_id = str(uuid4())
    options: dict[str, Any] = {
        "content": file.encode(),
        "params": {"id": route_id},
        "headers": {"Content-Type": "application/geo+json"},
    }
    first, again = (world.ada.send("POST", "/v1/routes/import", **options) for _ in range(2))
    assert (first.status_code, first.headers[HEADER]) == (201, "1"), first.text
    assert [each["name"] for each in first.json()["route"]["features"]] == ["Bench \ufffd"]
    assert (again.status_code, again.headers[HEADER]) == (200, "1")


def test_two_names_that_become_the_same_are_refused(world: World) -> None:
    drawing = rb'{"type": "Feature", "\ud83d": 1, "\ud83e": 2}'
    route = written("geojson", "", id=str(uuid4()), name="Weir").replace(b'""', drawing)
    told = problem(send(world.ada, "POST", "/v1/routes", route))
    assert (told["type"], told["pointer"]) == ("malformed-json", "/geojson/\ufffd")


def test_a_refusal_says_what_was_replaced_too(world: World) -> None:
    body = written("text", r"\ud83d", id=str(uuid4()), written_at=at(0))
    answer = send(world.ada, "POST", f"/v1/sessions/{uuid4()}/notes", body)
    assert (problem(answer)["type"], answer.headers[HEADER]) == ("not-found", "1")


PIECES = st.sampled_from(
    ["\\ud83d", "\\uDE00", "\\\\", "\\", "u", "ud83d", "\\udbFf", "x", '\\"', "\\n", "é"]
)


@given(pieces=st.lists(PIECES, max_size=12), filler=st.sampled_from(["", "x" * 5_000]))
def test_the_text_is_what_another_reader_makes_of_it(pieces: list[str], filler: str) -> None:
    body = f'{{"a": "{filler}{"".join(pieces)}"}}'
    try:
        text = json.loads(body)["a"]
    except ValueError:
        return
    expected = "".join("\ufffd" if 0xD800 <= ord(each) < 0xE000 else each for each in text)
    content, replaced = replace_half_pairs(body.encode())
    assert json.loads(content)["a"] == expected
    assert replaced == sum(0xD800 <= ord(each) < 0xE000 for each in text)
