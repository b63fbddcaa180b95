"""What a file says is what is read, whoever wrote it; what cannot be used is named."""

import re

import numpy as np
import pytest

from service.geo.fixes import NO_TIME
from service.geo.gpx.model import GpxRefused, Skipped, Waypoint
from tests.geo.gpx.samples import POINT, gpx, point, read, track

NINE = 1_777_626_000_000
"""2026-05-01T09:00:00Z."""


def test_a_point_has_its_place_height_and_time() -> None:
    (line,) = read(gpx(track([POINT]))).tracks
    assert line.fixes.lat.tolist() == [51.5]
    assert line.fixes.lon.tolist() == [-0.25]
    assert line.fixes.ele_m.tolist() == [30.5]
    assert line.fixes.time_ms.tolist() == [NINE]
    assert line.fixes.starts.tolist() == [0]


def test_a_file_has_a_name_and_a_description() -> None:
    file = read(gpx("<metadata><name> Meadow </name><desc>Twice round.</desc></metadata>" + track([POINT])))
    assert (file.name, file.description) == ("Meadow", "Twice round.")
    assert (file.skipped, file.skipped_count) == ((), 0)


def test_gpx_1_0_names_the_file_without_metadata() -> None:
    file = read(gpx("<name>Meadow</name><author>x</author>" + track([POINT]), root='gpx version="1.0"'))
    assert file.name == "Meadow"


def test_a_name_after_the_tracks_is_the_file_s() -> None:
    file = read(gpx(track([POINT], inside="<name>Round</name>") + "<name>Meadow</name>"))
    assert (file.tracks[0].name, file.name) == ("Round", "Meadow")


@pytest.mark.parametrize(
    "root",
    [
        "gpx",
        'gpx version="1.1"',
        'gpx version="1.0" xmlns="http://www.topografix.com/GPX/1/0"',
        'gpx version="7.7.5-play" xmlns="http://www.topografix.com/GPX/1/1"',
        'gpx xmlns="http://www.garmin.com/xmlschemas/GpxExtensions/v3"',
        'gpx xmlns:ns3="http://www.garmin.com/xmlschemas/TrackPointExtension/v1"',
        'gpx xmlns:g="http://www.topografix.com/GPX/1/1"',
    ],
)
def test_any_namespace_and_version_is_read(root: str) -> None:
    assert len(read(gpx(track([POINT]), root=root)).tracks[0].fixes) == 1


def test_a_prefix_is_read_through() -> None:
    root = 'ns2:gpx xmlns:ns2="http://www.topografix.com/GPX/1/1" xmlns="http://www.garmin.com/x"'
    prefixed = re.sub("<(/?)", r"<\1ns2:", track([POINT], inside="<name>Meadow</name>"))
    (line,) = read(gpx(prefixed, root=root)).tracks
    assert (line.name, line.fixes.time_ms.tolist()) == ("Meadow", [NINE])


def test_a_second_prefix_declared_for_gpx_is_read_through() -> None:
    root = 'gpx xmlns:g="http://www.topografix.com/GPX/1/1"'
    file = read(gpx("<g:trk><g:trkseg><g:trkpt lat='1' lon='2'/></g:trkseg></g:trk>", root=root))
    assert len(file.tracks[0].fixes) == 1


@pytest.mark.parametrize(
    "body",
    [
        "<g:trk {}><g:trkseg><g:trkpt lat='1' lon='2'><g:ele>3</g:ele></g:trkpt></g:trkseg></g:trk>",
        "<trk><g:trkseg {}><g:trkpt lat='1' lon='2'><g:ele>3</g:ele></g:trkpt></g:trkseg></trk>",
        "<trk><trkseg><g:trkpt {} lat='1' lon='2'><g:ele>3</g:ele></g:trkpt></trkseg></trk>",
    ],
)
def test_a_prefix_declared_further_in_is_read_through(body: str) -> None:
    (line,) = read(gpx(body.format('xmlns:g="http://www.topografix.com/GPX/1/1"'))).tracks
    assert (line.fixes.lat.tolist(), line.fixes.ele_m.tolist()) == ([1], [3])


@pytest.mark.parametrize(
    ("misplaced", "what", "parent"),
    [
        (f"<trkseg>{POINT}</trkseg>", "segment", "gpx"),
        (POINT, "point", "gpx"),
        (f"<metadata>{track([POINT])}</metadata>", "track", "metadata"),
        (f"<rte>{POINT}</rte>", "point", "rte"),
        (f"<trk>{track([POINT])}</trk>", "track", "trk"),
        (f"<trk>{point(tag='wpt')}</trk>", "waypoint", "trk"),
        (f"<trk><trkseg>{point(tag='rtept')}</trkseg></trk>", "point", "trkseg"),
        (f"<trk><trkseg><rte>{point(tag='rtept')}</rte></trkseg></trk>", "route", "trkseg"),
    ],
)
def test_points_where_gpx_has_no_place_for_them_are_left_out_and_named(
    misplaced: str, what: str, parent: str
) -> None:
    text = gpx(track([POINT, POINT]) + misplaced)
    file = read(text)
    assert sum(len(line.fixes) for line in (*file.tracks, *file.routes)) == 2
    assert file.waypoints == ()
    (skipped,) = file.skipped
    assert (skipped.what, skipped.reason) == (what, f"does not belong inside {parent}")
    assert text.splitlines()[skipped.line - 1][skipped.column - 1 :].startswith("<")


def test_a_file_with_nothing_but_misplaced_points_says_so() -> None:
    with pytest.raises(GpxRefused) as refused:
        read(gpx(f"<trkseg>{POINT}{POINT}</trkseg>"))
    assert (refused.value.reason, refused.value.line, refused.value.column) == ("no-points", 3, 1)
    assert "segment: does not belong inside gpx" in refused.value.detail


def test_what_an_extension_holds_is_not_the_point_s_own() -> None:
    extension = (
        "<extensions><time>1999-01-01T00:00:00Z</time><x:ele>9</x:ele><x:trkpt lat='9' lon='9'/>"
        "<a><ele>8</ele></a></extensions><x:time>1999-01-01T00:00:00Z</x:time>"
    )
    (line,) = read(gpx(track([point(inside="<ele>5</ele>" + extension)]))).tracks
    assert line.fixes.ele_m.tolist() == [5.0]
    assert line.fixes.time_ms.tolist() == [NO_TIME]


def test_what_lies_beside_the_points_is_not_taken_for_theirs() -> None:
    body = f"<rte>{point(tag='rtept')}<extensions><ele>7</ele></extensions><link><name>no</name></link></rte>"
    (line,) = read(gpx(body)).routes
    assert np.isnan(line.fixes.ele_m).all()
    assert line.name is None


def test_missing_heights_and_times_stay_missing() -> None:
    points = [point(), POINT, point(inside="<ele></ele><time> </time>"), point(inside="<ele/><time/>")]
    file = read(gpx(track(points)))
    fixes = file.tracks[0].fixes
    assert np.isnan(fixes.ele_m).tolist() == [True, False, True, True]
    assert fixes.timed.tolist() == [False, True, False, False]
    assert file.skipped_count == 0


def test_segments_keep_their_gaps_and_empty_ones_only_count() -> None:
    (line,) = read(gpx(track([], [POINT, POINT], [], [POINT], []))).tracks
    assert line.fixes.starts.tolist() == [0, 2]
    assert line.segments == 5


def test_points_straight_in_a_track_are_read() -> None:
    (line,) = read(gpx(f"<trk>{POINT}{POINT}<trkseg>{POINT}</trkseg></trk>")).tracks
    assert line.fixes.starts.tolist() == [0, 2]


def test_tracks_and_routes_keep_apart_and_in_order() -> None:
    routes = "".join(f"<rte><name>{name}</name>{point(lat=1, tag='rtept') * 2}</rte>" for name in "ab")
    tracks = track([point(lat=3)], inside="<name>c</name>") + track() + track([point(lat=4)] * 3)
    file = read(gpx(point(lat=5, tag="wpt") + routes + tracks))
    assert [(line.name, line.fixes.lat.tolist()) for line in file.routes] == [("a", [1, 1]), ("b", [1, 1])]
    assert [(line.name, line.fixes.lat.tolist()) for line in file.tracks] == [
        ("c", [3]),
        (None, []),
        (None, [4, 4, 4]),
    ]
    assert [(line.kind, line.segments) for line in (*file.routes, *file.tracks)] == [
        ("route", 1),
        ("route", 1),
        ("track", 1),
        ("track", 0),
        ("track", 1),
    ]
    assert [len(line.fixes.starts) for line in file.tracks] == [1, 0, 1]


def test_waypoints_carry_what_marks_a_place() -> None:
    inside = (
        "<ele>12</ele><time>2026-05-01T09:00:00Z</time><name>Bench</name><cmt>c</cmt>"
        "<desc>Under the <![CDATA[<big>]]> oak &amp; away</desc><sym>Park</sym><type>bench</type>"
    )
    file = read(gpx(point(1, 2, inside, "wpt") + point(3, 4, "<cmt>only a comment</cmt>", "wpt")))
    assert file.waypoints == (
        Waypoint(2.0, 1.0, 12.0, NINE, "Bench", "Under the <big> oak & away", "Park", "bench"),
        Waypoint(4.0, 3.0, description="only a comment"),
    )
    assert file.tracks == file.routes == ()


def test_a_line_is_described_by_its_comment_where_there_is_nothing_else() -> None:
    one, two = read(
        gpx(
            track([POINT], inside="<cmt>c</cmt><desc>d</desc>") + track([POINT], inside="<desc/><cmt>c</cmt>")
        )
    ).tracks
    assert (one.description, two.description) == ("d", "c")


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8", "utf8"),
        ("utf-8", "UTF-16"),
        ("utf-8-sig", "UTF-8"),
        ("utf-8-sig", "windows-1252"),
        ("latin-1", "ISO-8859-1"),
        ("latin-1", "latin1"),
        ("cp1252", "windows-1252"),
        ("iso8859-15", "ISO-8859-15"),
        ("mac-roman", "macintosh"),
        ("gb18030", "GB18030"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16BE"),
    ],
)
def test_the_declared_encoding_is_used(encoding: str, declared: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>\n'
    text = gpx(track([POINT], inside="<name>Café à l'île</name>"), declaration=declaration)
    assert read(text.encode(encoding)).tracks[0].name == "Café à l'île"


def test_what_windows_calls_latin_1_is_read_as_windows_writes_it() -> None:
    declaration = '<?xml version="1.0" encoding="ISO-8859-1"?>'
    text = gpx(track([POINT], inside="<name>Zoë and her “lap”, 5 €</name>"), declaration=declaration)
    assert read(text.encode("cp1252")).tracks[0].name == "Zoë and her “lap”, 5 €"


def test_a_declared_encoding_with_more_bytes_a_character_is_used() -> None:
    declaration = '<?xml version="1.0" encoding="Shift_JIS"?>'
    text = gpx(track([POINT], inside="<name>散歩</name>"), declaration=declaration)
    assert read(text.encode("shift_jis")).tracks[0].name == "散歩"


@pytest.mark.parametrize("declaration", ["", '<?xml version="1.0"?>', "<!-- a note -->"])
def test_without_a_declared_encoding_it_is_utf_8(declaration: str) -> None:
    text = gpx(track([POINT], inside="<name>Café</name>"), declaration=declaration)
    assert read(text).tracks[0].name == "Café"


@pytest.mark.parametrize(
    ("lat", "lon", "reason"),
    [
        ("91", "0", "latitude is not between -90 and 90"),
        ("0", "-180.0001", "longitude is not between -180 and 180"),
        ("0", "1e308", "longitude is not between -180 and 180"),
        ("0", "1e999", "longitude is not between -180 and 180"),
        ("1_0", "0", "latitude is not a decimal number"),
        ("\u0663\u0664", "0", "latitude is not a decimal number"),
        ("nan", "0", "latitude is not a decimal number"),
        ("-inf", "0", "latitude is not a decimal number"),
        ("Infinity", "0", "latitude is not a decimal number"),
        ("0x1A", "0", "latitude is not a decimal number"),
        ("51,5", "0", "latitude is not a decimal number"),
        ("5 1", "0", "latitude is not a decimal number"),
        ("1e", "0", "latitude is not a decimal number"),
        ("--1", "0", "latitude is not a decimal number"),
        ("", "0", "latitude is not a decimal number"),
        ("0", "not_a_number", "longitude is not a decimal number"),
    ],
)
def test_a_bad_point_among_good_ones_is_left_out_and_named(lat: str, lon: str, reason: str) -> None:
    file = read(gpx(track([POINT, point(lat, lon), POINT], [POINT])))
    assert file.tracks[0].fixes.lat.tolist() == [51.5] * 3
    assert file.tracks[0].fixes.starts.tolist() == [0, 2]
    assert file.tracks[0].after_unusable.tolist() == [1]
    assert file.skipped_count == 1
    assert (file.skipped[0].what, file.skipped[0].reason) == ("point", reason)


def test_a_point_without_a_coordinate_is_left_out_and_named() -> None:
    file = read(gpx(track([POINT, '<trkpt lat="1"/>', '<trkpt lon="1"/>', "<trkpt/>"])))
    assert len(file.tracks[0].fixes) == 1
    assert [each.reason for each in file.skipped] == [
        "has no longitude",
        "has no latitude",
        "has no latitude",
    ]


@pytest.mark.parametrize(
    ("written", "degrees"),
    [("51", 51.0), ("+51.50", 51.5), (" 51.5\n", 51.5), (".5", 0.5), ("-9.4E-4", -0.00094), ("90", 90.0)],
)
def test_decimal_numbers_are_read_as_devices_write_them(written: str, degrees: float) -> None:
    assert read(gpx(track([point(lat=written)]))).tracks[0].fixes.lat.tolist() == [degrees]


def test_the_edges_of_the_map_are_on_it() -> None:
    fixes = read(gpx(track([point(90, 180), point(-90, -180)]))).tracks[0].fixes
    assert fixes.lon.tolist() == [180, -180]
    assert fixes.lat.tolist() == [90, -90]


@pytest.mark.parametrize(
    "height", ["high", "nan", "1e999", "-9999", "-9999.0", "-32768", "32768", "1.0e25", "1_0", "12,5", "12 m"]
)
def test_an_impossible_height_is_dropped_and_the_point_stays(height: str) -> None:
    file = read(gpx(track([point(inside=f"<ele>{height}</ele>"), POINT])))
    assert np.isnan(file.tracks[0].fixes.ele_m).tolist() == [True, False]
    assert [each.what for each in file.skipped] == ["elevation"]


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ("yesterday", "not a date and time"),
        ("2026-05-01", "not a date and time"),
        ("2026-02-30T09:00:00Z", "not a date and time"),
        ("1980-01-06T00:00:00Z", "before 1990 or in the future"),
        ("1989-12-31T23:59:59Z", "before 1990 or in the future"),
        ("2026-07-02T12:00:01Z", "before 1990 or in the future"),
        ("9999-12-31T23:59:59-23:59", "before 1990 or in the future"),
    ],
)
def test_an_impossible_time_is_dropped_and_the_point_stays(time: str, reason: str) -> None:
    file = read(gpx(track([point(inside=f"<time>{time}</time>"), POINT])))
    assert file.tracks[0].fixes.time_ms.tolist() == [NO_TIME, NINE]
    assert [(each.what, each.reason) for each in file.skipped] == [("time", reason)]


def test_a_phone_a_little_ahead_of_us_keeps_its_times() -> None:
    file = read(gpx(track([point(inside="<time>2026-07-02T11:59:59Z</time>")])))
    assert file.tracks[0].fixes.timed.all()


def test_unordered_and_repeated_times_are_kept_as_they_are() -> None:
    times = ["2026-05-01T09:00:01Z", "2026-05-01T09:00:00Z", "2026-05-01T09:00:00Z"]
    file = read(gpx(track([point(inside=f"<time>{each}</time>") for each in times])))
    assert (file.tracks[0].fixes.time_ms - NINE).tolist() == [1_000, 0, 0]


def test_what_is_left_out_is_found_at_its_line_and_column() -> None:
    text = gpx("<!-- é -->" + point(99, 0, tag="wpt") + track([POINT], ["  é " + point("x", 0)]))
    lines = text.splitlines()
    file = read(text)
    assert file.skipped_count == 2
    for skipped in file.skipped:
        assert lines[skipped.line - 1][skipped.column - 1 :].startswith(("<wpt", "<trkpt lat="))
    assert [each.what for each in file.skipped] == ["waypoint", "point"]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_the_place_is_right_in_any_encoding(encoding: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>\n'
    file = read(gpx(track([POINT, "é\u00a0" + point(99, 0)]), declaration=declaration).encode(encoding))
    assert file.skipped == (Skipped(6, 3, "point", "latitude is not between -90 and 90"),)


def test_twenty_are_named_and_all_are_counted_even_over_many_pieces() -> None:
    points = [point(), point(inside="<ele>x</ele>"), point("x")] * 10_000
    file = read(gpx(track(points)))
    assert len(file.tracks[0].fixes) == 20_000
    assert file.skipped_count == 20_000
    assert [each.line for each in file.skipped] == [6 + 3 * (n // 2) + n % 2 for n in range(20)]


def test_long_texts_are_cut_and_the_cut_is_named() -> None:
    inside = f"<name>{'n' * 201}</name><desc>{'d' * 4_001}</desc>"
    file = read(gpx(track([POINT], inside=inside) + point(inside=inside, tag="wpt")))
    for texts in (file.tracks[0], file.waypoints[0]):
        assert (texts.name, texts.description) == ("n" * 200, "d" * 4_000)
    assert [each.what for each in file.skipped] == ["name", "desc", "name", "desc"]
    assert "200" in file.skipped[0].reason


def test_a_long_text_that_ends_in_another_piece_is_cut_and_named() -> None:
    inside = f"<desc>{'d' * 4_001}{'<!---->' * 40_000}</desc>"
    file = read(gpx(track([POINT], inside=inside)))
    assert (file.tracks[0].description, file.skipped_count) == ("d" * 4_000, 1)


def test_texts_as_long_as_allowed_are_whole() -> None:
    file = read(gpx(track([POINT], inside=f"<name>{'n' * 200}</name><desc>{'d' * 4_000}</desc>")))
    assert file.skipped_count == 0


def test_a_text_may_lie_across_pieces() -> None:
    body = f"<!--{'x' * 200_000}--><!--{'x' * 61_900}-->{'<!-- -->' * 5}"
    words = "one two three " * 20
    texts = [
        read(gpx(body + "<!---->" * n + track([POINT], inside=f"<desc>{words}</desc>"))) for n in range(80)
    ]
    assert {file.tracks[0].description for file in texts} == {words.strip()}


def test_points_lie_across_pieces() -> None:
    numbers = range(20_000)
    points = [
        point(lat=n / 1_000, inside=f"<ele>{n}</ele><time>2026-05-01T09:00:00Z</time>") for n in numbers
    ]
    fixes = read(gpx(track(points[:7_000], points[7_000:]))).tracks[0].fixes
    assert fixes.ele_m.tolist() == list(numbers)
    assert fixes.lat.tolist() == [n / 1_000 for n in numbers]
    assert fixes.starts.tolist() == [0, 7_000]
    assert fixes.timed.all()


WHOLE = gpx(track([POINT]))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ('<TrainingCenterDatabase xmlns="urn:x"><Activities/></TrainingCenterDatabase>', "TCX"),
        ('<k:kml xmlns:k="urn:x"><k:Document/></k:kml>', "KML"),
        ("<sml><DeviceLog/></sml>", "SML"),
    ],
)
def test_a_file_in_another_format_is_refused_by_its_name(content: str, name: str) -> None:
    with pytest.raises(GpxRefused) as refused:
        read(content)
    assert refused.value.reason == "not-gpx"
    assert name in refused.value.detail
    assert "export" in refused.value.detail


def declared(encoding: str, body: str = "") -> str:
    return gpx(body, declaration=f'<?xml version="1.0" encoding="{encoding}"?>\n')


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        ("", "empty", None),
        (" \n ", "empty", None),
        ("not xml at all", "not-well-formed", 1),
        ("PK\x03\x04", "not-well-formed", 1),
        ("<kml><Document/></kml>", "not-gpx", 1),
        ("<GPX><trk/></GPX>", "not-gpx", 1),
        ("<html>", "not-gpx", 1),
        ("<a:gpxx/>", "not-gpx", 1),
        ("<gpx/>", "no-points", None),
        (gpx(track([])), "no-points", None),
        (gpx(track([point("x")])), "no-points", 5),
        (WHOLE[:-5], "truncated", 8),
        (WHOLE[:150], "truncated", 5),
        (WHOLE + "<gpx/>", "not-well-formed", 9),
        (WHOLE.replace("</trkseg>", ""), "not-well-formed", 7),
        (WHOLE.replace("51.5", "&deg;"), "not-well-formed", 5),
        (WHOLE.replace("51.5", "\x00"), "not-well-formed", 5),
        (declared("x-none"), "unknown-encoding", 1),
        (declared("zlib"), "unknown-encoding", 1),
        (declared("rot13"), "unknown-encoding", 1),
        (declared("unicode_escape"), "unknown-encoding", 1),
        (declared("GBK", "\n\xff").encode("latin-1"), "wrong-encoding", 4),
        (declared("windows-1252").encode() + b"\x81", "wrong-encoding", 4),
        (declared("UTF-8", "\n\xe9").encode("latin-1"), "not-well-formed", 4),
        (WHOLE.encode("utf-16")[:-1], "truncated", 8),
        (declared("Shift_JIS", "散").encode("shift_jis").split(b"</gpx>")[0][:-1], "truncated", 3),
        (declared("UTF-16", "\n\udc00").encode("utf-16", "surrogatepass"), "wrong-encoding", 4),
    ],
)
def test_what_is_no_usable_gpx_file_is_refused_with_its_place(
    content: str | bytes, reason: str, line: int | None
) -> None:
    with pytest.raises(GpxRefused) as refused:
        read(content)
    assert (refused.value.reason, refused.value.line) == (reason, line)
    assert refused.value.detail.endswith(".")
    assert refused.value.limit is None


@pytest.mark.parametrize(
    ("text", "place"),
    [("<gpx>\n  <trk></rte>\n</gpx>", (2, 10)), ("\n  <kml/>", (2, 3)), ("<!DOCTYPE gpx>", (1, 14))],
)
def test_the_column_of_a_refusal_counts_from_one(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(GpxRefused) as refused:
        read(text)
    assert (refused.value.line, refused.value.column) == place
