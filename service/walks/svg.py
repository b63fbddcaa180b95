"""The parts that pictures of routes share: SVG text, colours for light and dark, signs of features.

A picture is 360 units wide, as a phone is, and no text is smaller than 11. Colour never speaks alone: each
value has a dash pattern of its own too.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

import msgspec

from service.walks.features import Feature, FeatureKind

WIDTH: Final = 360.0
MARGIN: Final = 16.0
LINE_HEIGHT: Final = 17.0
SIGN_RADIUS: Final = 8.0
MOST_SIGNS: Final = 60
APART: Final = 13.0
"""A sign nearer than this to another is left out: two on top of each other say less than one."""


class Tone(NamedTuple):
    """A colour on white paper, the same on a dark screen, and the dashes that go with it."""

    light: str
    dark: str
    dashes: str


TONES: Final = (
    Tone("#0060a8", "#6cb6ff", ""),
    Tone("#b34700", "#ff9d5c", "10 3"),
    Tone("#00704a", "#3ecf8e", "4 3"),
    Tone("#8e2f7a", "#f08adf", "12 3 3 3"),
    Tone("#7a5c00", "#e3c04a", "7 6"),
    Tone("#a11d2e", "#ff8a92", "14 4"),
    Tone("#4a5568", "#b5c0d0", "3 6"),
    Tone("#006f7a", "#4fd3e0", "10 3 2 3 2 3"),
    Tone("#5b3a1e", "#d8a77b", "2 2"),
)
UNKNOWN: Final = Tone("#666666", "#a0a0a0", "1 4")
PAPER: Final = ("#ffffff", "#14171a")
INK: Final = ("#1a1a1a", "#f2f2f2")

SIGNS: Final = {
    FeatureKind.BENCH: "B",
    FeatureKind.SHELTER: "S",
    FeatureKind.TOILET: "T",
    FeatureKind.PARKING: "P",
    FeatureKind.BUS_STOP: "H",
    FeatureKind.EXIT: "X",
    FeatureKind.PRIVATE_SPOT: "Q",
    FeatureKind.HAZARD: "!",
    FeatureKind.GATE: "G",
    FeatureKind.STEPS: "Z",
    FeatureKind.CAFE: "C",
    FeatureKind.OTHER: "O",
}


class Sign(msgspec.Struct, frozen=True):
    """A feature where it is drawn."""

    feature: Feature
    x: float
    y: float


def number(value: float) -> str:
    """Return a coordinate to a tenth, without an idle zero."""
    return f"{round(value, 1) + 0.0:g}"


def words_of(value: object) -> str:
    """Return a value of the ground or a kind of feature as one reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).replace("_", " ")


def text(x: float, y: float, content: str, *, anchor: str = "start", bold: bool = False) -> str:
    """Return one line of text."""
    weight = ' class="label"' if bold else ""
    place = f'x="{number(x)}" y="{number(y)}" text-anchor="{anchor}"'
    return f"<text {place}{weight}>{escape(_printable(content))}</text>"


def path(points: Sequence[tuple[float, float]], tone: str) -> str:
    """Return a line through points, of the class of a tone."""
    d = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return f'<polyline class="{tone}" points="{d}"/>'


def spread(signs: Iterable[Sign]) -> list[Sign]:
    """Return those of the signs that do not lie on top of each other, in their order."""
    kept: list[Sign] = []
    for sign in signs:
        if len(kept) == MOST_SIGNS:
            break
        if all(abs(sign.x - each.x) >= APART or abs(sign.y - each.y) >= APART for each in kept):
            kept.append(sign)
    return kept


def drawn_signs(signs: Iterable[Sign]) -> list[str]:
    """Return signs: a letter in a ring, with the name of the feature as its title."""
    drawn = []
    for each in signs:
        feature = each.feature
        said = words_of(feature.kind) if feature.name is None else f"{words_of(feature.kind)}: {feature.name}"
        centre = f'cx="{number(each.x)}" cy="{number(each.y)}" r="{number(SIGN_RADIUS)}"'
        drawn.append(
            f'<g class="sign"><title>{escape(_printable(said))}</title><circle {centre}/>'
            f"{text(each.x, each.y + 4, SIGNS[feature.kind], anchor='middle', bold=True)}</g>"
        )
    return drawn


def sign_legend(signs: Sequence[Sign], drawn: Sequence[Sign], y: float) -> tuple[list[str], float]:
    """Return what the letters mean, two on a line, and where the next line begins."""
    kinds = sorted({each.feature.kind for each in drawn}, key=list(SIGNS).index)
    lines = []
    for index, kind in enumerate(kinds):
        column = MARGIN + (index % 2) * (WIDTH - 2 * MARGIN) / 2
        if index and not index % 2:
            y += LINE_HEIGHT
        lines.append(text(column, y, f"{SIGNS[kind]}  {words_of(kind)}"))
    if kinds:
        y += LINE_HEIGHT
    if len(drawn) < len(signs):
        lines.append(text(MARGIN, y, f"Too near to others to be drawn: {len(signs) - len(drawn)}"))
        y += LINE_HEIGHT
    return lines, y


def picture(title: str, description: str, height: float, parts: Iterable[str]) -> bytes:
    """Return a whole picture; without scripts, and without anything from elsewhere."""
    body = "".join(parts)
    size = f'viewBox="0 0 {number(WIDTH)} {number(height)}" width="{number(WIDTH)}" height="{number(height)}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="title desc">'
        f'<title id="title">{escape(_printable(title))}</title>'
        f'<desc id="desc">{escape(_printable(description))}</desc>'
        f"<style>{STYLE}</style>"
        f'<rect class="paper" width="{number(WIDTH)}" height="{number(height)}"/>{body}</svg>'
    ).encode()


def _printable(content: str) -> str:
    """Return text without what XML 1.0 has no place for."""
    return "".join(each for each in content if each.isprintable() or each in "\n\t")


def _style() -> str:
    tones = {f"t{index}": tone for index, tone in enumerate(TONES)} | {"unknown": UNKNOWN}
    dashes = "".join(
        f".{name}{{stroke-dasharray:{tone.dashes}}}" for name, tone in tones.items() if tone.dashes
    )

    def scheme(which: int) -> str:
        strokes = "".join(f".{name}{{stroke:{tone[which]}}}" for name, tone in tones.items())
        ink, paper = INK[which], PAPER[which]
        return (
            f".paper{{fill:{paper}}}text{{fill:{ink}}}.ink{{stroke:{ink}}}.solid{{fill:{ink}}}"
            f".label{{stroke:{paper}}}.sign circle{{fill:{paper};stroke:{ink}}}{strokes}"
        )

    common = (
        "text{font:12px system-ui,sans-serif}.sign text{font-size:11px}"
        ".label{font-weight:bold;stroke-width:3;paint-order:stroke;stroke-linejoin:round}"
        "polyline{fill:none;stroke-width:4;stroke-linejoin:round}"
        ".ink{fill:none;stroke-width:1}.thick{stroke-width:2}.turn{stroke-dasharray:4 3}"
    )
    return f"{common}{dashes}{scheme(0)}@media(prefers-color-scheme:dark){{{scheme(1)}}}"


STYLE: Final = _style()
