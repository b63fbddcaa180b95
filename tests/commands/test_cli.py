"""The command line: its help, its list of commands, and its errors."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from service.commands.cli import COMMANDS, towpath
from service.commands.findings import without_password
from tests.commands.running import ROOT


def every_command() -> list[list[str]]:
    """Return every command and subcommand there is."""
    found = []
    for name in COMMANDS:
        command = towpath.get_command(click.Context(towpath), name)
        assert command is not None
        found.append([name])
        if isinstance(command, click.Group):
            found += [[name, each] for each in command.commands]
    return found


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_has_help_in_whole_lines(words: list[str]) -> None:
    done = CliRunner().invoke(towpath, [*words, "--help"], prog_name="towpath")
    assert done.exit_code == 0, done.output
    assert f"Usage: towpath {' '.join(words)}" in done.output
    assert len(done.output.splitlines()) > 4


def test_the_listing_names_every_command_without_importing_one() -> None:
    script = (
        "import sys; from service.commands.cli import towpath\n"
        "try: towpath(['--help'])\n"
        "finally: print([each for each in ('litestar', 'asyncpg', 'numpy') if each in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert all(f"  {name} " in done.stdout for name in COMMANDS)
    assert done.stdout.endswith("[]\n")


def test_a_command_there_is_not_is_said() -> None:
    done = CliRunner().invoke(towpath, ["walk"])
    assert done.exit_code == 2
    assert "No such command 'walk'" in done.output


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:weir@db:5432/x", "postgresql://ada:…@db:5432/x"),
        ("postgresql://ada@db/x", "postgresql://ada@db/x"),
        ("postgresql:///x?password=weir&host=/run", "postgresql:///x?…"),
        ("postgresql://ada:we%40ir@[::1]/x", "postgresql://ada:…@[::1]/x"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
