"""The columns of a table, named once: by the Struct that its rows become.

SELECT, INSERT, UPDATE and RETURNING take their text from here, so a new column is a new field of that Struct.
The texts are built when a module is imported and do not change afterwards.
"""

from collections.abc import Collection
from typing import Final, Generic, TypeVar

import msgspec

from service.foundation.database.connection import Transaction

Row = TypeVar("Row", bound=msgspec.Struct)

TENANT: Final = "practice_id"
"""Always the first column and the first argument."""
STAMPED: Final = frozenset({"revision", "content_revision"})
"""Filled with the revision of the write, whatever the row says."""
HELD_BY: Final = "therapist_id"
"""Filled with the therapist who inserts the row."""
NEVER_CHANGED: Final = frozenset(
    {"id", HELD_BY, "viewers", "client_id", "session_id", "created_at", "received_at"}
)
"""Left alone by an UPDATE: what a row belongs to and who may see it, and when it was made."""


class Columns(Generic[Row]):
    """The columns of `table` besides `practice_id`, in the order of the fields of `row`.

    `write_only` names fields that are written and left out of `listed`, such as a large blob. `fixed` names
    columns that an UPDATE leaves alone, besides those in NEVER_CHANGED. `elsewhere` names fields that a query
    joins from another table. `key` names the column that identifies a row within its practice; without it
    there is one row for each practice. `names_therapist` says that a row names the therapist it is about, who
    may be another than the one who writes. A row that is ever updated has a `revision`.
    """

    def __init__(
        self,
        table: str,
        row: type[Row],
        *,
        write_only: Collection[str] = (),
        fixed: Collection[str] = (),
        elsewhere: Collection[str] = (),
        key: str = "id",
        names_therapist: bool = False,
    ) -> None:
        names = tuple(each for each in row.__struct_fields__ if each not in elsewhere)
        read = tuple(each for each in names if each not in write_only)
        self._key = key
        self._names_therapist = names_therapist
        self._has_key = key in names
        self._inserted = tuple(each for each in names if each != TENANT)
        self._updated = tuple(each for each in self._inserted if each not in {key, *fixed, *NEVER_CHANGED})
        self.listed: Final = ", ".join(read)
        """For SELECT and RETURNING."""
        self.qualified: Final = ", ".join(f"{table}.{each}" for each in read)
        """For SELECT from several tables."""
        numbered = ", ".join(f"${number}" for number in range(1, len(self._inserted) + 2))
        first = 3 if self._has_key else 2
        assigned = ", ".join(f"{each} = ${number}" for number, each in enumerate(self._updated, start=first))
        where = "WHERE practice_id = $1" + (f"\n       AND {key} = $2" if self._has_key else "")
        self.by_id: Final = f"""
    SELECT {self.listed}
      FROM {table}
     {where}
"""
        """Its arguments are the practice and, if there is a key, the key."""
        insert = f"""
    INSERT INTO {table} (practice_id, {", ".join(self._inserted)})
    VALUES ({numbered})
"""
        self.insert: Final = f"{insert} RETURNING {self.listed}"
        """Its arguments are those that `inserted` returns."""
        self.insert_if_new: Final = f"{insert} ON CONFLICT (practice_id, {key}) DO NOTHING"
        """Inserts nothing where the key is taken. Its arguments are those that `inserted` returns."""
        self.update: Final = f"""
    UPDATE {table}
       SET {assigned}
     {where}
 RETURNING {self.listed}
"""
        """Its arguments are those that `updated` returns."""

    def inserted(self, transaction: Transaction, row: Row) -> list[object]:
        """Return the arguments of `insert`."""
        return [transaction.practice_id, *(self._value(transaction, row, each) for each in self._inserted)]

    def updated(self, transaction: Transaction, row: Row) -> list[object]:
        """Return the arguments of `update`."""
        values = (self._value(transaction, row, each) for each in self._updated)
        key = [getattr(row, self._key)] if self._has_key else []
        return [transaction.practice_id, *key, *values]

    def _value(self, transaction: Transaction, row: Row, name: str) -> object:
        if name in STAMPED:
            return transaction.revision
        if name == HELD_BY and not self._names_therapist:
            return transaction.tenant.therapist_id
        return getattr(row, name)
