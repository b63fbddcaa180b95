"""Sealing: a value opens only unchanged, in its own place, with its own keys."""

from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.foundation.crypto.key_file import Key, KeyFile, WrongKeyFile
from service.foundation.crypto.sealing import (
    OVERHEAD_BYTES,
    Cell,
    ClientKey,
    Keyring,
    PracticeKey,
    SealBroken,
)

VALUE = b"She stopped at the weir and spoke of her father."
PRACTICE, CLIENT, ROW = uuid4(), uuid4(), uuid4()
CELL = Cell("note", "text", ROW)
KEYS = KeyFile.new()
RING = Keyring(KEYS)
PRACTICE_WRAPPED = RING.new_practice_key(PRACTICE)
PRACTICE_KEY = RING.practice(PRACTICE, PRACTICE_WRAPPED)
CLIENT_WRAPPED = PRACTICE_KEY.new_client_key(CLIENT)
CLIENT_KEY = PRACTICE_KEY.client(CLIENT, CLIENT_WRAPPED)

# Everything below two known keys, as version 1 wrote it. Never made anew: a difference means lost records.
FIRST_RELEASE = {
    "check": (
        "0101545c7f80bb21d1f57e3267d8085d11b69093764d3b589a55483427eebadf"
        "b0ad4bc7866014ba6bf5cb8a427ca27e6e35571bcbbe1f892ae5edbb6112dbc1"
        "cacb85b398d5"
    ),
    "practice": (
        "0101545c7f80bb21d1f5c9c4167c5eb3e8eadcdffc415845c59a3590cc5e65ba"
        "a0016f1d9f6796bd87ffd89e3c2e66e891c79bff9c532e955a2e1c0766d8c1fa"
        "5c89fb80ae4d"
    ),
    "client": (
        "0101b5987340420d3c961f5f834b42b928bb23f43450103ae1ea352f46002116"
        "9fbf09336bcab9ca24ac156b4837d5205b5447013978c4290805b13b1cd381d2"
        "cc2652b898f2"
    ),
    "value": ("010177669b4ee0286e548af104c54304f206524ae02727331cdfe691e6abd5b9f96e373adaad51a904fd"),
    "fingerprint": ("c85f4c670800ad2d617cb1d8917296263440563b0e8c8aeffe474e6aca6a2bfc"),
    "email": ("ff5c4be2645f2ec3367434d7ed902276a7a100d41d2f87e2981cd8d15d00bc88"),
}

cells = st.builds(Cell, table=st.text(max_size=9), column=st.text(max_size=9), row_id=st.uuids())


@given(value=st.binary(), cell=cells)
def test_a_sealed_value_opens_in_its_place(value: bytes, cell: Cell) -> None:
    sealed = CLIENT_KEY.seal(cell, value)
    assert CLIENT_KEY.open(cell, sealed) == value
    assert len(sealed) == len(value) + OVERHEAD_BYTES


@given(cell=cells, other=cells)
def test_a_value_moved_to_another_place_does_not_open(cell: Cell, other: Cell) -> None:
    sealed = CLIENT_KEY.seal(cell, VALUE)
    if cell != other:
        with pytest.raises(SealBroken):
            CLIENT_KEY.open(other, sealed)


@pytest.mark.parametrize(
    "other",
    [
        replace(CELL, table="addendum"),
        replace(CELL, column="words"),
        replace(CELL, row_id=uuid4()),
        replace(CELL, table="notet", column="ext"),
        replace(CELL, table="text", column="note"),
    ],
)
def test_a_value_is_bound_to_its_table_column_and_row(other: Cell) -> None:
    with pytest.raises(SealBroken):
        CLIENT_KEY.open(other, CLIENT_KEY.seal(CELL, VALUE))


def test_a_value_is_bound_to_its_practice_and_client_even_under_the_same_key() -> None:
    key = Key.new()
    sealed = ClientKey(key, PRACTICE, CLIENT).seal(CELL, VALUE)
    assert ClientKey(key, PRACTICE, CLIENT).open(CELL, sealed) == VALUE
    for practice_id, client_id in ((uuid4(), CLIENT), (PRACTICE, uuid4()), (CLIENT, PRACTICE)):
        with pytest.raises(SealBroken):
            ClientKey(key, practice_id, client_id).open(CELL, sealed)


@given(at=st.integers(0, OVERHEAD_BYTES + len(VALUE) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_anywhere_is_noticed(at: int, bit: int) -> None:
    sealed = bytearray(CLIENT_KEY.seal(CELL, VALUE))
    sealed[at] ^= 1 << bit
    with pytest.raises(SealBroken):
        CLIENT_KEY.open(CELL, bytes(sealed))


@given(sealed=st.binary(max_size=120), kept=st.integers(0, OVERHEAD_BYTES + len(VALUE) - 1))
def test_other_or_shorter_data_does_not_open(sealed: bytes, kept: int) -> None:
    for each in (sealed, CLIENT_KEY.seal(CELL, VALUE)[:kept]):
        with pytest.raises(SealBroken):
            CLIENT_KEY.open(CELL, each)


def test_sealing_a_value_twice_gives_different_bytes() -> None:
    sealed = {CLIENT_KEY.seal(CELL, VALUE) for _ in range(1_000)}
    nonces = {each[10:22] for each in sealed}
    assert len(nonces) == len(sealed) == 1_000


def test_the_error_names_the_place_and_not_the_content() -> None:
    sealed = CLIENT_KEY.seal(CELL, VALUE)
    with pytest.raises(SealBroken) as broken:
        CLIENT_KEY.open(replace(CELL, column="words"), sealed)
    assert f"note.words of row {ROW}" in str(broken.value)
    assert sealed.hex() not in str(broken.value)
    assert broken.value.__cause__ is None


def test_another_clients_key_does_not_unwrap() -> None:
    with pytest.raises(SealBroken):
        PRACTICE_KEY.client(uuid4(), CLIENT_WRAPPED)


def test_a_client_key_of_another_practice_does_not_unwrap() -> None:
    stranger = uuid4()
    strange = RING.practice(stranger, RING.new_practice_key(stranger))
    with pytest.raises(SealBroken):
        strange.client(CLIENT, CLIENT_WRAPPED)


def test_a_practice_key_unwraps_for_its_own_practice_only() -> None:
    with pytest.raises(SealBroken):
        RING.practice(uuid4(), PRACTICE_WRAPPED)


def test_a_clients_value_is_no_client_key() -> None:
    planted = CLIENT_KEY.seal(Cell("client_key", "wrapped", CLIENT), bytes(32))
    with pytest.raises(SealBroken):
        PRACTICE_KEY.client(CLIENT, planted)


def test_an_unwrapped_practice_key_is_kept_and_a_client_key_is_not() -> None:
    assert RING.practice(PRACTICE, PRACTICE_WRAPPED) is PRACTICE_KEY
    assert PRACTICE_KEY.client(CLIENT, CLIENT_WRAPPED) is not CLIENT_KEY


def test_another_key_file_is_recognised() -> None:
    foreign = Keyring(KeyFile.new())
    assert RING.matches(RING.check_value())
    assert not foreign.matches(RING.check_value())
    with pytest.raises(WrongKeyFile, match="does not belong to these records"):
        foreign.practice(PRACTICE, PRACTICE_WRAPPED)


def test_a_key_file_with_another_index_key_does_not_match() -> None:
    mixed = Keyring(KeyFile(KEYS.wrap, Key.new()))
    assert not mixed.matches(RING.check_value())


@given(check=st.binary(max_size=80))
def test_no_other_bytes_match_by_chance(check: bytes) -> None:
    assert not RING.matches(check)


def test_what_was_sealed_before_a_new_key_was_put_first_still_opens() -> None:
    sealed = CLIENT_KEY.seal(CELL, VALUE)
    with_new_key = Keyring(rotated(KEYS))
    assert with_new_key.matches(RING.check_value())
    assert opened(with_new_key.practice(PRACTICE, PRACTICE_WRAPPED), sealed) == VALUE
    made_since = with_new_key.new_practice_key(PRACTICE)
    with pytest.raises(WrongKeyFile):
        RING.practice(PRACTICE, made_since)


def rotated(keys: KeyFile) -> KeyFile:
    """Return these keys with a new one put first, as the key file says to."""
    return KeyFile((Key.new(), *keys.wrap), keys.index)


def opened(practice: PracticeKey, sealed: bytes) -> bytes:
    return practice.client(CLIENT, CLIENT_WRAPPED).open(CELL, sealed)


def test_an_address_is_found_in_any_spelling_and_with_a_new_wrap_key() -> None:
    spelt = ["mary@river.example", " Mary@River.Example ", "MARY@RIVER.EXAMPLE\n", "\uff4dary@river.example"]
    rings = (RING, Keyring(rotated(KEYS)))
    found = {ring.email_index(each) for ring in rings for each in spelt}
    assert len(found) == 1
    assert RING.email_index("mary@river.example.org") not in found
    assert Keyring(KeyFile.new()).email_index("mary@river.example") not in found


@given(email=st.text())
def test_any_text_has_an_index(email: str) -> None:
    assert len(RING.email_index(email)) == 32


def test_a_throttle_bucket_is_not_an_email_index_and_stays_with_a_new_wrap_key() -> None:
    address = "mary@river.example"
    assert RING.throttle_bucket(address) != RING.email_index(address)
    assert RING.throttle_bucket(address) == Keyring(rotated(KEYS)).throttle_bucket(address)
    assert RING.throttle_bucket(address) != Keyring(KeyFile.new()).throttle_bucket(address)
    assert RING.throttle_bucket(address) != RING.throttle_bucket(address.upper())


@given(one=st.binary(), other=st.binary())
def test_fingerprints_agree_exactly_when_payloads_do(one: bytes, other: bytes) -> None:
    assert (PRACTICE_KEY.fingerprint(one) == PRACTICE_KEY.fingerprint(other)) == (one == other)


def test_fingerprints_of_one_payload_differ_between_practices() -> None:
    stranger = uuid4()
    strange = RING.practice(stranger, RING.new_practice_key(stranger))
    assert strange.fingerprint(VALUE) != PRACTICE_KEY.fingerprint(VALUE)


def test_values_sealed_by_the_first_release_still_open() -> None:
    first = {name: bytes.fromhex(value) for name, value in FIRST_RELEASE.items()}
    ring = Keyring(KeyFile((Key(bytes(range(32))),), Key(bytes(range(32, 64)))))
    practice = ring.practice(UUID(int=1), first["practice"])
    cell = Cell("note", "text", UUID(int=3))
    assert ring.matches(first["check"])
    assert practice.client(UUID(int=2), first["client"]).open(cell, first["value"]) == b"weir"
    assert practice.fingerprint(b"weir") == first["fingerprint"]
    assert ring.email_index("mary@river.example") == first["email"]


def test_no_key_shows_its_secret() -> None:
    secret = Key.new()
    held = [
        RING,
        PRACTICE_KEY,
        CLIENT_KEY,
        ClientKey(secret, PRACTICE, CLIENT),
        PracticeKey(secret, PRACTICE),
    ]
    shown = "".join(map(repr, held))
    for each in (secret, *KEYS.wrap, KEYS.index):
        assert repr(each.secret) not in shown
        assert each.secret.hex() not in shown
    for one, other in pairwise(held):
        assert repr(one) != repr(other)
