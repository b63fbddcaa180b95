"""A skipped test that is not listed fails the build, and so does a listed test that does not exist."""

import importlib.util
from pathlib import Path
from typing import Any

from tests.commands.running import ROOT

LIST = """\
# Why.
needs a bench: tests.walks.test_benches::*
shared data absent: tests.geo.test_lines::test_length
shared data absent: tests.geo.test_lines::test_climb
"""


def script() -> Any:
    found = importlib.util.spec_from_file_location("check_skips", ROOT / ".ci" / "check_skips.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def found_in(folder: Path, **reasons: str | None) -> list[str]:
    """Return what is said about a run of the listed tests, of which some were skipped for a reason."""
    ran = {"test_benches::test_seats": None, "test_lines::test_length": None, "test_lines::test_climb": None}
    where = {"test_benches": "tests.walks.test_benches", "test_lines": "tests.geo.test_lines"}
    cases = ""
    for name, reason in (ran | {each.replace("__", "::"): why for each, why in reasons.items()}).items():
        module, _, test = name.partition("::")
        skipped = f'<skipped message="{reason}"/>' if reason else ""
        cases += f'<testcase classname="{where.get(module, module)}" name="{test}[a]">{skipped}</testcase>'
    return said_about(folder, cases)


def said_about(folder: Path, cases: str) -> list[str]:
    path = folder / "report.xml"
    path.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    check = script()
    return list(check.disagreements(check.read_listed(LIST), check.read_report(str(path))))


def test_a_run_without_skips_and_one_with_listed_skips_are_good(tmp_path: Path) -> None:
    assert found_in(tmp_path) == []
    assert found_in(tmp_path, test_benches__test_seats="needs a bench here") == []


def test_a_skip_that_is_not_listed_is_wrong(tmp_path: Path) -> None:
    (said,) = found_in(tmp_path, other__test_it="needs luck")
    assert said == "NOT LISTED: other::test_it: needs luck"


def test_a_skip_for_another_reason_is_wrong(tmp_path: Path) -> None:
    (said,) = found_in(tmp_path, test_benches__test_seats="needs luck")
    assert said.startswith("NOT LISTED")


def test_a_listed_test_that_does_not_exist_is_wrong(tmp_path: Path) -> None:
    cases = "".join(
        f'<testcase classname="tests.geo.test_lines" name="{name}"/>'
        for name in ("test_length", "test_climb")
    )
    assert said_about(tmp_path, cases) == ["LISTED, BUT THERE IS NO SUCH TEST: tests.walks.test_benches::*"]


def test_tests_of_recordings_skip_together_or_not_at_all(tmp_path: Path) -> None:
    absent = "shared data absent: gpx/truth.json"
    both = {"test_lines__test_length": absent, "test_lines__test_climb": absent}
    assert found_in(tmp_path, **both) == []
    (said,) = found_in(tmp_path, test_lines__test_length=absent)
    assert said == "LISTED, BUT IT RAN AND OTHERS SKIPPED: tests.geo.test_lines::test_climb"


def test_a_run_without_tests_is_wrong(tmp_path: Path) -> None:
    assert "NO TEST RAN" in said_about(tmp_path, "")


def test_every_line_of_the_list_has_a_reason_and_a_test() -> None:
    check = script()
    for line in check.read_listed(check.LISTED.read_text(encoding="utf-8")):
        assert line.reason
        module, _, test = line.test.partition("::")
        assert test
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), line
