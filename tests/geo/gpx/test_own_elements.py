"""Elements of our own namespace in extensions: found by the namespace, whatever the prefix, and bounded."""

import gc
import tracemalloc
from xml.etree import ElementTree as ET

import gpxpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.geo.gpx.model import OWN_NAMESPACE, GpxFile, GpxLimits, GpxRefused, OwnElement, Waypoint
from service.geo.gpx.reader import read_gpx
from service.geo.gpx.writer import write_gpx
from tests.geo.gpx.samples import NOW, read
from tests.made_up_walks import fixes_at

GPX = "{http://www.topografix.com/GPX/1/1}"
POINTS = '<trkpt lat="1" lon="1"/><trkpt lat="1" lon="1.1"/>'
OWN = f'xmlns:t="{OWN_NAMESPACE}"'


def a_file(extensions: str, *, root: str = "", track: str = "", waypoint: str = "") -> str:
    """Return a file with these extensions in its waypoint, its track and its route."""
    return (
        f'<gpx xmlns="http://www.topografix.com/GPX/1/1" {root}>'
        f'<wpt lat="1" lon="2" {waypoint}><name>w</name>{extensions}<sym>s</sym></wpt>'
        f'<rte {track}>{extensions}<rtept lat="1" lon="1"/></rte>'
        f"<trk {track}><name>n</name>{extensions}<trkseg>{POINTS}</trkseg></trk></gpx>"
    )


def found(file: GpxFile) -> list[list[tuple[str, dict[str, str]]]]:
    owns = [each.own for each in file.waypoints]
    owns += [each.own for each in (*file.routes, *file.tracks)]
    return [[(each.name, dict(each.attributes)) for each in own] for own in owns]


ONE = [("stretch", {"from_m": "1"})]


@pytest.mark.parametrize(
    ("extensions", "root", "track", "waypoint"),
    [
        ('<extensions><t:stretch from_m="1"/></extensions>', OWN, "", ""),
        ('<extensions><t:stretch from_m="1"/></extensions>', "", OWN, OWN),
        (f'<extensions {OWN}><t:stretch from_m="1"/></extensions>', "", "", ""),
        (f'<extensions><t:stretch {OWN} from_m="1"/></extensions>', "", "", ""),
        (f'<extensions><stretch xmlns="{OWN_NAMESPACE}" from_m="1"/></extensions>', "", "", ""),
    ],
)
def test_any_prefix_may_stand_for_the_namespace(
    extensions: str, root: str, track: str, waypoint: str
) -> None:
    file = read(a_file(extensions, root=root, track=track, waypoint=waypoint))
    assert found(file) == [ONE] * 3
    assert (file.skipped_count, file.waypoints[0].symbol, file.tracks[0].name) == (0, "s", "n")
    assert [len(each.fixes) for each in (*file.tracks, *file.routes)] == [2, 1]


@pytest.mark.parametrize(
    "extensions",
    [
        '<extensions xmlns:t="urn:towpath:gpx:2"><t:stretch/></extensions>',
        "<extensions><towpath:stretch/></extensions>",
        "<extensions><stretch/></extensions>",
        f'<extensions {OWN}><t:stretch xmlns:t="u"/></extensions>',
        f'<extensions {OWN}><a xmlns:t="u"><t:stretch/></a></extensions>',
        f"<extensions {OWN}/>",
        f"<other {OWN}><t:stretch/></other>",
        f"<t:extensions {OWN}><t:stretch/></t:extensions>",
    ],
)
def test_what_is_not_of_the_namespace_is_ignored(extensions: str) -> None:
    file = read(a_file(extensions))
    assert found(file) == [[], [], []]
    assert file.skipped_count == 0


def test_gpx_itself_may_have_a_prefix() -> None:
    file = read(
        f'<g:gpx xmlns:g="http://www.topografix.com/GPX/1/1" xmlns="{OWN_NAMESPACE}">'
        '<g:wpt lat="1" lon="1"><g:extensions><stretch from_m="1"/></g:extensions></g:wpt>'
        '<g:trk><g:extensions><stretch from_m="1"/></g:extensions></g:trk></g:gpx>'
    )
    assert found(file) == [ONE, ONE]


def test_a_prefix_that_is_declared_anew_is_another_namespace() -> None:
    anew = 'xmlns:t="u"'
    file = read(a_file("<extensions><t:stretch/></extensions>", root=OWN, track=anew, waypoint=anew))
    assert found(file) == [[], [], []]


def test_an_element_inside_another_is_named_and_left_out() -> None:
    file = read(a_file(f"<extensions {OWN}><a><t:b/></a><t:c><t:d/></t:c></extensions>"))
    assert found(file) == [[("c", {})]] * 3
    assert {(each.what, each.reason) for each in file.skipped} == {
        ("b", "does not belong inside another element"),
        ("d", "does not belong inside another element"),
    }
    assert [file.text.content[each.own[0].offset :][:4] for each in file.tracks] == [b"<t:c"]


def test_elements_of_points_and_of_the_file_are_ignored() -> None:
    extensions = f"<extensions {OWN}><t:stretch/></extensions>"
    points = POINTS.replace("/>", f">{extensions}</trkpt>")
    file = read(
        f"<gpx>{extensions}<metadata>{extensions}</metadata><trk><trkseg>{points}</trkseg></trk></gpx>"
    )
    assert [len(each.fixes) for each in file.tracks] == [2]
    assert (found(file), file.skipped_count) == ([[]], 0)


def test_points_inside_extensions_stay_no_points() -> None:
    file = read(a_file(f"<extensions {OWN}><trkpt lat='3' lon='3'/><t:wpt lat='3' lon='3'/></extensions>"))
    assert [len(each.fixes) for each in file.tracks] == [2]
    assert len(file.waypoints) == 1


def test_two_extensions_of_one_line_are_read_as_one() -> None:
    file = read(a_file(f"<extensions {OWN}><t:a/></extensions><extensions {OWN}><t:b/></extensions>"))
    assert found(file) == [[("a", {}), ("b", {})]] * 3


def many(count: int) -> str:
    return f"<extensions {OWN}>" + '<t:stretch from_m="1" to_m="2"/>' * count + "</extensions>"


def test_a_hundred_thousand_elements_are_counted_and_not_kept() -> None:
    content = a_file(many(100_000))
    file = read(content)
    assert [len(each) for each in found(file)] == [1_000] * 3
    assert (len(file.skipped), file.skipped_count) == (20, 3 * 99_000)
    assert file.skipped[0].reason == "more than 1000 in one place, or 10000 in the file"


def test_all_elements_of_a_file_are_bounded() -> None:
    waypoint = f'<wpt lat="1" lon="2"><extensions {OWN}><t:a/><t:b/></extensions></wpt>'
    file = read(f"<gpx>{waypoint * 6_000}</gpx>")
    assert sum(len(each) for each in found(file)) == 10_000
    assert file.skipped_count == 2_000


def test_long_and_many_attributes_take_little_memory() -> None:
    attributes = " ".join(f'a{number}="{"x" * 2_000}"' for number in range(100))
    content = a_file(f"<extensions {OWN}>" + f"<t:stretch {attributes}/>" * 30 + "</extensions>").encode()
    read_gpx(content, now=NOW)
    tracemalloc.start()
    file = read_gpx(content, now=NOW)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    own = file.tracks[0].own[0].attributes
    assert (len(own), {len(each) for each in own.values()}) == (32, {65})
    assert file.skipped_count == 90
    assert held < len(content) / 10 + 1_000_000


def test_a_value_that_is_cut_is_no_shorter_number() -> None:
    file = read(a_file(f'<extensions {OWN}><t:a from_m="1e{"0" * 80}5"/></extensions>'))
    assert file.tracks[0].own[0].attributes["from_m"].endswith("…")


def test_elements_too_deep_in_extensions_are_refused() -> None:
    with pytest.raises(GpxRefused) as refused:
        read(a_file(f"<extensions {OWN}>" + "<a>" * 200))
    assert refused.value.reason == "too-deep"


def test_elements_in_extensions_count_as_elements() -> None:
    content = a_file(f"<extensions {OWN}>{'<a/>' * 500}</extensions>").encode()
    with pytest.raises(GpxRefused) as refused:
        read_gpx(content, now=NOW, limits=GpxLimits(elements=1_000))
    assert refused.value.reason == "too-many-elements"


def test_the_content_is_free_once_a_file_was_read() -> None:
    gc.collect()
    gc.disable()
    try:
        before = sum(type(each).__name__ == "_Reading" for each in gc.get_objects())
        read(a_file(many(3)))
        assert sum(type(each).__name__ == "_Reading" for each in gc.get_objects()) == before
    finally:
        gc.enable()


# Written.

values = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=60)
elements = st.lists(
    st.builds(
        OwnElement,
        st.sampled_from(["stretch", "feature"]),
        st.dictionaries(st.sampled_from(["from_m", "surface", "a"]), values, max_size=3),
    ),
    max_size=4,
).map(tuple)


def written(
    own: tuple[OwnElement, ...],
    of_route: tuple[OwnElement, ...] = (),
    of_waypoint: tuple[OwnElement, ...] = (),
) -> bytes:
    line = fixes_at([(0, 0), (1, 1)])
    places = (Waypoint(1.0, 2.0, name="n", symbol="s", kind="k", own=of_waypoint),)
    return write_gpx(
        line,
        name="n",
        description="d",
        waypoints=places,
        created_at=NOW,
        with_route=True,
        own=own,
        own_of_route=of_route,
    )


@settings(deadline=None)
@given(elements, elements, elements)
def test_our_reader_reads_back_the_elements_that_were_written(
    own: tuple[OwnElement, ...], of_route: tuple[OwnElement, ...], of_waypoint: tuple[OwnElement, ...]
) -> None:
    content = written(own, of_route, of_waypoint)
    file = read(content)
    given_ = [[(each.name, each.attributes) for each in some] for some in (of_waypoint, of_route, own)]
    assert found(file) == given_
    assert file.skipped_count == 0
    theirs = gpxpy.parse(content.decode())
    assert [len(each.extensions) for each in (theirs.waypoints[0], theirs.tracks[0])] == [
        len(of_waypoint),
        len(own),
    ]


def test_extensions_come_where_the_schema_wants_them() -> None:
    one = (OwnElement("stretch", {"from_m": "1"}),)
    root = ET.fromstring(written(one, one, one))  # noqa: S314  just written
    order = {
        each.tag.removeprefix(GPX): [child.tag.removeprefix(GPX) for child in each]
        for each in root
        if each.tag != f"{GPX}metadata"
    }
    assert order == {
        "wpt": ["name", "sym", "type", "extensions"],
        "rte": ["name", "desc", "extensions", "rtept", "rtept"],
        "trk": ["name", "desc", "extensions", "trkseg"],
    }


def test_a_file_without_them_names_no_namespace() -> None:
    content = written(())
    assert OWN_NAMESPACE.encode() not in content
    assert b"extensions" not in content
