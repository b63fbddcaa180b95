"""Passwords: which are refused, how they are hashed, and how one is generated."""

import re
import secrets
import unicodedata
from collections.abc import Collection
from functools import cache
from importlib import resources
from typing import Final

from argon2 import PasswordHasher as Argon2
from argon2 import Type
from argon2.exceptions import VerifyMismatchError
from msgspec import Struct

from service.foundation.errors import DomainError
from service.foundation.threads import BoundedThreads

LENGTH_MIN: Final = 15
LENGTH_MAX: Final = 256

# OWASP ASVS 5.0, appendix C: the smallest memory it recommends. 29 ms where it was measured.
ARGON2_PASSES: Final = 2
ARGON2_MEMORY_KIB: Final = 19_456
ARGON2_LANES: Final = 1
HASHING_THREADS: Final = 2
HASHING_PLACES: Final = 64
"""Passwords that are hashed or wait at one time, about a second's work. One more is refused.

Strangers share these places; each practice that is signed in has as many of its own.
"""

# How many characters must remain when everything guessable is removed: as many as NIST asks of a password
# that is used with a second factor.
_UNGUESSABLE_MIN: Final = 8
_DISTINCT_MIN: Final = 5
_WORD_MIN: Final = 3
_RUN_MIN: Final = 4

_RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop[]",
    "asdfghjkl;",
    "zxcvbnm",
    "azertyuiop",
    "qwertzuiop",
    "!@#$%^&*()",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "q1w2e3r4t5y6u7i8o9p0",
)
_YEAR: Final = re.compile(r"(?:19|20)[0-9]{2}")
_SEPARATORS: Final = re.compile(r"[\s\-_.,'\u2019]+")
_UNAMBIGUOUS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


class WeakPassword(DomainError):
    """The password is too short, too long or too easily guessed; the message says which."""


class Verdict(Struct, frozen=True):
    """Whether a password was right, and whether its hash should be renewed."""

    matches: bool
    needs_rehash: bool = False


class PasswordHasher:
    """Argon2id away from the event loop, at most two at a time, with few waiting."""

    def __init__(self) -> None:
        self._argon2 = Argon2(
            time_cost=ARGON2_PASSES, memory_cost=ARGON2_MEMORY_KIB, parallelism=ARGON2_LANES, type=Type.ID
        )
        self._threads = BoundedThreads(
            "password",
            threads=HASHING_THREADS,
            threads_each=HASHING_THREADS,
            at_most=HASHING_PLACES,
            refusal="too many passwords are being checked at the moment; try again",
        )
        self._nobody = self._argon2.hash(secrets.token_bytes())

    async def hash(self, password: str) -> str:
        """Return the PHC string to store, with its own salt and parameters. Raises Overloaded."""
        return await self._threads.run(self._argon2.hash, _encoded(password))

    async def verify(self, stored: str | None, password: str) -> Verdict:
        """Return whether `password` is the one behind `stored`; None stands for an unknown account.

        An unknown account takes the same time as a known one. Raises Overloaded, and argon2's
        `InvalidHashError` where `stored` is not a hash: the database is damaged then, and that must not look
        like a wrong password.
        """
        return await self._threads.run(self._verify, stored, _encoded(password))

    def _verify(self, stored: str | None, password: bytes) -> Verdict:
        try:
            self._argon2.verify(self._nobody if stored is None else stored, password)
        except VerifyMismatchError:
            return Verdict(matches=False)
        if stored is None:
            return Verdict(matches=False)
        return Verdict(matches=True, needs_rehash=self._argon2.check_needs_rehash(stored))


def refuse_weak(password: str, *, email: str, name: str) -> None:
    """Raise WeakPassword unless `password` may protect the account of `email`, called `name`.

    As NIST SP 800-63B asks: long, with any characters, none cut off and none required; not from a list of
    common passwords, nor made of the person's own words. No breach service is asked, because this is offline.
    """
    _refuse_length(password)
    text = _guesser_view(password)
    if len(set(text)) < _DISTINCT_MIN:
        raise WeakPassword(f"Use at least {_DISTINCT_MIN} different characters.")
    period = _period(text)
    if period < LENGTH_MIN and period * 2 <= len(text):
        raise WeakPassword("Repeating the same characters does not make a password stronger.")
    words = {"towpath", *_words_of(email), *_words_of(name)}
    if _left_without(text, words) < _UNGUESSABLE_MIN:
        raise WeakPassword("Use more than the name, the email address or 'Towpath'.")
    if _left_without(text, words | _common_passwords() | _runs_in(text)) < _UNGUESSABLE_MIN:
        raise WeakPassword("This password is easy to guess; use four or five unusual words.")


def generate_password() -> str:
    """Return 20 random characters in four groups (99 bits). No two of them look alike."""
    groups = ("".join(secrets.choice(_UNAMBIGUOUS) for _ in range(5)) for _ in range(4))
    return "-".join(groups)


def _refuse_length(password: str) -> None:
    """Count the characters as typed and as hashed (NFKC), where one ligature may be 18 letters, or none."""
    if min(len(password), len(_normal(password))) < LENGTH_MIN:
        raise WeakPassword(f"Use at least {LENGTH_MIN} characters; several words are easy to remember.")
    if len(password) > LENGTH_MAX:
        raise WeakPassword(f"Use at most {LENGTH_MAX} characters.")


def _normal(password: str) -> str:
    """Return the NFKC form (SP 800-63B 5.1.1.2): keyboards differ in how they compose an é."""
    return unicodedata.normalize("NFKC", password)


def _encoded(password: str) -> bytes:
    """Return what is hashed. Half a surrogate pair is passed through."""
    return _normal(password).encode("utf-8", "surrogatepass")


def _guesser_view(text: str) -> str:
    """Return `text` as a guesser tries it: case and separators make no difference."""
    return _SEPARATORS.sub("", _normal(_normal(text).casefold()))


def _period(text: str) -> int:
    """Return the length of the shortest piece that gives `text` when it is repeated; the last may be cut."""
    return next(each for each in range(1, len(text) + 1) if text[each:] == text[: len(text) - each])


def _words_of(text: str) -> set[str]:
    """Return the words of a name or an address that have at least three letters."""
    words = re.split(r"[\W_]+", _normal(_normal(text).casefold()))
    return {word for word in words if len(word) >= _WORD_MIN}


def _left_without(text: str, pieces: Collection[str]) -> int:
    """Return how many characters of `text` belong to none of the pieces, wherever these occur."""
    covered = bytearray(len(text))
    for piece in pieces:
        at = text.find(piece)
        while at >= 0:
            covered[at : at + len(piece)] = b"\1" * len(piece)
            at = text.find(piece, at + 1)
    return covered.count(0)


def _runs_in(text: str) -> set[str]:
    """Return the pieces of `text` that are a year, a repeated character, or a run.

    A run follows the alphabet, the digits or a row of a keyboard, in either direction.
    """
    lines = [each for run in _RUNS for each in (run, run[::-1])]
    windows = {text[at : at + _RUN_MIN] for at in range(len(text) - _RUN_MIN + 1)}
    runs = {each for each in windows if len(set(each)) == 1 or any(each in line for line in lines)}
    return runs | set(_YEAR.findall(text))


@cache
def _common_passwords() -> frozenset[str]:
    """Return the packaged list, each entry as `_guesser_view` shows it."""
    content = resources.files("service.foundation.crypto").joinpath("common_passwords.txt").read_text("utf-8")
    lines = (line for line in content.splitlines() if line and not line.startswith("#"))
    return frozenset(map(_guesser_view, lines))
