"""Files made to hurt: each is refused with the limit named, or read, and soon either way."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.geo.gpx.model import GpxLimits, GpxRefused
from service.geo.gpx.reader import read_gpx
from tests.geo.gpx.samples import NOW, POINT, gpx, point, read, track

SIZE = 20 * 2**20
HEAD = b"<gpx><trk><trkseg>" + POINT.strip().encode()
TAIL = b"</trkseg></trk></gpx>"


@contextmanager
def soon(seconds: float = 10.0) -> Iterator[None]:
    """Fail on what grows with the square of the input, which takes minutes; the machine may be busy."""
    started = time.process_time()
    yield
    assert time.process_time() - started < seconds


def filled(unit: bytes, head: bytes = HEAD, tail: bytes = TAIL) -> bytes:
    return head + unit * ((SIZE - len(head) - len(tail)) // len(unit)) + tail


def numbered(unit: str, count: int) -> bytes:
    return "".join(unit.format(n) for n in range(count)).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'<gpx a="' + b"x" * SIZE, "markup-too-long"),
        (HEAD + b'<trkpt lat="' + b"1" * 2**20 + b'" lon="1"/>' + TAIL, "markup-too-long"),
        (b"<" + b"g" * (SIZE - 1), "markup-too-long"),
        (HEAD + b"<!--" + b"x" * 2**20 + b"-->" + TAIL, "markup-too-long"),
        (HEAD + b"<?x " + b"x" * 2**20 + b"?>" + TAIL, "markup-too-long"),
        (HEAD + b"&" + b"x" * 2**20 + b";" + TAIL, "markup-too-long"),
        (b"<!DOCTYPE " + b"g" * 2**20, "markup-too-long"),
        (b"<gpx></gpx" + b" " * 2**20 + b">", "markup-too-long"),
        (b"<gpx" + numbered(' a{}=""', 40_000) + b">", "too-many-names"),
        (b"<gpx" + numbered(' xmlns:a{}="u"', 10_000) + b"/>", "too-many-names"),
        (b"<gpx>" + numbered("<a{}/>", 20_000) + b"</gpx>", "too-many-names"),
        (HEAD + numbered('<trkpt lat="1" lon="1" a{}=""/>', 20_000) + TAIL, "too-many-names"),
        (filled(b"<a>"), "too-deep"),
        (filled(b"<ele>"), "too-deep"),
        (filled(b"<trkpt>"), "too-deep"),
        (b"<gpx><name>" + b"<b>" * 1_000, "too-deep"),
        (filled(b"<a/>"), "too-many-elements"),
        (filled(b"<a/>", HEAD + b"<trkpt>"), "too-many-elements"),
        (filled(b"<ele>1</ele>", HEAD + b"<trkpt lat='1' lon='1'>"), "too-many-elements"),
        (filled(b"12<b/>", HEAD + b"<trkpt lat='1' lon='1'><ele>"), "too-many-elements"),
        (filled(b"12<b/>", b"<gpx><name>"), "too-many-elements"),
        (filled(b"12<b/>", b"<gpx><wpt lat='1' lon='1'><desc>"), "too-many-elements"),
        (filled(b"<name/>", b"<gpx>"), "too-many-elements"),
        (filled(b"<metadata/>", b"<gpx>"), "too-many-elements"),
        (filled(b"<trk/>", b"<gpx>"), "too-many-lines"),
        (filled(b"<rte/>", b"<gpx>"), "too-many-lines"),
        (filled(b"<trkseg/>", b"<gpx><trk>"), "too-many-segments"),
        (filled(b"<trkpt/>"), "too-many-points"),
        (filled(b'<wpt lat="1" lon="1"/>', b"<gpx>"), "too-many-points"),
        (filled(b"<rtept/>"), "too-many-points"),
        (
            numbered('<x xmlns:a{}="http://www.topografix.com/GPX/1/"/>', 20_000).join((HEAD, TAIL)),
            "too-many-names",
        ),
    ],
)
def test_what_grows_without_end_is_refused_with_its_limit(content: bytes, reason: str) -> None:
    with soon(), pytest.raises(GpxRefused) as refused:
        read(content[:SIZE])
    assert refused.value.reason == reason
    assert refused.value.limit is not None
    assert str(refused.value.limit) in refused.value.detail
    assert refused.value.line == 1


@pytest.mark.parametrize(
    "content",
    [
        filled(b"x", HEAD + b"<name>", b"</name>" + TAIL),
        filled("\U0001f600".encode(), HEAD + b"<extensions>", b"</extensions>" + TAIL),
        filled(b"x", b"<gpx><name>", b"</name>" + HEAD.removeprefix(b"<gpx>") + TAIL),
        filled(b"&amp;", b"<gpx><name>", b"</name>" + HEAD.removeprefix(b"<gpx>") + TAIL),
        filled(b"<![CDATA[x]]>", b"<gpx><desc>", b"</desc>" + HEAD.removeprefix(b"<gpx>") + TAIL),
        filled(b"1", HEAD + b'<trkpt lat="1" lon="1"><ele>', b"</ele></trkpt>" + TAIL),
        filled(b"<!---->"),
        filled(b"<?a?>"),
        filled(b"\n"),
        filled(b'<trkpt lat="' + b"1" * 100_000 + b'" lon="1"/>'),
    ],
)
def test_what_is_only_long_is_read(content: bytes) -> None:
    with soon():
        file = read(content)
    assert sum(len(line.fixes) for line in file.tracks) >= 1


def test_the_attack_that_is_quadratic_in_gpxpy_is_soon_refused() -> None:
    with soon(1), pytest.raises(GpxRefused) as refused:
        read(b"<gpx" + b" xmlns" * 40_000 + b"/>")
    assert refused.value.reason == "not-well-formed"


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE gpx>",
        '<!DOCTYPE gpx SYSTEM "http://127.0.0.1:1/gpx.dtd">',
        '<!DOCTYPE gpx [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE gpx [<!ENTITY file SYSTEM "file:///etc/passwd">]>',
        "<!DOCTYPE gpx [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_before_it_declares_anything(doctype: str, encoding: str) -> None:
    text = gpx(track([POINT], inside="<name>&b;&file;</name>"), declaration=doctype)
    with pytest.raises(GpxRefused) as refused:
        read(text.encode(encoding))
    assert refused.value.reason == "doctype"


def test_an_entity_that_nobody_declared_is_refused() -> None:
    with pytest.raises(GpxRefused) as refused:
        read(gpx(track([POINT], inside="<name>&lol;</name>")))
    assert refused.value.reason == "not-well-formed"


def test_a_quarter_of_a_million_points_are_read_and_one_more_is_refused() -> None:
    text = gpx(track(["<trkpt lat='1' lon='2'/>"] * 250_000))
    assert len(read(text).tracks[0].fixes) == 250_000
    with pytest.raises(GpxRefused) as refused:
        read(text.replace("</gpx>", "<wpt lat='1' lon='2'/></gpx>"))
    assert (refused.value.reason, refused.value.limit) == ("too-many-points", 250_000)


def test_a_file_of_twenty_megabytes_is_read_and_a_byte_more_is_refused() -> None:
    content = filled(b" ")
    assert len(read(content).tracks[0].fixes) == 1
    with pytest.raises(GpxRefused) as refused:
        read(content + b" ")
    assert (refused.value.reason, refused.value.limit) == ("too-large", SIZE)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (GpxLimits(points=3), "too-many-points"),
        (GpxLimits(lines=1), "too-many-lines"),
        (GpxLimits(segments=2), "too-many-segments"),
        (GpxLimits(depth=5), "too-deep"),
        (GpxLimits(elements=15), "too-many-elements"),
        (GpxLimits(names=13), "too-many-names"),
    ],
)
def test_each_limit_holds_to_the_last_one(limits: GpxLimits, reason: str) -> None:
    extended = point(inside="<extensions><a/></extensions>")
    content = gpx(track([POINT], [extended]) + track([POINT]) + point(tag="wpt")).encode()
    exact = GpxLimits(points=4, lines=2, segments=3, depth=6, elements=16, names=14)
    assert len(read_gpx(content, now=NOW, limits=exact).waypoints) == 1
    with pytest.raises(GpxRefused) as refused:
        read_gpx(content, now=NOW, limits=limits)
    assert refused.value.reason == reason
