"""Fixes: the points of a planned line or of a recorded walk, as columns."""

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Instants = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int64]

NO_TIME: Final = np.iinfo(np.int64).min
"""The value in `time_ms` of a point without a usable time."""


class Fixes(msgspec.Struct, frozen=True, eq=False):
    """Points in the order they were recorded, one array for each quantity.

    `lon` and `lat` are WGS84 degrees; `ele_m` is metres, NaN where missing; `time_ms` is milliseconds since
    1970 UTC, `NO_TIME` where missing. These four have the same length. `starts` holds the index of each
    segment's first point; it begins with 0 unless there are no points at all. Segments are never empty; the
    gap between two is not walked.
    """

    lon: Floats
    lat: Floats
    ele_m: Floats
    time_ms: Instants
    starts: Indices

    def __len__(self) -> int:
        return len(self.lon)

    @property
    def timed(self) -> npt.NDArray[np.bool_]:
        """True for each point that has a time."""
        return np.not_equal(self.time_ms, NO_TIME)
