"""Read a CSV file (RFC 4180), separated by commas or semicolons, as a table."""

import csv
import io
from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from service.foundation.errors import DomainError

SEPARATORS: Final = (",", ";")
BYTE_ORDER_MARK: Final = "\ufeff"


class CsvRefused(DomainError):
    """A file that cannot be read as a table. None of its rows is used.

    `reason` is a stable code and `detail` a sentence for a person. `line` counts from 1 and is None where no
    line is to blame; `limit` is the limit that the file exceeds, if it exceeds one.
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
    """A row below the header: its number as a spreadsheet shows it, and its cells, stripped."""

    number: int
    cells: tuple[str, ...]


class CsvTable(msgspec.Struct, frozen=True):
    """The columns of the header, and the rows that are not empty. Rows may be shorter or longer than it."""

    columns: tuple[str, ...]
    rows: tuple[CsvRow, ...]


def read_table(
    content: bytes, *, known: Collection[str], needed: Collection[str], most_rows: int
) -> CsvTable:
    """Return the table of a UTF-8 file whose header names only `known` columns. Raises CsvRefused.

    A byte order mark is skipped. A header may have capital letters, and spaces in place of underscores.
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
        raise CsvRefused("not-utf-8", 'it is not UTF-8; save it as "CSV UTF-8"', line=line) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise CsvRefused("not-text", 'it contains a NUL; save it as "CSV UTF-8"', line=line)
    return text.removeprefix(BYTE_ORDER_MARK)


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record's number, counted from 1 as a spreadsheet does, and its cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for number, cells in enumerate(reader, start=1):
            yield number, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise CsvRefused(
            "malformed", f"it cannot be read from here on: {error}", line=reader.line_num
        ) from error


def _columns(header: list[str], known: Collection[str], needed: Collection[str]) -> tuple[str, ...]:
    """Return the columns' names. Raises CsvRefused for one that is unknown, repeated or missing."""
    names = tuple(name.lower().replace(" ", "_") for name in header)
    for position, name in enumerate(names, start=1):
        called = f'column {position} ("{name[:60]}")' if name else f"column {position}, which has no name,"
        if name not in known:
            raise CsvRefused("unknown-column", f"{called} is not one of {', '.join(known)}", line=1)
        if names.count(name) > 1:
            raise CsvRefused("repeated-column", f"{called} appears more than once", line=1)
    missing = [name for name in needed if name not in names]
    if missing:
        raise CsvRefused("missing-column", f"the first row has no column {missing[0]}", line=1)
    return names
