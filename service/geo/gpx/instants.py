"""Read ISO 8601 date-times as milliseconds since 1970 UTC: equally written ones by column, others singly."""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from service.geo.fixes import NO_TIME, Instants

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  naive on purpose: the offset is added separately
_MILLISECOND: Final = timedelta(milliseconds=1)

_DATE_TIME: Final = re.compile(
    r"\s*(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
    r"\s*(?:Z|(?P<sign>[+-])(?P<offset_h>\d\d):?(?P<offset_min>\d\d)?)?\s*",
    re.ASCII | re.IGNORECASE,
)

_NOT_NUMBERS: Final = frozenset({"fraction", "sign"})
_LEAP_SECOND: Final = 60
_LARGEST_OFFSET_MIN: Final = 24 * 60

_LENGTHS_BY_COLUMN: Final = 8
"""Texts of this many lengths are read by column: enough for fractions without their trailing zeros."""


def read_instants(texts: Sequence[str]) -> Instants:
    """Return milliseconds since 1970 UTC for each text, or `NO_TIME` for one that is not a date-time.

    A time without a zone is UTC. Digits beyond the millisecond are cut off. Digits of any script are read:
    phones write times in those of their user's language.
    """
    texts = _in_ascii_digits(texts)
    instants = np.full(len(texts), NO_TIME, dtype=np.int64)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    unread = lengths > 0
    for length in np.unique(lengths[unread])[:_LENGTHS_BY_COLUMN]:
        members = np.flatnonzero(lengths == length)
        alike = texts if len(members) == len(texts) else [texts[index] for index in members.tolist()]
        read, understood = _read_alike(alike)
        instants[members[understood]] = read[understood]
        unread[members[understood]] = False
    for index in np.flatnonzero(unread).tolist():
        instants[index] = read_instant(texts[index])
    return instants


def _read_alike(texts: Sequence[str]) -> tuple[Instants, npt.NDArray[np.bool_]]:
    """Read texts of one length by the columns of the first; also return which texts fit those columns."""
    first = _DATE_TIME.fullmatch(texts[0])
    joined = "".join(texts)
    if first is None or not joined.isascii():
        return np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
    characters = np.frombuffer(joined.encode(), dtype=np.uint8).reshape(len(texts), -1)
    is_digit = np.array([character.isdigit() for character in texts[0]])
    digits = (characters - np.uint8(ord("0"))).astype(np.int64)  # characters below "0" wrap round to above 9
    understood = (digits[:, is_digit] <= 9).all(axis=1)
    understood &= (characters[:, ~is_digit] == characters[0, ~is_digit]).all(axis=1)
    digits[~understood] = 0

    def number(group: str, most_digits: int = 4) -> npt.NDArray[np.int64]:
        """Return a group of every text as numbers, or 0 if the first text lacks the group."""
        start, stop = first.span(group)
        columns = digits[:, start : min(stop, start + most_digits)]
        return columns @ (10 ** np.arange(columns.shape[1], dtype=np.int64)[::-1])

    months = (number("year") - 1970) * 12 + number("month") - 1
    days = _first_day(months) + number("day") - 1
    understood &= (number("year") >= 1) & (number("month") >= 1) & (number("month") <= 12)
    understood &= (number("day") >= 1) & (days < _first_day(months + 1))
    understood &= (number("hour") <= 23) & (number("minute") <= 59) & (number("second") <= 59)
    fraction_digits = min(len(first["fraction"] or ""), 3)
    milliseconds = number("second") * 1_000 + number("fraction", 3) * 10 ** (3 - fraction_digits)
    offset_min = (number("offset_h") * 60 + number("offset_min")) * (-1 if first["sign"] == "-" else 1)
    understood &= np.abs(offset_min) <= _LARGEST_OFFSET_MIN
    minutes = (days * 24 + number("hour")) * 60 + number("minute") - offset_min
    return minutes * 60_000 + milliseconds, understood


def _first_day(months: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the day since 1970 on which each month since 1970 begins."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def read_instant(text: str) -> int:
    """Return milliseconds since 1970 UTC, or `NO_TIME` if the text is not a date-time."""
    match = _DATE_TIME.fullmatch(_in_ascii_digits([text])[0])
    if match is None:
        return NO_TIME
    number = {name: int(value or 0) for name, value in match.groupdict().items() if name not in _NOT_NUMBERS}
    offset_min = number["offset_h"] * 60 + number["offset_min"]
    if number["second"] > _LEAP_SECOND or offset_min > _LARGEST_OFFSET_MIN:
        return NO_TIME
    try:
        minute = datetime(number["year"], number["month"], number["day"], number["hour"], number["minute"])  # noqa: DTZ001  see _EPOCH
    except ValueError:
        return NO_TIME
    milliseconds = number["second"] * 1_000 + int((match["fraction"] or "")[:3].ljust(3, "0"))
    shift_ms = offset_min * (60_000 if match["sign"] == "-" else -60_000)
    return (minute - _EPOCH) // _MILLISECOND + milliseconds + shift_ms


def count_without_zone(texts: Sequence[str]) -> int:
    """Return how many of the texts are date-times that name no zone."""
    return sum(1 for text in texts if not text.endswith("Z") and _names_no_zone(text))


def _names_no_zone(text: str) -> bool:
    match = _DATE_TIME.fullmatch(_in_ascii_digits([text])[0])
    return match is not None and match["sign"] is None and text.strip()[-1:] not in ("Z", "z")


def _in_ascii_digits(texts: Sequence[str]) -> Sequence[str]:
    """Return texts with the decimal digits of any script as 0 to 9."""
    characters = set("".join(texts))
    digits = {ord(each): unicodedata.decimal(each, None) for each in characters if not each.isascii()}
    ascii_digits = {code: str(value) for code, value in digits.items() if value is not None}
    return [text.translate(ascii_digits) for text in texts] if ascii_digits else texts
