"""Routes drawn, and files of lines, as a phone sends them."""

from typing import Any
from uuid import uuid4

import httpx

from tests.http.files import GPX_TYPE
from tests.http.world import Phone

LINE = [[8.0, 52.0], [8.01, 52.0], [8.01, 52.005]]
OTHER_LINE = [[8.0, 52.0], [8.02, 52.0]]
GPX = {"Content-Type": GPX_TYPE}


def a_drawing(**changes: Any) -> dict[str, Any]:
    geojson = {"type": "LineString", "coordinates": LINE}
    return {"id": str(uuid4()), "name": "Lock to weir", "geojson": geojson, **changes}


def a_gpx(*parts: str) -> bytes:
    head = '<gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1">'
    return (head + "".join(parts) + "</gpx>").encode()


def a_track(name: str, points: list[list[float]], *, kind: str = "trk") -> str:
    if kind == "rte":
        return f"<rte><name>{name}</name>{_points('rtept', points)}</rte>"
    return f"<trk><name>{name}</name><trkseg>{_points('trkpt', points)}</trkseg></trk>"


def _points(tag: str, points: list[list[float]]) -> str:
    return "".join(f'<{tag} lon="{lon}" lat="{lat}"/>' for lon, lat in points)


def a_waypoint(lon: float, lat: float, inner: str) -> str:
    return f'<wpt lon="{lon}" lat="{lat}">{inner}</wpt>'


def draw(phone: Phone, **changes: Any) -> str:
    """Draw a route and return its path."""
    answer = phone.post("/v1/routes", a_drawing(**changes))
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def replace_line(
    phone: Phone, path: str, points: list[list[float]], *, etag: str | None = None
) -> httpx.Response:
    headers = GPX | {"If-Match": etag or phone.get(path).headers["etag"]}
    return phone.put(f"{path}/line", content=a_gpx(a_track("New", points)), headers=headers)
