"""Measures a figure and its limit in turn, several times: a machine's speed drifts, their ratio does not."""

import statistics
from collections.abc import Callable
from typing import Final

import msgspec

ROUNDS: Final = 7


class Compared(msgspec.Struct, frozen=True):
    """A figure and its limit, measured once each round."""

    name: str
    unit: str
    figures: list[float]
    limits: list[float]
    target: float | None
    """The least ratio of figure to limit that is wanted; the greatest where `smaller` is true."""
    smaller: bool = False

    @property
    def ratios(self) -> list[float]:
        """Return figure divided by limit, for each round."""
        return [figure / limit for figure, limit in zip(self.figures, self.limits, strict=True)]

    def line(self) -> str:
        """Return the medians, the ratio with its least and greatest, and whether the target is met."""
        ratio = statistics.median(self.ratios)
        spread = f"{min(self.ratios):.2f}-{max(self.ratios):.2f}"
        text = (
            f"{self.name}: {statistics.median(self.figures):,.1f} {self.unit}, limit "
            f"{statistics.median(self.limits):,.1f}, ratio {ratio:.2f} ({spread})"
        )
        if self.target is None:
            return text
        met = ratio <= self.target if self.smaller else ratio >= self.target
        return f"{text}, wanted {'≤' if self.smaller else '≥'} {self.target}: {'met' if met else 'MISSED'}"


def compare(
    name: str,
    unit: str,
    figure: Callable[[], float],
    limit: Callable[[], float],
    *,
    target: float | None,
    smaller: bool = False,
    rounds: int = ROUNDS,
) -> Compared:
    """Warm both up once, measure them in turn, and print the line."""
    figure(), limit()
    pairs = [(figure(), limit()) for _ in range(rounds)]
    compared = Compared(name, unit, [pair[0] for pair in pairs], [pair[1] for pair in pairs], target, smaller)
    print(compared.line(), flush=True)
    return compared
