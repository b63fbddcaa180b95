"""Everything the program imports is declared as a dependency."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("service", "routes", "schemas", "migrations")


def normal(name: str) -> str:
    """Return the name of a distribution as package indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    """Return the distributions that pyproject.toml names for running, not for development."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.match(r"[\w.-]+", each) for each in project["dependencies"]]
    return {normal(name[0]) for name in names if name}


def imported() -> dict[str, str]:
    """Return every package the program imports from elsewhere, and a file that imports it."""
    found: dict[str, str] = {}
    for file in (each for package in OURS for each in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
            found |= {name.split(".")[0]: file.relative_to(ROOT).as_posix() for name in names}
    return {name: file for name, file in found.items() if name not in sys.stdlib_module_names | set(OURS)}


def test_everything_the_program_imports_is_declared() -> None:
    distributions = packages_distributions()
    wanted = {name: {normal(each) for each in distributions[name]} for name in imported()}
    assert {name for name, found in wanted.items() if not found & declared()} == set()
    assert {"litestar", "asyncpg", "httpx"} <= wanted.keys()


def test_every_direct_dependency_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for list_ in ("dependencies", "dev"):
        lines = text.partition(f"\n{list_} = [\n")[2].partition("\n]")[0].splitlines()
        assert [each for each in lines if not re.search(r",\s+# \w", each)] == []
        assert lines
