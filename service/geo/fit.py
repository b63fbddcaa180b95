"""Read what a watch recorded in FIT: its records with a position, and where its timer stood still.

The format is read by fitdecode. Only records and timer events are looked at: a FIT file also names its owner,
the watch, heart rates and laps. Sources: Garmin's FIT profile, messages `record` (20) and `event` (21).
"""

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

import fitdecode
import msgspec
import numpy as np

from service.geo.fixes import NO_TIME, Fixes, Indices
from service.geo.gpx.assembly import EARLIEST, period_ms
from service.geo.gpx.columns import KEPT_SKIPS
from service.geo.gpx.model import GpxRefused, Skipped

MOST_MESSAGES: Final = 60_000
"""Eight hours with a record and a heart beat message a second."""
MOST_FIELDS: Final = 600_000
"""Of all messages: about four seconds of reading. A file of a few KB may unpack to messages of 255 fields."""
MOST_BYTES: Final = 4 * 2**20
"""Fields that are lists take time by their length. Eight hours of a watch have 2 MB."""

_UNDECODABLE: Final = (
    fitdecode.FitError, struct.error, AssertionError, ValueError, LookupError, TypeError, ArithmeticError
)  # fmt: skip
"""What fitdecode raises at damaged content."""
_FIT_EPOCH_MS: Final = round(datetime(1989, 12, 31, tzinfo=UTC).timestamp() * 1_000)
_DEGREES: Final = 180 / 2**31
"""A semicircle, the unit of positions."""
_RECORD, _EVENT = 20, 21
_LAT, _LON, _ALTITUDE, _ENHANCED_ALTITUDE, _TIMESTAMP = 0, 1, 2, 78, 253
_EVENT_KIND, _EVENT_TYPE, _TIMER = 0, 1, 0
_STOPS: Final = frozenset({1, 4, 8, 9})
"""Stop, stop all, stop and disable, stop and disable all."""


class FitRecording(msgspec.Struct, frozen=True, eq=False):
    """The fixes of a FIT file; `numbers` counts the file's messages from 1, for each fix.

    A skipped part names its message as its line, in column 1.
    """

    fixes: Fixes
    numbers: Indices
    skipped: tuple[Skipped, ...]
    skipped_count: int


def is_fit(content: bytes) -> bool:
    """Return whether a file is FIT, by its header."""
    return content[8:12] == b".FIT"


class _Record(NamedTuple):
    """A record as it is written: its number, semicircles, seconds since 1989, metres; None if not known."""

    number: int
    lat: int | None
    lon: int | None
    time_s: int | None
    ele_m: float

    @property
    def is_placed(self) -> bool:
        if self.lat is None or self.lon is None:
            return False
        return abs(self.lat) * _DEGREES <= 90 and abs(self.lon) * _DEGREES <= 180


class _Message(Protocol):
    """A message as fitdecode gives it."""

    global_mesg_num: int

    def get_raw_value(self, field: int, *, fallback: None) -> object:
        """Return a field by its number."""


def read_fit(content: bytes, *, now: datetime, earliest: datetime = EARLIEST) -> FitRecording:
    """Return the records of a FIT file that have a position. A pause of the timer leaves a gap.

    Times before `earliest` or more than a day after `now` are left out, as are heights that are not known.
    Raises GpxRefused. Takes about 65 µs a message: call it off the event loop.
    """
    if len(content) > MOST_BYTES:
        raise GpxRefused("too-large", f"The FIT file is larger than {MOST_BYTES} bytes.", limit=MOST_BYTES)
    placed: list[_Record] = []
    starts, skipped = [0], []
    for record in _records(content):
        if record is not None and record.is_placed:
            placed.append(record)
            continue
        starts.append(len(placed))
        if record is not None:
            skipped.append(Skipped(record.number, 1, "point", "has no position"))
    if not placed:
        raise GpxRefused("no-points", "The FIT file holds no record with a position.")
    return _assembled(placed, starts, skipped, period_ms(earliest, now))


def _records(content: bytes) -> Iterator[_Record | None]:
    """Yield each record, and None where the timer stopped or another file begins. Raises GpxRefused."""
    try:
        for number, message in enumerate(_messages(content), start=1):
            if message is None or (message.global_mesg_num == _EVENT and _stops_the_timer(message)):
                yield None
            elif message.global_mesg_num == _RECORD:
                lat, lon, time_s = (_number(message, each) for each in (_LAT, _LON, _TIMESTAMP))
                yield _Record(number, lat, lon, time_s, _height_m(message))
    except fitdecode.FitEOFError as error:
        raise GpxRefused("truncated", "The FIT file is cut off.") from error
    except fitdecode.FitCRCError as error:
        raise GpxRefused("damaged-archive", "The FIT file is damaged: its checksum is wrong.") from error
    except _UNDECODABLE as error:
        raise GpxRefused("not-well-formed", "The FIT file cannot be decoded.") from error


def _messages(content: bytes) -> Iterator[_Message | None]:
    """Yield every message with data, and None where a file begins: several may follow each other.

    Raises GpxRefused as soon as the file is too long.
    """
    messages = fields = 0
    reader = fitdecode.FitReader(
        content,
        processor=None,
        check_crc=fitdecode.CrcCheck.RAISE,
        error_handling=fitdecode.ErrorHandling.IGNORE,  # a developer's field that is not described
    )
    with reader:
        for frame in reader:
            messages += 1
            if isinstance(frame, fitdecode.FitHeader):
                yield None
            elif isinstance(frame, fitdecode.FitDataMessage):
                fields += len(frame.fields)
                yield frame
            elif isinstance(frame, fitdecode.FitDefinitionMessage):
                fields += len(frame.field_defs) + len(frame.dev_field_defs)
            if messages > MOST_MESSAGES:
                raise GpxRefused("too-many-points", "The FIT file is too long.", limit=MOST_MESSAGES)
            if fields > MOST_FIELDS:
                raise GpxRefused("too-many-points", "The FIT file holds too many fields.", limit=MOST_FIELDS)


def _stops_the_timer(event: _Message) -> bool:
    return _number(event, _EVENT_KIND) == _TIMER and _number(event, _EVENT_TYPE) in _STOPS


def _number(message: _Message, field: int) -> int | None:
    """Return a field; None where it is not known or, in a damaged file, no number of the profile's size."""
    value = message.get_raw_value(field, fallback=None)
    return value if isinstance(value, int) and abs(value) < 2**32 else None


def _height_m(record: _Message) -> float:
    """Return the height of a record in metres; NaN where it is not known."""
    for field in (_ENHANCED_ALTITUDE, _ALTITUDE):
        raw = _number(record, field)
        if raw is not None:
            return raw / 5 - 500
    return float("nan")


def _assembled(
    records: Sequence[_Record], starts: Sequence[int], unplaced: Sequence[Skipped], period: tuple[int, int]
) -> FitRecording:
    numbers = np.array([each.number for each in records], dtype=np.int64)
    time_ms = np.array(
        [NO_TIME if each.time_s is None else _FIT_EPOCH_MS + each.time_s * 1_000 for each in records],
        dtype=np.int64,
    )
    unusable = (time_ms != NO_TIME) & ((time_ms < period[0]) | (time_ms > period[1]))
    times = [Skipped(int(each), 1, "time", "before 1990 or in the future") for each in numbers[unusable]]
    begins = np.unique(starts)
    fixes = Fixes(
        lon=np.array([each.lon for each in records], dtype=np.float64) * _DEGREES,
        lat=np.array([each.lat for each in records], dtype=np.float64) * _DEGREES,
        ele_m=np.array([each.ele_m for each in records]),
        time_ms=np.where(unusable, NO_TIME, time_ms),
        starts=begins[begins < len(records)],
    )
    skipped = sorted((*unplaced, *times), key=lambda part: part.line)
    return FitRecording(fixes, numbers, tuple(skipped[:KEPT_SKIPS]), len(skipped))
