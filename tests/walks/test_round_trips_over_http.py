"""Routes that leave with their features and stretches and come back, over HTTP."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from service.walks.stretches import MOST_STRETCHES
from tests.http.files import GEOJSON_TYPE, GPX_TYPE, send_file
from tests.http.world import Phone, World
from tests.walks.drawings import LINE, OTHER_LINE, a_gpx, a_track, draw
from tests.walks.test_features_over_http import mark

OWN = 'xmlns:t="urn:towpath:gpx:1"'
TWO_SEGMENTS = {"type": "MultiLineString", "coordinates": [LINE, [[8.02, 52.01], [8.03, 52.01]]]}
FORMS = pytest.mark.parametrize(("form", "media_type"), [("gpx", GPX_TYPE), ("geojson", GEOJSON_TYPE)])
REFUGES = (("cafe", "yes"), ("toilet", "no"), ("bench", "unknown"), ("shelter", "no"))
STRETCHES: list[dict[str, Any]] = [
    {
        "from_m": 0,
        "to_m": 300.25,
        "surface": "mud_prone",
        "canopy": "scattered",
        "wind": "ridge_or_shore",
        "shade": "none",
        "shelter": "partly",
        "light": "partly_lit",
        "privacy": 0,
        "width_m": 1.25,
        "people": {"weekday_morning": "none", "weekend_evening": "many"},
        "water_beside": False,
        "drop_beside": True,
        "phone_signal": "none",
    },
    {"from_m": 700.5, "to_m": 1_200, "surface": "gravel"},
]


def drawn_with_ground(phone: Phone, **changes: Any) -> str:
    path = draw(phone, **changes)
    for number, (kind, refuge) in enumerate(REFUGES):
        place = {"kind": kind, "thunder_refuge": refuge, "lon": round(8.001 + number / 1_000, 7)}
        mark(phone, path, **place, name='<&"> مقعد', description="ליד השער")
    headers = {"If-Match": phone.get(path).headers["etag"]}
    answer = phone.put(f"{path}/stretches", json={"stretches": STRETCHES}, headers=headers)
    assert answer.status_code == 200, answer.text
    return path


def known(phone: Phone, path: str) -> Any:
    return phone.get(f"{path}/stretches").json()["stretches"]


def told(phone: Phone, path: str) -> Any:
    members = ("kind", "name", "description", "thunder_refuge", "lon", "lat", "along_m", "offset_m")
    features = phone.get(path).json()["features"]
    return sorted([each.get(member) for member in members] for each in features)


def path_of(imported: dict[str, Any]) -> str:
    return f"/v1/routes/{imported['route']['id']}"


@FORMS
@pytest.mark.parametrize("geojson", [{"type": "LineString", "coordinates": LINE}, TWO_SEGMENTS])
def test_features_and_stretches_come_back_as_they_were(
    world: World, form: str, media_type: str, geojson: dict[str, Any]
) -> None:
    path = drawn_with_ground(world.ada, name='<&"> مسار هادئ', geojson=geojson)
    content = world.ada.get(f"{path}/{form}").content
    imported = send_file(world.ada, content, media_type).json()
    assert (imported["skipped"], imported["skipped_count"]) == ([], 0)
    assert known(world.ada, path_of(imported)) == known(world.ada, path)
    assert told(world.ada, path_of(imported)) == told(world.ada, path)
    again = world.ada.get(f"{path_of(imported)}/{form}").content
    assert without_what_is_new(again) == without_what_is_new(content)


def without_what_is_new(content: bytes) -> list[bytes]:
    return sorted(line for line in content.splitlines() if b"<time>" not in line)


def test_the_same_file_again_answers_the_same_and_stores_nothing_more(world: World) -> None:
    content = world.ada.get(f"{drawn_with_ground(world.ada)}/gpx").content
    content = content.replace(b'"gravel"', b'"lava"')
    route_id = str(uuid4())
    first, again = (send_file(world.ada, content, id=route_id) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["skipped_count"] == 1
    assert len(known(world.ada, path_of(first.json()))) == 2


def test_a_route_of_two_segments_comes_back_from_a_rte_without_the_gap(world: World) -> None:
    path = drawn_with_ground(world.ada, geojson=TWO_SEGMENTS)
    ground = {"from_m": 1_200, "to_m": 1_500, "light": "lit"}
    assert world.ada.patch(f"{path}/stretches", ground).status_code == 200
    content = world.ada.get(f"{path}/gpx", params={"rte": True}).content
    track, route = (path_of(send_file(world.ada, content, line=number).json()) for number in (0, 1))
    assert known(world.ada, track) == known(world.ada, path)
    gap_m = world.ada.get(route).json()["length_m"] - world.ada.get(path).json()["length_m"]
    assert gap_m > 800
    end_m = 1_243.12
    lit = [(each["from_m"], each["to_m"]) for each in known(world.ada, route) if "light" in each][-2:]
    assert lit == [
        (1_200, pytest.approx(end_m, abs=0.02)),
        pytest.approx((end_m + gap_m, 1_500 + gap_m), abs=0.02),
    ]


def test_where_a_file_has_several_lines_each_keeps_its_own_stretches(world: World) -> None:
    one, other = (
        a_file("gpx", [{"from_m": 10, "to_m": 20, "surface": each}]) for each in ("sand", "mud_prone")
    )
    track = other[other.index(b"<trk>") : other.index(b"</gpx>")]
    both = one.replace(b"</gpx>", track + b"</gpx>")
    surfaces = []
    for line in (0, 1):
        imported = send_file(world.ada, both, line=line).json()
        surfaces.append([each.get("surface") for each in known(world.ada, path_of(imported))])
    assert surfaces == [[None, "sand", None], [None, "mud_prone", None]]


def test_an_import_under_an_id_that_is_taken_stores_nothing(world: World) -> None:
    path = draw(world.ada)
    before = known(world.ada, path)
    taken = send_file(world.ada, a_file("gpx", STRETCHES[1:]), id=path.rpartition("/")[2])
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:towpath:problem:id-taken")
    assert known(world.ada, path) == before
    assert told(world.ada, path) == []


def test_a_line_from_a_file_leaves_what_is_known_of_the_route_as_it_is(world: World) -> None:
    path = draw(world.ada)
    headers = {"If-Match": world.ada.get(path).headers["etag"], "Content-Type": GPX_TYPE}
    answer = world.ada.put(f"{path}/line", content=a_file("gpx", STRETCHES[1:], "no"), headers=headers)
    assert answer.status_code == 200, answer.text
    assert [each.get("surface") for each in known(world.ada, path)] == [None]
    assert told(world.ada, path) == []


def test_a_preview_counts_the_stretches_of_each_line_and_shows_refuges(world: World) -> None:
    content = world.ada.get(f"{drawn_with_ground(world.ada)}/gpx").content
    content = content.replace(b"</gpx>", a_track("Other", OTHER_LINE).encode() + b"</gpx>")
    headers = {"Content-Type": GPX_TYPE}
    preview = world.ada.send("POST", "/v1/routes/preview", content=content, headers=headers).json()
    assert [each["stretches"] for each in preview["lines"]] == [2, 0]
    assert [each.get("thunder_refuge") for each in preview["waypoints"]] == ["yes", "no", None, "no"]
    chosen = send_file(world.ada, content, line=1).json()
    assert [each["unset"] for each in known(world.ada, path_of(chosen))] == [
        known(world.ada, draw(world.ada))[0]["unset"]
    ]


def an_element(stretch: dict[str, Any]) -> str:
    attributes = " ".join(f'{name}="{value}"' for name, value in stretch.items())
    return f"<t:stretch {attributes}/>"


def a_file(form: str, stretches: list[dict[str, Any]], refuge: str | None = None) -> bytes:
    """Return a file with these stretches on one line and a bench with this claim."""
    if form == "gpx":
        elements = "".join(map(an_element, stretches))
        claim = "" if refuge is None else f'<t:feature thunder_refuge="{refuge}"/>'
        track = a_track("Canal", LINE).replace(
            "<trkseg>", f"<extensions {OWN}>{elements}</extensions><trkseg>"
        )
        mark_ = f'<wpt lon="8" lat="52"><type>bench</type><extensions {OWN}>{claim}</extensions></wpt>'
        return a_gpx(mark_, track)
    line = {
        "type": "Feature",
        "properties": {"name": "Canal", "stretches": stretches},
        "geometry": {"type": "LineString", "coordinates": LINE},
    }
    bench = {
        "type": "Feature",
        "properties": {"kind": "bench", "thunder_refuge": refuge},
        "geometry": {"type": "Point", "coordinates": [8, 52]},
    }
    return msgspec.json.encode({"type": "FeatureCollection", "features": [line, bench]})


def bad_stretches() -> Iterator[Any]:
    good = {"from_m": 10, "to_m": 20, "surface": "sand"}
    kept = [(10.0, 20.0)]
    for name, bad, reason in [
        ("negative", {"from_m": -1, "to_m": 5, "surface": "grass"}, "from_m"),
        ("backwards", {"from_m": 9, "to_m": 5, "surface": "grass"}, "after from_m"),
        ("not a number", {"from_m": "NaN", "to_m": 5, "surface": "grass"}, "from_m"),
        ("huge", {"from_m": 0, "to_m": "1e400", "surface": "grass"}, "to_m"),
        ("beyond the end", {"from_m": 100_000, "to_m": 100_100, "surface": "grass"}, "the line ends at"),
        ("no place", {"surface": "grass"}, "has no from_m"),
        ("unknown surface", {"from_m": 30, "to_m": 40, "surface": "lava"}, "surface"),
        ("unknown property", {"from_m": 30, "to_m": 40, "ferns": "many"}, "ferns"),
        ("too private", {"from_m": 30, "to_m": 40, "privacy": 4}, "privacy"),
        ("unknown hour", {"from_m": 30, "to_m": 40, "people_noon": "many"}, "people_noon"),
    ]:
        yield pytest.param([good, bad], kept, reason, id=name)
    inside = {"from_m": 12, "to_m": 18, "surface": "grass"}
    yield pytest.param([good, inside], kept, "overlaps", id="inside another")
    across = {"from_m": 15, "to_m": 30, "surface": "grass"}
    yield pytest.param([across, good], [(10, 20), (20, 30)], "overlaps", id="across another")
    over = {"from_m": 1_000, "to_m": 5_000, "surface": "grass"}
    yield pytest.param([good, over], [(10, 20), (1_000, 1_242.79)], "cut off", id="over the end")


@FORMS
@pytest.mark.parametrize(("stretches", "kept", "reason"), list(bad_stretches()))
def test_a_stretch_that_cannot_be_used_is_named_and_the_rest_is_kept(
    world: World, form: str, media_type: str, stretches: list[Any], kept: list[Any], reason: str
) -> None:
    answer = send_file(world.ada, a_file(form, stretches), media_type)
    assert answer.status_code == 201, answer.text
    imported = answer.json()
    (skipped,) = imported["skipped"]
    assert reason in skipped["reason"]
    assert skipped["what"] == "stretch"
    if form == "gpx":
        assert (skipped["line"], skipped["column"] > 1, "pointer" in skipped) == (1, True, False)
    else:
        assert skipped["pointer"].startswith("/features/0/properties/stretches/")
    places = [
        (each["from_m"], each["to_m"]) for each in known(world.ada, path_of(imported)) if "surface" in each
    ]
    assert places == [pytest.approx(each, abs=1) for each in kept]


@FORMS
def test_a_hundred_thousand_stretches_are_no_more_than_a_route_may_have(
    world: World, form: str, media_type: str
) -> None:
    stretch = {"from_m": 1, "to_m": 2, "light": "lit"}
    many = a_file(form, [stretch | {"from_m": 1 + n / 1e5} for n in range(100_000)])
    imported = send_file(world.ada, many, media_type).json()
    assert len(imported["skipped"]) == 20 if form == "gpx" else 1
    assert len(known(world.ada, path_of(imported))) <= MOST_STRETCHES


@FORMS
def test_a_bench_that_a_file_calls_a_refuge_stays_a_bench_and_loses_the_claim(
    world: World, form: str, media_type: str
) -> None:
    imported = send_file(world.ada, a_file(form, [], "yes"), media_type).json()
    (bench,) = imported["route"]["features"]
    assert (bench["kind"], bench["lon"], bench["thunder_refuge"]) == ("bench", 8, "unknown")
    (skipped,) = imported["skipped"]
    assert "thunder_refuge: a bench is none" in skipped["reason"]
    assert skipped.get("pointer") == (None if form == "gpx" else "/features/1/properties/thunder_refuge")


@FORMS
def test_a_claim_that_is_no_word_of_ours_is_named(world: World, form: str, media_type: str) -> None:
    imported = send_file(world.ada, a_file(form, [], "maybe"), media_type).json()
    assert imported["route"]["features"][0]["thunder_refuge"] == "unknown"
    assert "Invalid enum value 'maybe'" in imported["skipped"][0]["reason"]


def test_two_equal_properties_of_one_stretch_are_not_xml(world: World) -> None:
    content = a_file("gpx", [{"from_m": 1, "to_m": 2}]).replace(b"from_m", b'light="lit" light="lit" from_m')
    answer = send_file(world.ada, content)
    assert (answer.status_code, answer.json()["reason"]) == (422, "not-well-formed")


@pytest.mark.parametrize("value", ["7", '"much"', "{}", "[[[]]]", "[7]", "[" * 50 + "]" * 50, "null", "[]"])
def test_stretches_of_another_make_cost_the_line_nothing(world: World, value: str) -> None:
    content = a_file("geojson", []).replace(b'"stretches":[]', f'"stretches":{value}'.encode())
    answer = send_file(world.ada, content, GEOJSON_TYPE)
    assert answer.status_code == 201, answer.text
    assert answer.json()["skipped_count"] == (0 if value in {"null", "[]"} else 1)


def test_a_drawing_is_answered_with_what_was_left_out_of_it(world: World) -> None:
    drawing = msgspec.json.decode(a_file("geojson", STRETCHES, "yes"))
    body = {"id": str(uuid4()), "name": "Drawn", "geojson": drawing}
    answer = world.ada.post("/v1/routes", body)
    assert answer.status_code == 201, answer.text
    assert world.ada.post("/v1/routes", body).json() == answer.json()
    (skipped,) = answer.json()["skipped"]
    assert skipped["pointer"] == "/geojson/features/1/properties/thunder_refuge"
    path = answer.headers["location"]
    assert "skipped" not in world.ada.get(path).json()
    assert [each["surface"] for each in known(world.ada, path) if "surface" in each] == [
        "mud_prone",
        "gravel",
    ]
