"""Importing clients from a file: each good row becomes one, each other row is told why not.

A file may be sent again, corrected or not: a row that became a client before is there already. So the rows
that were refused can be mended in place and the whole file sent once more.
"""

import enum
from collections.abc import Sequence
from uuid import UUID

import msgspec

from service.clients.keep_clients import NewClient
from service.clients.queries import clients_among, insert_client_keys, insert_clients
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Connection, Transaction


class Outcome(enum.StrEnum):
    """What became of a row; would_create in a dry run alone."""

    WOULD_CREATE = "would_create"
    CREATED = "created"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"


class GoodRow(msgspec.Struct, frozen=True):
    """A row that makes sense, its client ready to be kept. `row` counts from 1, the header."""

    row: int
    new: NewClient


class RowReport(msgspec.Struct, frozen=True):
    """What became of a row, and where it was refused, why."""

    row: int
    outcome: Outcome
    client_id: UUID | None = None
    column: str | None = None
    reason: str | None = None


Row = GoodRow | RowReport
"""A row as it was read: good, or refused already."""


def derived_client_id(keys: PracticeKey, therapist_id: UUID, content: bytes) -> UUID:
    """Return the id of a client whose row names none: the same for the same row of the same therapist.

    Keyed, for a plain hash would let who reads the table try names on it. Version 8 of RFC 9562.
    """
    number = int.from_bytes(keys.fingerprint(therapist_id.bytes + content)[:16], "big")
    number &= ~(0xF << 76) & ~(0b11 << 62)
    return UUID(int=number | 8 << 76 | 0b10 << 62)


def without_repeats(rows: Sequence[Row]) -> list[Row]:
    """Return the rows, each that has the id of an earlier one refused."""
    first: dict[UUID, int] = {}
    return [_unless_repeated(each, first) for each in rows]


def _unless_repeated(row: Row, first: dict[UUID, int]) -> Row:
    if isinstance(row, RowReport):
        return row
    earlier = first.setdefault(row.new.client.id, row.row)
    if earlier == row.row:
        return row
    return _refused(row, f"row {earlier} is the same client; give each an id, or another label")


async def foresee_import(connection: Connection, practice_id: UUID, rows: Sequence[Row]) -> list[RowReport]:
    """Return what an import would do, row by row."""
    there = await clients_among(connection, practice_id, _ids(rows))
    return [_report(row, there, Outcome.WOULD_CREATE) for row in rows]


async def import_clients(transaction: Transaction, rows: Sequence[Row]) -> list[RowReport]:
    """Keep the good rows as clients, and say what became of each row."""
    connection, practice_id = transaction.connection, transaction.practice_id
    there = await clients_among(connection, practice_id, _ids(rows))
    fresh = {row.new.client.id: row.new for row in _good(rows) if row.new.client.id not in there}
    if transaction.replays:
        fresh = {}
    await insert_clients(transaction, [(new.client, new.sealed) for new in fresh.values()])
    kept = await clients_among(connection, practice_id, list(fresh))
    await insert_client_keys(transaction, {each: fresh[each].wrapped_key for each in kept})
    return [
        _refused(row, "this id names something else already")
        if isinstance(row, GoodRow) and row.new.client.id not in there | kept
        else _report(row, there, Outcome.CREATED)
        for row in rows
    ]


def _good(rows: Sequence[Row]) -> list[GoodRow]:
    return [row for row in rows if isinstance(row, GoodRow)]


def _ids(rows: Sequence[Row]) -> list[UUID]:
    return [row.new.client.id for row in _good(rows)]


def _report(row: Row, there: frozenset[UUID], otherwise: Outcome) -> RowReport:
    if isinstance(row, RowReport):
        return row
    client_id = row.new.client.id
    return RowReport(row.row, Outcome.ALREADY_THERE if client_id in there else otherwise, client_id)


def _refused(row: GoodRow, reason: str) -> RowReport:
    return RowReport(row.row, Outcome.REFUSED, column="id", reason=reason)
