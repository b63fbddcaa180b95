"""Print the tests that were skipped and fail unless .ci/expected_skips.txt allows every one, for its reason.

    python .ci/check_skips.py report.xml

Each line of that file is `reason: module::test`, with `*` for anything; a skip's own reason begins with it.
The tests of real recordings skip all together, where there are none beside the checkout, or not at all.
"""

import fnmatch
import sys
import xml.etree.ElementTree as ET
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


def read_listed() -> list[Skip]:
    """Return what may skip."""
    lines = LISTED.read_text(encoding="utf-8").splitlines()
    pairs = (line.split(": ") for line in lines if line and not line.startswith("#"))
    return [Skip(reason, test) for reason, test in pairs]


def read_skipped(report: str) -> list[Skip]:
    """Return what was skipped, each test once, whatever its parameters."""
    cases = ET.parse(report).iter("testcase")  # noqa: S314  pytest wrote it a moment ago
    found = {
        Skip(skipped.get("message", ""), f"{case.get('classname')}::{case.get('name', '').partition('[')[0]}")
        for case in cases
        for skipped in case.iter("skipped")
    }
    return sorted(found)


def main(report: str) -> int:
    """Compare the report's skips with the list; return 1 where they do not agree."""
    listed, skipped = read_listed(), read_skipped(report)
    unlisted = [each for each in skipped if not any(each.allowed_by(line) for line in listed)]
    together = [line for line in listed if line.reason == TOGETHER]
    ran = [line for line in together if not any(each.allowed_by(line) for each in skipped)]
    for each in skipped:
        print(f"{'NOT LISTED' if each in unlisted else 'skipped'}: {each.test}: {each.reason}")
    partly = 0 < len(ran) < len(together)
    for line in ran if partly else []:
        print(f"LISTED, BUT IT RAN: {line.test}")
    print(f"{len(skipped)} tests skipped, {len(unlisted)} of them not listed")
    return 1 if unlisted or partly else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
