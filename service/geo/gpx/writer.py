"""Write GPX 1.1: gpxpy writes everything except the points of the line, which a template writes.

gpxpy takes 20 µs a point, ten times as long, and every upload writes a track.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from typing import Final, Literal
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

import numpy as np
from gpxpy.gpx import GPX, GPXRoute, GPXTrack, GPXWaypoint

from service.geo.fixes import NO_TIME, Fixes, Floats, Instants
from service.geo.gpx.model import OWN_NAMESPACE, OwnElement, Waypoint

CREATOR: Final = "Towpath"
OWN_PREFIX: Final = "towpath"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_IN_XML: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Control characters and halves of surrogate pairs: XML 1.0 cannot hold them."""


def write_gpx(
    line: Fixes,
    *,
    name: str,
    description: str | None,
    waypoints: Sequence[Waypoint],
    created_at: datetime,
    with_route: bool = False,
    own: Sequence[OwnElement] = (),
    own_of_route: Sequence[OwnElement] = (),
) -> bytes:
    """Return a GPX 1.1 file in UTF-8 with one track; with `with_route` also a route of the same points.

    A route has no segments: the gaps between those of the track are lines in it. `own` are elements for the
    extensions of the track, `own_of_route` for those of the route.
    Degrees have seven decimals (1 cm), elevations two. Characters that XML cannot hold become spaces.
    """
    gpx = GPX()
    gpx.creator = CREATOR
    gpx.name = _writable(name)
    gpx.time = created_at.astimezone(UTC)
    gpx.waypoints = [_waypoint(each) for each in waypoints]
    gpx.tracks.append(GPXTrack(gpx.name, _writable(description)))
    gpx.tracks[0].extensions = _extensions(own)
    if with_route:
        gpx.routes.append(GPXRoute(gpx.name, _writable(description)))
        gpx.routes[0].extensions = _extensions(own_of_route)
    if own or own_of_route or any(each.own for each in waypoints):
        gpx.nsmap[OWN_PREFIX] = OWN_NAMESPACE
    before, after = gpx.to_xml(version="1.1").rsplit("</trk>", 1)
    start, route_end, rest = before.rpartition("</rte>")
    route = _points(line, 0, len(line), "rtept") if with_route else ()
    return "".join(chain([start], route, [route_end, rest], _segments(line), ["</trk>", after])).encode()


def _writable(text: str | None) -> str | None:
    if text is None:
        return None
    return _NOT_IN_XML.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def _extensions(own: Sequence[OwnElement]) -> list[Element]:
    """Return elements for gpxpy, which does not escape attributes."""
    return [
        Element(
            f"{{{OWN_NAMESPACE}}}{each.name}",
            {name: escape(value, {'"': "&quot;"}) for name, value in each.attributes.items()},
        )
        for each in own
    ]


def _waypoint(waypoint: Waypoint) -> GPXWaypoint:
    written = GPXWaypoint(
        latitude=round(waypoint.lat, 7),
        longitude=round(waypoint.lon, 7),
        elevation=None if waypoint.ele_m is None else round(waypoint.ele_m, 2),
        time=None if waypoint.time_ms is None else _EPOCH + timedelta(milliseconds=waypoint.time_ms),
        name=_writable(waypoint.name),
        description=_writable(waypoint.description),
        symbol=_writable(waypoint.symbol),
        type=_writable(waypoint.kind),
    )
    written.extensions = _extensions(waypoint.own)
    return written


def _segments(line: Fixes) -> Iterator[str]:
    for start, stop in pairwise([*line.starts.tolist(), len(line)]):
        yield "<trkseg>\n"
        yield from _points(line, start, stop, "trkpt")
        yield "</trkseg>\n"


def _points(line: Fixes, start: int, stop: int, tag: str) -> Iterator[str]:
    """Yield the text of each point from `start` up to `stop`."""
    columns = (
        line.lat[start:stop].tolist(),
        line.lon[start:stop].tolist(),
        _elevations(line.ele_m[start:stop]),
        _times(line.time_ms[start:stop]),
    )
    for lat, lon, elevation, time in zip(*columns, strict=True):
        yield f'<{tag} lat="{lat:.7f}" lon="{lon:.7f}">{elevation}{time}</{tag}>\n'


def _elevations(ele_m: Floats) -> list[str]:
    missing = np.isnan(ele_m).tolist()
    return [
        "" if is_missing else f"<ele>{metres:.2f}</ele>"
        for metres, is_missing in zip(ele_m.tolist(), missing, strict=True)
    ]


def _times(time_ms: Instants) -> list[str]:
    timed = time_ms[time_ms != NO_TIME]
    unit: Literal["ms", "s"] = "ms" if (timed % 1_000).any() else "s"
    texts = np.datetime_as_string(time_ms.astype("datetime64[ms]"), unit=unit).tolist()
    return ["" if text == "NaT" else f"<time>{text}Z</time>" for text in texts]
