"""GeoJSON (RFC 7946): write lines for maps, and read lines that a therapist drew on one.

Positions are written to 1e-7 degrees, as they are stored, so a line that is sent out and read again is the
same line. A line is cut where it crosses the antimeridian (RFC 7946, 3.1.9).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal, TypeVar

import msgspec
import numpy as np
from msgspec import Meta

from service.foundation.errors import DomainError
from service.geo.fixes import NO_TIME, Fixes, Floats, Indices
from service.geo.geodesy import bounding_box

POSITION_DECIMALS: Final = 7
ELEVATION_DECIMALS: Final = 2
COORDINATE_RANGES: Final = (("longitude", -180, 180), ("latitude", -90, 90), ("elevation", -5_000, 20_000))
"""The same ranges as in a GPX file."""
DESCRIPTION_CHARS: Final = 4_000
"""A longer description is cut. A name has a limit of its own; a kind is one word."""
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

NOTHING_SAID: Final = msgspec.Raw()

Item = TypeVar("Item")


class PointFeature(msgspec.Struct, frozen=True):
    """A point beside the line, such as a bench, with the properties a map shows."""

    lon: float
    lat: float
    properties: Mapping[str, object]


def track_geojson(fixes: Fixes, properties: Mapping[str, object]) -> bytes:
    """Return a Feature of the line: a LineString, or a MultiLineString of its segments.

    If any fix has a time, `properties.coordTimes` holds one for each position, null where it is missing (the
    convention of togeojson). A segment of one fix repeats it, because a LineString has at least two
    positions. A line without points has the geometry null.
    """
    return msgspec.json.encode(_line_feature(fixes, properties))


def route_geojson(fixes: Fixes, properties: Mapping[str, object], points: Sequence[PointFeature]) -> bytes:
    """Return a FeatureCollection: the line, as in `track_geojson`, then the points in their order."""
    features = [_line_feature(fixes, properties), *map(_point_feature, points)]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _point_feature(point: PointFeature) -> dict[str, object]:
    position = (round(point.lon, POSITION_DECIMALS), round(point.lat, POSITION_DECIMALS))
    geometry = {"type": "Point", "coordinates": position}
    return {"type": "Feature", "geometry": geometry, "properties": point.properties}


def _line_feature(fixes: Fixes, properties: Mapping[str, object]) -> dict[str, object]:
    feature: dict[str, object] = {"type": "Feature", "geometry": None, "properties": properties}
    box = bounding_box(fixes)
    if box is None:
        return feature
    edges = (box.west, box.south, box.east, box.north)
    feature["bbox"] = [round(edge, POSITION_DECIMALS) for edge in edges]
    drawn = _cut_at_antimeridian(fixes)
    lines = _by_segment(_positions(drawn), drawn.starts)
    kind = "LineString" if len(lines) == 1 else "MultiLineString"
    feature["geometry"] = {"type": kind, "coordinates": lines[0] if len(lines) == 1 else lines}
    if np.any(fixes.timed):
        times = _by_segment(_iso_times(drawn), drawn.starts)
        feature["properties"] = {**properties, "coordTimes": times[0] if len(times) == 1 else times}
    return feature


def _positions(fixes: Fixes) -> list[tuple[float, ...]]:
    lon = np.round(fixes.lon, POSITION_DECIMALS).tolist()
    lat = np.round(fixes.lat, POSITION_DECIMALS).tolist()
    missing = np.isnan(fixes.ele_m)
    if missing.all():
        return list(zip(lon, lat, strict=True))
    ele = np.round(fixes.ele_m, ELEVATION_DECIMALS).tolist()
    full: list[tuple[float, ...]] = list(zip(lon, lat, ele, strict=True))
    if not missing.any():
        return full
    return [position[:2] if without else position for position, without in zip(full, missing, strict=True)]


def _iso_times(fixes: Fixes) -> list[str | None]:
    """Return each time as ISO 8601 in UTC, with milliseconds if any fix needs them."""
    unit: Literal["s", "ms"] = "ms" if np.any(fixes.time_ms[fixes.timed] % 1000) else "s"
    instants = fixes.time_ms.astype(np.dtype("datetime64[ms]"))
    texts: list[str | None] = np.datetime_as_string(instants, unit=unit, timezone="UTC").tolist()
    if fixes.timed.all():
        return texts
    return [text if timed else None for text, timed in zip(texts, fixes.timed, strict=True)]


def _by_segment(items: list[Item], starts: Indices) -> list[list[Item]]:
    """Return the items of each segment; a segment of one item gets it twice."""
    ends = [*starts[1:].tolist(), len(items)]
    segments = (items[start:end] for start, end in zip(starts.tolist(), ends, strict=True))
    return [segment if len(segment) > 1 else segment * 2 for segment in segments]


def _cut_at_antimeridian(fixes: Fixes) -> Fixes:
    """Return the line with a new segment at each crossing, and a point on both edges of the map.

    The two points have no time and no elevation, because nobody recorded them.
    """
    jumps = np.diff(fixes.lon)
    crossings = np.setdiff1d(np.flatnonzero(np.abs(jumps) > 180), fixes.starts - 1)
    if not crossings.size:
        return fixes
    edges = np.where(jumps[crossings] < 0, 180.0, -180.0)
    widths = jumps[crossings] + 2 * edges
    share = np.divide(edges - fixes.lon[crossings], widths, out=np.zeros(crossings.size), where=widths != 0)
    lat = fixes.lat[crossings] + share * np.diff(fixes.lat)[crossings]
    at = np.repeat(crossings + 1, 2)
    added = 2 * np.arange(crossings.size)
    moved = fixes.starts + 2 * np.searchsorted(crossings, fixes.starts)
    return Fixes(
        lon=np.insert(fixes.lon, at, np.stack((edges, -edges), axis=1).ravel()),
        lat=np.insert(fixes.lat, at, np.repeat(lat, 2)),
        ele_m=np.insert(fixes.ele_m, at, np.nan),
        time_ms=np.insert(fixes.time_ms, at, NO_TIME),
        starts=np.union1d(moved, crossings + added + 2),
    )


class GeoJsonLimits(msgspec.Struct, frozen=True):
    """The most a drawing may hold; the limits of a GPX file are the same."""

    file_bytes: int = 20 * 2**20
    points: int = 250_000
    lines: int = 10_000


DEFAULT_LIMITS: Final = GeoJsonLimits()


class GeoJsonRefused(DomainError):
    """A drawing cannot become a route. Nothing of it is stored.

    `detail` is a sentence for a human; `pointer` says where (RFC 6901; empty for the whole); `limit` is the
    limit it exceeds, if any.
    """

    def __init__(self, detail: str, pointer: str = "", *, limit: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer
        self.limit = limit


class DrawnLine(msgspec.Struct, frozen=True, eq=False):
    """One line of a drawing; its fixes have no times."""

    name: str | None
    description: str | None
    fixes: Fixes
    stretches: bytes
    """The JSON of the property `stretches`, empty where there is none."""
    properties_at: str
    """The pointer to its properties."""


class DrawnPoint(msgspec.Struct, frozen=True):
    """A point drawn beside the line; `kind` is any word for what is there."""

    lon: float
    lat: float
    name: str | None
    description: str | None
    kind: str | None
    thunder_refuge: bytes
    """The JSON of the property `thunder_refuge`, empty where there is none."""
    properties_at: str
    """The pointer to its properties."""


class Drawing(msgspec.Struct, frozen=True, eq=False):
    """The lines of a drawing, at least one, and the points beside them, each in the order of the content."""

    lines: tuple[DrawnLine, ...]
    points: tuple[DrawnPoint, ...]


Name = Annotated[str, Meta(max_length=200)]
Position = Annotated[list[float], Meta(min_length=2, max_length=4)]


class _Point(msgspec.Struct, tag="Point"):
    coordinates: Position


class _LineString(msgspec.Struct, tag="LineString"):
    coordinates: Annotated[list[Position], Meta(min_length=2)]


class _MultiLineString(msgspec.Struct, tag="MultiLineString"):
    coordinates: Annotated[list[Annotated[list[Position], Meta(min_length=2)]], Meta(min_length=1)]


_Geometry = _Point | _LineString | _MultiLineString


class _Properties(msgspec.Struct):
    """The properties this reads. `description` and `kind` may be anything: other makers put no text there.

    `stretches` and `thunder_refuge` stay JSON, which takes no memory: whoever knows them decodes them.
    """

    name: Name | None = None
    description: object = None
    kind: object = None
    stretches: msgspec.Raw = NOTHING_SAID
    thunder_refuge: msgspec.Raw = NOTHING_SAID


class _Feature(msgspec.Struct, tag="Feature"):
    geometry: _Geometry | None
    properties: _Properties | None = None


class _FeatureCollection(msgspec.Struct, tag="FeatureCollection"):
    features: list[_Feature]


_Root = _FeatureCollection | _Feature | _LineString | _MultiLineString

_decoder: Final[msgspec.json.Decoder[_Root]] = msgspec.json.Decoder(_Root)


def read_geojson(content: bytes, limits: GeoJsonLimits = DEFAULT_LIMITS) -> Drawing:
    """Return the lines and points of a FeatureCollection, a Feature, a LineString or a MultiLineString.

    Members that the RFC does not define are ignored, as it asks. Raise GeoJsonRefused for what is not
    GeoJSON, other geometries, positions off the globe, a drawing without a line, or one beyond `limits`.
    """
    parts = list(_parts(_decode(content, limits)))
    _require_within(limits, parts)
    lines = tuple(_drawn_line(part) for part in parts if not part.is_point)
    points = tuple(_drawn_point(part) for part in parts if part.is_point)
    if not lines:
        raise GeoJsonRefused("There is no line in the drawing.")
    return Drawing(lines, points)


def _decode(content: bytes, limits: GeoJsonLimits) -> _Root:
    """Return the decoded content; its positions are not checked yet."""
    if len(content) > limits.file_bytes:
        raise GeoJsonRefused(f"The drawing is over {limits.file_bytes} bytes.", limit=limits.file_bytes)
    if content.count(b"[") > 2 * (limits.points + limits.lines):  # before decoding makes millions of lists
        raise GeoJsonRefused(f"The drawing has over {limits.points} points.", limit=limits.points)
    try:
        content.decode()
        return _decoder.decode(content.removeprefix(BYTE_ORDER_MARK))
    except UnicodeDecodeError as error:
        raise GeoJsonRefused("The drawing is not written in UTF-8.") from error
    except RecursionError as error:
        raise GeoJsonRefused("The drawing is nested too deeply.") from error
    except msgspec.DecodeError as error:
        message, _, where = str(error).partition(" - at ")
        raise GeoJsonRefused(f"{message}.", _pointer(where)) from error


def _pointer(where: str) -> str:
    """Return msgspec's `$.features[1].geometry` as an RFC 6901 pointer: /features/1/geometry."""
    return "".join(f"/{part}" for part in re.findall(r"[a-z]+|\d+", where))


class _Texts(msgspec.Struct, frozen=True):
    """The texts of a feature's properties."""

    name: str | None = None
    description: str | None = None
    kind: str | None = None


class _Part(msgspec.Struct, frozen=True):
    """A geometry as segments of positions, each with its path; a point is one segment of one position."""

    texts: _Texts
    is_point: bool
    segments: list[tuple[str, list[Position]]]
    properties: _Properties
    properties_at: str


def _parts(root: _Root) -> Iterator[_Part]:
    if isinstance(root, _FeatureCollection):
        for index, feature in enumerate(root.features):
            yield from _parts_of_feature(feature, f"/features/{index}")
    elif isinstance(root, _Feature):
        yield from _parts_of_feature(root, "")
    else:
        yield _part(root, "/coordinates", _Properties(), "")


def _parts_of_feature(feature: _Feature, path: str) -> Iterator[_Part]:
    if feature.geometry is not None:
        properties = feature.properties or _Properties()
        yield _part(feature.geometry, f"{path}/geometry/coordinates", properties, f"{path}/properties")


def _texts(properties: _Properties, path: str) -> _Texts:
    """Return the texts among the properties, cut to a length: map makers put whole pages into descriptions.

    Raise GeoJsonRefused for a text that cannot be stored.
    """
    texts = {
        member: text for member, text in msgspec.structs.asdict(properties).items() if isinstance(text, str)
    }
    for member, text in texts.items():
        if "\0" in text:
            raise GeoJsonRefused(f"A {member} holds the character NUL.", f"{path}/{member}")
    return _Texts(**{member: text[:DESCRIPTION_CHARS] for member, text in texts.items()})


def _part(geometry: _Geometry, path: str, properties: _Properties, properties_at: str) -> _Part:
    if isinstance(geometry, _Point):
        segments = [(path, [geometry.coordinates])]
    elif isinstance(geometry, _LineString):
        segments = [(path, geometry.coordinates)]
    else:
        segments = [(f"{path}/{index}", line) for index, line in enumerate(geometry.coordinates)]
    texts, is_point = _texts(properties, properties_at), isinstance(geometry, _Point)
    return _Part(texts, is_point, segments, properties, properties_at)


def _require_within(limits: GeoJsonLimits, parts: Sequence[_Part]) -> None:
    segments = [positions for part in parts for _, positions in part.segments]
    if sum(map(len, segments)) > limits.points:
        raise GeoJsonRefused(f"The drawing has over {limits.points} points.", limit=limits.points)
    if len(segments) > limits.lines:
        raise GeoJsonRefused(f"The drawing has over {limits.lines} lines and points.", limit=limits.lines)


def _drawn_point(part: _Part) -> DrawnPoint:
    ((path, positions),) = part.segments
    lon, lat, _ = _columns(positions, path)
    texts, refuge = part.texts, bytes(part.properties.thunder_refuge)
    place = (float(lon[0]), float(lat[0]))
    return DrawnPoint(*place, texts.name, texts.description, texts.kind, refuge, part.properties_at)


def _drawn_line(part: _Part) -> DrawnLine:
    texts, stretches = part.texts, bytes(part.properties.stretches)
    return DrawnLine(texts.name, texts.description, _drawn_fixes(part), stretches, part.properties_at)


def _drawn_fixes(part: _Part) -> Fixes:
    columns = [_columns(positions, f"{path}/{{}}") for path, positions in part.segments]
    lon, lat, ele = (np.concatenate(column) for column in zip(*columns, strict=True))
    lengths = [len(positions) for _, positions in part.segments]
    starts = np.cumsum([0, *lengths[:-1]], dtype=np.int64)
    return Fixes(lon=lon, lat=lat, ele_m=ele, time_ms=np.full(len(lon), NO_TIME), starts=starts)


def _columns(positions: Sequence[Position], place: str) -> list[Floats]:
    """Return longitudes, latitudes and elevations. `place` is the path to a position, `{}` for its index."""
    columns: list[Floats] = []
    for part, (what, low, high) in enumerate(COORDINATE_RANGES):
        column = np.array([each[part] if part < len(each) else np.nan for each in positions])
        outside = np.flatnonzero((column < low) | (column > high))
        if outside.size:
            pointer = f"{place.format(outside[0])}/{part}"
            raise GeoJsonRefused(f"The {what} is not between {low} and {high}.", pointer)
        columns.append(column)
    return columns
