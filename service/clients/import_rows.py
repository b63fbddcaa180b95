"""The rows of a file of clients: those that make sense, and what an import did with each."""

import enum
from collections.abc import Sequence
from uuid import UUID

import msgspec

from service.clients.clients import Client, ClientRecord


class Outcome(enum.StrEnum):
    """What became of a row; would_create in a dry run alone."""

    WOULD_CREATE = "would_create"
    CREATED = "created"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"


class UsableRow(msgspec.Struct, frozen=True):
    """A row that describes a client. `row` counts from 1, which is the header."""

    row: int
    client: Client
    record: ClientRecord


class RowReport(msgspec.Struct, frozen=True):
    """What became of a row; of a refused one also the reason and, if one is to blame, the column."""

    row: int
    outcome: Outcome
    client_id: UUID | None = None
    column: str | None = None
    reason: str | None = None


ImportRow = UsableRow | RowReport
"""A row after reading: usable, or refused."""


def usable(rows: Sequence[ImportRow]) -> list[UsableRow]:
    """Return the rows that describe a client."""
    return [each for each in rows if isinstance(each, UsableRow)]


def report(row: ImportRow, there: frozenset[UUID], otherwise: Outcome) -> RowReport:
    """Return what became of a row: the outcome is `otherwise` unless it was refused or is `there`."""
    if isinstance(row, RowReport):
        return row
    outcome = Outcome.ALREADY_THERE if row.client.id in there else otherwise
    return RowReport(row.row, outcome, row.client.id)


def refuse_id(row: UsableRow, reason: str) -> RowReport:
    """Return the report of a row that is refused because of its id."""
    return RowReport(row.row, Outcome.REFUSED, column="id", reason=reason)


def refuse_repeats(rows: Sequence[ImportRow]) -> list[ImportRow]:
    """Return the rows, with every row refused whose client is in an earlier row."""
    first: dict[UUID, int] = {}
    return [_unless_repeated(each, first) for each in rows]


def _unless_repeated(row: ImportRow, first: dict[UUID, int]) -> ImportRow:
    if isinstance(row, RowReport):
        return row
    earlier = first.setdefault(row.client.id, row.row)
    if earlier == row.row:
        return row
    return refuse_id(row, f"row {earlier} is the same client; give each an id, or another label")
