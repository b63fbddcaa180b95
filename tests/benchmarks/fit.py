"""How the cost of a fit grows: 400 stretches and 600 features against 40 and 60, on one line.

    python -m tests.benchmarks.fit

The limit is 12 times; a fixed calibration loop is timed beside it.
"""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Final
from uuid import UUID

import numpy as np

from service.clients.needs import Need, Trigger
from service.geo.geodesy import length_m
from service.geo.pace import Pace
from service.walks.features import Feature, FeatureKind, locate_points
from service.walks.fit import fit_route
from service.walks.reasons import Requirements, find_reasons
from service.walks.stretches import Stretch
from tests.http.sessions import HALF_PAST_TWO
from tests.made_up_walks import walk

LIMIT: Final = 12.0
ROUNDS: Final = 5
EVERYTHING: Final = Requirements(tuple(Need), tuple(Trigger), ("horses",))
LINE: Final = walk((0, 0), (4_000, 0), (4_000, 4_000), (0, 4_000), (0, 0), every_m=5)


def seconds(work: Callable[[], object]) -> float:
    """Return the least processor time of several rounds."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def fitting(stretch_count: int, feature_count: int) -> Callable[[], object]:
    """Return a fit of this many stretches and features."""
    ends = np.linspace(0, length_m(LINE), stretch_count + 1).tolist()
    stretches = [Stretch(*each) for each in pairwise(ends)]
    chosen = np.linspace(0, len(LINE) - 1, feature_count).astype(int)
    at = [(float(LINE.lon[each]), float(LINE.lat[each])) for each in chosen]
    kinds = list(FeatureKind)
    features = [
        Feature(
            id=UUID(int=number),
            route_id=UUID(int=0),
            kind=kinds[number % len(kinds)],
            lon=place[0],
            lat=place[1],
            along_m=position.along_m,
            offset_m=position.offset_m,
            created_at=HALF_PAST_TWO,
            updated_at=HALF_PAST_TWO,
        )
        for number, (place, position) in enumerate(zip(at, locate_points(LINE, at), strict=True))
    ]

    def fit() -> None:
        fit_route(LINE, stretches, features, Pace(), 3_000)
        find_reasons(LINE, stretches, features, EVERYTHING, None)

    return fit


def main() -> None:
    """Print both times, their ratio and the calibration loop's time."""
    calibration_s = seconds(lambda: sum(each * each for each in range(1_000_000)))
    small_s, large_s = seconds(fitting(40, 60)), seconds(fitting(400, 600))
    print(f"calibration loop {calibration_s * 1_000:.1f} ms")
    print(f"40 stretches, 60 features {small_s * 1_000:.1f} ms; 400 and 600 {large_s * 1_000:.1f} ms")
    print(f"{large_s / small_s:.1f} times, limit {LIMIT:.0f}")


if __name__ == "__main__":
    main()
