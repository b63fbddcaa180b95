"""Refuse an OpenAPI document that takes away what an earlier one of the same version promised.

Every committed document of this version is compared with the one before it, and the one in the working tree
with the last. So nothing that landed is lost, however many commits land at once. A path, an operation, a
response, a parameter, a member or a value of an enumeration may not go. Nothing a phone sends may become
required, no limit narrower, no type another.

A version is the first two numbers in pyproject.toml (0.2), and only the first from 1.0 on. Where they change,
the comparison starts again: CHANGELOG.md says what phones must change.
"""

import itertools
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

DOCUMENT: Final = "openapi/openapi.json"
PROJECT: Final = "pyproject.toml"
AT_MOST: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
AT_LEAST: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
EXACTLY: Final = ("type", "$ref", "pattern", "format", "const", "multipleOf", "contentEncoding")
SENT: Final = ("In", "Patch")
"""How the names of what a phone sends end; the rest is what it gets."""

Node = dict[str, Any]


def git(*arguments: str) -> str | None:
    """Return what git says, or None where it refuses."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607  fixed
    return done.stdout if done.returncode == 0 else None


def version(project: str) -> list[str]:
    """Return the numbers of a pyproject.toml's version within which the API is only added to."""
    numbers: list[str] = tomllib.loads(project)["project"]["version"].split(".")
    return numbers[:2] if numbers[0] == "0" else numbers[:1]


def earlier() -> Iterator[tuple[str, Node]]:
    """Yield the commits of this version that changed the document, newest first, with the document."""
    here = version(Path(PROJECT).read_text(encoding="utf-8"))
    commits = git("log", "--first-parent", "--format=%h", "--", DOCUMENT, PROJECT) or ""
    for commit in commits.split():
        project, document = git("show", f"{commit}:{PROJECT}"), git("show", f"{commit}:{DOCUMENT}")
        if project is None or document is None or version(project) != here:
            return
        yield commit, json.loads(document)


def losses(old: Node, new: Node) -> Iterator[str]:
    """Yield what the new document no longer promises."""
    for path, operations in old["paths"].items():
        for method, operation in operations.items():
            where = f"{method.upper()} {path}"
            now = new["paths"].get(path, {}).get(method)
            if now is None:
                yield f"{where} is gone"
            else:
                yield from _operation(where, operation, now)
    for name, schema in old["components"]["schemas"].items():
        now = new["components"]["schemas"].get(name)
        if now is None:
            yield f"schema {name} is gone"
        else:
            yield from _schema(name, schema, now, sent=name.endswith(SENT))


def _operation(where: str, old: Node, new: Node) -> Iterator[str]:
    if old["operationId"] != new["operationId"]:
        yield f"{where}: operationId changed"
    if not old.get("security", [{}]) and new.get("security", [{}]):
        yield f"{where}: now needs a sign-in"
    yield from _parameters(where, old.get("parameters", []), new.get("parameters", []))
    yield from _body(where, old.get("requestBody", {}), new.get("requestBody", {}))
    for status, response in old["responses"].items():
        if status not in new["responses"]:
            yield f"{where}: no longer answers {status}"
        else:
            now = new["responses"][status]
            yield from _content(f"{where}, {status}", response, now, sent=False)
            gone = response.get("headers", {}).keys() - now.get("headers", {}).keys()
            yield from (f"{where}, {status}: header {each} is gone" for each in gone)


def _parameters(where: str, old: list[Node], new: list[Node]) -> Iterator[str]:
    before, after = ({(each["in"], each["name"]): each for each in some} for some in (old, new))
    yield from (f"{where}: parameter {name} is gone" for _, name in before.keys() - after.keys())
    for key, parameter in after.items():
        if parameter.get("required") and not before.get(key, {}).get("required"):
            yield f"{where}: parameter {key[1]} became required"
        if key in before:
            yield from _schema(f"{where}, {key[1]}", before[key]["schema"], parameter["schema"], sent=True)


def _body(where: str, old: Node, new: Node) -> Iterator[str]:
    if new.get("required") and not old.get("required"):
        yield f"{where}: a body became required"
    yield from _content(f"{where}, body", old, new, sent=True)


def _content(where: str, old: Node, new: Node, *, sent: bool) -> Iterator[str]:
    for kind, media in old.get("content", {}).items():
        now = new.get("content", {}).get(kind)
        if now is None:
            yield f"{where}: {kind} is gone"
        else:
            yield from _schema(where, media.get("schema", {}), now.get("schema", {}), sent=sent)


def _schema(where: str, old: Node, new: Node, *, sent: bool) -> Iterator[str]:
    yield from (f"{where}: another {each}" for each in EXACTLY if old.get(each) != new.get(each))
    yield from _limits(where, old, new)
    yield from (f"{where}: value {each} is gone" for each in _values(old) - _values(new))
    required, was_required = set(new.get("required", [])), set(old.get("required", []))
    for member in (required - was_required) if sent else (was_required - required):
        yield f"{where}.{member} {'became required' if sent else 'may now be absent'}"
    before, after = old.get("properties", {}), new.get("properties", {})
    yield from (f"{where}.{each} is gone" for each in before.keys() - after.keys())
    for member in before.keys() & after.keys():
        yield from _schema(f"{where}.{member}", before[member], after[member], sent=sent)
    if "items" in old:
        yield from _schema(f"{where}[]", old["items"], new.get("items", {}), sent=sent)
    for choices in ("anyOf", "oneOf"):
        yield from (
            f"{where}: a choice is gone" for each in old.get(choices, []) if each not in new.get(choices, [])
        )


def _values(schema: Node) -> set[str]:
    return set(map(json.dumps, schema.get("enum", [])))


def _limits(where: str, old: Node, new: Node) -> Iterator[str]:
    for limit in AT_MOST:
        if new.get(limit, float("inf")) < old.get(limit, float("inf")):
            yield f"{where}: {limit} is smaller"
    for limit in AT_LEAST:
        if new.get(limit, float("-inf")) > old.get(limit, float("-inf")):
            yield f"{where}: {limit} is larger"


def main() -> int:
    """Print what is lost, and since when; return 1 where anything is."""
    if git("rev-parse", "HEAD") is None:
        print("SKIPPED: there is no history to compare with (no git, or a clone of somebody else)")
        return 0
    here = ("here", json.loads(Path(DOCUMENT).read_text(encoding="utf-8")))
    documents = [*reversed(list(earlier())), here]
    found = [
        f"{commit}: {loss}"
        for (_, old), (commit, new) in itertools.pairwise(documents)
        for loss in sorted(losses(old, new))
    ]
    number = ".".join(version(Path(PROJECT).read_text(encoding="utf-8")))
    print("\n".join(found) or f"nothing was taken away in {number}, in {len(documents)} documents")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
