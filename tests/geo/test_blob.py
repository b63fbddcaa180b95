"""Blobs give back every valid line, and nothing for bytes that hold none."""

import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import zstandard
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.geo.blob import HEAD, MAX_POINTS, BlobCorrupt, pack_fixes, unpack_fixes
from service.geo.fixes import Fixes
from tests.made_up_walks import any_fixes, fixes_at, walk

WALK = fixes_at(
    [(8.1234567, 52.7654321), (8.1234667, 52.7654421), (8.2, 52.8)],
    ele_m=[101.25, float("nan"), -3.5],
    time_ms=[1_748_768_400_123, None, 1_748_768_460_000],
    starts=(0, 2),
)

# The line above as version 1 wrote it. Never change it: if this test fails, stored tracks cannot be read.
FIRST_RELEASE = (
    "01030000000200000028b52ffd24442102008764958a00add7000b040000b164eb5d00457300051f00008d73a227d8fe"
    "00ffff007f7ffb05e022dd0cb847b92ad52a97689701fe0100ff00007f8000020000000000002dd4507c"
)


@given(any_fixes())
def test_any_line_comes_back_as_it_was(fixes: Fixes) -> None:
    back = unpack_fixes(pack_fixes(fixes))
    assert np.allclose(back.lon, fixes.lon, rtol=0, atol=0.5001e-7)
    assert np.allclose(back.lat, fixes.lat, rtol=0, atol=0.5001e-7)
    assert np.allclose(back.ele_m, fixes.ele_m, rtol=0, atol=0.005001, equal_nan=True)
    assert np.array_equal(back.time_ms, fixes.time_ms)
    assert np.array_equal(back.starts, fixes.starts)


@given(any_fixes())
def test_what_came_back_once_stays_the_same(fixes: Fixes) -> None:
    once = unpack_fixes(pack_fixes(fixes))
    assert pack_fixes(unpack_fixes(pack_fixes(once))) == pack_fixes(once)


def test_the_first_release_can_still_be_read() -> None:
    back = unpack_fixes(bytes.fromhex(FIRST_RELEASE))
    assert pack_fixes(back) == pack_fixes(WALK)
    assert back.lon.tolist() == WALK.lon.tolist()


def test_the_widest_jumps_are_exact() -> None:
    ends = [(180.0, 90.0), (-180.0, -90.0)] * 3
    there_and_back = fixes_at(ends, ele_m=[100_000, -12_000] * 3, time_ms=[2**62, -(2**62), None] * 2)
    back = unpack_fixes(pack_fixes(there_and_back))
    assert back.lon.tolist() == there_and_back.lon.tolist()
    assert back.time_ms.tolist() == there_and_back.time_ms.tolist()


def test_an_hour_at_a_fix_a_second_takes_under_four_bytes_a_fix() -> None:
    hour = walk((0, 0), (1_200, 900), (0, 1_800), every_m=0.9, pace_mps=0.9)
    assert len(pack_fixes(hour)) < 4 * len(hour)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("lon", [8.0, 180.0001, 8.0]),
        ("lon", [8.0, float("nan"), 8.0]),
        ("lat", [52.0, -90.0001, 52.0]),
        ("lat", [52.0, 52.0]),
        ("ele_m", [0.0, 3e7, 0.0]),
        ("ele_m", [0.0, float("inf"), 0.0]),
        ("starts", [1]),
        ("starts", [0, 2, 2]),
        ("starts", [0, 3]),
        ("starts", []),
    ],
)
def test_what_is_no_line_is_not_packed(column: str, values: list[float]) -> None:
    kind = np.int64 if column == "starts" else np.float64
    broken = replace(WALK, **{column: np.array(values, dtype=kind)})
    with pytest.raises(ValueError, match=r"globe|ground|lengths|order"):
        pack_fixes(broken)


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(BlobCorrupt):
        unpack_fixes(content)


@given(st.integers(0, len(pack_fixes(WALK)) - 1), st.integers(1, 255))
def test_one_wrong_byte_is_noticed(at: int, change: int) -> None:
    assume((at, change) != (HEAD.size + 4, 0x10))  # the one bit of a frame that zstd does not use
    blob = bytearray(pack_fixes(WALK))
    blob[at] ^= change
    with pytest.raises(BlobCorrupt):
        unpack_fixes(bytes(blob))


@pytest.mark.parametrize("end", range(0, len(pack_fixes(WALK)), 7))
def test_a_torn_blob_is_noticed(end: int) -> None:
    with pytest.raises(BlobCorrupt):
        unpack_fixes(pack_fixes(WALK)[:end])


def test_bytes_after_the_end_are_noticed() -> None:
    with pytest.raises(BlobCorrupt):
        unpack_fixes(pack_fixes(WALK) + b"\0")


def test_a_head_that_names_too_many_points_is_refused() -> None:
    with pytest.raises(BlobCorrupt, match="1000001 points"):
        unpack_fixes(HEAD.pack(1, MAX_POINTS + 1, 1) + pack_fixes(WALK)[HEAD.size :])


@pytest.mark.parametrize("points", [3, MAX_POINTS])
def test_a_bomb_is_refused_before_it_opens(points: int) -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(500_000_000))
    with pytest.raises(BlobCorrupt):
        unpack_fixes(HEAD.pack(1, points, 1) + bomb)


def test_columns_that_leave_the_globe_are_refused() -> None:
    # one point and one segment: differences and values are the same
    columns = struct.pack("<IIIqI", 1_900_000_000, 0, 0, 0, 0)
    with pytest.raises(BlobCorrupt, match="globe"):
        unpack_fixes(HEAD.pack(1, 1, 1) + zstandard.ZstdCompressor().compress(columns))


def test_many_threads_pack_at_once() -> None:
    expected = pack_fixes(WALK)
    with ThreadPoolExecutor(8) as pool:
        packed = list(pool.map(lambda _: pack_fixes(unpack_fixes(expected)), range(400)))
    assert set(packed) == {expected}
