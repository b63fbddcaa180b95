"""Wrong parameters, headers, paths and methods are refused by name, for every operation."""

import socket
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from tests.http.caller import WITH_FILE, Caller, make_caller, nothing_stored
from tests.http.look import Look
from tests.http.matrix import CASES, Rule, request
from tests.http.operations import OPERATIONS, Operation
from tests.http.refusals import problem
from tests.http.running import Running
from tests.http.sessions import a_recording

GUARDED: Final = sorted(name for name in OPERATIONS if CASES[name].rule is not Rule.OPEN)
WITH_PARAMETERS: Final = sorted(name for name, each in OPERATIONS.items() if each.parameters)
PRIVATE: Final = (["no-store"], ["nosniff"])
WITH_PATH: Final = sorted(name for name, each in OPERATIONS.items() if each.names)


def needing(dependency: str) -> list[str]:
    """Return the operations whose handlers take a dependency."""
    handlers = {name: each.handler.parsed_fn_signature.parameters for name, each in OPERATIONS.items()}
    return sorted(name for name, parameters in handlers.items() if dependency in parameters)


@pytest.fixture(scope="module")
def caller(running: Running) -> Caller:
    return make_caller(running)


def ask(
    caller: Caller, name: str, params: Mapping[str, Any] = {}, headers: Mapping[str, Any] = {}, **other: Any
) -> httpx.Response:
    """Call an operation correctly except for some parameters and headers."""
    method, path, options = request(name, caller.ids, caller.ids)
    options |= other
    method, path = options.pop("method", method), options.pop("path", path)
    options["params"] = {**options.get("params", {}), **params}
    options["headers"] = {"Idempotency-Key": uuid4().hex, **options["headers"], **headers}
    if "Authorization" not in options["headers"] and caller.phone(name).tokens:
        options["headers"]["Authorization"] = f"Bearer {caller.phone(name).tokens['access_token']}"
    given = {key: value for key, value in options.pop("headers").items() if value is not None}
    return caller.world.http.request(method, path, headers=given, **options)


def said_to_caches(answer: httpx.Response) -> tuple[list[str], list[str]]:
    return answer.headers.get_list("cache-control"), answer.headers.get_list("x-content-type-options")


def refused_parameter(answer: httpx.Response) -> str:
    told = problem(answer)
    assert (told["type"], told["status"]) == ("invalid-parameter", 400), told
    parameter: str = told["parameter"]
    return parameter


@pytest.mark.parametrize("name", GUARDED)
def test_an_unknown_parameter_is_refused(caller: Caller, look: Look, name: str) -> None:
    with nothing_stored(look, caller):
        for unknown in ("surprise", "LIMIT", "limit[]", "é", "\ufffd"):
            assert refused_parameter(ask(caller, name, {unknown: "1"})) == unknown


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_a_wrong_parameter_is_refused_by_name(caller: Caller, look: Look, name: str) -> None:
    accepted = []
    with nothing_stored(look, caller):
        for parameter in OPERATIONS[name].parameters:
            for value in unusable(OPERATIONS[name], parameter):
                answer = ask(caller, name, {parameter: value})
                if answer.is_success or refused_parameter(answer) != parameter:
                    accepted.append((parameter, value, answer.text))
    assert accepted == []


def unusable(operation: Operation, parameter: str) -> list[Any]:
    """Return wrong values, or lists of values, for a query parameter."""
    annotation, limits = operation.parameters[parameter]
    values: list[Any] = ["a\0b", ["1", "1"], "null", "NULL"]
    kinds, least, most = str(annotation), limits.ge or 0, limits.le or 0
    if "str" not in kinds:
        values += ["", "x", "\u0661\u0662", "1_0", " ", "[]"]
    if "int" in kinds:
        values += ["1.5", str(2**70), str(-(2**70)), str(least - 1), str(most + 1)]
    if "float" in kinds:
        values += [str(least - 0.001), str(most + 0.001), "nan", "inf", "-inf", "1e999"]
    if "str" in kinds:
        values += ["x" * ((limits.max_length or 0) + 1)] + [""] * bool(limits.min_length)
    if "UUID" in kinds:
        values += ["0197c2a4-8f3e-7b1a-9c55", "g" * 32]
    return values


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_a_parameter_at_its_limit_is_read(caller: Caller, name: str) -> None:
    for parameter, (annotation, limits) in OPERATIONS[name].parameters.items():
        for limit in (limits.ge, limits.le):
            if limit is not None:
                answer = ask(caller, name, {parameter: str(limit)})
                assert answer.status_code not in {400, 500}, (parameter, limit, answer.text)
        is_free = parameter != "cursor" and limits.format != "date-time" and not limits.pattern
        if limits.max_length and is_free:
            answer = ask(caller, name, {parameter: "é" * limits.max_length})
            assert answer.is_success, (parameter, answer.text)
        number = "int" in str(annotation) or "float" in str(annotation)
        assert not number or None not in {limits.ge, limits.le}, parameter


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_a_parameter_that_is_no_utf8_is_answered(caller: Caller, name: str) -> None:
    method, path, options = request(name, caller.ids, caller.ids)
    given = httpx.QueryParams(options.pop("params", {}))
    for parameter in OPERATIONS[name].parameters:
        for raw in ("%ff", "%", "%zz", "%ed%a0%80", "%c3%28"):
            query = "&".join(filter(None, [str(given.remove(parameter)), f"{parameter}={raw}"]))
            answer = caller.phone(name).send(method, f"{path}?{query}", **options)
            assert answer.is_success or problem(answer)


@pytest.mark.parametrize(
    "cursor", ["x", "é", "AAAA", "bnVsbA", "W10", "WyIiLCIiXQ", "eyJrZXkiOiIifQ", "=", "WyJhXHUwMDAwIiwgIiJd"]
)
@pytest.mark.parametrize(
    "name", [name for name in WITH_PARAMETERS if "cursor" in OPERATIONS[name].parameters]
)
def test_a_made_up_cursor_is_refused(caller: Caller, name: str, cursor: str) -> None:
    assert refused_parameter(ask(caller, name, {"cursor": cursor})) == "cursor"


@pytest.mark.parametrize("name", WITH_PATH)
def test_a_path_that_names_nothing_is_answered_404(caller: Caller, look: Look, name: str) -> None:
    operation = OPERATIONS[name]
    _, _, options = request(name, caller.ids, caller.ids)
    odd = ("x", "0", "null", "-", "%00", "%ff", "%2e%2e", "0197c2a4-8f3e-7b1a-9c55-3f0e6b7d2a1", "a" * 5_000)
    with nothing_stored(look, caller):
        for value in odd:
            for named in operation.names:
                path = operation.path.format(**{**caller.ids, named: value})
                answer = caller.world.ada.send(operation.method, path, **options)
                assert problem(answer)["status"] in {404, 405}, path


@pytest.mark.parametrize("name", needing("writing"))
def test_a_write_needs_a_key_of_visible_characters(caller: Caller, look: Look, name: str) -> None:
    keys = (b"", b"two words", b"x" * 201, b"caf\xe9", b"tab\there", b"\xff")
    with nothing_stored(look, caller):
        for key in keys:
            told = problem(ask(caller, name, headers={"Idempotency-Key": key}))
            assert (told["type"], told["parameter"]) == ("header-missing", "Idempotency-Key")
        told = problem(ask(caller, name, headers={"Idempotency-Key": None}))
        assert (told["type"], told["parameter"]) == ("header-missing", "Idempotency-Key")


@pytest.mark.parametrize("name", needing("expected"))
def test_a_change_names_the_version_it_is_based_on(caller: Caller, look: Look, name: str) -> None:
    changed: dict[str, Any] = {"content": a_recording(out_s=90)} if name == "replace_route_line" else {}
    with nothing_stored(look, caller):
        told = problem(ask(caller, name, headers={"If-Match": None}))
        assert (told["type"], told["status"], told["parameter"]) == ("precondition-required", 428, "If-Match")
        for malformed in (b"", b"7", b'"7', b'"7" "8"', b"W/7", b"\xff", b'"a","', b","):
            told = problem(ask(caller, name, headers={"If-Match": malformed}))
            assert (told["type"], told["parameter"]) == ("header-missing", "If-Match")
        for tag in (
            '"0"',
            '"' + "9" * 400 + '"',
            '"-1"',
            '"x"',
            '""',
            '"999999999999999", "0"',
            '"\u0661"'.encode(),
        ):
            told = problem(ask(caller, name, headers={"If-Match": tag}, **changed))
            assert (told["type"], told["status"], told["parameter"]) == ("stale", 412, "If-Match")
            assert told["etag"].startswith('"')


@pytest.mark.parametrize("name", needing("expected_if_sent"))
def test_a_version_need_not_be_named_but_is_checked_if_it_is(caller: Caller, look: Look, name: str) -> None:
    changed: dict[str, Any] = {"content": a_recording(out_s=90)} if name == "put_track" else {}
    with nothing_stored(look, caller):
        for malformed in (b"", b"7", b'"7', b'"7" "8"', b"\xff"):
            told = problem(ask(caller, name, headers={"If-Match": malformed}))
            assert (told["type"], told["parameter"]) == ("header-missing", "If-Match")
        for tag in ('"0"', '"' + "9" * 400 + '"', '"x"', '"999999999999999", "0"'):
            told = problem(ask(caller, name, headers={"If-Match": tag}, **changed))
            assert (told["type"], told["status"], told["parameter"]) == ("stale", 412, "If-Match")


@pytest.mark.parametrize("name", sorted(name for name in OPERATIONS if OPERATIONS[name].method == "GET"))
def test_a_read_ignores_odd_conditions(caller: Caller, name: str) -> None:
    for tag in (b"", b"7", b'"', b"\xff", b"," * 1_000):
        assert ask(caller, name, headers={"If-None-Match": tag}).status_code == 200
    answer = ask(caller, name, headers={"If-None-Match": b"*"})
    assert answer.status_code == (304 if "etag" in ask(caller, name).headers else 200)


@pytest.mark.parametrize("name", sorted(name for name, each in OPERATIONS.items() if each.method == "GET"))
def test_no_cache_may_store_an_answer(caller: Caller, name: str) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"If-None-Match": "*"}):
        assert said_to_caches(ask(caller, name, headers=headers)) == PRIVATE


@pytest.mark.parametrize("name", sorted(name for name, each in OPERATIONS.items() if each.method == "GET"))
def test_head_answers_with_the_headers_of_get(caller: Caller, name: str) -> None:
    read, head = ask(caller, name), ask(caller, name, method="HEAD")
    assert (head.status_code, head.content) == (read.status_code, b"")
    own = {"date", "x-request-id"}
    assert {each: text for each, text in head.headers.items() if each not in own} == {
        each: text for each, text in read.headers.items() if each not in own
    }


@pytest.mark.parametrize("path", sorted({each.path for each in OPERATIONS.values()}))
def test_a_method_a_path_does_not_take_is_refused(caller: Caller, path: str) -> None:
    taken = {each.method for each in OPERATIONS.values() if each.path == path}
    answered = taken | ({"HEAD"} if "GET" in taken else set())
    options = caller.world.ada.send("OPTIONS", path.format(**caller.ids))
    assert (options.status_code, said_to_caches(options)) == (204, PRIVATE)
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - answered:
        answer = caller.world.ada.send(method, path.format(**caller.ids))
        assert answer.status_code in {404, 405}, (method, path)
        assert said_to_caches(answer) == PRIVATE
        if answer.status_code == 405:
            assert answered <= {each.strip() for each in answer.headers["allow"].split(",")}
        if method != "HEAD":
            assert problem(answer)["type"] in {"method-not-allowed", "not-found"}


@pytest.mark.parametrize(
    "path", ["/v1", "/v2/places", "/v1/nothing", "/v1/places/x/y", "/v1/../places", "/%00", "/é"]
)
def test_an_unknown_path_is_answered_404(caller: Caller, path: str) -> None:
    answer = caller.world.ada.get(path)
    assert problem(answer)["type"] == "not-found"
    assert said_to_caches(answer) == PRIVATE


OTHER_SPELLINGS: Final = (
    "urn:uuid:{}",
    "{{{}}}",
    "%7B{}%7D",
    "%0d%0aurn:{}",
    "{}%0d%0aSet-Cookie:%20a=b",
    "%20{}",
    "{}%00",
    "{}-",
)
"""Texts that Python reads as the UUID they hold, and some it does not."""


@pytest.mark.parametrize("name", WITH_PATH)
def test_a_path_takes_only_plain_uuids(caller: Caller, look: Look, name: str) -> None:
    operation = OPERATIONS[name]
    with nothing_stored(look, caller):
        for taken in operation.names:
            known = caller.ids[CASES[name].at.get(taken, taken)]
            bare = known.replace("-", "")
            odd = [each.format(known) for each in OTHER_SPELLINGS]
            odd += [bare, f"urn:{bare}", f"{bare[:8]}_{bare[8:]}", "\u0661" * 32, f"%0d%0aurn:{bare}"]
            for spelling in odd:
                path = operation.path.format(**caller.ids | {taken: spelling})
                told = problem(ask(caller, name, path=path))
                assert (told["type"], told["status"]) == ("not-found", 404), path


@pytest.mark.parametrize("name", [each for each in WITH_PATH if OPERATIONS[each].method == "GET"])
def test_a_path_takes_capital_letters_in_uuids(caller: Caller, name: str) -> None:
    capitals = {key: each.upper() for key, each in caller.ids.items()}
    assert ask(caller, name, path=OPERATIONS[name].path.format(**capitals)).status_code == 200


@pytest.mark.parametrize("path", ["/schema", "/schema/redoc", "/schema/openapi.json", "/schema/x"])
def test_no_page_loads_scripts_from_another_host(caller: Caller, path: str) -> None:
    assert problem(caller.world.http.get(path))["type"] == "not-found"


def test_a_slash_at_the_end_is_the_same_path(caller: Caller) -> None:
    assert caller.world.ada.get("/v1/places/").json() == caller.world.ada.get("/v1/places").json()


@pytest.mark.parametrize("name", WITH_FILE)
def test_a_file_announced_too_large_is_refused_before_it_is_sent(caller: Caller, name: str) -> None:
    method, path, options = request(name, caller.ids, caller.ids)
    query = f"?{httpx.QueryParams(options.get('params', {}))}"
    limit = OPERATIONS[name].handler.resolve_request_max_body_size() or 0
    headers = {
        **options["headers"],
        "Authorization": f"Bearer {caller.world.ada.tokens['access_token']}",
        "Idempotency-Key": "large",
        "Content-Length": str(limit + 1),
        "Host": "phone.example",
        "Connection": "close",
    }
    lines = [f"{method} {path}{query} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
    head, body = exchanged(caller, "\r\n".join(lines).encode() + b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert f'"limit":{limit}'.encode() in body


def exchanged(caller: Caller, content: bytes) -> tuple[bytes, bytes]:
    """Send bytes to the service and return head and body of its answer, until it closes the connection."""
    url = caller.world.http.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        connection.sendall(content)
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


@pytest.mark.parametrize(
    "content",
    [
        b"GET /v1/places HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
        b"GET /v1/places HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /v1/places HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\nConnection: close\r\n\r\n",
        b"GET /v1/places HTTP/1.1\r\nHost: x\r\nX-Request-Id: \xff\r\nConnection: close\r\n\r\n",
        b"GET /v1/places?limit=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /v1/\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"BREW /v1/places HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example/v1/places HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /v1/places HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\nConnection: close\r\n\r\n",
        b"POST /v1/places HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\nConnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_odd_bytes_on_the_wire_are_refused(caller: Caller, content: bytes) -> None:
    head, _ = exchanged(caller, content)
    assert head.startswith(b"HTTP/1.1 4")


def test_a_well_formed_request_id_of_the_phone_is_kept(caller: Caller) -> None:
    given = {"X-Request-Id": "phone-4711.a_b"}
    assert call_with(caller, given).headers["x-request-id"] == "phone-4711.a_b"
    for odd in ("short", "x" * 65, "a b c d e f g", "<script>alert(1)</script>"):
        assert call_with(caller, {"X-Request-Id": odd}).headers["x-request-id"] != odd


def call_with(caller: Caller, headers: dict[str, str]) -> httpx.Response:
    return caller.world.ada.get("/v1/places", headers=headers)
