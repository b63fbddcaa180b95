"""Assemble what the parser finds: rows of points become columns, columns become lines and waypoints."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import compress, pairwise
from typing import Final

import msgspec
import numpy as np

from service.geo.fixes import NO_TIME, Fixes
from service.geo.gpx.columns import Columns, Row, SkipLog, read_columns
from service.geo.gpx.model import GpxLimits, GpxLine, LineKind, OwnElement, Waypoint

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
"""Nobody recorded a walk before this; a receiver without a fix writes 1980."""

_CLOCK_SLACK: Final = timedelta(days=1)

_NOTHING: Final = Columns(
    lon=np.empty(0),
    lat=np.empty(0),
    ele_m=np.empty(0),
    time_ms=np.empty(0, np.int64),
    offsets=np.empty(0, np.int64),
    without_zone=0,
    kept=np.empty(0, np.bool_),
)


def period_ms(earliest: datetime, now: datetime) -> tuple[int, int]:
    """Return the first and last usable instant in milliseconds; a recorder's clock may be a day ahead."""
    return _milliseconds(earliest), _milliseconds(now + _CLOCK_SLACK)


class _OpenLine(msgspec.Struct, frozen=True):
    """A track or route in the making: the numbers of its first point and segment, texts and own elements."""

    kind: LineKind
    first_point: int
    first_segment: int
    texts: dict[str, str]
    own: list[OwnElement]


class Assembly:
    """Collects points, lines and texts while a file is parsed.

    The parser appends to `point_rows` and `waypoint_rows` and calls `gather` now and then, so that only a few
    points are in memory as text at any time.
    """

    def __init__(self, limits: GpxLimits, period: tuple[datetime, datetime]) -> None:
        self.point_rows: list[Row] = []
        self.waypoint_rows: list[Row] = []
        self.texts: dict[str, str] = {}
        self.waypoints: list[Waypoint] = []
        self.skips = SkipLog()
        self._limits = limits
        self._window_ms = period_ms(*period)
        self._lines: list[_OpenLine] = []
        self._segment_starts: list[int] = []
        self._columns = [_NOTHING]
        self._points_gathered = 0
        self._waypoints_gathered = 0
        self._misplaced = 0

    @property
    def points(self) -> int:
        """Points of every kind found so far, also unusable ones; a misplaced part counts as one point."""
        waypoints = self._waypoints_gathered + len(self.waypoint_rows)
        return self._next_point + waypoints + self._misplaced

    @property
    def without_zone(self) -> int:
        """Times of points of tracks and routes that name no zone."""
        return sum(each.without_zone for each in self._columns)

    @property
    def _next_point(self) -> int:
        return self._points_gathered + len(self.point_rows)

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def open_line(self, kind: LineKind) -> tuple[dict[str, str], list[OwnElement]]:
        """Begin a track or route; return the dictionary for its texts and the list for its own elements."""
        line = _OpenLine(kind, self._next_point, len(self._segment_starts), {}, [])
        self._lines.append(line)
        return line.texts, line.own

    def open_segment(self) -> int:
        """Begin a segment of the open track; return how many segments the file has so far."""
        self._segment_starts.append(self._next_point)
        return len(self._segment_starts)

    def leave_out(self, what: str, parent: str, offset: int) -> None:
        """Log a part that may hold points and does not belong inside its parent."""
        self._misplaced += 1
        self.skips.add(offset, what, f"does not belong inside {parent}")

    def keep_text(self, texts: dict[str, str], field: str, text: str, offset: int) -> None:
        """Keep a text, cut to its limit, unless it is blank or the field already has one."""
        kept = self._cut(field, text, offset)
        if kept is not None:
            texts.setdefault(field, kept)

    def gather(self, *, final: bool = False) -> None:
        """Turn rows into columns. Unless `final`, keep the last row of each kind, which may still be open."""
        rows = _take(self.point_rows, final=final)
        if rows:
            self._columns.append(read_columns(rows, "point", self._window_ms, self.skips))
            self._points_gathered += len(rows)
        rows = _take(self.waypoint_rows, final=final)
        if rows:
            self._gather_waypoints(rows)
            self._waypoints_gathered += len(rows)

    def _gather_waypoints(self, rows: list[Row]) -> None:
        columns = read_columns(rows, "waypoint", self._window_ms, self.skips)
        numbers = (
            columns.lon.tolist(),
            columns.lat.tolist(),
            columns.ele_m.tolist(),
            columns.time_ms.tolist(),
        )
        for row, lon, lat, ele_m, time_ms in zip(compress(rows, columns.kept), *numbers, strict=True):
            _, offset, _, _, name, description, comment, symbol, kind, own = row
            self.waypoints.append(
                Waypoint(
                    lon=lon,
                    lat=lat,
                    ele_m=None if np.isnan(ele_m) else ele_m,
                    time_ms=None if time_ms == NO_TIME else time_ms,
                    name=self._cut("name", name, offset),
                    description=self._cut("desc", description, offset) or self._cut("cmt", comment, offset),
                    symbol=self._cut("sym", symbol, offset),
                    kind=self._cut("type", kind, offset),
                    own=tuple(own),
                )
            )

    def _cut(self, field: str, text: str, offset: int) -> str | None:
        """Return the text trimmed and cut to its limit, or None if it is blank."""
        text = text.strip()
        longest = self._limits.description_chars if field in ("desc", "cmt") else self._limits.name_chars
        if len(text) > longest:
            self.skips.add(offset, field, f"longer than {longest} characters, the rest is cut off")
        return text[:longest] or None

    def lines(self) -> Iterator[GpxLine]:
        """Yield the tracks and routes in the file's order. Their points are slices of shared columns."""
        lon, lat, ele_m, time_ms, offsets, kept = (
            np.concatenate([getattr(each, name) for each in self._columns])
            for name in ("lon", "lat", "ele_m", "time_ms", "offsets", "kept")
        )
        usable_before = np.concatenate(([0], np.cumsum(kept)))
        segment_starts = np.array(self._segment_starts, dtype=np.int64)
        end = _OpenLine("route", self._points_gathered, len(segment_starts), {}, [])
        for line, following in pairwise([*self._lines, end]):
            start, stop = usable_before[[line.first_point, following.first_point]].tolist()
            own = segment_starts[line.first_segment : following.first_segment]
            starts = np.unique(np.concatenate(([start], usable_before[own])))
            unusable = line.first_point + np.flatnonzero(~kept[line.first_point : following.first_point])
            yield GpxLine(
                kind=line.kind,
                name=line.texts.get("name"),
                description=line.texts.get("desc") or line.texts.get("cmt"),
                fixes=Fixes(
                    lon=lon[start:stop],
                    lat=lat[start:stop],
                    ele_m=ele_m[start:stop],
                    time_ms=time_ms[start:stop],
                    starts=starts[starts < stop] - start,
                ),
                offsets=offsets[start:stop],
                after_unusable=np.unique(usable_before[unusable]) - start,
                segments=len(own) if line.kind == "track" else 1,
                own=tuple(line.own),
            )


def _take(rows: list[Row], *, final: bool) -> list[Row]:
    """Remove and return the rows that are complete."""
    complete = len(rows) if final else max(len(rows) - 1, 0)
    taken = rows[:complete]
    del rows[:complete]
    return taken


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000)
