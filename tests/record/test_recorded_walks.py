"""Recordings that came out wrong elsewhere, read and summarised: the figures of what was walked."""

import gzip
import io
import zipfile
from datetime import UTC, datetime, timedelta

import pytest

from service.geo.gpx.model import GpxRefused
from service.geo.gpx.unpacking import unpack
from service.record.cuts import Window
from service.record.read_recording import read_recording
from service.record.tracks import TrackSummary, cut_and_summarise
from tests.shared_data import shared_file

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BEGAN = datetime(2026, 5, 4, 14, 30, tzinfo=UTC)
ENDED = BEGAN + timedelta(minutes=50)

PERSIAN_DATE = "\u06f2\u06f0\u06f2\u06f6-\u06f0\u06f5-\u06f0\u06f4T"
"""2026-05-04 in Persian digits."""
STEP_DEG = 0.0004851
"""54 m to the north: 0.9 m/s for a minute."""


def point(minute: float, lat: float | None = None, *, ele: str = "", tag: str = "trkpt") -> str:
    at = (BEGAN + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")
    lat = 51.54 + minute * STEP_DEG if lat is None else lat
    return f'<{tag} lat="{lat:.7f}" lon="-0.03">{ele}<time>{at}</time></{tag}>'


def file_of(*segments: str, before: str = "") -> bytes:
    inside = "".join(f"<trkseg>{each}</trkseg>" for each in segments)
    declared = '<?xml version="1.0" encoding="UTF-8"?>'
    return f'{before}{declared}\n<gpx version="1.1" creator="x"><trk>{inside}</trk></gpx>'.encode()


def points(first: int = 0, last: int = 50) -> str:
    return "\n".join(point(minute) for minute in range(first, last + 1))


def unpacked(content: bytes) -> bytes:
    return unpack(content, reserve=lambda _: None)


def summary_of(content: bytes, began: datetime = BEGAN, ended: datetime = ENDED) -> TrackSummary:
    return cut_and_summarise(read_recording(unpacked(content), NOW), Window.between(began, ended), None)[1]


def test_a_plain_recording_is_what_was_walked() -> None:
    summary = summary_of(file_of(points()))
    assert summary.statistics.length_m == pytest.approx(2_699, abs=3)
    assert (summary.implausible, summary.duplicates, summary.out_of_order, summary.skipped_count) == (
        0,
        0,
        0,
        0,
    )


def test_a_first_fix_at_0_0_is_left_out_and_named_with_its_line() -> None:
    summary = summary_of(file_of(point(0, 0.0) + "\n" + points(1)))
    assert summary.statistics.length_m == pytest.approx(2_645, abs=3)
    (skipped,) = summary.skipped
    assert (skipped.line, skipped.what, summary.implausible) == (2, "point", 1)


def test_points_that_mark_a_pause_leave_a_gap() -> None:
    away = [point(minute, 51.60 + minute * STEP_DEG) for minute in range(31, 41)]
    content = file_of(points(0, 10) + point(10.5, 100.0) + point(30.5, 200.0) + "".join(away))
    summary = summary_of(content)
    assert summary.statistics.length_m == pytest.approx(19 * 54, abs=3)
    assert summary.statistics.moving_time_s == pytest.approx(19 * 60)


def test_blank_lines_before_the_declaration_are_read_and_counted() -> None:
    summary = summary_of(file_of(point(0, 0.0) + "\n" + points(1), before="\n\n  \n"))
    assert summary.skipped[0].line == 5


def test_times_in_persian_digits_are_cut_like_any_other() -> None:
    persian = file_of(points(0, 110)).decode().replace("2026-05-04T", PERSIAN_DATE).encode()
    assert summary_of(persian).dropped == 60


def test_a_route_with_times_is_a_walk_where_the_file_holds_nothing_else() -> None:
    inside = "".join(point(minute, tag="rtept") for minute in range(51))
    content = f'<gpx version="1.1" creator="x"><rte>{inside}</rte></gpx>'.encode()
    assert summary_of(content).statistics.points == 51


@pytest.mark.parametrize("name", ["walk.gpx", "folder/WALK.GPX"])
def test_a_file_inside_gzip_or_alone_in_a_zip_is_read(name: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.txt", "a walk")
        archive.writestr(f"__MACOSX/._{name}", b"\0\5\x16\7")
        archive.writestr(name, file_of(points()))
    for content in (gzip.compress(file_of(points())), packed.getvalue()):
        assert summary_of(content).statistics.points == 51


def zip_of(*contents: bytes, ending: str = "gpx") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.{ending}", content)
    return packed.getvalue()


def encrypted(content: bytes) -> bytes:
    """Return a zip whose directory says that its one file is encrypted."""
    flags = content.index(b"PK\x01\x02") + 8
    return content[:flags] + b"\1" + content[flags + 1 :]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(b"\0" * 30_000_000), "too-large"),
        (zip_of(b"\0" * 30_000_000), "too-large"),
        (zip_of(), "not-one-file"),
        (zip_of(b"<gpx/>", b"<gpx/>"), "not-one-file"),
        (gzip.compress(b"<gpx/>") * 2, "not-one-file"),
        (zip_of(zip_of(b"<gpx/>")), "not-gpx"),
        (zip_of(b"<kml/>", ending="kml"), "not-gpx"),
        (zip_of(b"<TrainingCenterDatabase/>", ending="TCX"), "not-gpx"),
        (zip_of(*[b""] * 1_001, ending="txt"), "too-large"),
        (encrypted(zip_of(b"<gpx/>")), "damaged-archive"),
        (gzip.compress(gzip.compress(b"<gpx/>")), "not-gpx"),
        (gzip.compress(b"<gpx/>")[:-9], "truncated"),
        (b"\x1f\x8bnonsense", "damaged-archive"),
        (b"PK\x03\x04nonsense", "damaged-archive"),
    ],
    ids=lambda each: each if isinstance(each, str) else "file",  # gzip holds the time: ids must stay the same
)
def test_an_archive_that_holds_no_one_file_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(GpxRefused) as refused:
        unpacked(content)
    assert refused.value.reason == reason


def walk_named(name: str) -> TrackSummary:
    content = shared_file(f"walks/{name}.gpx").read_bytes()
    ended = ENDED + timedelta(minutes=10) if name.startswith(("times_", "halt_", "gzip", "timed")) else ENDED
    return summary_of(content, ended=ENDED if "persian" in name else ended)


@pytest.mark.parametrize(
    ("name", "length_m", "within_m"),
    [
        ("first_fix_at_0_0", 2_670, 30),
        ("one_fix_800_m_off", 2_699, 5),
        ("segments_each_repeat_the_ones_before", 2_699, 5),
        ("the_same_track_twice", 2_699, 5),
        ("pause_marks_100_and_200", 1_079, 5),
        ("times_jitter", 290, 5),
        ("blank_line_before_declaration", 2_699, 5),
    ],
)
def test_the_lengths_of_the_shared_walks_are_right(name: str, length_m: float, within_m: float) -> None:
    assert walk_named(name).statistics.length_m == pytest.approx(length_m, abs=within_m)


def test_the_climbs_of_the_shared_walks_are_right() -> None:
    assert walk_named("first_heights_0").statistics.ascent_m == pytest.approx(6, abs=0.5)
    assert (walk_named("level_towpath_heights_5_m_sd").statistics.ascent_m or 0) <= 20


def test_the_halts_of_the_shared_walks_are_right() -> None:
    frame = walk_named("walking_frame_0_2_m_s_without_a_stop")
    assert (frame.halts, frame.statistics.moving_time_s) == ((), 3_000)
    (long,) = walk_named("halt_cut_short_on_waking").halts
    assert long.duration_s == pytest.approx(1_200, abs=20)
    (short,) = walk_named("halt_lost_autopause").halts
    assert short.duration_s == pytest.approx(240, abs=5)


def test_the_counts_of_the_shared_walks_are_right() -> None:
    assert walk_named("the_same_track_twice").duplicates == 51
    assert walk_named("segments_each_repeat_the_ones_before").statistics.points == 51
    persian = walk_named("times_in_persian_digits_drive_home_too")
    assert (persian.statistics.points, persian.dropped) == (51, 60)
    for name in ("timed_route", "gzip_inside"):
        assert walk_named(name).statistics.points > 5
