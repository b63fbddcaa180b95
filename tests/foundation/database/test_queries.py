"""Each registered query fits the migrated schema and its Struct, and filters by practice."""

import asyncio
import enum
import re
import types
from collections import Counter
from datetime import date, datetime
from typing import Any, Final, Union, get_args, get_origin
from uuid import UUID

import asyncpg
import msgspec
import pytest

from service.foundation.database.query import Query, Statement
from tests.conftest import Server, prepare
from tests.foundation.database.statements import STATEMENTS, tables_of

PYTHON_TYPES: Final = {
    "uuid": UUID,
    "text": str,
    "timestamptz": datetime,
    "date": date,
    "int4": int,
    "int8": int,
    "int2": int,
    "float8": float,
    "bool": bool,
    "bytea": bytes,
    "json": str,
}
BY_FUNCTION: Final = {
    "connection.ENTER_WRITE",
    "routes.ROUTE_OF_TOKEN",
    "sessions.SESSION_OF_TOKEN",
    "sign_ins.SIGN_IN_OF_TOKEN",
    "tracks.GEOJSON_OF_TOKEN",
}
"""Calls of a function that takes the practice as its first argument and filters inside."""


class Column(msgspec.Struct, frozen=True):
    """A column of a result."""

    name: str
    type: str


class Prepared(msgspec.Struct, frozen=True):
    """What PostgreSQL says of a statement."""

    columns: list[Column]
    parameters: list[str]


class Schema(msgspec.Struct, frozen=True):
    """Every statement as prepared, or why it cannot be, and which columns may be null."""

    prepared: dict[str, Prepared | str]
    nullable: dict[tuple[str, str], bool]


COLUMNS: Final = """
    SELECT table_name, column_name, is_nullable = 'YES' AS nullable
      FROM information_schema.columns
     WHERE table_schema = 'public'
"""


async def read_schema(dsn: str) -> Schema:
    """Ask the database about every statement, as the application's own login."""
    connection = await asyncpg.connect(dsn)
    try:
        prepared = {name: await prepare_one(connection, each.sql) for name, each in STATEMENTS.items()}
        rows = await connection.fetch(COLUMNS)
    finally:
        await connection.close()
    return Schema(prepared, {(row["table_name"], row["column_name"]): row["nullable"] for row in rows})


async def prepare_one(connection: asyncpg.Connection, sql: str) -> Prepared | str:
    try:
        statement = await connection.prepare(sql)
    except asyncpg.PostgresError as error:
        return str(error)
    columns = [Column(each.name, each.type.name) for each in statement.get_attributes()]
    return Prepared(columns, [each.name for each in statement.get_parameters()])


@pytest.fixture(scope="module")
def schema(server: Server) -> Schema:
    """Return a migrated database's view of the statements."""

    async def reading() -> Schema:
        return await read_schema(await prepare(server))

    return asyncio.run(reading())


def prepared(schema: Schema, name: str) -> Prepared:
    answer = schema.prepared[name]
    assert isinstance(answer, Prepared), answer
    return answer


def test_every_statement_has_a_name_in_the_module_of_its_subject() -> None:
    named = {id(each) for each in STATEMENTS.values()}
    assert [each.sql for each in Statement.registered if id(each) not in named] == []


def test_no_two_statements_say_the_same() -> None:
    texts = Counter(" ".join(each.sql.split()) for each in set(STATEMENTS.values()))
    assert [text for text, times in texts.items() if times > 1] == []


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_it_can_be_prepared(schema: Schema, name: str) -> None:
    prepared(schema, name)


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_it_uses_every_argument_it_is_given(schema: Schema, name: str) -> None:
    used = {int(number) for number in re.findall(r"\$(\d+)", STATEMENTS[name].sql)}
    assert used == set(range(1, len(prepared(schema, name).parameters) + 1))


QUERIES: Final = sorted(name for name, each in STATEMENTS.items() if isinstance(each, Query))


@pytest.mark.parametrize("name", QUERIES)
def test_its_columns_are_the_fields_of_its_struct(schema: Schema, name: str) -> None:
    columns, row = prepared(schema, name).columns, row_of(name)
    names = [column.name for column in columns]
    assert len(names) == len(set(names))
    if not issubclass(row, msgspec.Struct):
        assert columns
        assert PYTHON_TYPES[columns[0].type] is row
        return
    fields = {field.name: field for field in msgspec.structs.fields(row)}
    assert set(names) <= fields.keys()
    assert {each.name for each in fields.values() if each.required} <= set(names)
    wrong = [each for each in columns if not fits(each.type, fields[each.name].type)]
    assert wrong == []


def row_of(name: str) -> type:
    statement = STATEMENTS[name]
    assert isinstance(statement, Query)
    row: type = statement.row
    return row


def fits(column_type: str, annotation: Any) -> bool:
    """Return whether a field can hold what a column gives."""
    for kind in without_none(annotation):
        if column_type.endswith("[]"):
            (item,) = get_args(kind) or (None,)
            if get_origin(kind) in {list, tuple} and fits(column_type[:-2], item):
                return True
        elif kind is PYTHON_TYPES[column_type] or (column_type == "text" and issubclass(kind, enum.Enum)):
            return True
    return False


def without_none(annotation: Any) -> list[Any]:
    """Return the kinds a field may be, apart from None."""
    if get_origin(annotation) in {Union, types.UnionType}:
        return [each for each in get_args(annotation) if each is not type(None)]
    return [annotation]


STRUCTS: Final = [each for each in QUERIES if issubclass(row_of(each), msgspec.Struct)]


@pytest.mark.parametrize("name", STRUCTS)
def test_what_may_be_null_may_be_none(schema: Schema, name: str) -> None:
    """As far as a column's name tells whose it is, and the query does not rule null out."""
    sql, unfit = STATEMENTS[name].sql, []
    tables = tables_of(sql)
    for field in msgspec.structs.fields(row_of(name)):
        places = [(table, field.name) for table in tables if (table, field.name) in schema.nullable]
        ruled_out = re.search(rf"\b{field.name} IS NOT NULL|\bAS {field.name}\b", sql)
        if len(places) == 1 and schema.nullable[places[0]] and not ruled_out:
            unfit += [field.name] * (type(None) not in get_args(field.type))
    assert unfit == []


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - BY_FUNCTION))
def test_it_names_the_practice_of_every_table_it_touches(name: str) -> None:
    """Besides the policies: so that an index serves, and one shard is asked instead of all."""
    sql = STATEMENTS[name].sql
    tables = tables_of(sql)
    for table, alias in tables.items():
        if re.search(rf"INSERT INTO {table}\b", sql):
            (columns,) = re.findall(rf"INSERT INTO {table}\b[^(]*\(([^)]*)\)", sql)
            assert columns.split(",")[0].strip() == "practice_id"
            continue
        qualified = rf"\b{alias}\.practice_id = (\$1|\w+\.practice_id)|= {alias}\.practice_id\b"
        plain = r"(?<![.\w])practice_id = \$1"
        assert re.search(qualified if len(tables) > 1 else f"{qualified}|{plain}", sql), table


@pytest.mark.parametrize("name", sorted(each for each in STATEMENTS if tables_of(STATEMENTS[each].sql)))
def test_its_first_argument_is_the_practice(schema: Schema, name: str) -> None:
    assert prepared(schema, name).parameters[0] == "uuid"
    assert re.search(r"practice_id = \$1|VALUES \(\$1|SELECT \$1", STATEMENTS[name].sql)
