"""What nobody sees is refused in an address; what changes the text around it, in any single line."""

# ruff: noqa: RUF001  names and addresses in other scripts

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.foundation.characters import fault_in_address, fault_in_line

IGNORABLE = [
    *(0xAD, 0x34F, 0x61C, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x115F, 0x1161),
    *range(0x17B4, 0x17B6),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    *range(0xFFF0, 0xFFF9),
    *range(0x1BCA0, 0x1BCA4),
    *range(0x1D173, 0x1D17B),
    *range(0xE0000, 0xE1000),
]
"""Default_Ignorable_Code_Point, from Unicode's DerivedCoreProperties.txt."""


@pytest.mark.parametrize("code", IGNORABLE[:60])
def test_an_ignorable_character_in_an_address_is_named(code: int) -> None:
    assert f"character 3 is U+{code:04X} " in str(fault_in_address(f"ad{chr(code)}a@river.example"))


def test_no_ignorable_character_passes_in_an_address() -> None:
    assert [code for code in IGNORABLE if fault_in_address(f"ada@river{chr(code)}.example") is None] == []


@given(character=st.characters(categories=["Cc", "Cf", "Zs", "Zl", "Zp"]))
def test_no_control_format_or_space_passes_in_an_address(character: str) -> None:
    assert fault_in_address(f"a{character}da@river.example") is not None


@pytest.mark.parametrize("character", ["\u2800", "\ufdfa", "\u00a8", "\uff20", "\ufe6b", "\ue000", "\u00a0"])
def test_a_character_that_is_compared_as_another_is_judged_as_that(character: str) -> None:
    """A blank pattern, a ligature of words, an accent on a space, two wide forms of @, one nobody knows."""
    assert fault_in_address(f"ad{character}a@river.example") is not None


@pytest.mark.parametrize("end", ["\n", "\t", "\u00a0", "\u200b", "\ufeff"])
def test_only_plain_spaces_around_an_address_do_not_matter(end: str) -> None:
    assert fault_in_address("  ada@river.example ") is None
    assert fault_in_address(f"ada@river.example{end}") is not None
    assert fault_in_address(f"{end}ada@river.example") is not None


def test_the_place_counts_the_spaces_before_an_address() -> None:
    assert "character 6 is U+00AD SOFT HYPHEN" in str(fault_in_address("  ada\u00ad@river.example"))


@pytest.mark.parametrize("address", ["ada", "@", "ada@", "@river.example", "ada@river@example", "", " "])
def test_an_address_has_two_sides(address: str) -> None:
    assert fault_in_address(address) is not None


@pytest.mark.parametrize(
    "address", ["ada@river.example", "Ада@река.рф", "用户@例子.公司", "zoë+walks@müller.example", "ａda@x"]
)
def test_an_address_may_be_in_any_script(address: str) -> None:
    assert fault_in_address(address) is None


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lock",
        "نرگس می\u200cخواهد",
        "क्\u200dष राम",
        "שרה\u200f לוי",
        "ភ្នំ\u200bពេញ",
        "O\u2019Neill-Müller",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "👩\u200d⚕\ufe0f",
        "\U0001fae9",
    ],
)
def test_a_name_may_be_in_any_script(name: str) -> None:
    assert fault_in_line(name) is None


@pytest.mark.parametrize("place", [1, 3, 6])
@pytest.mark.parametrize(
    "character", ["\n", "\r", "\t", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\u202e"]
)
def test_what_breaks_or_turns_a_line_is_named_with_its_place(character: str, place: int) -> None:
    name = "Quayle"[: place - 1] + character + "Quayle"[place - 1 :]
    assert f"character {place} is U+{ord(character):04X} " in str(fault_in_line(name))


@pytest.mark.parametrize("name", [" ", "\u3000", "\u200b", "\u200d\u200c", "\u2800", "\u3164\ufe0f"])
def test_a_name_shows_something(name: str) -> None:
    assert fault_in_line(name) == "nothing in it is visible"


@given(text=st.text())
def test_any_text_is_judged(text: str) -> None:
    fault_in_address(text)
    fault = fault_in_line(text)
    assert fault is not None or any(unicodedata.category(each) not in {"Cc", "Zl", "Zp"} for each in text)
