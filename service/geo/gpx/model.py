"""What a GPX file holds, why the reader refuses one, and the limits it reads within."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

import msgspec

from service.foundation.errors import DomainError
from service.geo.fixes import Fixes, Indices

LineKind = Literal["track", "route"]

OWN_NAMESPACE: Final = "urn:towpath:gpx:1"
"""The namespace of the elements that only this service writes and reads, inside `extensions`."""

RefusalReason = Literal[
    "empty",
    "damaged-archive",
    "not-one-file",
    "too-large",
    "unknown-encoding",
    "wrong-encoding",
    "not-well-formed",
    "truncated",
    "not-gpx",
    "doctype",
    "markup-too-long",
    "too-deep",
    "too-many-names",
    "too-many-elements",
    "too-many-lines",
    "too-many-segments",
    "too-many-points",
    "no-points",
]


class GpxLimits(msgspec.Struct, frozen=True):
    """The most a GPX file may hold: a day's walk recorded every second fits twice.

    `names` limits the different names of elements and attributes, and thereby the attributes of one element
    and the namespaces it declares. `markup_bytes` limits one tag or comment, because expat before 2.6 reads
    an unfinished one again from its start with every piece it gets.
    """

    file_bytes: int = 20 * 2**20
    points: int = 250_000
    lines: int = 10_000
    segments: int = 100_000
    elements: int = 1_200_000
    depth: int = 100
    names: int = 1_000
    markup_bytes: int = 2**18
    name_chars: int = 200
    description_chars: int = 4_000
    own_elements: int = 10_000
    own_elements_in_one: int = 1_000
    own_attributes: int = 32
    own_chars: int = 64


DEFAULT_LIMITS: Final = GpxLimits()


EXPORT_RECORDING: Final = (
    "which is not read here: export the recording as GPX (Garmin Connect: the activity's gear wheel, Export "
    "to GPX)."
)
EXPORT_DRAWING: Final = "which is not read here: export the line as GPX from the program that drew it."
OTHER_FORMATS: Final = {
    "TrainingCenterDatabase": f"The file is TCX, {EXPORT_RECORDING}",
    "sml": f"The file is Suunto's SML, {EXPORT_RECORDING}",
    "kml": f"The file is KML, {EXPORT_DRAWING}",
}
"""The root elements of other formats of recordings and lines."""


class GpxRefused(DomainError):
    """A file cannot become a route or a track. Nothing of it is stored.

    `reason` is a stable code, `detail` a sentence for a human; `line` and `column` count from 1 and say
    where, if that is known; `limit` is the limit the file exceeds, if any.
    """

    def __init__(
        self,
        reason: RefusalReason,
        detail: str,
        *,
        line: int | None = None,
        column: int | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason: RefusalReason = reason
        self.detail = detail
        self.line = line
        self.column = column
        self.limit = limit


class Skipped(msgspec.Struct, frozen=True):
    """A part of the file that the reader left out, and why. `line` and `column` count from 1."""

    line: int
    column: int
    what: str
    reason: str
    pointer: str | None = None
    """Where it is in JSON (RFC 6901)."""


class OwnElement(msgspec.Struct, frozen=True):
    """An element of OWN_NAMESPACE; `offset` says where it begins in `GpxFile.text`, if it was read."""

    name: str
    attributes: Mapping[str, str]
    offset: int = 0


class GpxLine(msgspec.Struct, frozen=True, eq=False):
    """One track or route of a file; it may hold no usable point.

    `segments` counts the track's segments as written, also empty ones; a route is one segment. `offsets` says
    where each fix begins in `GpxFile.text`. `after_unusable` holds the index of each fix that follows an
    unusable point, the length of the line where the last point is unusable.
    """

    kind: LineKind
    name: str | None
    description: str | None
    fixes: Fixes
    offsets: Indices
    after_unusable: Indices
    segments: int
    own: tuple[OwnElement, ...] = ()


class Waypoint(msgspec.Struct, frozen=True):
    """A single point: WGS84 degrees, metres, and milliseconds since 1970 UTC."""

    lon: float
    lat: float
    ele_m: float | None = None
    time_ms: int | None = None
    name: str | None = None
    description: str | None = None
    symbol: str | None = None
    kind: str | None = None
    own: tuple[OwnElement, ...] = ()


class GpxText(msgspec.Struct, frozen=True, eq=False):
    """The bytes of a file as they were parsed."""

    content: bytes
    encoding: str
    blank_lines: int
    """Lines before the content; expat wants an XML declaration to come first."""

    def lines_and_columns(self, offsets: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Yield the line and column, counted from 1, of each offset in bytes. The offsets ascend."""
        line, counted = 1 + self.blank_lines, 0
        for offset in offsets:
            line += self.content.count(b"\n", counted, offset)
            line_start = self.content.rfind(b"\n", 0, offset) + 1
            before = self.content[line_start:offset].decode(self.encoding, "replace")
            yield line, len(before) + 1
            counted = offset


class GpxFile(msgspec.Struct, frozen=True, eq=False):
    """What the reader found. At least one of the lines or waypoints holds a usable point.

    `skipped` names the first twenty parts left out, in the file's order; `skipped_count` counts all of them.
    """

    name: str | None
    description: str | None
    tracks: tuple[GpxLine, ...]
    routes: tuple[GpxLine, ...]
    waypoints: tuple[Waypoint, ...]
    skipped: tuple[Skipped, ...]
    skipped_count: int
    without_zone: int
    """Times of points of tracks and routes that name no zone; they are read as UTC."""
    text: GpxText
