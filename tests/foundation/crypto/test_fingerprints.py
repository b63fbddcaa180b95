"""A payload has one spelling, however the phone wrote it."""

from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from service.foundation.crypto.fingerprints import canonical


class Order(msgspec.Struct):
    name: str
    counts: dict[str, int]


class Visit(msgspec.Struct, omit_defaults=True):
    at: datetime | None = None
    lon: float = 1.5
    stops: list[datetime] = []
    planned: dict[str, datetime] = {}
    next: "VisitPatch | None" = None
    drawing: msgspec.Raw = msgspec.Raw(b"")


class VisitPatch(msgspec.Struct, omit_defaults=True):
    at: datetime | UnsetType | None = UNSET


def spelt(text: str, kind: type[Any] = Visit) -> bytes:
    return canonical(msgspec.json.decode(text, type=kind))


def test_white_space_and_key_order_do_not_matter() -> None:
    terse = '{"name":"Weir loop","counts":{"a":1,"b":2}}'
    loose = '{ "counts": {"b": 2, "a": 1},\n "name": "Weir \\u006coop" }'
    assert [spelt(each, Order) for each in (terse, loose)] == [terse.encode()] * 2


SAME_INSTANT = (
    "2026-05-04T15:30:00+01:00",
    "2026-05-04T14:30:00.000Z",
    "2026-05-04T14:30:00z",
    "2026-05-04t14:30:00-00:00",
    "2026-05-04T20:15:00+05:45",
    "2026-05-05T00:30:00+10:00",
)


@pytest.mark.parametrize(
    "body",
    [
        '{"at": "%s"}',
        '{"stops": ["%s"]}',
        '{"planned": {"start": "%s"}}',
        '{"next": {"at": "%s"}}',
    ],
)
@pytest.mark.parametrize("instant", SAME_INSTANT)
def test_the_offset_of_an_instant_does_not_matter(body: str, instant: str) -> None:
    assert spelt(body % instant) == spelt(body % "2026-05-04T14:30:00Z")
    assert spelt(body % instant) != spelt(body % "2026-05-04T14:30:00.001Z")


def test_a_patch_that_clears_an_instant_is_not_one_that_leaves_it() -> None:
    spellings = {spelt(each, VisitPatch) for each in ("{}", '{"at": null}', '{"at": "2026-05-04T14:30:00Z"}')}
    assert len(spellings) == 3


@pytest.mark.parametrize(("one", "other"), [("0", "-0.0"), ("0", "0.0"), ("2", "2.0"), ("20", "2e1")])
def test_how_a_number_is_written_does_not_matter(one: str, other: str) -> None:
    body = '{"lon": %s}'
    assert spelt(body % one) == spelt(body % other)


def test_a_part_that_is_not_decoded_stays_as_it_is_sent() -> None:
    assert spelt('{"drawing": {"a" : 1.0}}') == b'{"drawing":{"a" : 1.0}}'


OFFSETS = st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))
INSTANTS = st.datetimes(timezones=st.just(None) | OFFSETS)
VISITS = st.builds(
    Visit,
    at=st.none() | INSTANTS,
    lon=st.floats(allow_nan=False, allow_infinity=False),
    stops=st.lists(INSTANTS, max_size=2),
    planned=st.dictionaries(st.text(max_size=3), INSTANTS, max_size=2),
    next=st.none(),
    drawing=st.just(msgspec.Raw(b"{}")),
)


@given(one=st.builds(Order), other=st.builds(Order))
def test_payloads_are_spelt_alike_exactly_when_equal(one: Order, other: Order) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


@given(one=VISITS, other=VISITS, offset=OFFSETS)
def test_payloads_with_instants_are_spelt_alike_exactly_when_equal(
    one: Visit, other: Visit, offset: timezone
) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)
    if one.at is not None and one.at.tzinfo is not None:
        try:
            moved = msgspec.structs.replace(one, at=one.at.astimezone(offset))
        except OverflowError:  # beyond the years 1 to 9999
            return
        assert canonical(moved) == canonical(one)


@given(content=st.binary())
def test_a_file_stands_as_it_is(content: bytes) -> None:
    assert canonical(content) == content
