"""A CSV file of clients on the wire: how its rows are read, and the report on them."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.base import Output
from schemas.clients.clients import ClientIn
from service.clients.clients import Ending, Stage, refuse_unusable_client
from service.clients.csv_table import CsvRow, read_table
from service.clients.import_rows import ImportRow, Outcome, RowReport, UsableRow, refuse_repeats
from service.clients.needs import LONGEST_TRIGGER, MOST_OTHER_TRIGGERS, Need, Trigger
from service.foundation.retry_safe import Unusable

MOST_ROWS: Final = 1_000
SEPARATOR: Final = "|"
"""Between the values of one cell."""
INVALID_AT: Final = re.compile(r"at `\$\.([a-z_.]+)(?:\[\.\.\.\]|\[\d+\])?`")
CHARACTER_FAULT: Final = re.compile(
    r"`(?P<member>[a-z_]+)`: (?P<fault>.+?)(?: - at `\$\.(?P<part>[a-z_]+)`)?"
)
"""What a check of characters says; the place it names ends at the part around the member."""


class Column(msgspec.Struct, frozen=True):
    """The member of ClientIn that a column fills, and what its cells hold."""

    member: str
    """With a dot inside a part: `gp.name`."""
    holds: str
    """What is allowed in a cell, for the person who corrects the file."""
    is_list: bool = False
    """Its cells hold several values, parted by SEPARATOR."""


COLUMNS: Final = {
    "label": Column("label", "1 to 100 characters"),
    "id": Column("id", "a UUID"),
    "stage": Column("stage", f"one of {', '.join(Stage)}"),
    "ending": Column("ending", f"one of {', '.join(Ending)}"),
    "flat_pace_mps": Column("flat_pace_mps", "metres per second from 0.1 to 3, with a point: 0.9"),
    "rests_s": Column("rests_s", "whole seconds from 0 to 7200"),
    "given_name": Column("identity.given_name", "up to 200 characters"),
    "family_name": Column("identity.family_name", "up to 200 characters"),
    "pronouns": Column("identity.pronouns", "up to 60 characters"),
    "date_of_birth": Column("identity.date_of_birth", "a date written like 1980-12-31"),
    "others": Column("identity.others", "up to 1,000 characters"),
    "email": Column("contact.email", "an email address, up to 254 characters"),
    "phone": Column("contact.phone_number", "up to 60 characters"),
    "address": Column("contact.address", "up to 1,000 characters"),
    "wishes": Column("contact.wishes", "up to 1,000 characters"),
    "emergency_name": Column("emergency_contact.name", "up to 200 characters"),
    "emergency_relationship": Column("emergency_contact.relationship", "up to 200 characters"),
    "emergency_phone": Column("emergency_contact.phone_number", "up to 60 characters"),
    "gp_name": Column("gp.name", "up to 200 characters"),
    "gp_practice": Column("gp.practice", "up to 200 characters"),
    "gp_phone": Column("gp.phone_number", "up to 60 characters"),
    "crisis_plan": Column("crisis_plan", "up to 10,000 characters"),
    "encounter_wording": Column("encounter_wording", "up to 1,000 characters"),
    "needs": Column("needs", f"of {', '.join(Need)}, parted by {SEPARATOR}", is_list=True),
    "triggers": Column("triggers", f"of {', '.join(Trigger)}, parted by {SEPARATOR}", is_list=True),
    "other_triggers": Column(
        "other_triggers",
        f"up to {MOST_OTHER_TRIGGERS} words of up to {LONGEST_TRIGGER} characters, parted by {SEPARATOR}",
        is_list=True,
    ),
}
COLUMN_OF: Final = {column.member: name for name, column in COLUMNS.items()}
FILE_DESCRIPTION: Final = (
    f"CSV in UTF-8, separated by commas or by semicolons, at most {MOST_ROWS:,} rows below the first, which "
    f"names the columns in any order: {', '.join(COLUMNS)}. Only label is needed. "
    f"Several values in one cell are parted by {SEPARATOR}."
)
FILE_EXAMPLE: Final = 'label,given_name,phone,stage\nW-17,Mina,+44 7700 900123,in_therapy\n"K, couple",,,\n'


def read_client_rows(content: bytes, new_id: Callable[[bytes], UUID], now: datetime) -> list[ImportRow]:
    """Return the rows of a file. Raises CsvRefused.

    A row without an id gets `new_id` of its content, so the same file sent twice names the same clients.
    """
    table = read_table(content, known=COLUMNS, needed=["label"], most_rows=MOST_ROWS)
    return refuse_repeats([_row(table.columns, each, new_id, now) for each in table.rows])


def _row(columns: Sequence[str], row: CsvRow, new_id: Callable[[bytes], UUID], now: datetime) -> ImportRow:
    if len(row.cells) > len(columns):
        reason = "has more cells than the first row; quote a text that holds the separator"
        return RowReport(row.number, Outcome.REFUSED, reason=reason)
    cells = {name: cell for name, cell in zip(columns, row.cells, strict=False) if cell}
    if "id" not in cells:
        cells["id"] = str(new_id(msgspec.json.encode(cells, order="deterministic")))
    try:
        client, record = _client_in(cells).to_client(now)
        refuse_unusable_client(client, record, now)
    except msgspec.ValidationError as error:
        if unfit := CHARACTER_FAULT.fullmatch(str(error)):
            column = COLUMN_OF[".".join(filter(None, (unfit["part"], unfit["member"])))]
            return RowReport(row.number, Outcome.REFUSED, column=column, reason=unfit["fault"])
        where = INVALID_AT.search(str(error))
        column = COLUMN_OF[where[1]] if where else "label"  # the only one that can be missing
        return RowReport(
            row.number, Outcome.REFUSED, column=column, reason=f"must be {COLUMNS[column].holds}"
        )
    except Unusable as error:
        column = COLUMN_OF[error.pointer[1:].replace("/", ".")]
        return RowReport(row.number, Outcome.REFUSED, column=column, reason=str(error))
    return UsableRow(row.number, client, record)


def _client_in(cells: dict[str, str]) -> ClientIn:
    """Return the client that the cells of a row describe. The limits are those of a client sent as JSON."""
    plain: dict[str, str | list[str]] = {}
    parts: dict[str, dict[str, str | list[str]]] = {}
    for name, cell in cells.items():
        part, _, member = COLUMNS[name].member.rpartition(".")
        inside = parts.setdefault(part, {}) if part else plain
        inside[member] = [each.strip() for each in cell.split(SEPARATOR)] if COLUMNS[name].is_list else cell
    return msgspec.convert(plain | parts, ClientIn, strict=False)


class RowReportOut(Output):
    """What became of a row."""

    row: Annotated[
        int, Meta(description="As a spreadsheet counts: the first row, which names the columns, is 1.")
    ]
    outcome: Outcome
    client_id: UUID | UnsetType = UNSET
    column: Annotated[
        str | UnsetType,
        Meta(description="The column of the mistake; absent where the row as a whole is wrong."),
    ] = UNSET
    reason: str | UnsetType = UNSET


class ClientImportReport(Output):
    """What an import did, or in a dry run what it would do, row by row."""

    dry_run: bool
    created: Annotated[int, Meta(description="In a dry run: how many would be.")]
    already_there: int
    refused: int
    rows: list[RowReportOut]

    @classmethod
    def from_rows(cls, rows: Sequence[RowReport], *, dry_run: bool) -> "ClientImportReport":
        """Return the report as a phone gets it."""
        outcomes = [each.outcome for each in rows]
        return cls(
            dry_run=dry_run,
            created=outcomes.count(Outcome.WOULD_CREATE if dry_run else Outcome.CREATED),
            already_there=outcomes.count(Outcome.ALREADY_THERE),
            refused=outcomes.count(Outcome.REFUSED),
            rows=[RowReportOut.of(each) for each in rows],
        )
