"""Print the tests that were skipped and fail unless .ci/expected_skips.txt allows every one.

Each line of that file is a test, as `module::name` with `*` for anything, and behind a `#` why it may skip.
"""

import fnmatch
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

LISTED = Path(__file__).with_name("expected_skips.txt")


def main(report: str) -> int:
    """Compare the report's skips with the list; return 1 where one is not on it."""
    lines = (line.partition("#")[0].strip() for line in LISTED.read_text(encoding="utf-8").splitlines())
    allowed = [line for line in lines if line]
    cases = ET.parse(report).iter("testcase")  # noqa: S314  pytest wrote it a moment ago
    skipped = [case for case in cases if case.find("skipped") is not None]
    unexpected = 0
    for case in skipped:
        name = f"{case.get('classname')}::{case.get('name')}"
        listed = any(fnmatch.fnmatchcase(name, each.replace("[", "[[]")) for each in allowed)
        unexpected += not listed
        reason = next(case.iter("skipped")).get("message")
        print(f"{'skipped' if listed else 'NOT LISTED'}: {name}: {reason}")
    print(f"{len(skipped)} skipped, {unexpected} not on the list")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
