"""Pictures of routes: well-formed, inside their frame, and true to what is known of the ground."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.geo.fixes import Fixes
from service.geo.geodesy import length_m
from service.geo.pace import Pace, turn_back
from service.walks.features import FeatureKind
from service.walks.outline_picture import ColourBy, draw_outline
from service.walks.profile_picture import draw_profile
from service.walks.stretches import Ground, Light, Stretch, Surface, whole_line
from service.walks.svg import INK, PAPER, TONES, UNKNOWN, WIDTH
from tests.made_up_walks import any_fixes, joined, walk
from tests.walks.test_finding import a_feature

SVG = "{http://www.w3.org/2000/svg}"
LINE = walk((0, 0), (1_000, 0), (1_000, 600), every_m=20)
KNOWN = (
    Stretch(0, 600, Ground(surface=Surface.PAVED)),
    Stretch(600, 900, Ground(surface=Surface.STEPS)),
)


def outline(
    line: Fixes = LINE, *stretches: Stretch, by: ColourBy | None = None, name: str = "Weir"
) -> ET.Element:
    return ET.fromstring(draw_outline(name, line, whole_line(stretches, length_m(line)), (), by))  # noqa: S314


def texts(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def lines(root: ET.Element) -> list[tuple[str, list[tuple[float, float]]]]:
    """Return the class and the points of each line."""
    found = []
    for each in root.iter(f"{SVG}polyline"):
        pairs = (point.split(",") for point in each.attrib["points"].split())
        found.append((each.attrib["class"], [(float(x), float(y)) for x, y in pairs]))
    return found


def test_each_part_of_the_line_has_the_tone_of_its_ground_and_the_legend_names_it() -> None:
    root = outline(LINE, *KNOWN, by=ColourBy.SURFACE)
    drawn, legend = lines(root)[:3], lines(root)[3:]
    assert [tone for tone, _ in drawn] == ["t0", "t8", "unknown"]
    assert [tone for tone, _ in legend] == ["t0", "t8", "unknown"]
    assert {"Surface", "paved", "steps", "not known"} <= set(texts(root))
    assert [before[1][-1] == after[1][0] for before, after in pairwise(drawn)] == [True, True]
    walked = [np.abs(np.diff([x + 1j * y for x, y in points])).sum() for _, points in drawn]
    assert np.array(walked) / sum(walked) == pytest.approx(np.array([600, 300, 700]) / 1_600, abs=0.01)


def test_a_value_keeps_its_tone_whatever_else_there_is() -> None:
    alone = outline(LINE, Stretch(0, 1_600, Ground(light=Light.UNLIT)), by=ColourBy.LIGHT)
    beside = outline(
        LINE,
        Stretch(0, 800, Ground(light=Light.LIT)),
        Stretch(800, 1_600, Ground(light=Light.UNLIT)),
        by=ColourBy.LIGHT,
    )
    assert lines(alone)[0][0] == lines(beside)[1][0] != lines(beside)[0][0]


def test_the_gap_between_two_segments_is_not_drawn() -> None:
    root = outline(joined(walk((0, 0), (300, 0)), walk((700, 0), (1_000, 0))))
    first, second = (points for _, points in lines(root))
    assert second[0][0] - first[-1][0] == pytest.approx((WIDTH - 32) * 0.4, abs=1)


def test_it_says_in_words_what_it_shows() -> None:
    root = outline(LINE, *KNOWN, by=ColourBy.SURFACE, name='Weir <&"> \u0000 مسار')
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert title.text == 'Weir <&">  مسار'
    assert description.text == (
        "The outline of a route of 1.6 km. Surface: not known 44 %, paved 38 %, steps 19 %."
    )
    assert root.attrib["role"] == "img"


def test_it_holds_nothing_that_runs_or_is_loaded() -> None:
    content = draw_outline("Weir", LINE, whole_line(KNOWN, 1_600), (), ColourBy.SURFACE).decode()
    assert not re.search(r"<script|<image|<a |href|url\(|@import|onload", content)
    assert content.count("http") == 1


@given(any_fixes(min_size=2), st.sampled_from([None, *ColourBy]))
def test_any_line_stays_in_its_frame(line: Fixes, by: ColourBy | None) -> None:
    whole_m = max(length_m(line), 0.02)
    stretches = whole_line([Stretch(0, whole_m / 2, Ground(privacy=2, water_beside=True))], whole_m)
    features = [a_feature(kind, number * 50, number * 10) for number, kind in enumerate(FeatureKind)]
    root = ET.fromstring(draw_outline("Weir", line, stretches, features, by))  # noqa: S314
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for _, points in lines(root):
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points)
    ET.fromstring(draw_profile("Weir", line, features, turn_back(line, 1_800, Pace())))  # noqa: S314


def test_the_profile_marks_where_to_turn_back() -> None:
    heights = 30 + 10 * np.sin(np.arange(len(LINE)) / 20)
    hilly = replace(LINE, ele_m=heights)
    bench = replace(a_feature(FeatureKind.BENCH, 500, 0), along_m=500)
    found = turn_back(hilly, 1_800, Pace())
    root = ET.fromstring(draw_profile("Weir", hilly, [bench], found))  # noqa: S314
    assert f"Turn back at {found.distance_m / 1_000:.1f} km, after {found.after_s / 60:.0f} min" in texts(
        root
    )
    assert {"B  bench", "0", "1", "1.5", "km"} <= set(texts(root))
    (turn,) = [each for each in root.iter(f"{SVG}path") if "turn" in each.attrib["class"]]
    assert float(turn.attrib["d"][1:].split(",")[0]) == pytest.approx(
        44 + 300 * found.distance_m / 1_600, abs=0.2
    )


def test_without_heights_the_profile_says_so() -> None:
    flat = replace(LINE, ele_m=np.full(len(LINE), np.nan))
    root = ET.fromstring(draw_profile("Weir", flat, (), turn_back(flat, 36_000, Pace())))  # noqa: S314
    assert {"Heights are not known", "There is time for all of it"} <= set(texts(root))


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_lines_and_words_stand_out_in_both_schemes(scheme: int) -> None:
    assert contrast(INK[scheme], PAPER[scheme]) >= 7
    assert min(contrast(tone[scheme], PAPER[scheme]) for tone in (*TONES, UNKNOWN)) >= 4.5
    assert len({tone.dashes for tone in (*TONES, UNKNOWN)}) == len(TONES) + 1
