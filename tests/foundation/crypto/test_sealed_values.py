"""Sealed bytes come back as they were, and their stored length tells little of their own."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from service.foundation.crypto.key_file import Key
from service.foundation.crypto.sealed_values import LARGE_STEP, SMALL_STEP, open_bytes, seal_bytes
from service.foundation.crypto.sealing import OVERHEAD_BYTES, Cell, ClientKey

KEY = ClientKey(Key.new(), uuid4(), uuid4())
CELL = Cell("track", "sealed_fixes", uuid4())


@given(st.integers(0, 3 * LARGE_STEP), st.binary(max_size=20))
def test_bytes_of_any_length_come_back(zeros: int, end: bytes) -> None:
    content = bytes(zeros) + end
    assert open_bytes(KEY, CELL, seal_bytes(KEY, CELL, content)) == content


@given(st.integers(0, 3 * LARGE_STEP))
def test_the_stored_length_goes_in_steps(length: int) -> None:
    stored = len(seal_bytes(KEY, CELL, bytes(length))) - OVERHEAD_BYTES
    assert stored % SMALL_STEP == 0
    assert stored <= LARGE_STEP or stored % LARGE_STEP == 0
