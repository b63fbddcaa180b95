"""`towpath openapi` writes the document, and compares it with the committed one."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from service.commands.openapi import command


def openapi(*words: str | Path) -> Result:
    return CliRunner().invoke(command, [str(each) for each in words])


def test_it_prints_the_document() -> None:
    assert json.loads(openapi().stdout)["openapi"].startswith("3.1")


def test_it_writes_what_it_compares_with(tmp_path: Path) -> None:
    path = tmp_path / "openapi.json"
    assert openapi(path).exit_code == 0
    assert openapi("--check", path).exit_code == 0


def test_a_difference_is_shown_and_ends_badly(tmp_path: Path) -> None:
    path = tmp_path / "openapi.json"
    openapi(path)
    path.write_text(path.read_text().replace("Sign in", "Log in", 1))
    done = openapi("--check", path)
    assert done.exit_code == 1
    assert "Log in" in done.output
    assert "is not up to date" in done.output
