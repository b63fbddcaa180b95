"""The first walk of the README, run exactly as written."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.http.world import PASSWORD, World

README = Path(__file__).parents[2] / "README.md"


def first_walk() -> str:
    """Return the commands that play the phone."""
    text = README.read_text(encoding="utf-8")
    told = text.partition("Then, as the phone would")[2].partition("The whole API is described")[0]
    return "".join(each.partition("\n```")[0] + "\n" for each in told.split("```sh\n")[1:])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_a_wrong_password_says_so(world: World, tmp_path: Path) -> None:
    commands = first_walk().partition("client=$(uuid)")[0]
    for written, meant in (
        ("http://127.0.0.1:8420", str(world.http.base_url).rstrip("/")),
        ("ada@example.org", world.ada_email),
        ("password='…'", "password='not the one she chose'"),
    ):
        commands = commands.replace(written, meant)
    done = subprocess.run(["sh", "-ec", commands], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "password" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_first_walk_with_curl_ends_with_a_note_on_its_place(world: World, tmp_path: Path) -> None:
    commands = first_walk()
    for written, meant in (
        ("http://127.0.0.1:8420", str(world.http.base_url).rstrip("/")),
        ("ada@example.org", world.ada_email),
        ("password='…'", f"password='{PASSWORD}'"),
    ):
        assert written in commands
        commands = commands.replace(written, meant)
    done = subprocess.run(["sh", "-ec", commands], cwd=tmp_path, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each.get("detail") for each in answers] == [None] * 13
    (note,) = answers[7]["items"]
    assert (note["anchor"]["how"], note["anchor"]["elapsed_s"]) == ("interpolated", 1_253.0)
    fit, found, week = answers[9], answers[10], answers[-1]
    assert (fit["fits"], found["found"], len(week["planned"]), week["not_planned"]) == (True, 1, 1, [])
