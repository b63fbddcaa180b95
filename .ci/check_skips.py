"""Print the tests that were skipped; fail where .ci/expected_skips.txt and the run do not agree.

    python .ci/check_skips.py report.xml

Each line of that file is `reason: module::test`, with `*` for anything; a skip's own reason begins with it.
Four things fail: a skip that no line allows, a line whose test does not exist, tests of real recordings of
which some skip and some run (they skip together, where there are none beside the checkout), and an empty
report. An expected failure counts as a skip.
"""

import fnmatch
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

LISTED: Final = Path(__file__).with_name("expected_skips.txt")
TOGETHER: Final = "shared data absent"


class Skip(NamedTuple):
    """A test that was, or may be, skipped, and why."""

    reason: str
    test: str

    def allowed_by(self, listed: "Skip") -> bool:
        """Return whether the list has this test, for this reason."""
        return self.reason.startswith(listed.reason) and fnmatch.fnmatchcase(self.test, listed.test)


class Report(NamedTuple):
    """Each test of a run once, whatever its parameters: the names of all, and those that were skipped."""

    tests: frozenset[str]
    skipped: list[Skip]


def read_listed(text: str) -> list[Skip]:
    """Return what may skip."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [Skip(*line.split(": ", 1)) for line in lines]


def read_report(report: str) -> Report:
    """Return what pytest wrote about a run."""
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314  pytest wrote it a moment ago
    names = [f"{case.get('classname')}::{case.get('name', '').partition('[')[0]}" for case in cases]
    skipped = {
        Skip(skipped.get("message", ""), name)
        for name, case in zip(names, cases, strict=True)
        for skipped in case.iter("skipped")
    }
    return Report(frozenset(names), sorted(skipped))


def disagreements(listed: list[Skip], report: Report) -> Iterator[str]:
    """Yield where the list and the run do not agree."""
    if not report.tests:
        yield "NO TEST RAN"
    for skip in report.skipped:
        if not any(skip.allowed_by(line) for line in listed):
            yield f"NOT LISTED: {skip.test}: {skip.reason}"
    for line in listed:
        if not fnmatch.filter(report.tests, line.test):
            yield f"LISTED, BUT THERE IS NO SUCH TEST: {line.test}"
    together = [line for line in listed if line.reason == TOGETHER]
    ran = [line for line in together if not any(each.allowed_by(line) for each in report.skipped)]
    if 0 < len(ran) < len(together):
        yield from (f"LISTED, BUT IT RAN AND OTHERS SKIPPED: {line.test}" for line in ran)


def main(report: str) -> int:
    """Print the skips and where they are not the listed ones; return 1 where anything is."""
    read = read_report(report)
    wrong = list(disagreements(read_listed(LISTED.read_text(encoding="utf-8")), read))
    for skip in read.skipped:
        print(f"skipped: {skip.test}: {skip.reason}")
    print("\n".join([*wrong, f"{len(read.skipped)} of {len(read.tests)} tests skipped"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
