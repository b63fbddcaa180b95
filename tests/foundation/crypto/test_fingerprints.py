"""A payload has one spelling, however the phone wrote it."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from service.foundation.crypto.fingerprints import canonical


class Order(msgspec.Struct):
    name: str
    counts: dict[str, int]


def test_white_space_and_key_order_do_not_matter() -> None:
    terse = b'{"name":"Weir loop","counts":{"a":1,"b":2}}'
    loose = b'{ "counts": {"b": 2, "a": 1},\n "name": "Weir \\u006coop" }'
    spelt = [canonical(msgspec.json.decode(each, type=Order)) for each in (terse, loose)]
    assert spelt == [terse, terse]


@given(one=st.builds(Order), other=st.builds(Order))
def test_payloads_are_spelt_alike_exactly_when_equal(one: Order, other: Order) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


@given(content=st.binary())
def test_a_file_stands_as_it_is(content: bytes) -> None:
    assert canonical(content) == content
