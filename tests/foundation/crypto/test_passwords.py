"""Passwords: long and unusual ones pass, guessable ones do not; hashing is limited."""

import asyncio
import threading

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.foundation.crypto.passwords import (
    PasswordHasher,
    Verdict,
    WeakPassword,
    generate_password,
    refuse_weak,
)

GOOD = "heron umbrella lathe quince"
STALE = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def check(password: str) -> None:
    refuse_weak(password, email="mary.ashdown@riverside.example", name="Mary Ashdown-Okafor")


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        GOOD.replace(" ", ""),
        "gårdsplass øl pæretre vår",
        "река гроза фонарь липа",
        "雨の日も川沿いを歩いて橋まで行く",
        "🦢🌧🪑🧭🥾🌳🚲⛵🐕🧣☂🍂🌉🕰🫖",
        "583920174628391",
        "Mary walks; her teapot never does",
        "x" * 8 + "heron umbrella lathe quince" * 8,
    ],
)
def test_a_long_odd_password_passes_whatever_it_is_made_of(password: str) -> None:
    check(password)


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaaaaaaaaaa",
        "abababababababababab",
        "heron-lathe heron-lathe",
        "heronxxxxxxxxxxxxxx",
        "abcacbbacbcaabcbca",
        "123456789012345678",
        "abcdefghijklmnopqrst",
        "qwertyuiopasdfghjkl",
        "poiuytrewqlkjhgfdsa",
        "1qaz2wsx3edc4rfv",
        "1qaz!@#$%^&*2wsx",
        "Password1234567890",
        "Password!2024!2025",
        "Welcome to Towpath",
        "P@ssw0rdP@ssw0rd1",
        "correct-horse-battery-staple",
        "Ｃｏｒｒｅｃｔ Horse Battery Staple",  # noqa: RUF001  wide letters are the same letters
        "you'll never walk alone!",
        "mary.ashdown@riverside.example",
        "MaryAshdown1985",
        "Ashdown Okafor Mary",
        "Okafor of Okafors",
        "towpath-towpath-towpath",
        "riverside-ashdown-1",
    ],
)
def test_a_guessable_password_is_refused(password: str) -> None:
    with pytest.raises(WeakPassword) as refusal:
        check(password)
    assert password not in str(refusal.value)


def test_length_is_counted_in_characters_and_nothing_else() -> None:
    heron = "heron umbrella!"
    assert len(heron) == 15
    check(heron)
    with pytest.raises(WeakPassword, match="at least 15"):
        check(heron[:-1])
    long = "".join(chr(0x4E00 + each) for each in range(256))
    check(long)
    with pytest.raises(WeakPassword, match="at most 256"):
        check(long + "x")


def test_a_ligature_that_unfolds_into_many_letters_counts_once() -> None:
    with pytest.raises(WeakPassword, match="at least 15"):
        check("\ufdfa")
    with pytest.raises(WeakPassword, match="at least 15"):
        check("e\u0301" * 8)


@given(password=st.text(max_size=300), email=st.text(max_size=80), name=st.text(max_size=80))
def test_any_text_is_either_accepted_or_refused_as_weak(password: str, email: str, name: str) -> None:
    try:
        refuse_weak(password, email=email, name=name)
    except WeakPassword:
        return
    assert 15 <= len(password) <= 256


def test_a_generated_password_is_accepted_and_never_the_same() -> None:
    generated = {generate_password() for _ in range(200)}
    assert len(generated) == 200
    for each in generated:
        check(each)
        assert not set(each) & set("0o1ilO")


def test_a_password_matches_its_own_hash_only() -> None:
    async def story() -> list[Verdict]:
        hasher = PasswordHasher()
        stored = await hasher.hash(GOOD)
        assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert stored != await hasher.hash(GOOD)
        tried = (GOOD, GOOD + " ", GOOD.upper(), "")
        return [await hasher.verify(stored, each) for each in tried]

    right, *wrong = asyncio.run(story())
    assert right == Verdict(matches=True)
    assert wrong == [Verdict(matches=False)] * 3


def test_the_256th_character_counts() -> None:
    async def story() -> Verdict:
        hasher = PasswordHasher()
        return await hasher.verify(await hasher.hash("x" * 255 + "y"), "x" * 255 + "z")

    assert not asyncio.run(story()).matches


def test_an_accent_matches_however_the_keyboard_composed_it() -> None:
    async def story() -> Verdict:
        hasher = PasswordHasher()
        return await hasher.verify(
            await hasher.hash("caf\u00e9 au bord de l'eau"), "cafe\u0301 au bord de l'eau"
        )

    assert asyncio.run(story()).matches


def test_a_lone_surrogate_is_a_character_like_any_other() -> None:
    async def story() -> Verdict:
        hasher = PasswordHasher()
        return await hasher.verify(await hasher.hash("\ud800" + GOOD), "\ud800" + GOOD)

    assert asyncio.run(story()).matches


def test_a_hash_made_with_weaker_settings_asks_to_be_made_anew() -> None:
    stored = STALE.hash(GOOD)
    hasher = PasswordHasher()
    assert asyncio.run(hasher.verify(stored, GOOD)) == Verdict(matches=True, needs_rehash=True)
    assert asyncio.run(hasher.verify(stored, "another")) == Verdict(matches=False)


def test_an_unknown_account_is_computed_at_full_cost_and_never_matches() -> None:
    hasher = PasswordHasher()
    assert not hasher._argon2.check_needs_rehash(hasher._nobody)
    hasher._nobody = STALE.hash(GOOD)
    assert asyncio.run(hasher.verify(None, GOOD)) == Verdict(matches=False)
    hasher._nobody = "no hash"
    with pytest.raises(argon2.exceptions.InvalidHashError):
        asyncio.run(hasher.verify(None, GOOD))


def test_a_damaged_hash_is_not_taken_for_a_wrong_password() -> None:
    with pytest.raises(argon2.exceptions.InvalidHashError):
        asyncio.run(PasswordHasher().verify("", GOOD))


def test_at_most_two_passwords_are_hashed_at_once_even_when_callers_give_up() -> None:
    before = set(threading.enumerate())

    def hashing() -> int:
        return sum(each.name.startswith("password") for each in set(threading.enumerate()) - before)

    async def story() -> int:
        hasher = PasswordHasher()
        crowd = [asyncio.create_task(hasher.verify(None, GOOD)) for _ in range(6)]
        await asyncio.sleep(0)
        for each in crowd:
            each.cancel()
        after = [asyncio.create_task(hasher.verify(None, GOOD)) for _ in range(4)]
        done, _ = await asyncio.wait(after, return_when=asyncio.FIRST_COMPLETED)
        assert done
        most = hashing()
        await asyncio.gather(*after)
        return most

    assert asyncio.run(story()) == 2


def test_neither_hasher_nor_verdict_shows_a_password() -> None:
    hasher = PasswordHasher()
    stored = asyncio.run(hasher.hash(GOOD))
    shown = repr(hasher) + repr(asyncio.run(hasher.verify(stored, GOOD)))
    assert GOOD not in shown
    assert stored not in shown
