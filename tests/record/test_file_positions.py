"""The line and column of every fix, however the file is written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.geo.gpx.model import GpxText
from service.record.file_positions import lines_and_columns

TEXTS = st.text(st.sampled_from("ab<é日\U0001f426\n\n"), min_size=1, max_size=60)


def found_in(text: GpxText, offsets: list[int]) -> list[tuple[int, int]]:
    lines, columns = lines_and_columns(text, np.array(offsets, dtype=np.int64))
    return list(zip(lines.tolist(), columns.tolist(), strict=True))


@given(TEXTS, st.data(), st.integers(0, 3))
def test_each_is_found_where_counting_finds_it(written: str, data: st.DataObject, blank_lines: int) -> None:
    chosen = sorted(data.draw(st.sets(st.integers(0, len(written) - 1), min_size=1)))
    offsets = [len(written[:each].encode()) for each in chosen]
    text = GpxText(written.encode(), "utf-8", blank_lines)
    assert found_in(text, offsets) == list(text.lines_and_columns(offsets))


@pytest.mark.parametrize("encoding", ["us-ascii", "iso-8859-1"])
def test_in_other_encodings_a_byte_is_a_character(encoding: str) -> None:
    content = "<é/>\n <trkpt/>".encode("latin-1")
    assert found_in(GpxText(content, encoding, 0), [0, 6]) == [(1, 1), (2, 2)]
