"""The GPX reader compared with expat alone, and its memory: `python -m tests.benchmarks.gpx_reader`."""

import math
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from xml.parsers import expat

from service.geo.gpx.model import DEFAULT_LIMITS, GpxLimits
from service.geo.gpx.reader import read_gpx
from tests.benchmarks.rounds import compare

NOW: Final = datetime(2026, 7, 1, tzinfo=UTC)
STARTED: Final = datetime(2026, 5, 1, tzinfo=UTC)
POINTS: Final = 200_000
WITHIN: Final = GpxLimits(file_bytes=2 * DEFAULT_LIMITS.file_bytes)
"""200,000 points in lines are 24 MB, more than the service accepts; the speed does not depend on that."""

SPEED_TARGET: Final = 0.40
MEMORY_TARGET: Final = 2.5

LINES: Final = """\
      <trkpt lat="{:.6f}" lon="{:.6f}">
        <ele>{:.1f}</ele>
        <time>{}</time>
      </trkpt>
"""
COMPACT: Final = LINES.replace("\n", "").replace("  ", "")


def main() -> None:
    """Measure two layouts of the same walk, then the memory for the largest file that is accepted."""
    for layout, template in (("in lines", LINES), ("compact", COMPACT)):
        content = recording(template)
        beside_empty_handlers(layout, content, buffered=False)
        beside_empty_handlers(f"{layout}, texts joined by expat", content, buffered=True)
    measure_memory()


def beside_empty_handlers(layout: str, content: bytes, *, buffered: bool) -> None:
    compare(
        f"read {POINTS:,} points beside empty handlers ({layout}, {len(content) / 2**20:.0f} MB)",
        "thousand points/s",
        lambda: rate(lambda: read_gpx(content, now=NOW, limits=WITHIN)),
        lambda: rate(lambda: parse_only(content, buffered=buffered)),
        target=SPEED_TARGET,
    )


def recording(template: str) -> bytes:
    """Return a walk of one fix a second, with elevations and times."""
    points = (
        template.format(
            51.5 + 0.1 * math.sin(n / 1_000),
            -0.1 + 0.1 * math.cos(n / 1_300),
            30 + 10 * math.sin(n / 500),
            (STARTED + timedelta(seconds=n)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        for n in range(POINTS)
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1">'
    return f"{head}<trk><trkseg>\n{''.join(points)}</trkseg></trk></gpx>".encode()


def rate(work: Callable[[], object]) -> float:
    """Return thousands of points per second of processor time."""
    started = time.process_time()
    work()
    return POINTS / 1_000 / (time.process_time() - started)


def parse_only(content: bytes, *, buffered: bool) -> None:
    """Parse with handlers that do nothing: the least any reader on expat costs."""
    parser = expat.ParserCreate()
    parser.buffer_text = buffered
    parser.StartElementHandler = lambda _tag, _attributes: None
    parser.EndElementHandler = lambda _tag: None
    parser.CharacterDataHandler = lambda _text: None
    parser.Parse(content, True)  # noqa: FBT003  positional only


def measure_memory() -> None:
    """Read the largest file, each time in a process of its own, and print how much that process grows."""
    whole = recording(LINES)
    end = whole.rindex(b"</trkpt>", 0, DEFAULT_LIMITS.file_bytes - 100) + len(b"</trkpt>")
    content = whole[:end] + b"</trkseg></trk></gpx>"
    with TemporaryDirectory() as folder:
        path = Path(folder, "large.gpx")
        path.write_bytes(content)
        compare(
            f"memory grown by reading {len(content) / 2**20:.0f} MB, beside the size of the file",
            "MB",
            lambda: grown_in_a_child(path),
            lambda: len(content) / 2**20,
            target=MEMORY_TARGET,
            smaller=True,
        )


def grown_in_a_child(path: Path) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.gpx_reader", str(path)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def grown_mb(path: Path) -> float:
    """Return by how much reading raised this process's memory, the file itself left out (Linux)."""
    read_gpx(b"<gpx><wpt lat='1' lon='1'/></gpx>", now=NOW)
    content = path.read_bytes()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = status_mb("VmRSS")
    read_gpx(content, now=NOW)
    return status_mb("VmHWM") - before


def status_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1_024


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(grown_mb(Path(sys.argv[1])))
    else:
        main()
