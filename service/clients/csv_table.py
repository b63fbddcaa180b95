"""Tables out of a spreadsheet: CSV as RFC 4180 quotes it, separated by commas or by semicolons."""

import csv
import io
from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from service.foundation.errors import DomainError

SEPARATORS: Final = (",", ";")
BYTE_ORDER_MARK: Final = "\ufeff"


class CsvRefused(DomainError):
    """A file that is no table of the kind wanted. Nothing of it is used.

    `reason` is a stable code, `detail` a sentence for a human; `line` counts from 1 and says where, if there
    is such a place; `limit` is the limit that was passed, if one was.
    """

    def __init__(
        self, reason: str, detail: str, *, line: int | None = None, limit: int | None = None
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.line = line
        self.limit = limit


class CsvRow(msgspec.Struct, frozen=True):
    """A row below the header: its number as a spreadsheet shows it, and its cells without outer space."""

    number: int
    cells: tuple[str, ...]


class CsvTable(msgspec.Struct, frozen=True):
    """The header's columns, and the rows that are not empty. A row may be shorter or longer than it."""

    columns: tuple[str, ...]
    rows: tuple[CsvRow, ...]


def read_table(
    content: bytes, *, known: Collection[str], needed: Collection[str], most_rows: int
) -> CsvTable:
    """Return the table of a UTF-8 file whose header names `known` columns. Raises CsvRefused.

    A byte order mark, the case of the header's letters and spaces instead of underscores do not matter.
    """
    text = _decoded(content)
    header = text.partition("\n")[0]
    separator = max(SEPARATORS, key=header.count)
    numbered = _records(text, separator)
    columns = _columns(next(numbered, (1, []))[1], known, needed)
    rows = []
    for number, cells in numbered:
        if any(cells):
            rows.append(CsvRow(number, tuple(cells)))
        if len(rows) > most_rows:
            raise CsvRefused(
                "too-many-rows", f"at most {most_rows:,} rows are read; split the file", limit=most_rows
            )
    return CsvTable(columns, tuple(rows))


def _decoded(content: bytes) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CsvRefused("not-utf-8", 'not UTF-8; save it as "CSV UTF-8"', line=line) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise CsvRefused("not-text", 'holds a NUL; save it as "CSV UTF-8"', line=line)
    return text.removeprefix(BYTE_ORDER_MARK)


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record's number, counted from 1 as a spreadsheet does, and its cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise CsvRefused("malformed", f"cannot be read on: {error}", line=reader.line_num) from error


def _columns(header: list[str], known: Collection[str], needed: Collection[str]) -> tuple[str, ...]:
    """Return the columns' names. Raises CsvRefused for one that is unknown, there twice or missing."""
    names = tuple(name.lower().replace(" ", "_") for name in header)
    for position, name in enumerate(names, start=1):
        called = f'column {position} ("{name[:60]}")' if name else f"column {position}, which has no name,"
        if name not in known:
            raise CsvRefused("unknown-column", f"{called} is none of {', '.join(known)}", line=1)
        if names.count(name) > 1:
            raise CsvRefused("repeated-column", f"{called} is there more than once", line=1)
    missing = [name for name in needed if name not in names]
    if missing:
        raise CsvRefused("missing-column", f"the first row names no column {missing[0]}", line=1)
    return names
