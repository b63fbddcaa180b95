"""The elevation profile of a route as a picture, with its features and where to turn back."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from service.geo.climb import ascent_descent_m
from service.geo.fixes import Fixes, Floats
from service.geo.geodesy import length_m
from service.geo.pace import TurnBack, line_profile
from service.walks.features import Feature
from service.walks.svg import (
    LINE_HEIGHT,
    MARGIN,
    WIDTH,
    Sign,
    drawn_signs,
    number,
    path,
    picture,
    sign_legend,
    spread,
    text,
)

LEFT: Final = 44.0
RIGHT: Final = WIDTH - MARGIN
TOP: Final = 64.0
BOTTOM: Final = 184.0
SIGNS_AT: Final = 48.0
LEAST_SPAN_M: Final = 20.0
"""Heights spread at least this far, so that a level towpath looks level."""
MOST_POINTS: Final = 320


def draw_profile(name: str, line: Fixes, features: Sequence[Feature], turn_back: TurnBack | None) -> bytes:
    """Return the profile as SVG; without heights it says so, and shows the distances all the same."""
    whole_m = max(length_m(line), 1.0)
    profile = line_profile(line)
    parts = _distances(whole_m)
    if profile is None:
        parts += _level()
    else:
        parts += _heights(profile.along_m / whole_m, profile.height_m)
    signs = [
        Sign(each, LEFT + min(each.along_m / whole_m, 1.0) * (RIGHT - LEFT), SIGNS_AT)
        for each in sorted(features, key=lambda each: each.along_m)
    ]
    shown = spread(signs)
    parts += drawn_signs(shown)
    if turn_back is not None:
        parts += _turn_mark(turn_back, whole_m)
    legend, end = sign_legend(signs, shown, BOTTOM + 2 * LINE_HEIGHT + 8)
    return picture(name, _description(line, whole_m, turn_back), end, [*parts, *legend])


def _description(line: Fixes, whole_m: float, turn_back: TurnBack | None) -> str:
    said = f"The profile of a route of {whole_m / 1_000:.1f} km. "
    climbs = ascent_descent_m(line)
    if climbs is None:
        said += "Its heights are not known."
    else:
        said += f"It climbs {climbs[0]:.0f} m and descends {climbs[1]:.0f} m."
    return said if turn_back is None else f"{said} {_turn_words(turn_back)}."


def _turn_words(turn_back: TurnBack) -> str:
    if turn_back.whole:
        return "There is time for all of it"
    return f"Turn back at {turn_back.distance_m / 1_000:.1f} km, after {turn_back.after_s / 60:.0f} min"


def _distances(whole_m: float) -> list[str]:
    """Return the axis of distances with its ticks."""
    parts = [f'<path class="ink" d="M{number(LEFT)},{number(BOTTOM)}H{number(RIGHT)}"/>']
    step_m = _round_step(whole_m, 4)
    for at_m in np.arange(0.0, whole_m * 1.0001, step_m).tolist():
        x = LEFT + at_m / whole_m * (RIGHT - LEFT)
        parts.append(f'<path class="ink" d="M{number(x)},{number(BOTTOM)}v4"/>')
        parts.append(text(x, BOTTOM + LINE_HEIGHT, f"{at_m / 1_000:g}", anchor="middle"))
    parts.append(text(LEFT - 8, BOTTOM + LINE_HEIGHT, "km", anchor="end"))
    return parts


def _level() -> list[str]:
    middle = (TOP + BOTTOM) / 2
    return [
        path([(LEFT, middle), (RIGHT, middle)], "unknown"),
        text((LEFT + RIGHT) / 2, middle - 10, "Heights are not known", anchor="middle"),
    ]


def _heights(share: Floats, height_m: Floats) -> list[str]:
    lowest, highest = float(height_m.min()), float(height_m.max())
    middle, span_m = (lowest + highest) / 2, max(highest - lowest, LEAST_SPAN_M)
    step_m = _round_step(span_m, 3)
    base = np.floor((middle - span_m / 2) / step_m) * step_m
    top = np.ceil((middle + span_m / 2) / step_m) * step_m
    parts = []
    for at_m in np.arange(base, top + step_m / 2, step_m).tolist():
        y = BOTTOM - (at_m - base) / (top - base) * (BOTTOM - TOP)
        parts.append(f'<path class="ink" d="M{number(LEFT - 4)},{number(y)}h4"/>')
        unit = " m" if at_m + step_m / 2 > top else ""
        parts.append(text(LEFT - 8, y + 4, f"{at_m:g}{unit}", anchor="end"))
    wanted = np.linspace(0.0, 1.0, min(share.size, MOST_POINTS))
    y = BOTTOM - (np.interp(wanted, share, height_m) - base) / (top - base) * (BOTTOM - TOP)
    x = LEFT + wanted * (RIGHT - LEFT)
    return [*parts, path(list(zip(x.tolist(), y.tolist(), strict=True)), "t0")]


def _turn_mark(turn_back: TurnBack, whole_m: float) -> list[str]:
    """Return a mark where to turn back, with when; words alone where there is time for everything."""
    words = text(LEFT, 20, _turn_words(turn_back), bold=True)
    if turn_back.whole:
        return [words]
    x = LEFT + min(turn_back.distance_m / whole_m, 1.0) * (RIGHT - LEFT)
    return [words, f'<path class="ink thick turn" d="M{number(x)},{number(26)}V{number(BOTTOM)}"/>']


def _round_step(whole: float, parts: int) -> float:
    """Return a round step of which about so many make up the whole."""
    power = 10 ** np.floor(np.log10(whole / parts))
    return float(min((each * power for each in (1, 2, 5, 10)), key=lambda each: abs(each - whole / parts)))
