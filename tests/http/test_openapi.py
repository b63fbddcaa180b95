"""The OpenAPI document describes the service in a form that client generators read."""

import ast
import inspect
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from openapi_spec_validator import validate

from routes.docs_page import SUBJECTS
from routes.http.openapi import openapi_document, wire_types
from routes.http.operation_problems import RAISED
from routes.http.problems import TABLE
from schemas.base import Input, Output
from schemas.examples import EXAMPLES
from service.app import Composition, create_app
from service.foundation.crypto.key_file import KeyFile
from tests.http.described import types_of
from tests.http.sessions import a_recording, a_session, send_track
from tests.http.world import World

APP = create_app(Composition(dsn="", keys=KeyFile.new(), address=""))
DOCUMENT = openapi_document(APP)
TYPES = {each.__name__: each for each in wire_types(APP)}
SCHEMAS = DOCUMENT["components"]["schemas"]
SCHEMA_IDS = {f"schema-{name}" for name in SCHEMAS}
KEY = "Idempotency-Key"
COMMITTED = Path(__file__).parents[2] / "openapi" / "openapi.json"

FOUND = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
OPERATIONS = [pytest.param(*each, id=each[2]["operationId"]) for each in FOUND]


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_the_committed_document_is_the_programs() -> None:
    is_the_same = msgspec.json.decode(COMMITTED.read_bytes()) == DOCUMENT
    assert is_the_same, "run `towpath openapi openapi/openapi.json`, and read the difference"


def test_operation_ids_are_unique() -> None:
    names = [operation["operationId"] for _, _, operation in FOUND]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_operation_says_what_it_is_and_how_it_fails(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    problems = {status: each for status, each in operation["responses"].items() if status >= "4"}
    assert "default" in problems
    assert all("application/problem+json" in each["content"] for each in problems.values())
    assert ("{" in path) <= ("404" in problems)
    assert (method == "patch") <= ({"412", "428"} <= problems.keys())


def test_an_operation_names_only_problems_it_can_answer() -> None:
    named = {operation["operationId"]: types_of(operation) for _, _, operation in FOUND}
    assert set().union(*named.values()) <= {kind.slug for kind in TABLE.values()}
    reads_gpx = {name for name, each in named.items() if "gpx-refused" in each}
    assert reads_gpx == {"preview_route_file", "import_route", "replace_route_line", "put_track"}
    assert {name for name, each in named.items() if "location-not-agreed" in each} == {"put_track"}
    assert named["sign_in"] == {
        *("bad-request", "malformed-json", "invalid-body", "wrong-credentials", "which-practice"),
        *("impossible", "too-large", "unsupported-content", "too-many-attempts", "unavailable"),
    }
    assert named["health_live"] == set()
    assert set(RAISED) <= set(named)


def test_every_wire_type_has_an_example() -> None:
    assert sorted(TYPES.keys() - EXAMPLES.keys() - {"Problem"}) == []


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_example_is_a_value_of_its_type(name: str) -> None:
    example = EXAMPLES[name]
    decoded = msgspec.json.decode(msgspec.json.encode(example), type=TYPES[name])
    again = msgspec.json.decode(msgspec.json.encode(decoded))
    assert again.items() <= example.items()


def test_every_instant_has_the_format_date_time() -> None:
    """Without the format, generated clients make it a plain string."""
    instants = {
        (name, field.encode_name)
        for name, type_ in TYPES.items()
        for field in msgspec.structs.fields(type_)
        if "datetime.datetime" in str(field.type)
    } | {
        (name, each)
        for name in SCHEMAS
        for each in SCHEMAS[name].get("properties", ())
        if each.endswith("_at")
    }
    formats = {each: SCHEMAS[each[0]]["properties"][each[1]].get("format") for each in instants}
    assert {each for each, format_ in formats.items() if format_ != "date-time"} == set()


def test_members_and_values_have_their_descriptions() -> None:
    members = SCHEMAS["ClientSummaryOut"]["properties"]
    assert members["flat_pace_mps"]["description"] == "The client's own; absent where the practice's applies."
    inherited = SCHEMAS["ClientOut"]["properties"]["location_permission"]["description"]
    assert inherited == "Absent until the client was asked; tracks are kept only with it."
    cut_from = SCHEMAS["TrackOut"]["properties"]["cut_from"]["description"]
    assert cut_from.startswith("RFC 3339")
    assert cut_from.endswith("absent while the session has not been reported as started.")
    assert "`start_unknown`: It ended, and no start was reported." in SCHEMAS["SessionFlag"]["description"]


def test_no_description_keeps_the_indentation_of_the_source() -> None:
    indented = [
        at for at, node in _nodes(DOCUMENT, "") if at.endswith("/description") and "\n    " in str(node)
    ]
    assert indented == []


def test_no_text_stands_below_a_member_of_a_wire_type() -> None:
    """The document shows only what `Meta(description=)` says."""
    ignored = []
    for cls in _subclasses(Input) | _subclasses(Output):
        (definition,) = ast.parse(inspect.getsource(cls)).body
        assert isinstance(definition, ast.ClassDef)
        for member, after in pairwise(definition.body):
            if isinstance(member, ast.AnnAssign) and isinstance(after, ast.Expr):
                ignored.append((cls.__name__, ast.unparse(member.target)))
    assert ignored == []


def _subclasses(cls: type) -> set[type]:
    below: set[type] = set(cls.__subclasses__())
    return below.union(*map(_subclasses, below))


def test_defaults_are_described_in_words() -> None:
    """openapi-typescript takes a member with a `default` for one that must be sent."""
    members = [(name, each) for name in SCHEMAS for each in SCHEMAS[name].get("properties", ())]
    assert [each for each in members if "default" in SCHEMAS[each[0]]["properties"][each[1]]] == []
    assert SCHEMAS["NoteIn"]["properties"]["about"]["description"] == "Left out, it is `session`."


def test_a_file_is_binary_and_a_drawing_an_object() -> None:
    """Generated clients send a plain string as JSON, or not at all."""
    for _, _, operation in FOUND:
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media_type, media in body.get("content", {}).items():
                if media_type.endswith("json"):
                    assert "$ref" in media["schema"] or media["schema"]["type"] == "object"
                else:
                    assert media["schema"]["format"] == "binary"


def test_the_first_track_and_the_next_are_answered_as_described(world: World) -> None:
    session = a_session(world.ada)
    told = DOCUMENT["paths"]["/v1/sessions/{session_id}/track"]["put"]["responses"]
    for status in ("201", "200"):
        answer = send_track(world.ada, session, a_recording())
        assert str(answer.status_code) == status
        assert answer.headers.keys() >= {name.lower() for name in told[status]["headers"]}


def test_every_read_that_answers_304_takes_if_none_match() -> None:
    for _, _, operation in FOUND:
        names = {each["name"] for each in operation.get("parameters", ())}
        assert ("304" in operation["responses"]) == ("If-None-Match" in names)


def test_every_operation_with_json_may_count_replaced_characters() -> None:
    for _, _, operation in FOUND:
        takes_json = any(
            each.endswith("json") for each in operation.get("requestBody", {}).get("content", ())
        )
        for status, each in operation["responses"].items():
            counts = "Towpath-Replaced" in each.get("headers", {})
            assert counts == (takes_json and status.startswith("2"))


def test_a_drawing_may_have_members() -> None:
    assert SCHEMAS["RouteIn"]["properties"]["geojson"]["additionalProperties"] is True


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 201])
def test_the_document_says_which_idempotency_keys_are_refused(world: World, key: str) -> None:
    (told,) = (
        each for each in DOCUMENT["paths"]["/v1/practice"]["patch"]["parameters"] if each["name"] == KEY
    )
    assert re.search(told["schema"]["pattern"], "x" * 200)
    assert not re.search(told["schema"]["pattern"], key)
    answer = world.ada.patch("/v1/practice", json={}, headers={KEY: key.encode(), "If-Match": "*"})
    assert answer.status_code == 400


def test_no_schema_is_nullable_by_any_of() -> None:
    assert [path for path, node in _nodes(DOCUMENT, "") if _is_one_of_null(node)] == []


def _nodes(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, node
    if isinstance(node, dict):
        for key, each in node.items():
            yield from _nodes(each, f"{path}/{key}")
    elif isinstance(node, list):
        for at, each in enumerate(node):
            yield from _nodes(each, f"{path}/{at}")


def _is_one_of_null(node: Any) -> bool:
    choices = node.get("anyOf", node.get("oneOf")) if isinstance(node, dict) else None
    return isinstance(choices, list) and {"type": "null"} in choices


def test_the_documentation_page_loads_nothing_from_other_hosts(world: World) -> None:
    page = world.nobody.get("/docs")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.search(r'(src|href|url)\s*[=(]\s*"?(https?:)?//', page.text)
    assert "mark_moment" in page.text
    assert world.nobody.get("/openapi.json").json() == DOCUMENT


def test_the_documentation_page_has_the_style_that_its_policy_names(world: World) -> None:
    page = world.nobody.get("/docs")
    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.headers["content-security-policy"]
    assert re.findall(r"<script[^>]*>(.*?)</script>", page.text, re.DOTALL) == [""]
    assert "style=" not in page.text
    assert not re.search(r"\son[a-z]+=", page.text)


def test_every_link_of_the_documentation_page_leads_somewhere(world: World) -> None:
    page = world.nobody.get("/docs").text
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert {operation["operationId"] for _, _, operation in FOUND} | SCHEMA_IDS <= set(ids)
    for path in re.findall(r'(?:href|src)="(/[^"]*)"', page):
        assert world.nobody.get(path).status_code == 200


def test_a_link_points_inside_what_it_opens(world: World) -> None:
    """Browsers open a `<details>` around the target of a link, not one that is the target."""
    page = world.nobody.get("/docs").text
    assert not re.search(r"<details[^>]*\sid=", page)
    assert re.search(r'<details [^>]*data-path="/v1/sign-in">.*?</summary><div id="sign_in">', page)


def test_the_documentation_page_follows_the_main_job(world: World) -> None:
    page = world.nobody.get("/docs").text
    contents = page[page.index("<nav") : page.index("</nav>")]
    subjects = re.findall(r'<li><a href="#([a-z-]+)">[^<]+</a><ul>', contents)
    assert subjects[:5] == ["sign-in", "routes", "clients", "sessions", "tracks"]
    assert set(subjects) == {operation["tags"][0] for _, _, operation in FOUND} == set(SUBJECTS)
    assert re.findall(r'<h2 id="([a-z-]+)">', page) == [*subjects, "schemas"]


def test_code_is_marked_up_as_code(world: World) -> None:
    page = re.sub(r"<(pre|style)[ >].*?</\1>", "", world.nobody.get("/docs").text, flags=re.DOTALL)
    assert "`" not in page
    assert "<code>Authorization: Bearer</code>" in page


def test_a_browser_is_told_what_this_is(world: World) -> None:
    page = world.nobody.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.headers["content-type"].startswith("text/html")
    assert "walk-and-talk" in page.text
    for path in re.findall(r'href="(/[^"]*)"', page.text):
        assert world.nobody.get(path).status_code == 200
    assert world.nobody.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_a_program_is_told_what_this_is_as_json(world: World) -> None:
    told = world.nobody.get("/", headers={"Accept": "application/json"})
    assert (told.status_code, told.headers["vary"]) == (200, "Accept")
    assert told.json() == {"name": "Towpath", "api": "/v1", "docs": "/docs", "openapi": "/openapi.json"}


EDITED_BY_ALL: Final = frozenset({"/v1/routes/{route_id}/alternatives", "/v1/routes/{route_id}/stretches"})
"""Lists that everybody in the practice edits: a PUT of one must not undo what somebody else just added."""


def test_every_write_to_what_has_a_version_may_name_it() -> None:
    """A PATCH must name the version, and a PUT of what all edit; another PUT or a DELETE may."""
    unversioned = []
    for path, methods in DOCUMENT["paths"].items():
        if "ETag" not in methods.get("get", {}).get("responses", {}).get("200", {}).get("headers", {}):
            continue
        for method in methods.keys() & {"patch", "put", "delete"}:
            named = {each["name"]: each["required"] for each in methods[method].get("parameters", ())}
            must = method == "patch" or (method == "put" and path in EDITED_BY_ALL)
            if named.get("If-Match") is not must:
                unversioned.append((method, path))
    assert unversioned == []
