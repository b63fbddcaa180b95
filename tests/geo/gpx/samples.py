"""GPX files made for a test, and the small differences between them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from service.geo.gpx.model import GpxFile
from service.geo.gpx.reader import read_gpx

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
GPX_1_1 = 'version="1.1" creator="A watch" xmlns="http://www.topografix.com/GPX/1/1"'
POINT = '<trkpt lat="51.5" lon="-0.25"><ele>30.5</ele><time>2026-05-01T09:00:00Z</time></trkpt>\n'


def point(lat: object = 51.5, lon: object = -0.25, inside: str = "", tag: str = "trkpt") -> str:
    return f'<{tag} lat="{lat}" lon="{lon}">{inside}</{tag}>\n'


def track(*segments: Sequence[str], inside: str = "") -> str:
    joined = "".join(f"<trkseg>\n{''.join(points)}</trkseg>\n" for points in segments)
    return f"<trk>\n{inside}{joined}</trk>\n"


def gpx(body: str, *, root: str = f"gpx {GPX_1_1}", declaration: str = DECLARATION) -> str:
    return f"{declaration}<{root}>\n{body}</{root.split(maxsplit=1)[0]}>\n"


def read(text: str | bytes) -> GpxFile:
    return read_gpx(text.encode() if isinstance(text, str) else text, now=NOW)
