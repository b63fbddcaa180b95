"""Tokens: random, read back exactly, and parsing never raises."""

from typing import get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.foundation.crypto.tokens import TokenKind, mint_token, parse_token

KINDS: tuple[TokenKind, ...] = get_args(TokenKind)
_ALLOWED = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(practice_id=st.uuids(), kind=st.sampled_from(KINDS))
def test_a_minted_token_reads_back_its_practice_and_digest(practice_id: UUID, kind: TokenKind) -> None:
    text, digest = mint_token(kind, practice_id)
    token = parse_token(text, kind)
    assert token is not None
    assert token.practice_id == practice_id
    assert token.digest == digest
    assert len(digest) == 32


def test_two_tokens_of_one_practice_share_nothing_secret() -> None:
    practice_id = uuid4()
    minted = {mint_token("access", practice_id) for _ in range(100)}
    assert len({text for text, _ in minted}) == 100
    assert len({digest for _, digest in minted}) == 100


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_of_one_kind_is_no_token_of_another(kind: TokenKind) -> None:
    text, _ = mint_token(kind, uuid4())
    assert [each for each in KINDS if parse_token(text, each)] == [kind]


@given(text=st.one_of(st.text(), st.text().map("twa_".__add__), st.from_regex(r"twa_[\w+/=-]{60,68}")))
def test_no_text_makes_parsing_raise(text: str) -> None:
    wellformed = text.startswith("twa_") and len(text) == 68 and set(text) <= _ALLOWED
    assert (parse_token(text, "access") is not None) == wellformed


@pytest.mark.parametrize("tail", ["\n", "=", " ", "A", "\u0661", "\ud800"])
def test_a_token_with_something_after_it_is_refused(tail: str) -> None:
    text, _ = mint_token("access", uuid4())
    assert parse_token(text + tail, "access") is None
    assert parse_token(text[:-1] + tail * 2, "access") is None


@given(at=st.integers(4, 67), character=st.sampled_from(sorted(_ALLOWED)))
def test_every_character_of_a_token_counts(at: int, character: str) -> None:
    text, digest = mint_token("access", uuid4())
    changed = text[:at] + character + text[at + 1 :]
    token = parse_token(changed, "access")
    assert token is not None
    assert (token.digest == digest) == (changed == text)


def test_what_is_kept_of_a_token_does_not_show_it() -> None:
    text, _ = mint_token("refresh", uuid4())
    assert text not in repr(parse_token(text, "refresh"))
