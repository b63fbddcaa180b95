"""Where the processor time of an upload goes: each step of taking in a recording of 3,600 points.

    python -m tests.benchmarks.upload_profile

What cleans a recording (checked times, repeats, plausibility, smoothed climb) may cost 15 % of reading it;
comparing it with a planned route of 500 points may cost 5 ms.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
from msgspec.structs import replace

from service.foundation.compression import gzip_bytes
from service.geo.blob import pack_fixes
from service.geo.climb import ascent_descent_m
from service.geo.fixes import Fixes
from service.geo.geodesy import distances_m, length_m
from service.geo.geojson import track_geojson
from service.geo.gpx.reader import read_gpx
from service.geo.gpx.writer import write_gpx
from service.record.cuts import Window, cut_for_good
from service.record.deviation import compare
from service.record.halts import halts
from service.record.plausibility import find_plausible
from service.record.read_recording import read_recording
from service.record.recorded_times import check_times
from service.record.repeats import find_repeats
from tests.made_up_walks import START, on_the_ground, walk

NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
ROUNDS: Final = 15
CLEANING_SHARE: Final = 0.15
COMPARING_MS: Final = 5.0
CORNERS: Final = ((0, 0), (800, 0), (1_000, 400), (1_620, 400))


def a_noisy_walk() -> Fixes:
    """Return a walk out and back with a fix a second, whose places wander as a receiver's do."""
    line = walk(*CORNERS, *CORNERS[-2::-1], pace_mps=1, every_m=1)
    noise = np.random.default_rng(3)
    wander = (np.convolve(noise.normal(0, 8, len(line)), np.ones(30) / 30, "same") for _ in range(2))
    lon, lat = on_the_ground(*wander)
    heights = 20 + 15 * np.sin(np.arange(len(line)) / 300) + noise.normal(0, 1, len(line))
    return replace(line, lon=line.lon + lon - START[0], lat=line.lat + lat - START[1], ele_m=heights)


def milliseconds(work: Callable[[], object]) -> float:
    """Return the least processor time of several rounds."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times) * 1_000


def main() -> None:
    """Print each step in milliseconds, and the two limits."""
    content = write_gpx(a_noisy_walk(), name="Walk", description=None, waypoints=(), created_at=NOW)
    recording = read_recording(content, NOW)
    fixes = recording.fixes
    began = datetime.fromtimestamp(int(fixes.time_ms[0]) / 1_000, UTC)
    window = Window.between(began, began + timedelta(hours=2))
    plan = walk(*CORNERS, pace_mps=None, every_m=length_m(fixes) / 2 / 500)
    along_m = distances_m(fixes)
    map_text = track_geojson(fixes, {})
    parsed_ms = milliseconds(lambda: read_gpx(content, now=NOW))
    reading_ms = milliseconds(lambda: read_recording(content, NOW))
    cleaning = {
        "check the times": milliseconds(lambda: check_times(fixes)),
        "find repeats": milliseconds(lambda: find_repeats(fixes, fixes.time_ms)),
        "find implausible fixes": milliseconds(lambda: find_plausible(fixes)),
        "smooth and climb": milliseconds(lambda: ascent_descent_m(fixes)),
    }
    comparing_ms = milliseconds(lambda: compare(fixes, along_m, plan))
    steps = {
        "parse the GPX": parsed_ms,
        "find each point's line and column": reading_ms - parsed_ms,
        **cleaning,
        "cut to the session": milliseconds(lambda: cut_for_good(recording, window)),
        "find halts": milliseconds(lambda: halts(fixes)),
        "measure the length": milliseconds(lambda: length_m(fixes)),
        f"compare with a plan of {len(plan)} points": comparing_ms,
        "write the GeoJSON": milliseconds(lambda: track_geojson(fixes, {})),
        "compress it": milliseconds(lambda: gzip_bytes(map_text)),
        "pack the fixes": milliseconds(lambda: pack_fixes(fixes)),
    }
    total_ms = sum(steps.values())
    print(f"an upload of {len(fixes):,} points, {len(content):,} bytes")
    for name, step_ms in steps.items():
        print(f"  {name:36} {step_ms:6.2f} ms {step_ms / total_ms:6.1%}")
    share = sum(cleaning.values()) / reading_ms
    print(f"cleaning / reading {share:.3f}, limit {CLEANING_SHARE}: {_met(share <= CLEANING_SHARE)}")
    print(f"comparing {comparing_ms:.1f} ms, limit {COMPARING_MS}: {_met(comparing_ms < COMPARING_MS)}")


def _met(is_met: bool) -> str:  # noqa: FBT001  the answer to a comparison
    return "met" if is_met else "MISSED"


if __name__ == "__main__":
    main()
