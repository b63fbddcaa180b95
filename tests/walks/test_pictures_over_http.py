"""Pictures of routes over HTTP."""

from xml.etree import ElementTree as ET

import pytest

from tests.http.world import World
from tests.walks.drawings import draw


def test_pictures_are_svg_with_an_etag_of_their_content(world: World) -> None:
    route = draw(world.ada)
    for name in ("outline.svg", "profile.svg"):
        answer = world.ada.get(f"{route}/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert ET.fromstring(answer.content).tag.endswith("svg")  # noqa: S314
        known = {"If-None-Match": answer.headers["etag"]}
        assert world.ada.get(f"{route}/{name}", headers=known).status_code == 304


def test_what_is_asked_for_is_drawn(world: World) -> None:
    route = draw(world.ada)
    stretches = {"stretches": [{"from_m": 0, "to_m": 100, "surface": "gravel"}]}
    put = world.ada.put(f"{route}/stretches", json=stretches, headers={"If-Match": "*"})
    assert put.status_code == 200, put.text
    outline = f"{route}/outline.svg"
    plain, coloured = (world.ada.get(outline, params=each) for each in ({}, {"colour_by": "surface"}))
    assert "gravel" not in plain.text
    assert "gravel" in coloured.text
    assert plain.headers["etag"] != coloured.headers["etag"]
    timed = world.ada.get(f"{route}/profile.svg", params={"minutes": 12})
    assert "Turn back" in timed.text or "There is time" in timed.text
    assert world.ada.patch(route, {"archived": True}).status_code == 200
    assert world.ada.get(outline).status_code == 200


@pytest.mark.parametrize(
    ("picture", "params", "named"),
    [
        ("outline.svg", {"colour_by": "mood"}, "colour_by"),
        ("profile.svg", {"minutes": -1}, "minutes"),
        ("profile.svg", {"flat_pace_mps": 0}, "flat_pace_mps"),
    ],
)
def test_a_wrong_parameter_is_named(
    world: World, picture: str, params: dict[str, object], named: str
) -> None:
    route = draw(world.ada)
    refused = world.ada.get(f"{route}/{picture}", params=params)
    assert (refused.status_code, refused.json()["parameter"]) == (400, named)
