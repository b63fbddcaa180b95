"""Refuse an OpenAPI document that takes away what the last landed one promised: /v1 is only added to.

A path, an operation, a response, a parameter, a member of an answer or a value of an enumeration may not go;
no member or parameter may become required, no limit narrower.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCUMENT = "openapi/openapi.json"
Node = dict[str, Any]


def landed() -> Node | None:
    """Return the document of the commit this work began from, or None where there was none yet."""
    for base in ("origin/main", "HEAD~1"):
        found = subprocess.run(  # noqa: S603  fixed arguments
            ["git", "show", f"{base}:{DOCUMENT}"],  # noqa: S607  git is on the path
            capture_output=True,
            check=False,
        )
        if found.returncode == 0:
            document: Node = json.loads(found.stdout)
            return document
    return None


def losses(old: Node, new: Node) -> Iterator[str]:
    """Yield what the new document no longer promises."""
    for path, operations in old["paths"].items():
        for method, operation in operations.items():
            now = new["paths"].get(path, {}).get(method)
            if now is None:
                yield f"{method.upper()} {path} is gone"
            else:
                yield from _operation(f"{method.upper()} {path}", operation, now)
    for name, schema in old["components"]["schemas"].items():
        now = new["components"]["schemas"].get(name)
        if now is None:
            yield f"schema {name} is gone"
        else:
            yield from _schema(name, schema, now)


def _operation(where: str, old: Node, new: Node) -> Iterator[str]:
    if old["operationId"] != new["operationId"]:
        yield f"{where}: operationId changed"
    unanswered = old["responses"].keys() - new["responses"].keys()
    yield from (f"{where}: no longer answers {each}" for each in unanswered)
    before = {each["name"]: each for each in old.get("parameters", [])}
    after = {each["name"]: each for each in new.get("parameters", [])}
    yield from (f"{where}: parameter {each} is gone" for each in before.keys() - after.keys())
    for name, parameter in after.items():
        if parameter["required"] and not before.get(name, {"required": False})["required"]:
            yield f"{where}: parameter {name} became required"
        if name in before:
            yield from _limits(f"{where}, {name}", before[name]["schema"], parameter["schema"])


def _schema(where: str, old: Node, new: Node) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    yield from (f"{where}.{each} is gone" for each in before.keys() - after.keys())
    taken_in = where.endswith(("In", "Patch"))
    required, was_required = set(new.get("required", [])), set(old.get("required", []))
    for member in (required - was_required) if taken_in else (was_required - required):
        yield f"{where}.{member} {'became required' if taken_in else 'may now be absent'}"
    values = set(old.get("enum", [])) - set(new.get("enum", []))
    yield from (f"{where}: value {each} is gone" for each in values)
    for member in before.keys() & after.keys():
        yield from _limits(f"{where}.{member}", before[member], after[member])


def _limits(where: str, old: Node, new: Node) -> Iterator[str]:
    if old.get("type") != new.get("type") or old.get("$ref") != new.get("$ref"):
        yield f"{where}: another type"
    for limit in ("maximum", "maxLength", "maxItems", "maxProperties"):
        if new.get(limit, float("inf")) < old.get(limit, float("inf")):
            yield f"{where}: {limit} is smaller"
    for limit in ("minimum", "minLength", "minItems"):
        if new.get(limit, float("-inf")) > old.get(limit, float("-inf")):
            yield f"{where}: {limit} is larger"


def main() -> int:
    """Print what is lost; return 1 where anything is."""
    old = landed()
    if old is None:
        print("no earlier document to compare with")
        return 0
    found = sorted(losses(old, json.loads(Path(DOCUMENT).read_text(encoding="utf-8"))))
    print("\n".join(found) or "nothing was taken away")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
