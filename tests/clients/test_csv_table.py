"""CSV is read as RFC 4180 describes it; anything else is refused with reason and line."""

import csv
import io
from contextlib import suppress
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.clients.csv_table import CsvRefused, CsvTable, read_table

COLUMNS = ("label", "given_name", "phone")


def read(content: bytes | str, *, most_rows: int = 100) -> CsvTable:
    encoded = content.encode() if isinstance(content, str) else content
    return read_table(encoded, known=COLUMNS, needed=["label"], most_rows=most_rows)


def cells(content: bytes | str) -> list[tuple[str, ...]]:
    return [row.cells for row in read(content).rows]


def refusal(content: bytes | str, *, most_rows: int = 100) -> CsvRefused:
    with pytest.raises(CsvRefused) as caught:
        read(content, most_rows=most_rows)
    return caught.value


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@given(
    rows=st.lists(st.tuples(text, text, text), max_size=5),
    separator=st.sampled_from(",;"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)),
    mark=st.sampled_from(["", "\ufeff"]),
)
def test_a_table_written_as_csv_is_read_back(
    rows: list[tuple[str, str, str]], separator: str, line_end: str, quoting: Literal[0, 1], mark: str
) -> None:
    assume(all("\r" not in cell for row in rows for cell in row))  # csv quotes a lone CR only from 3.13 on
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=separator, lineterminator=line_end, quoting=quoting)
    writer.writerows([COLUMNS, *rows])
    stripped = [tuple(cell.strip() for cell in row) for row in rows]
    assert cells(mark + written.getvalue()) == [row for row in stripped if any(row)]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(CsvRefused):
        assert all(any(row.cells) for row in read(b"label,phone\n" + content).rows)


def test_columns_may_have_any_order_and_capitals() -> None:
    assert read("Phone,Given name, LABEL \n1,2,3\n").columns == ("phone", "given_name", "label")


def test_rows_are_numbered_as_the_spreadsheet_shows_them() -> None:
    table = read('label,phone\n"a\nb",1\n\n,\nc,2')
    assert [(row.number, row.cells[0]) for row in table.rows] == [(2, "a\nb"), (5, "c")]


def test_a_formula_stays_text() -> None:
    assert cells('label\n"=HYPERLINK(""x"")"\n+44 20\n@a\n-1') == [
        ('=HYPERLINK("x")',), ("+44 20",), ("@a",), ("-1",)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "reason", "line", "said"),
    [
        ("", "missing-column", 1, "label"),
        ("given_name\nMina", "missing-column", 1, "label"),
        ("label,shoe_size\nW,5", "unknown-column", 1, "shoe_size"),
        ("label,,phone\nW,,", "unknown-column", 1, "column 2"),
        ("label\tphone\nW\t5", "unknown-column", 1, "label\tphone"),
        ("label,phone,Phone\nW,1,2", "repeated-column", 1, "phone"),
        ("label,phone\nW,5\nZoë,6".encode("latin-1"), "not-utf-8", 3, "CSV UTF-8"),
        ("label,phone\nW,5".encode("utf-16"), "not-utf-8", 1, "CSV UTF-8"),
        ("label,phone\nW,5\0", "not-text", 2, "NUL"),
        ('label,phone\nW,"5', "malformed", 2, "unexpected end"),
        ('label,phone\nV,1\nW,"5"x', "malformed", 3, "expected after"),
        ("label\n" + "x" * 200_000, "malformed", 2, "field limit"),
    ],
)
def test_an_unreadable_table_is_refused_with_reason_and_line(
    content: bytes | str, reason: str, line: int, said: str
) -> None:
    refused = refusal(content)
    assert (refused.reason, refused.line) == (reason, line)
    assert said in refused.detail


def test_more_rows_than_allowed_are_refused_with_the_limit() -> None:
    assert len(read("label\na\n\nb\n", most_rows=2).rows) == 2
    refused = refusal("label\na\nb\nc", most_rows=2)
    assert (refused.reason, refused.limit) == ("too-many-rows", 2)
