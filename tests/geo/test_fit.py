"""FIT files: records and pauses are read, damaged files refused, and nothing of the owner is kept."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.geo import fit
from service.geo.fit import FitRecording, is_fit, read_fit
from service.geo.fixes import NO_TIME
from service.geo.gpx.model import GpxRefused
from tests.geo.fit_files import a_fit_file, a_record, a_timer_event, defined

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BEGAN_S = round(datetime(2026, 5, 4, 14, 30, tzinfo=UTC).timestamp())


def north(number: int) -> float:
    return 51.54 + number * 1e-5


def walked(first: int, last: int) -> list[bytes]:
    return [a_record(BEGAN_S + each, north(each), -0.03, 12.4) for each in range(first, last)]


def read(content: bytes) -> FitRecording:
    assert is_fit(content)
    return read_fit(content, now=NOW)


def test_records_become_fixes_with_times_and_heights() -> None:
    file = read(a_fit_file(walked(0, 60)))
    assert len(file.fixes) == 60
    assert file.fixes.lat == pytest.approx([north(each) for each in range(60)], abs=1e-7)
    assert (file.fixes.time_ms // 1_000).tolist() == list(range(BEGAN_S, BEGAN_S + 60))
    assert file.fixes.ele_m == pytest.approx(np.full(60, 12.4))
    assert (file.fixes.starts.tolist(), file.skipped_count) == ([0], 0)


def test_a_pause_of_the_timer_and_a_lost_position_leave_a_gap() -> None:
    paused = [a_timer_event(BEGAN_S + 10, 4), a_timer_event(BEGAN_S + 300, 0)]
    lost = [a_record(BEGAN_S + 320, None, None)]
    file = read(a_fit_file([*walked(0, 10), *paused, *walked(300, 320), *lost, *walked(321, 330)]))
    assert file.fixes.starts.tolist() == [0, 10, 30]
    (skipped,) = file.skipped
    assert (skipped.what, skipped.reason, skipped.line) == ("point", "has no position", 35)


def test_a_field_of_a_developer_that_nothing_describes_is_passed_over() -> None:
    records = [a_record(BEGAN_S + each, north(each), -0.03, developer=True) for each in range(5)]
    file = read(a_fit_file(records, developer=True))
    assert len(file.fixes) == 5
    assert np.isnan(file.fixes.ele_m).all()


def test_an_impossible_time_is_left_out_and_named() -> None:
    file = read(a_fit_file([*walked(0, 5), a_record(BEGAN_S + 40 * 31_536_000, north(5), -0.03)]))
    assert file.fixes.time_ms[-1] == NO_TIME
    assert file.skipped[0].what == "time"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (a_fit_file(walked(0, 50))[:-200], "truncated"),
        (a_fit_file(walked(0, 50)).replace(b"Ada", b"Eve"), "damaged-archive"),
        (a_fit_file([]), "no-points"),
        (b"\x0e\x10\xd9\x07\x00\x00\x00\x00.FIT", "truncated"),
    ],
    ids=["cut off", "a wrong checksum", "no record", "a head alone"],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(GpxRefused) as refused:
        read(content)
    assert refused.value.reason == reason


def test_a_file_with_too_many_messages_is_refused() -> None:
    with pytest.raises(GpxRefused, match="too long"):
        read(a_fit_file([a_timer_event(BEGAN_S, 0)] * 60_001))


@pytest.mark.parametrize(
    ("messages", "limit"),
    [
        ([defined("event")] * 101, "MOST_MESSAGES"),
        ([defined("record", developer=True)] * 21, "MOST_FIELDS"),
        (walked(0, 26), "MOST_FIELDS"),
        ([bytes([0x40, 0, 0, 0, 0xFF, 1, 1, 255, 13]), bytes(256)] * 4, "MOST_BYTES"),
    ],
    ids=["definitions", "fields of definitions", "fields", "bytes"],
)
def test_all_that_takes_time_to_decode_is_limited(
    messages: list[bytes], limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit, limit, 1_000 if limit == "MOST_BYTES" else 100)
    with pytest.raises(GpxRefused) as refused:
        read(a_fit_file([*walked(0, 1), *messages]))
    assert refused.value.limit == getattr(fit, limit)


@given(st.binary(max_size=80), st.integers(0, 2_000), st.integers(0, 80))
def test_any_damaged_file_is_read_or_refused(noise: bytes, at: int, cut: int) -> None:
    whole = a_fit_file(walked(0, 60))
    at = max(at, 12)
    damaged = whole[:at] + noise + whole[at + cut :]
    try:
        read(damaged)
    except GpxRefused:
        return
