"""A wrong body is refused by name and stores nothing, for every member of every body."""

import gzip
import json
from typing import Final

import httpx
import pytest
from msgspec import inspect as wire

from routes.http.dependencies import STRANGERS_BYTES
from routes.http.errors import NamedTwice
from routes.http.json_body import refuse_names_twice
from service.app import BODY_LIMIT
from tests.http.caller import WITH_FILE, Caller, make_caller, nothing_stored
from tests.http.hostile import Member, edge_values, example, members, with_member, wrong_values
from tests.http.look import Look
from tests.http.matrix import CASES, Rule, request
from tests.http.operations import OPERATIONS
from tests.http.refusals import problem
from tests.http.running import Running

DEEP: Final = 10_000
WITH_BODY: Final = sorted(name for name, each in OPERATIONS.items() if each.body is not None)


@pytest.fixture(scope="module")
def caller(running: Running) -> Caller:
    return make_caller(running)


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_member_that_cannot_be_read_is_named(caller: Caller, look: Look, name: str) -> None:
    right, wrong = caller.body(name), []
    with nothing_stored(look, caller):
        for member in members(OPERATIONS[name].body):
            for value in wrong_values(member):
                answer = caller.send(name, with_member(right, member, value))
                if fault := unlike(answer, member):
                    wrong.append((member.pointer, value[:60], fault))
    assert wrong == []


def unlike(answer: httpx.Response, member: Member) -> str | None:
    """Return what is wrong with a refusal of one member; text that is no JSON has no pointer."""
    told = problem(answer)
    if told["type"] == "malformed-json":
        return None
    if isinstance(member.type, wire.RawType):
        return None if (told.get("pointer") or "").startswith(member.pointer) else str(told)
    if (told["type"], told["status"]) != ("invalid-body", 400):
        return str(told)
    return None if told["pointer"].startswith(member.pointer) else str(told)


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_member_at_its_limit_is_read(caller: Caller, name: str) -> None:
    refused = []
    for member in members(OPERATIONS[name].body):
        for value in edge_values(member):
            answer = caller.send(name, with_member(caller.body(name), member, value))
            if answer.status_code == 400 or answer.status_code >= 500:
                refused.append((member.pointer, value[:60], answer.status_code, answer.text))
    assert refused == []


@pytest.mark.parametrize("name", WITH_BODY)
def test_every_member_has_its_limits(name: str) -> None:
    """Without a limit one request could fill the memory or the disk."""
    for member in members(OPERATIONS[name].body):
        match member.type:
            case wire.StrType(max_length=most, pattern=pattern):
                assert most is not None or (pattern and "," in pattern), member.pointer
            case wire.IntType(ge=least, le=most) | wire.FloatType(ge=least, le=most):
                assert None not in {least, most}, member.pointer
            case wire.ListType(max_length=most) | wire.DictType(max_length=most):
                assert most is not None, member.pointer


MALFORMED: Final = {
    "nothing": b"",
    "white space": b" \n",
    "half an object": b"{",
    "an object twice": b"{}{}",
    "a mark before it": b"\xef\xbb\xbf{}",
    "another encoding": '{"id": "é"}'.encode("utf-16"),
    "no encoding at all": b'{"id": "\xff\xfe"}',
    "half a letter": b'{"id": "\xc3"}',
    "an odd letter between members": b'{"id": "x",\xa0"y": 1}',
    "a bare NUL": b'{"id": "\x00"}',
    "NUL behind a backslash": rb'{"id": "\\\u0000"}',
    "half a pair": rb'{"id": "\ud83d"}',
    "lists without end": b"[" * DEEP,
    "objects without end": b'{"id":' * DEEP,
    "a deep list": b'{"id": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "a comment": b'{} // "id"',
    "single quotes": b"{'id': 1}",
    "a long number": b'{"id": ' + b"9" * 50_000 + b"}",
}
NO_OBJECT: Final = {"a list": b"[]", "null": b"null", "text": b'"x"', "a number": b"5", "true": b"true"}


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_body_that_is_no_json_is_refused(caller: Caller, look: Look, name: str) -> None:
    with nothing_stored(look, caller):
        told = {how: problem(caller.send(name, body)) for how, body in MALFORMED.items()}
    odd = {how: each for how, each in told.items() if each["status"] != 400}
    assert odd == {}


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_body_that_is_no_object_is_refused(caller: Caller, look: Look, name: str) -> None:
    with nothing_stored(look, caller):
        for body in NO_OBJECT.values():
            told = problem(caller.send(name, body))
            assert (told["type"], told["pointer"]) == ("invalid-body", "")


@pytest.mark.parametrize("name", WITH_BODY)
def test_an_unknown_member_is_refused_by_name(caller: Caller, look: Look, name: str) -> None:
    with nothing_stored(look, caller):
        for member, pointer in (("surprise", "/surprise"), ("a/b~c", "/a~1b~0c"), ("", ""), ("é`", "/é`")):
            body = caller.body(name) | {member: 1}
            told = problem(caller.send(name, json.dumps(body)))
            assert told["type"] == "invalid-body"
            assert told["pointer"] in {pointer, ""} if member in {"", "é`"} else told["pointer"] == pointer
        long = problem(caller.send(name, json.dumps(caller.body(name) | {"x" * 10_000: 1})))
        assert len(json.dumps(long)) < 1_000


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_member_given_twice_is_refused_by_name(caller: Caller, look: Look, name: str) -> None:
    for member in members(OPERATIONS[name].body):
        if len(member.place) == 1:
            first = str(member.place[0])
            right = with_member(caller.body(name), member, json.dumps(example(member.type, first)))
            twice = json.dumps({first: json.loads(right)[first]})[:-1] + ", " + right[1:]
            with nothing_stored(look, caller):
                told = problem(caller.send(name, twice))
            assert (told["type"], told["pointer"]) == ("malformed-json", member.pointer)


TWICE: Final = {
    b'{"a": 1, "b": {}, "a": 1}': "/a",
    b'{"a": [0, {"b/c": 1, "b/c": 2}]}': "/a/1/b~1c",
    rb'{"a": 1, "\u0061": 2}': "/a",
    rb'{"a": "\u0022\u0022", "a": "\u0022\u0022"}': "/a",
    b'{"a": 1e999, "b": 1, "b": 2}': "/b",
    b'{"": 1, "": 2}': "/",
    b'{"%b": 1, "%b": 2}' % (b"x" * 300, b"x" * 300): "",
}
ONCE: Final = (
    b'{"a": {"a": 1}, "b": [{"a": 1}, {"a": 1}], "A": 2}',
    rb'{"a": "\"b\": 1, \"b\": 2", "b": "\u0022a\u0022"}',
    b'{"a": {}, "b": [], "c": 1e999, "d": %b}' % (b"9" * 5_000),
    b"[]",
)


@pytest.mark.parametrize(("body", "pointer"), TWICE.items())
def test_a_name_given_twice_is_found_however_it_is_written(body: bytes, pointer: str) -> None:
    with pytest.raises(NamedTwice) as raised:
        refuse_names_twice(body)
    assert raised.value.pointer == pointer


@pytest.mark.parametrize("body", ONCE)
def test_two_objects_may_have_members_of_the_same_name(body: bytes) -> None:
    refuse_names_twice(body)


@pytest.mark.parametrize("name", WITH_BODY)
def test_other_content_types_and_encodings_are_refused(caller: Caller, look: Look, name: str) -> None:
    body = json.dumps(caller.body(name)).encode()
    types = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "x")
    with nothing_stored(look, caller):
        for content_type in (*types, "application/json; charset=latin-1"):
            assert problem(caller.send(name, body, Content_Type=content_type))["status"] == 415
        for encoding in ("gzip", "br", "identity, gzip"):
            answer = caller.send(name, gzip.compress(body), Content_Encoding=encoding)
            assert problem(answer)["status"] == 415


@pytest.mark.parametrize("name", WITH_BODY)
def test_a_body_that_is_too_large_is_refused_with_its_limit(caller: Caller, look: Look, name: str) -> None:
    limit = STRANGERS_BYTES if CASES[name].rule is Rule.OPEN else BODY_LIMIT
    large = b'{"id": "' + b"x" * limit + b'"}'
    with nothing_stored(look, caller):
        for content in (large, iter([large[: limit // 2], large[limit // 2 :]])):
            told = problem(caller.send(name, content))
            assert (told["type"], told["status"], told["limit"]) == ("too-large", 413, limit)


@pytest.mark.parametrize("name", WITH_FILE)
def test_a_file_of_another_kind_is_refused(caller: Caller, look: Look, name: str) -> None:
    method, path, options = request(name, caller.ids, caller.ids)
    with nothing_stored(look, caller):
        for content_type in ("application/pdf", "", "text/html"):
            headers = {**options["headers"], "Content-Type": content_type}
            answer = caller.world.ada.send(method, path, **{**options, "headers": headers})
            assert problem(answer)["status"] == 415
        headers = {**options["headers"], "Content-Encoding": "gzip"}
        answer = caller.world.ada.send(method, path, **{**options, "headers": headers})
        assert problem(answer)["status"] == 415
        for content in (b"", b"\x00", b"\xff\xfe", b"<", b"nothing of the kind"):
            problem(caller.world.ada.send(method, path, **{**options, "content": content}))
