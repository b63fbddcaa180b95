"""Characters that a line of text may not hold, because nobody sees them or they change what is seen."""

import unicodedata
from typing import Final

_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the direction of the text around them, so a name can show as another one."""
_BREAKING: Final = frozenset({"Cc", "Zl", "Zp"})
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"})
_UNKNOWN: Final = frozenset({"Cn", "Co"})
_BLANK: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Letters and marks that show nothing: Unicode's default ignorable ones, and the blank Braille pattern."""


def fault_in_line(text: str) -> str | None:
    """Return why `text` cannot be a single line, such as a name; None where it can.

    Refused are control characters, line breaks, and marks that turn the direction of text. The joiners
    U+200C and U+200D stay: Persian and Indic names need them.
    """
    for place, character in enumerate(text, start=1):
        if unicodedata.category(character) in _BREAKING or character in _TURNING:
            return f"{_named(place, character)}; send one line of plain text"
    if all(_is_unseen(each) for each in text):
        return "nothing in it is visible"
    return None


def fault_in_address(text: str) -> str | None:
    """Return why `text` cannot be an email address; None where it can. Spaces around it do not matter.

    Two addresses that look alike must not differ in what nobody sees, so every character must be visible,
    also as it is compared (NFKC).
    """
    first = len(text) - len(text.lstrip(" ")) + 1
    for place, character in enumerate(text.strip(" "), start=first):
        if any(map(_is_unfit_for_address, unicodedata.normalize("NFKC", character))):
            return f"{_named(place, character)}; an email address has visible characters only"
    local, _, domain = unicodedata.normalize("NFKC", text.strip(" ")).partition("@")
    if not local or not domain or "@" in domain:
        return "an email address has one @, with something on each side"
    return None


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN or character in _BLANK


def _is_unfit_for_address(character: str) -> bool:
    return _is_unseen(character) or unicodedata.category(character) in _UNKNOWN


def _named(place: int, character: str) -> str:
    name = unicodedata.name(character, "a control character")
    return f"character {place} is U+{ord(character):04X} {name}"
