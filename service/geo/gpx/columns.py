"""Turn points from the parser into columns, many at a time, and leave out the unusable ones."""

from collections.abc import Mapping, Sequence
from itertools import compress, repeat
from operator import itemgetter
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from service.geo.fixes import NO_TIME, Floats, Indices, Instants
from service.geo.gpx.instants import count_without_zone, read_instants

Row = list[Any]
"""One point: its attributes, its byte offset, the texts of `ele` and `time`, then any others."""

_DECIMAL: Final = b"0123456789+-.eE \t\r\n"
"""The characters of a decimal number. float() alone would also accept 1_0, nan and Arabic digits."""

_ELEVATION_RANGE_M: Final = (-5_000, 20_000)
"""From below the deepest mine to above every aeroplane.

Devices write values outside it for an unknown elevation, such as -9999, -32768, 32768 and 1e25.
"""

_COORDINATES: Final = (("lat", "latitude", 90), ("lon", "longitude", 180))

KEPT_SKIPS: Final = 20


class SkipLog:
    """Counts the parts left out and keeps the first twenty, each with its byte offset."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[tuple[int, str, str]] = []

    def add(self, offset: int, what: str, reason: str) -> None:
        self.add_all([offset], what, [reason])

    def add_all(self, offsets: Sequence[int], what: str, reasons: Sequence[str]) -> None:
        """Add parts of one kind; only the first twenty `reasons` are read."""
        self.count += len(offsets)
        self.first.extend(zip(offsets[:KEPT_SKIPS], repeat(what), reasons, strict=False))
        self.first.sort(key=itemgetter(0))
        del self.first[KEPT_SKIPS:]


class Columns(msgspec.Struct, frozen=True, eq=False):
    """The usable points of some rows; `kept` says which rows they come from."""

    lon: Floats
    lat: Floats
    ele_m: Floats
    time_ms: Instants
    offsets: Indices
    """Where each usable point begins, in bytes of the text."""
    without_zone: int
    """Times of these points that name no zone."""
    kept: npt.NDArray[np.bool_]


def read_columns(rows: Sequence[Row], what: str, window_ms: tuple[int, int], skips: SkipLog) -> Columns:
    """Return the rows, at least one, as numbers. Log the points, elevations and times that are unusable.

    `what` is the word for such a point in the log. Times outside `window_ms` are unusable.
    """
    attributes = [row[0] for row in rows]
    lat, lon = (_coordinate(attributes, name, limit) for name, _, limit in _COORDINATES)
    kept = ~(np.isnan(lat) | np.isnan(lon))
    if not kept.all():
        unusable = [row for row, is_kept in zip(rows, kept, strict=True) if not is_kept]
        skips.add_all([row[1] for row in unusable], what, [_fault(row[0]) for row in unusable[:KEPT_SKIPS]])
        rows = list(compress(rows, kept))
    offsets, elevations, times = ([row[column] for row in rows] for column in (1, 2, 3))
    ele_m = _elevations(elevations, offsets, skips)
    time_ms = _times(times, offsets, window_ms, skips)
    return Columns(
        lon=lon[kept],
        lat=lat[kept],
        ele_m=ele_m,
        time_ms=time_ms,
        offsets=np.array(offsets, dtype=np.int64),
        without_zone=count_without_zone(times),
        kept=kept,
    )


def _coordinate(attributes: Sequence[Mapping[str, str]], name: str, limit: int) -> Floats:
    """Return one coordinate of each point; NaN where it is missing, not a number or out of range."""
    degrees = read_numbers([each.get(name, "") for each in attributes])
    degrees[~(np.abs(degrees) <= limit)] = np.nan
    return degrees


def _fault(attributes: Mapping[str, str]) -> str:
    """Return what is wrong with a point that has no usable position."""
    for name, word, limit in _COORDINATES:
        if name not in attributes:
            return f"has no {word}"
        degrees = read_numbers([attributes[name]])[0]
        if np.isnan(degrees):
            return f"{word} is not a decimal number"
        if abs(degrees) > limit:
            return f"{word} is not between -{limit} and {limit}"
    raise AssertionError("the point has a usable position")


def read_numbers(texts: Sequence[str]) -> Floats:
    """Return each text as a number; NaN where it is empty or not an ASCII decimal number."""
    joined = "".join(texts)
    if joined.isascii() and not joined.encode().translate(None, _DECIMAL):
        try:
            return np.fromiter(map(float, [text or "nan" for text in texts]), np.float64, len(texts))
        except ValueError:
            pass  # one text is not a number, such as "1.2.3": read each by itself
    return np.fromiter(map(_read_number, texts), np.float64, len(texts))


def _read_number(text: str) -> float:
    if not text.isascii() or text.encode().translate(None, _DECIMAL):
        return np.nan
    try:
        return float(text)
    except ValueError:
        return np.nan


def _elevations(texts: Sequence[str], offsets: Sequence[int], skips: SkipLog) -> Floats:
    lowest, highest = _ELEVATION_RANGE_M
    ele_m = read_numbers(texts)
    missing = ~((ele_m >= lowest) & (ele_m <= highest))
    if missing.any():
        ele_m[missing] = np.nan
        unusable = [
            offset for offset, text in compress(zip(offsets, texts, strict=True), missing) if text.strip()
        ]
        reason = f"not a number between {lowest} and {highest} metres"
        skips.add_all(unusable, "elevation", [reason] * KEPT_SKIPS)
    return ele_m


def _times(
    texts: Sequence[str], offsets: Sequence[int], window_ms: tuple[int, int], skips: SkipLog
) -> Instants:
    earliest, latest = window_ms
    time_ms = read_instants(texts)
    missing = time_ms == NO_TIME
    if missing.any():
        unusable = [
            offset for offset, text in compress(zip(offsets, texts, strict=True), missing) if text.strip()
        ]
        skips.add_all(unusable, "time", ["not a date and time"] * KEPT_SKIPS)
    impossible = ~missing & ((time_ms < earliest) | (time_ms > latest))
    if impossible.any():
        outside = list(compress(offsets, impossible))
        skips.add_all(outside, "time", ["before 1990 or in the future"] * KEPT_SKIPS)
        time_ms[impossible] = NO_TIME
    return time_ms
