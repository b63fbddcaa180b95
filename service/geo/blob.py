"""A line as one compact value for a column: about 3 bytes a fix, instead of a row each.

Version 1 is a head (version, points, segments), then one zstd frame that holds the columns one after the
other: longitude and latitude in 1e-7 degrees, elevation in centimetres, time in milliseconds, segment starts.
Each column holds the differences between neighbours, first all their lowest bytes, then all the next ones:
that compresses best. Differences are integers that wrap around, so a jump of any size is exact.
"""

import struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from service.foundation.compression import CompressedDataCorrupt, compress, decompress
from service.geo.fixes import Fixes, Floats

VERSION: Final = 1
MAX_POINTS: Final = 1_000_000
PER_DEGREE: Final = 10_000_000
PER_METRE: Final = 100

HEAD: Final = struct.Struct("<BII")
FOUR_BYTES: Final = np.dtype("<u4")
EIGHT_BYTES: Final = np.dtype("<u8")
MISSING: Final = np.iinfo(np.int32).min


class BlobCorrupt(ValueError):
    """The bytes are not what `pack_fixes` writes."""


def pack_fixes(fixes: Fixes) -> bytes:
    """Return the line as a blob, exact to 1e-7 degrees, 1 cm and 1 ms; missing values stay missing.

    Raise ValueError for positions off the globe, columns of different lengths, segments out of order, more
    than 1,000,000 points, or an elevation beyond 21,000 km.
    """
    if fault := _fault(fixes):
        raise ValueError(fault)
    columns = (
        _shuffled(_fixed_point(fixes.lon, PER_DEGREE)),
        _shuffled(_fixed_point(fixes.lat, PER_DEGREE)),
        _shuffled(_fixed_point(fixes.ele_m, PER_METRE)),
        _shuffled(fixes.time_ms.astype("<i8").view(EIGHT_BYTES)),
        _shuffled(fixes.starts.astype(FOUR_BYTES)),
    )
    return HEAD.pack(VERSION, len(fixes), len(fixes.starts)) + compress(b"".join(columns))


def unpack_fixes(blob: bytes) -> Fixes:
    """Return the line in a blob. Raise BlobCorrupt for bytes that hold none, or too many points.

    The head says how much decompressing may give, so a bomb is refused before it takes memory.
    """
    if len(blob) < HEAD.size:
        raise BlobCorrupt("shorter than its head")
    version, points, segments = HEAD.unpack_from(blob)
    if version != VERSION:
        raise BlobCorrupt(f"unknown version {version}")
    if not segments <= points <= MAX_POINTS:
        raise BlobCorrupt(f"{points} points in {segments} segments")
    fixes = _read_columns(_content(blob[HEAD.size :], points, segments), points, segments)
    if fault := _fault(fixes):
        raise BlobCorrupt(fault)
    return fixes


def _content(frame: bytes, points: int, segments: int) -> bytes:
    size = points * (3 * FOUR_BYTES.itemsize + EIGHT_BYTES.itemsize) + segments * FOUR_BYTES.itemsize
    try:
        content = decompress(frame, size)
    except CompressedDataCorrupt as error:
        raise BlobCorrupt(str(error)) from error
    if len(content) != size:
        raise BlobCorrupt(f"{len(content)} bytes of columns instead of {size}")
    return content


def _read_columns(content: bytes, points: int, segments: int) -> Fixes:
    kinds = ((FOUR_BYTES, points),) * 3 + ((EIGHT_BYTES, points), (FOUR_BYTES, segments))
    columns, begin = [], 0
    for kind, count in kinds:
        end = begin + kind.itemsize * count
        columns.append(_unshuffled(content[begin:end], kind))
        begin = end
    lon, lat, ele, time, starts = columns
    centimetres = ele.view("<i4")
    return Fixes(
        lon=lon.view("<i4") / PER_DEGREE,
        lat=lat.view("<i4") / PER_DEGREE,
        ele_m=np.where(centimetres == MISSING, np.nan, centimetres / PER_METRE),
        time_ms=time.view("<i8").astype(np.int64),
        starts=starts.astype(np.int64),
    )


def _fixed_point(values: Floats, per_unit: int) -> npt.NDArray[Any]:
    """Return the values in units of 1 / `per_unit`, as the bits of unsigned integers; NaN becomes MISSING."""
    scaled = np.rint(values * per_unit)
    if np.any(np.abs(scaled) >= -MISSING):
        raise ValueError("an elevation beyond 21,000 km, which no ground has")
    return np.where(np.isnan(scaled), MISSING, scaled).astype("<i4").view(FOUR_BYTES)


def _shuffled(values: npt.NDArray[Any]) -> bytes:
    """Return the differences between neighbours: all lowest bytes first, then the next ones, and so on."""
    differences = values.copy()
    differences[1:] -= values[:-1]
    return differences.view(np.uint8).reshape(-1, values.itemsize).T.tobytes()


def _unshuffled(content: bytes, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    count = len(content) // kind.itemsize
    rows = np.frombuffer(content, np.uint8).reshape(kind.itemsize, count)
    differences = np.ascontiguousarray(rows.T).view(kind).reshape(count)
    return np.cumsum(differences, dtype=kind)


def _fault(fixes: Fixes) -> str | None:
    """Return why these columns are not a line, or None if they are."""
    points, starts = len(fixes), fixes.starts
    if not len(fixes.lat) == len(fixes.ele_m) == len(fixes.time_ms) == points <= MAX_POINTS:
        return f"columns of different lengths, or longer than {MAX_POINTS}"
    if not (np.all(np.abs(fixes.lon) <= 180) and np.all(np.abs(fixes.lat) <= 90)):
        return "a position off the globe"
    if points == 0:
        return "segments without points" if len(starts) else None
    if not len(starts) or starts[0] != 0 or starts[-1] >= points or np.any(np.diff(starts) <= 0):
        return "segments out of order"
    return None
