"""Compression returns the content, and refuses other data without allocating memory."""

import gzip
from concurrent.futures import ThreadPoolExecutor

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from service.foundation.compression import CompressedDataCorrupt, compress, decompress, gzip_bytes


@given(st.binary(max_size=2_000))
def test_content_comes_back(content: bytes) -> None:
    assert decompress(compress(content), len(content)) == content
    assert gzip.decompress(gzip_bytes(content)) == content


def test_content_over_the_limit_is_refused() -> None:
    with pytest.raises(CompressedDataCorrupt, match="999"):
        decompress(compress(bytes(1_000)), 999)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"not zstd",
        compress(b"x" * 100)[:-1],
        compress(b"x" * 100) + b"x",
        compress(b"x") * 2,
        zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 100),
        b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd",
    ],
    ids=["empty", "no frame", "torn", "longer", "two frames", "size not said", "a frame to skip"],
)
def test_data_that_is_not_exactly_one_frame_is_refused(frame: bytes) -> None:
    with pytest.raises(CompressedDataCorrupt):
        decompress(frame, 10_000)


def test_the_same_content_gives_the_same_gzip() -> None:
    assert gzip_bytes(b"towpath")[4:8] == bytes(4)  # no time stamp


def test_threads_do_not_share_a_compressor() -> None:
    contents = [bytes([number]) * 50_000 for number in range(64)] * 4
    with ThreadPoolExecutor(8) as pool:
        back = list(pool.map(lambda content: decompress(compress(content), 50_000), contents))
    assert back == contents
