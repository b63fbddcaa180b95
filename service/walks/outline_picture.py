"""The outline of a route as a picture: its line, coloured by what is known of the ground, and features."""

import enum
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import shapely

from service.geo.fixes import Fixes, Floats
from service.geo.geodesy import distances_m, is_loop, local_plane
from service.walks.features import Feature
from service.walks.stretches import Stretch
from service.walks.svg import (
    LINE_HEIGHT,
    MARGIN,
    TONES,
    WIDTH,
    Sign,
    drawn_signs,
    number,
    path,
    picture,
    sign_legend,
    spread,
    text,
    words_of,
)

HIGHEST: Final = 420.0
LOWEST: Final = 60.0
WITHIN: Final = 0.4
"""The line is drawn this near to what it is, in units of the picture."""
MOST_POINTS: Final = 1_500
ARROW: Final = 6.0
PLAIN_VALUES: Final = (0, 1, 2, 3)
"""Of privacy; no and yes equal the first two."""


class ColourBy(enum.StrEnum):
    """The property of the ground that a line is coloured by."""

    SURFACE = "surface"
    CANOPY = "canopy"
    WIND = "wind"
    SHADE = "shade"
    SHELTER = "shelter"
    LIGHT = "light"
    PRIVACY = "privacy"
    WATER_BESIDE = "water_beside"
    DROP_BESIDE = "drop_beside"
    PHONE_SIGNAL = "phone_signal"


class _Drawing(msgspec.Struct, frozen=True, eq=False):
    """A line on the picture: coordinates of its points, and how far along it each lies."""

    x: Floats
    y: Floats
    along_m: Floats
    starts: Sequence[int]
    metres_a_unit: float
    height: float


def draw_outline(
    name: str,
    line: Fixes,
    stretches: Sequence[Stretch],
    features: Sequence[Feature],
    colour_by: ColourBy | None,
) -> bytes:
    """Return the outline as SVG; `stretches` cover the whole line."""
    drawing, signs = _laid_out(line, features)
    values = [None if colour_by is None else getattr(each.ground, colour_by) for each in stretches]
    tones = _tones(values, colour_by)
    parts = list(_drawn_line(drawing, stretches, values, tones))
    parts += _arrows(drawing)
    parts += _ends(drawing, loop=is_loop(line))
    shown = spread(signs)
    parts += drawn_signs(shown)
    y = drawing.height + LINE_HEIGHT
    parts += _scale(drawing, y)
    y += LINE_HEIGHT + 4
    if colour_by is not None:
        parts.append(text(MARGIN, y, words_of(colour_by).capitalize(), bold=True))
        y += LINE_HEIGHT
        for value, tone in tones.items():
            parts.append(path([(MARGIN, y - 4), (MARGIN + 36, y - 4)], tone))
            parts.append(text(MARGIN + 44, y, "not known" if value is None else words_of(value)))
            y += LINE_HEIGHT
    legend, y = sign_legend(signs, shown, y)
    parts += legend
    return picture(name, _description(line, stretches, values, colour_by), y, parts)


def _description(
    line: Fixes, stretches: Sequence[Stretch], values: Sequence[Any], colour_by: ColourBy | None
) -> str:
    length_m = stretches[-1].to_m
    said = f"The outline of a {'loop' if is_loop(line) else 'route'} of {length_m / 1_000:.1f} km."
    if colour_by is None:
        return said
    metres: dict[Any, float] = {}
    for stretch, value in zip(stretches, values, strict=True):
        metres[value] = metres.get(value, 0.0) + stretch.length_m
    shares = (
        f"{'not known' if value is None else words_of(value)} {round(100 * part_m / length_m)} %"
        for value, part_m in sorted(metres.items(), key=lambda pair: -pair[1])
    )
    return f"{said} {words_of(colour_by).capitalize()}: {', '.join(shares)}."


def _laid_out(line: Fixes, features: Sequence[Feature]) -> tuple[_Drawing, list[Sign]]:
    """Return the line and the features in units of the picture, with north up."""
    plane = local_plane(line)
    east_m, north_m = plane.project(line.lon, line.lat)
    at = plane.project(np.array([each.lon for each in features]), np.array([each.lat for each in features]))
    near = (np.abs(at[0]) <= 2 * np.ptp(east_m) + 500) & (np.abs(at[1]) <= 2 * np.ptp(north_m) + 500)
    all_east_m, all_north_m = (
        np.concatenate(each) for each in ((east_m, at[0][near]), (north_m, at[1][near]))
    )
    frame = WIDTH - 2 * MARGIN
    wide_m, high_m = max(float(np.ptp(all_east_m)), 1.0), max(float(np.ptp(all_north_m)), 1.0)
    metres_a_unit = max(wide_m / frame, high_m / HIGHEST)
    height = max(high_m / metres_a_unit, LOWEST)
    left = MARGIN + (frame - wide_m / metres_a_unit) / 2
    top = MARGIN + (height - high_m / metres_a_unit) / 2

    def place(east_m: Floats, north_m: Floats) -> tuple[Floats, Floats]:
        x = left + (east_m - all_east_m.min()) / metres_a_unit
        return x, top + (all_north_m.max() - north_m) / metres_a_unit

    x, y = place(east_m, north_m)
    signs_x, signs_y = place(*at)
    placed = zip(features, signs_x.tolist(), signs_y.tolist(), near.tolist(), strict=True)
    signs = [Sign(feature, *each) for feature, *each, is_near in placed if is_near]
    starts = [*line.starts.tolist(), len(line)]
    return _Drawing(x, y, distances_m(line), starts, metres_a_unit, height + MARGIN), signs


def _tones(values: Sequence[Any], colour_by: ColourBy | None) -> dict[Any, str]:
    """Return the class of each value that occurs: in the order of the values, what is not known last."""
    if colour_by is None:
        return {None: "t0"}
    known = {each for each in values if each is not None}
    order = sorted(known, key=lambda each: _rank(each, PLAIN_VALUES))
    tones = {each: f"t{_rank(each, PLAIN_VALUES) % len(TONES)}" for each in order}
    return tones | ({None: "unknown"} if None in values else {})


def _rank(value: Any, order: Sequence[Any]) -> int:  # noqa: ANN401  a value of any property
    """Return the place of a value among all that its property may have, so that its colour stays."""
    return list(type(value)).index(value) if isinstance(value, enum.Enum) else order.index(value)


def _drawn_line(
    drawing: _Drawing, stretches: Sequence[Stretch], values: Sequence[Any], tones: dict[Any, str]
) -> Iterator[str]:
    """Yield the parts of the line that have one value; the gap between two segments is not drawn."""
    pieces, lines = _pieces(drawing, stretches, values)
    if not pieces:
        return  # every point is a segment of its own
    within, most = WITHIN, MOST_POINTS + 2 * len(pieces)
    simple = shapely.simplify(lines, within, preserve_topology=False)
    while shapely.get_num_coordinates(simple).sum() > most:
        within *= 2
        simple = shapely.simplify(lines, within, preserve_topology=False)
    points, owners = shapely.get_coordinates(simple, return_index=True)
    ends = np.searchsorted(owners, np.arange(len(pieces) + 1)).tolist()
    for value, (start, end) in zip(pieces, pairwise(ends), strict=True):
        yield path(points[start:end].tolist(), tones[value])


def _pieces(
    drawing: _Drawing, stretches: Sequence[Stretch], values: Sequence[Any]
) -> tuple[list[Any], npt.NDArray[Any]]:
    """Return the value of each part of the line that has one and lies in one segment, and the parts."""
    groups = [
        (value, [stretch for _, stretch in group])
        for value, group in groupby(zip(values, stretches, strict=True), key=lambda pair: pair[0])
    ]
    bounds_m = np.array([0.0, *(own[-1].to_m for _, own in groups)])
    bounds_m[-1] = max(bounds_m[-1], drawing.along_m[-1])  # lengths are rounded
    pieces, parts = [], []
    for start, end in pairwise(drawing.starts):
        along_m = drawing.along_m[start:end]
        inside_m = bounds_m[(bounds_m > along_m[0]) & (bounds_m < along_m[-1])]
        cut_m = np.sort(np.concatenate((along_m, inside_m)))
        columns = (np.interp(cut_m, along_m, each[start:end]) for each in (drawing.x, drawing.y))
        points = np.stack(tuple(columns), axis=1)
        firsts = np.searchsorted(cut_m, bounds_m[:-1])
        lasts = np.searchsorted(cut_m, bounds_m[1:], side="right")
        for (value, _), first, last in zip(groups, firsts.tolist(), lasts.tolist(), strict=True):
            if last - first > 1:
                pieces.append(value)
                parts.append(points[first:last])
    owners = np.repeat(np.arange(len(parts)), [len(each) for each in parts])
    points = np.concatenate([np.empty((0, 2)), *parts])
    return pieces, np.asarray(shapely.linestrings(points, indices=owners))


def _arrows(drawing: _Drawing) -> Iterator[str]:
    """Yield arrows in the direction of the walk, a third and two thirds along it."""
    for share in (1 / 3, 2 / 3):
        after = int(
            np.clip(np.searchsorted(drawing.along_m, share * drawing.along_m[-1]), 1, drawing.x.size - 1)
        )
        way = np.array([np.diff(each[after - 1 : after + 1])[0] for each in (drawing.x, drawing.y)])
        if not np.hypot(*way):
            continue
        turn = np.degrees(np.arctan2(way[1], way[0]))
        x, y = (float(each[after - 1 : after + 1].mean()) for each in (drawing.x, drawing.y))
        shape = f"M{-ARROW},{-ARROW}L{ARROW},0L{-ARROW},{ARROW}Z"
        placed = f"translate({number(x)} {number(y)}) rotate({turn:.0f})"
        yield f'<path class="solid" d="{shape}" transform="{placed}"/>'


def _ends(drawing: _Drawing, *, loop: bool) -> list[str]:
    named = [(0, "Start and end" if loop else "Start")] + ([] if loop else [(-1, "End")])
    parts = []
    for index, words in named:
        x, y = float(drawing.x[index]), float(drawing.y[index])
        beyond = x > WIDTH * 0.6
        parts.append(f'<circle class="solid" cx="{number(x)}" cy="{number(y)}" r="5"/>')
        label_x = x - 9 if beyond else x + 9
        parts.append(text(label_x, max(y - 7, 12), words, anchor="end" if beyond else "start", bold=True))
    return parts


def _scale(drawing: _Drawing, y: float) -> list[str]:
    """Return a bar of a round length, and an arrow to the north."""
    most_m = (WIDTH - 2 * MARGIN) / 3 * drawing.metres_a_unit
    power = 10 ** np.floor(np.log10(most_m))
    bar_m = float(max(each * power for each in (1, 2, 5) if each * power <= most_m))
    end = MARGIN + bar_m / drawing.metres_a_unit
    words = f"{bar_m / 1_000:g} km" if bar_m >= 1_000 else f"{bar_m:g} m"
    north = WIDTH - MARGIN
    return [
        f'<path class="ink thick" d="M{number(MARGIN)},{number(y - 8)}v6H{number(end)}v-6"/>',
        text(end + 6, y, words),
        text(north - 14, y, "N", anchor="end", bold=True),
        f'<path class="ink thick" d="M{number(north - 6)},{number(y)}v-12m-4,4l4,-4l4,4"/>',
    ]
