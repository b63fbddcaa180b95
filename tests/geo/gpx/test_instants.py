"""A date-time is the same instant read alone or among many written alike."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.geo.fixes import NO_TIME
from service.geo.gpx.instants import read_instant, read_instants

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

instants = st.datetimes(
    min_value=datetime(1, 1, 3),  # noqa: DTZ001  hypothesis adds the zone
    max_value=datetime(9999, 12, 29),  # noqa: DTZ001  hypothesis adds the zone
    timezones=st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
forms = st.sampled_from(["seconds", "milliseconds", "microseconds", "auto"])


def milliseconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(milliseconds=1)


@given(st.lists(instants, min_size=1), forms)
def test_what_python_writes_is_read_back(written: list[datetime], form: str) -> None:
    texts = [each.isoformat(timespec=form) for each in written]
    whole = timedelta(seconds=1) if form == "seconds" else timedelta(milliseconds=1)
    expected = [milliseconds(EPOCH + (each - EPOCH) // whole * whole) for each in written]
    assert [read_instant(text) for text in texts] == expected
    assert read_instants(texts).tolist() == expected


@given(st.lists(instants, min_size=1))
def test_z_and_no_zone_are_utc(written: list[datetime]) -> None:
    utc = [each.astimezone(UTC).replace(tzinfo=None) for each in written]
    expected = [milliseconds(each.replace(tzinfo=UTC)) for each in utc]
    assert read_instants([each.isoformat() for each in utc]).tolist() == expected
    assert read_instants([each.isoformat() + "Z" for each in utc]).tolist() == expected


digits = st.sampled_from("0123456789")
near = st.one_of(
    st.text("0123456789-+:.,TtZz /\u0663\u00b2", max_size=30),
    st.from_regex(r"(19|20)\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\dZ", fullmatch=True),
    st.from_regex(r"2026-0\d-\d\d[T ]\d\d:\d\d:\d\d\.\d{1,4}([+-]\d\d:\d\d|Z)", fullmatch=True),
)


@given(st.lists(near))
def test_reading_many_is_reading_each(texts: list[str]) -> None:
    assert read_instants(texts).tolist() == [read_instant(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2012-02-29T23:59:59Z", "2012-02-29T23:59:59+00:00"),
        ("2012-02-29T23:59:60Z", "2012-03-01T00:00:00+00:00"),
        (" 2012-02-29 23:59:59\n", "2012-02-29T23:59:59+00:00"),
        ("2012-02-29T23:59Z", "2012-02-29T23:59:00+00:00"),
        ("2012-02-29T23:59:59.98", "2012-02-29T23:59:59.980+00:00"),
        ("2012-02-29T23:59:59,9Z", "2012-02-29T23:59:59.900+00:00"),
        ("2012-02-29T23:59:59.123999Z", "2012-02-29T23:59:59.123+00:00"),
        ("2012-02-29T23:59:59-0330", "2012-03-01T03:29:59+00:00"),
        ("2012-02-29T23:59:59+02", "2012-02-29T21:59:59+00:00"),
        ("2012-02-29t23:59:59z", "2012-02-29T23:59:59+00:00"),
        ("\u06f2\u06f0\u06f1\u06f2-\u06f0\u06f2-\u06f2\u06f9T23:59:59Z", "2012-02-29T23:59:59+00:00"),
        ("\u0968\u0966\u0967\u0968-02-29T\u0968\u0969:59:59Z", "2012-02-29T23:59:59+00:00"),
    ],
)
def test_the_ways_devices_write_a_time_are_understood(text: str, expected: str) -> None:
    instant = milliseconds(datetime.fromisoformat(expected))
    assert read_instant(text) == instant
    assert read_instants([text] * 3).tolist() == [instant] * 3
    assert read_instants([text, "", "2012-02-29T23:59:59Z"]).tolist()[:2] == [instant, NO_TIME]


@pytest.mark.parametrize(
    "text",
    [
        "2012-02-30T00:00:00Z",
        "2011-02-29T00:00:00Z",
        "2012-13-01T00:00:00Z",
        "2012-00-01T00:00:00Z",
        "2012-01-00T00:00:00Z",
        "2012-01-01T24:00:00Z",
        "2012-01-01T00:60:00Z",
        "2012-01-01T00:00:61Z",
        "2012-01-01T00:00:00+99:00",
        "0000-01-01T00:00:00Z",
        "12-01-01T00:00:00Z",
        "2012-1-1T00:00:00Z",
        "2012-01-01",
        "2012-01-01T00:00:00 CET",
    ],
)
def test_what_is_no_date_and_time_is_none(text: str) -> None:
    assert read_instant(text) == NO_TIME
    assert read_instants([text, text]).tolist() == [NO_TIME] * 2
    good = "2012-01-01T00:00:00Z"
    assert read_instants([good, text]).tolist() == [read_instant(good), NO_TIME]


def test_no_texts_are_no_instants() -> None:
    assert read_instants([]).tolist() == []
