"""Queries: constant SQL text with the type of its rows, defined above the function that runs it."""

import enum
from collections.abc import Sequence
from typing import Generic, TypeVar, get_args

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from service.foundation.retry_safe import IdTaken

Row = TypeVar("Row")
Connection = asyncpg.Connection | PoolConnectionProxy


class Statement:
    """Constant SQL that returns no rows, or rows nobody reads.

    Each statement is registered, so that one test prepares them all against the migrated schema.
    """

    registered: "list[Statement]" = []  # noqa: RUF012  all statements share the register

    def __init__(self, sql: str) -> None:
        self.sql = sql
        Statement.registered.append(self)

    async def run(self, connection: Connection, *arguments: object) -> None:
        """Run it once."""
        await connection.fetch(self.sql, *arguments)

    async def run_many(self, connection: Connection, rows: Sequence[Sequence[object]]) -> None:
        """Run it once for each of `rows`, in one round trip."""
        await connection.executemany(self.sql, rows)


class Query(Statement, Generic[Row]):
    """Constant SQL that returns rows of type `row`: a Struct made by column name, or the first column."""

    def __init__(self, row: type[Row], sql: str) -> None:
        super().__init__(sql)
        self.row = row
        self._is_struct = issubclass(row, msgspec.Struct)
        self._enums = _enum_fields(row) if self._is_struct else ()

    async def one_or_none(self, connection: Connection, *arguments: object) -> Row | None:
        """Return the row, or None where there is none."""
        record = await connection.fetchrow(self.sql, *arguments)
        return None if record is None else self._row(record)

    async def one(self, connection: Connection, *arguments: object) -> Row:
        """Return the row of a query that always has one. Raises LookupError where it has none."""
        record = await connection.fetchrow(self.sql, *arguments)
        if record is None:
            raise LookupError(f"a query that always has a row had none: {self.sql}")
        return self._row(record)

    async def insert(self, connection: Connection, *arguments: object) -> Row:
        """Run an INSERT … RETURNING and return the row. Raises IdTaken where the key exists."""
        try:
            return await self.one(connection, *arguments)
        except asyncpg.UniqueViolationError as error:
            raise IdTaken from error

    async def all(self, connection: Connection, *arguments: object) -> list[Row]:
        """Return every row."""
        return [self._row(record) for record in await connection.fetch(self.sql, *arguments)]

    def _row(self, record: asyncpg.Record) -> Row:
        if not self._is_struct:
            value: Row = record[0]
            return value
        if not self._enums:
            return self.row(**record)
        columns = dict(record)
        for name, kind in self._enums:
            if columns[name] is not None:
                columns[name] = kind(columns[name])
        return self.row(**columns)


def _enum_fields(struct: type) -> tuple[tuple[str, type[enum.Enum]], ...]:
    """Return the fields that are text in PostgreSQL and an enumeration in the Struct."""
    return tuple(
        (field.name, kind)
        for field in msgspec.structs.fields(struct)
        for kind in (field.type, *get_args(field.type))
        if isinstance(kind, type) and issubclass(kind, enum.Enum)
    )
