"""The API only grows: what counts as taking something away."""

import copy
import importlib.util
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands.running import ROOT

SCRIPT = ROOT / ".ci" / "openapi_additions.py"
Node = dict[str, Any]


def script() -> Any:
    found = importlib.util.spec_from_file_location("openapi_additions", SCRIPT)
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def losses(old: Node, new: Node) -> list[str]:
    return sorted(script().losses(old, new))


BENCH: Node = {
    "paths": {
        "/v1/benches": {
            "post": {
                "operationId": "add_bench",
                "parameters": [{"in": "query", "name": "q", "schema": {"type": "string", "maxLength": 9}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/x/BenchIn"}}}},
                "responses": {
                    "201": {
                        "headers": {"ETag": {}},
                        "content": {"application/json": {"schema": {"$ref": "#/x/BenchOut"}}},
                    },
                    "404": {},
                },
            }
        }
    },
    "components": {
        "schemas": {
            "BenchIn": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "at": {"type": "number", "maximum": 9}},
                "required": ["name"],
            },
            "BenchOut": {
                "type": "object",
                "properties": {
                    "seats": {"type": "array", "items": {"type": "integer"}},
                    "shade": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
                },
                "required": ["seats"],
            },
            "Kind": {"type": "string", "enum": ["wood", "stone"]},
        }
    },
}


def changed(change: Callable[[Node, Node], object]) -> Node:
    """Return the document after `change` of its operation and its schemas."""
    new = copy.deepcopy(BENCH)
    change(new["paths"]["/v1/benches"]["post"], new["components"]["schemas"])
    return new


@pytest.mark.parametrize(
    "change",
    [
        lambda operation, _: operation["parameters"].append({"in": "query", "name": "r", "schema": {}}),
        lambda operation, _: operation["responses"].update({"409": {}}),
        lambda _, schemas: schemas["BenchIn"]["properties"].update(note={"type": "string"}),
        lambda _, schemas: schemas["BenchIn"]["properties"]["at"].update(maximum=10),
        lambda _, schemas: schemas["BenchIn"].update(required=[]),
        lambda _, schemas: schemas["BenchOut"]["required"].append("shade"),
        lambda _, schemas: schemas["Kind"]["enum"].append("iron"),
        lambda _, schemas: schemas.update(Fountain={}),
    ],
)
def test_what_is_added_is_no_loss(change: Callable[[Node, Node], object]) -> None:
    assert changed(change) != BENCH
    assert losses(BENCH, changed(change)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda operation, _: operation.update(operationId="bench"), "operationId changed"),
        (lambda operation, _: operation["responses"].pop("404"), "no longer answers 404"),
        (lambda operation, _: operation["responses"]["201"].update(headers={}), "header ETag is gone"),
        (lambda operation, _: operation["responses"]["201"].update(content={}), "application/json is gone"),
        (lambda operation, _: operation["requestBody"].update(content={}), "application/json is gone"),
        (lambda operation, _: operation["requestBody"].update(required=True), "a body became required"),
        (lambda operation, _: operation["parameters"].clear(), "parameter q is gone"),
        (
            lambda operation, _: operation["parameters"][0].update(required=True),
            "parameter q became required",
        ),
        (
            lambda operation, _: operation["parameters"][0]["schema"].update(maxLength=8),
            "maxLength is smaller",
        ),
        (
            lambda operation, _: operation["parameters"][0]["schema"].update(minLength=1),
            "minLength is larger",
        ),
        (lambda operation, _: operation["parameters"][0]["schema"].update(pattern="^x"), "another pattern"),
        (lambda _, schemas: schemas["BenchIn"]["required"].append("at"), "BenchIn.at became required"),
        (lambda _, schemas: schemas["BenchIn"]["properties"].pop("at"), "BenchIn.at is gone"),
        (lambda _, schemas: schemas["BenchIn"]["properties"]["at"].update(maximum=8), "maximum is smaller"),
        (lambda _, schemas: schemas["BenchOut"].update(required=[]), "BenchOut.seats may now be absent"),
        (
            lambda _, schemas: schemas["BenchOut"]["properties"]["seats"].update(items={"type": "string"}),
            "BenchOut.seats[]: another type",
        ),
        (
            lambda _, schemas: schemas["BenchOut"]["properties"]["shade"]["anyOf"].pop(),
            "BenchOut.shade: a choice is gone",
        ),
        (lambda _, schemas: schemas["Kind"].update(enum=["wood"]), 'Kind: value "stone" is gone'),
        (lambda _, schemas: schemas.pop("Kind"), "schema Kind is gone"),
    ],
)
def test_what_is_taken_away_or_narrowed_is_a_loss(change: Callable[[Node, Node], object], said: str) -> None:
    (found,) = losses(BENCH, changed(change))
    assert said in found


def test_a_path_and_an_operation_may_not_go() -> None:
    assert losses(BENCH, BENCH | {"paths": {}}) == ["POST /v1/benches is gone"]
    assert losses(BENCH, BENCH | {"paths": {"/v1/benches": {}}}) == ["POST /v1/benches is gone"]


def test_the_committed_document_loses_nothing_against_itself() -> None:
    document = json.loads((ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8"))
    assert losses(document, document) == []


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
NOTHING: Node = {"paths": {}, "components": {"schemas": {}}}


@pytest.fixture
def _clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a new clone without commits."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")


@needs_git
@pytest.mark.usefixtures("_clone")
def test_a_loss_shows_however_many_commits_ago_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    commit(BENCH, "0.1.0")
    commit(BENCH | {"paths": {}}, "0.1.1")
    commit(NOTHING, "0.1.1")
    assert script().main() == 1
    assert "POST /v1/benches is gone" in capsys.readouterr().out


@needs_git
@pytest.mark.usefixtures("_clone")
def test_a_loss_that_is_not_committed_yet_shows(capsys: pytest.CaptureFixture[str]) -> None:
    commit(BENCH, "0.1.0")
    write(NOTHING, "0.1.0")
    assert script().main() == 1
    assert "here: POST /v1/benches is gone" in capsys.readouterr().out


@needs_git
@pytest.mark.usefixtures("_clone")
def test_another_version_starts_again(capsys: pytest.CaptureFixture[str]) -> None:
    commit(BENCH, "0.1.0")
    commit(NOTHING, "0.2.0")
    assert script().main() == 0
    assert "nothing was taken away in 0.2" in capsys.readouterr().out
    write(NOTHING, "0.3.0")
    assert script().main() == 0


@needs_git
@pytest.mark.usefixtures("_clone")
@pytest.mark.parametrize(("before", "after"), [("0.2.0", "0.2.1"), ("1.0.0", "1.4.0")])
def test_a_later_number_of_the_same_version_does_not(before: str, after: str) -> None:
    commit(BENCH, before)
    commit(NOTHING, after)
    assert script().main() == 1


def test_a_folder_without_history_is_skipped_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(BENCH, "0.1.0")
    assert script().main() == 0
    assert "SKIPPED" in capsys.readouterr().out


def commit(document: Node, version: str) -> None:
    write(document, version)
    git("add", ".")
    git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "Another document")


def write(document: Node, version: str) -> None:
    path = Path("openapi/openapi.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    Path("pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout
