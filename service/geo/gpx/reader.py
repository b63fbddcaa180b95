"""A streaming GPX reader on expat, for files from strangers and from every kind of device.

It reads GPX 1.0 and 1.1, and anything else whose root is `gpx`, in any namespace, under any prefix, in the
encoding the file declares. It leaves out parts that cannot be used, and names them. It refuses a file that is
not well-formed to its end: half a walk, stored as a whole one, would put notes in the wrong place. It refuses
a DOCTYPE, so there are no entities, and limits everything that could grow. Of the extensions of tracks,
routes and waypoints it keeps the elements in OWN_NAMESPACE. It ignores other extensions and elements that GPX
does not define, with all they hold; it names a point, segment or track that lies directly inside a GPX
element where it does not belong.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final, NamedTuple, NoReturn
from xml.parsers import expat

from service.geo.gpx.assembly import EARLIEST, Assembly
from service.geo.gpx.characters import to_readable
from service.geo.gpx.columns import Row
from service.geo.gpx.model import (
    DEFAULT_LIMITS,
    EXPORT_RECORDING,
    OTHER_FORMATS,
    GpxFile,
    GpxLimits,
    GpxRefused,
    GpxText,
    LineKind,
    OwnElement,
    RefusalReason,
    Skipped,
)
from service.geo.gpx.own_elements import OwnElements, declared

_PIECE_BYTES: Final = 2**18
"""Large, because expat before 2.6 reads an unfinished token again with every piece."""

_BLANKS: Final = b" \t\r\n"

_GPX_NAMESPACE: Final = "http://www.topografix.com/GPX/1/"

_TEXTS: Final = frozenset({"name", "desc", "cmt"})
_INSIDE: Final[Mapping[str, frozenset[str]]] = {
    "gpx": frozenset({"metadata", "name", "desc", "trk", "rte"}),
    "metadata": frozenset({"name", "desc"}),
    "trk": frozenset({"name", "desc", "cmt", "trkseg"}),
    "trkseg": frozenset(),
    "rte": frozenset({"name", "desc", "cmt"}),
}
"""The elements read inside each element, besides points. Any other is ignored with all it holds."""

_POINT_INSIDE: Final = {"gpx": "wpt", "trk": "trkpt", "trkseg": "trkpt", "rte": "rtept"}
"""The points inside each element. GPX allows none directly in `trk`, but somebody walked there."""

_HOLDS_POINTS: Final[Mapping[str, str]] = {
    "trk": "track",
    "rte": "route",
    "trkseg": "segment",
    "trkpt": "point",
    "rtept": "point",
    "wpt": "waypoint",
}
"""The word for each in the list of parts left out, when it lies where it does not belong."""

_EXTENSIONS: Final = "extensions"
_NAMES: Final = frozenset(_INSIDE).union(*_INSIDE.values(), _HOLDS_POINTS, {_EXTENSIONS})

_POINT_TEXTS: Final = ("ele", "time")
_WAYPOINT_TEXTS: Final = ("ele", "time", "name", "desc", "cmt", "sym", "type")
_FIRST_TEXT: Final = 2
"""The index of the first text in a `Row`, after the attributes and the byte offset."""

_LINE_KINDS: Final[Mapping[str, LineKind]] = {"trk": "track", "rte": "route"}

_CUT_OFF: Final = frozenset(
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)


def read_gpx(
    content: bytes, *, now: datetime, earliest: datetime = EARLIEST, limits: GpxLimits = DEFAULT_LIMITS
) -> GpxFile:
    """Return the tracks, routes and waypoints of a GPX file, and the parts left out.

    Leaves out times before `earliest` or more than a day after `now`. Raises GpxRefused and nothing else.
    Takes about 5 µs a point: call it off the event loop.
    """
    if len(content) > limits.file_bytes:
        raise GpxRefused(
            "too-large", f"The file is larger than {limits.file_bytes} bytes.", limit=limits.file_bytes
        )
    if content[8:12] == b".FIT":
        raise GpxRefused("not-gpx", f"The file is FIT, {EXPORT_RECORDING}")
    if not content or content.isspace():
        raise GpxRefused("empty", "The file is empty.")
    written = content.lstrip(_BLANKS)
    if not written.startswith(b"<?xml"):
        written = content  # only a declaration must come first
    readable, encoding = to_readable(written)
    blank_lines = content.count(b"\n", 0, len(content) - len(written))
    reading = _Reading(GpxText(readable, encoding, blank_lines), limits, (earliest, now))
    reading.parse()
    return reading.result()


class _Points(NamedTuple):
    """The points that an element may hold: their tags, the list they go to, the slots of their texts."""

    tags: set[str]
    rows: list[Row]
    slots: dict[str, int]
    blanks: tuple[Any, ...]


class _Reading:
    """The state of one reading. expat calls `_start` and `_end` for every element, so these are short.

    `_stack` holds the open elements of `_INSIDE`; `_level` is the depth of the children of the innermost.
    `_leaf_level` is the depth of the children of the open point, or 0 if no point is open. `_slot` is the
    index in `_row` for the text of the current child, or 0 if that text is not read. `_field` is the name of
    the text that is open elsewhere. Inside extensions that may hold elements of ours, other handlers take
    over, so that reading points costs no more for them.
    """

    def __init__(self, text: GpxText, limits: GpxLimits, period: tuple[datetime, datetime]) -> None:
        self._text = text
        self._limits = limits
        self._assembly = Assembly(limits, period)
        self._names: dict[str, str] = {}
        self._parser = expat.ParserCreate(text.encoding, None, self._names)
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._pieces: list[str] = []
        self._parser.CharacterDataHandler = self._pieces.append
        self._deepest = limits.depth
        self._depth = 0
        self._elements = 0
        self._level = 1
        self._leaf_level = 0
        self._stack: list[str] = []
        self._prefixes: set[str] = set()
        self._known: dict[str, str] = {}
        self._points_inside = {parent: self._points(point) for parent, point in _POINT_INSIDE.items()}
        self._point_tags: AbstractSet[str] = frozenset()
        self._rows: list[Row] = []
        self._slots: Mapping[str, int] = {}
        self._blanks: tuple[Any, ...] = ()
        self._row: Row = []
        self._slot = 0
        self._texts = self._assembly.texts
        self._field: str | None = None
        self._field_offset = 0
        self._own = OwnElements(limits, self._assembly.skips)
        self._own_of_line: list[OwnElement] = []
        self._root_scope: Mapping[str, str] = {}
        self._line_scope: Mapping[str, str] = {}

    def _points(self, point: str) -> _Points:
        """Return where points of one kind go. `_learn` adds their tags, which depend on the prefixes."""
        if point == "wpt":
            return _Points(set(), self._assembly.waypoint_rows, {}, (*[""] * len(_WAYPOINT_TEXTS), ()))
        return _Points(set(), self._assembly.point_rows, {}, ("",) * len(_POINT_TEXTS))

    def parse(self) -> None:
        """Feed the content in large pieces; after each, check the limits and gather the points."""
        view = memoryview(self._text.content)
        try:
            for start in range(0, len(view), _PIECE_BYTES):
                piece = view[start : start + _PIECE_BYTES]
                self._parser.Parse(piece, False)  # noqa: FBT003  positional only
                self._check(fed=start + len(piece))
                self._trim()
                self._assembly.gather()
            self._parser.Parse(b"", True)  # noqa: FBT003  positional only
            self._check(fed=len(view))
        except expat.ExpatError as error:
            raise _malformed(error, self._text.blank_lines) from error
        finally:
            self._let_go()
        self._assembly.gather(final=True)

    def _let_go(self) -> None:
        """Break the cycle of parser and handlers, which would keep the content in memory."""
        self._parser.StartDoctypeDeclHandler = None
        self._parser.StartElementHandler = None
        self._parser.EndElementHandler = None
        self._parser.CharacterDataHandler = None

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        depth = self._depth = self._depth + 1
        self._elements += 1
        if depth == self._leaf_level:
            self._slot = self._slots.get(tag, 0)
            self._pieces.clear()
        elif depth == self._level:
            if tag in self._point_tags:
                self._leaf_level = depth + 1
                self._row = [attributes, self._parser.CurrentByteIndex, *self._blanks]
                self._rows.append(self._row)
            else:
                self._open(tag, attributes)
        elif depth > self._deepest:
            self._refuse("too-deep", "Elements lie too deep in one another", self._deepest)

    def _end(self, _tag: str) -> None:
        depth = self._depth = self._depth - 1
        if self._leaf_level:
            if depth < self._level:
                self._leaf_level = 0
            elif self._slot and depth == self._level:  # once for each text, not for every element inside it
                self._row[self._slot] = "".join(self._pieces)
        elif depth < self._level:
            self._close(depth)

    def _start_beside_lines(self, tag: str, attributes: dict[str, str]) -> None:
        """Do as `_start` does where waypoints lie, and look for their extensions."""
        self._start(tag, attributes)
        if self._depth == self._leaf_level and self._known.get(tag) == _EXTENSIONS:
            found = self._row[-1] = self._row[-1] or []
            self._enter_extensions(found, self._row[0], attributes)

    def _enter_extensions(self, found: list[OwnElement], *scopes: Mapping[str, str]) -> None:
        self._own.enter(found, self._root_scope, *scopes)
        self._parser.StartElementHandler = self._start_extension
        self._parser.EndElementHandler = self._end_extension

    def _leave_extensions(self) -> None:
        beside_lines = self._stack == ["gpx"]
        self._parser.StartElementHandler = self._start_beside_lines if beside_lines else self._start
        self._parser.EndElementHandler = self._end

    def _start_extension(self, tag: str, attributes: dict[str, str]) -> None:
        depth = self._depth = self._depth + 1
        self._elements += 1
        if depth > self._deepest:
            self._refuse("too-deep", "Elements lie too deep in one another", self._deepest)
        self._own.start(tag, attributes, self._parser.CurrentByteIndex)

    def _end_extension(self, tag: str) -> None:
        if self._own.end():
            self._leave_extensions()
            self._end(tag)
        else:
            self._depth -= 1

    def _open(self, tag: str, attributes: dict[str, str]) -> None:
        """Open a child of the innermost known element, or ignore it."""
        if not self._stack:
            self._open_root(tag, attributes)
            return
        if attributes and self._learn(_gpx_prefixes(attributes)):  # it may use the new prefix itself
            self._depth, self._elements = self._depth - 1, self._elements - 1
            self._start(tag, attributes)
            return
        name = self._known.get(tag)
        if name not in _INSIDE[self._stack[-1]]:
            if name == _EXTENSIONS and self._stack[-1] in _LINE_KINDS:
                self._enter_extensions(self._own_of_line, self._line_scope, attributes)
            else:
                self._pass_over(name)
            return
        if name in _TEXTS:
            self._field = name
            self._field_offset = self._parser.CurrentByteIndex
            self._pieces.clear()
            return
        if name in _LINE_KINDS:
            self._open_line(_LINE_KINDS[name])
            self._line_scope = declared(attributes)
        elif name == "metadata":
            del self._known[tag]  # a file has one; any other is ignored
        elif name == "trkseg" and self._assembly.open_segment() > self._limits.segments:
            self._refuse("too-many-segments", "The tracks have too many segments", self._limits.segments)
        self._enter(name)

    def _open_line(self, kind: LineKind) -> None:
        if self._assembly.line_count == self._limits.lines:
            self._refuse("too-many-lines", "The file holds too many tracks and routes", self._limits.lines)
        self._texts, self._own_of_line = self._assembly.open_line(kind)

    def _open_root(self, tag: str, attributes: Mapping[str, str]) -> None:
        prefix, colon, name = tag.rpartition(":")
        if name != "gpx":
            other = OTHER_FORMATS.get(name, f"The file is <{name[:40]}>, not <gpx>.")
            self._refuse("not-gpx", other)
        self._learn({prefix + colon, *_gpx_prefixes(attributes)})
        self._root_scope = declared(attributes)
        self._enter("gpx")

    def _learn(self, prefixes: Iterable[str]) -> bool:
        """Recognise GPX elements under these prefixes, colon included; return whether any prefix is new."""
        fresh = set(prefixes) - self._prefixes
        self._prefixes |= fresh
        for prefix in fresh:
            self._known.update((prefix + name, name) for name in _NAMES)
            for parent, points in self._points_inside.items():
                point = _POINT_INSIDE[parent]
                texts = _WAYPOINT_TEXTS if point == "wpt" else _POINT_TEXTS
                points.tags.add(prefix + point)
                points.slots.update((prefix + text, slot) for slot, text in enumerate(texts, _FIRST_TEXT))
        return bool(fresh)

    def _pass_over(self, name: str | None) -> None:
        """Ignore a child; if points are lost with it, add it to the parts left out."""
        what = _HOLDS_POINTS.get(name or "")
        if what is not None:
            self._assembly.leave_out(what, self._stack[-1], self._parser.CurrentByteIndex)

    def _enter(self, name: str) -> None:
        self._stack.append(name)
        self._await_points()

    def _close(self, depth: int) -> None:
        """Close a child of the innermost known element, or that element itself."""
        if depth < self._level - 1:
            if self._stack.pop() in _LINE_KINDS:
                self._texts = self._assembly.texts
            self._await_points()
        elif self._field is not None:
            if self._pieces:
                self._assembly.keep_text(self._texts, self._field, "".join(self._pieces), self._field_offset)
            self._field = None

    def _await_points(self) -> None:
        """Prepare for the points of the innermost known element."""
        self._level = len(self._stack) + 1
        points = self._points_inside.get(self._stack[-1]) if self._stack else None
        if points is None:
            self._point_tags = frozenset()
        else:
            self._point_tags, self._rows, self._slots, self._blanks = points
        self._leave_extensions()

    def _check(self, *, fed: int) -> None:
        """Refuse a file that exceeds a limit. It runs after each piece, so a file may exceed it a little."""
        limits = self._limits
        if fed - self._parser.CurrentByteIndex > limits.markup_bytes:
            self._refuse("markup-too-long", "A tag or comment is too long", limits.markup_bytes)
        if len(self._names) > limits.names:
            self._refuse("too-many-names", "Too many different elements or attributes", limits.names)
        if self._elements > limits.elements:
            self._refuse("too-many-elements", "The file holds too many elements", limits.elements)
        if self._assembly.points > limits.points:
            self._refuse("too-many-points", "The file holds too many points", limits.points)

    def _trim(self) -> None:
        """Keep no more of an unfinished text than its limit, and nothing of what lies between texts."""
        if self._slot or self._field is not None:
            self._pieces[:] = ["".join(self._pieces)[: self._limits.description_chars + 1]]
        else:
            self._pieces.clear()

    def _refuse_doctype(self, *_: object) -> None:
        self._refuse("doctype", "The file has a document type declaration, which GPX does not use.")

    def _refuse(self, reason: RefusalReason, detail: str, limit: int | None = None) -> NoReturn:
        raise GpxRefused(
            reason,
            detail if limit is None else f"{detail}: the limit is {limit}.",
            line=self._parser.CurrentLineNumber + self._text.blank_lines,
            column=self._parser.CurrentColumnNumber + 1,
            limit=limit,
        )

    def result(self) -> GpxFile:
        """Return the parsed file. Raises GpxRefused if no point of it is usable."""
        assembly = self._assembly
        lines = tuple(assembly.lines())
        skipped = tuple(self._skipped())
        if not assembly.waypoints and not any(len(line.fixes) for line in lines):
            raise _nothing_usable(skipped)
        return GpxFile(
            name=assembly.texts.get("name"),
            description=assembly.texts.get("desc"),
            tracks=tuple(line for line in lines if line.kind == "track"),
            routes=tuple(line for line in lines if line.kind == "route"),
            waypoints=tuple(assembly.waypoints),
            skipped=skipped,
            skipped_count=assembly.skips.count,
            without_zone=assembly.without_zone,
            text=self._text,
        )

    def _skipped(self) -> Iterator[Skipped]:
        """Yield what was left out, each with its line and column."""
        first = self._assembly.skips.first
        found = self._text.lines_and_columns(offset for offset, _, _ in first)
        for (line, column), (_, what, reason) in zip(found, first, strict=True):
            yield Skipped(line=line, column=column, what=what, reason=reason)


def _gpx_prefixes(attributes: Mapping[str, str]) -> Iterator[str]:
    """Yield the prefixes, colon included, that an element declares for GPX."""
    for name, uri in attributes.items():
        if uri.startswith(_GPX_NAMESPACE):
            if name == "xmlns":
                yield ""
            elif name.startswith("xmlns:"):
                yield name.removeprefix("xmlns:") + ":"


def _malformed(error: expat.ExpatError, blank_lines: int) -> GpxRefused:
    message = expat.ErrorString(error.code)
    line, column = error.lineno + blank_lines, error.offset + 1
    if error.code in _CUT_OFF:
        return GpxRefused("truncated", f"The file is cut off: {message}.", line=line, column=column)
    return GpxRefused("not-well-formed", f"The file is not XML: {message}.", line=line, column=column)


def _nothing_usable(skipped: Sequence[Skipped]) -> GpxRefused:
    if not skipped:
        return GpxRefused("no-points", "The file holds no points.")
    first = skipped[0]
    detail = f"No point of the file can be used. The first {first.what}: {first.reason}."
    return GpxRefused("no-points", detail, line=first.line, column=first.column)
