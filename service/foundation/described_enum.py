"""Enumerations whose values say what they mean, for the API description."""

import enum
from typing import Self


class DescribedEnum(enum.StrEnum):
    """An enumeration of texts: each value is written as `NAME = "value", "What it means."`."""

    description: str

    def __new__(cls, value: str, description: str = "") -> Self:
        """Return the text `value`; `description` goes with it."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        return member
