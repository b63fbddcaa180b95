"""The wheel: its content, and that it works where only it is installed."""

import re
import site
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.commands.running import ROOT, environment

BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
SCRIPT = """\
import sys
from importlib.metadata import entry_points
(script,) = entry_points(group="console_scripts", name="towpath")
sys.exit(script.load()())
"""
"""What an installer writes as `towpath`."""
CARRIED = {
    "migrations/0001_foundation.sql",
    "migrations/functions/enter_write.sql",
    "migrations/policies/foundation.sql",
    "service/foundation/crypto/common_passwords.txt",
}
"""One data file of each kind."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as pip does."""
    target = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(target)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return target / built.stdout.split()[-1]


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own, beside the dependencies this one has."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = next(folder.glob("lib/python3*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # A path in a .pth file does not have its own .pth files read: an editable Towpath there stays out.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return folder / "bin" / "python"


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_carries_the_program_its_migrations_and_its_data(wheel: Path) -> None:
    sources = [
        each.relative_to(ROOT).as_posix()
        for package in ("service", "routes", "schemas", "migrations")
        for each in (ROOT / package).rglob("*")
        if each.is_file() and each.suffix != ".pyc"
    ]
    assert set(sources) >= CARRIED
    assert set(sources) <= names_in(wheel)


def test_it_carries_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names_in(wheel)}
    assert {each for each in tops if not each.endswith(".dist-info")} == {
        "service", "routes", "schemas", "migrations"
    }  # fmt: skip
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names_in(wheel))


def test_it_runs_from_another_folder(python: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [python, "-c", "import service, migrations; print(service.__file__, migrations.__file__)"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert all(str(python.parents[1]) in each for each in where)
    said = subprocess.run(
        [python, "-c", SCRIPT, "--help"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "towpath serve" in said


def test_it_serves_from_another_folder(python: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [python, "-W", "error", "-c", SCRIPT, "serve"],
        cwd=tmp_path,
        env=environment(data=tmp_path / "data", port="0"),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found
        assert httpx.get(f"{found[0]}/health/ready").status_code == 200
        assert httpx.get(f"{found[0]}/docs").status_code == 200
        process.terminate()
    assert process.returncode == 0
