"""The line and column of every fix of a file, for what is reported about single fixes later.

The file is not kept, so they are found while it is read: all at once, because one line may have 20 MB.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from service.geo.fixes import Indices
from service.geo.gpx.model import GpxText


def lines_and_columns(text: GpxText, offsets: Indices) -> tuple[Indices, Indices]:
    """Return the line and column, counted from 1, of each of these ascending offsets in bytes."""
    content = np.frombuffer(text.content, np.uint8)
    newlines = np.flatnonzero(content == ord("\n"))
    rows = np.searchsorted(newlines, offsets)
    line_starts = np.concatenate(([0], newlines + 1))[rows]
    columns = offsets - line_starts
    if text.encoding == "utf-8" and not text.content.isascii():
        places, where = np.unique(np.concatenate((line_starts, offsets)), return_inverse=True)
        characters = _characters_before(content, places)[where]
        columns = characters[offsets.size :] - characters[: offsets.size]
    return rows + 1 + text.blank_lines, columns + 1


def _characters_before(content: npt.NDArray[Any], places: Indices) -> Indices:
    """Return how many characters of UTF-8 begin before each of these ascending places."""
    begins = (content & 0xC0) != 0x80
    between = np.add.reduceat(begins, places, dtype=np.int64)
    first = np.count_nonzero(begins[: places[0]])
    return np.cumsum(np.concatenate(([first], between[:-1])))
