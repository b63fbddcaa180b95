"""Seal the values of a column anew, for another cell. Runs inside a migration, as the migrator."""

from collections.abc import Callable
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from service.foundation.crypto.sealed_values import log_broken
from service.foundation.crypto.sealing import Cell, Keyring, SealBroken

BATCH: Final = 1_000
NOBODY: Final = UUID(int=0)

OpenKeys = Callable[[], Keyring]
"""Reads the key file, which is needed only where a value is found."""


class Resealing(NamedTuple):
    """A column whose values move from one cell to another.

    `rows` selects practice_id, id, client_id, sealed, the wrapped keys as practice_key and wrapped_key, and
    what the cells need: at most $3 rows after the ids $1 and $2, ordered by the two. `store` sets the value
    to $3 in the row of $1 and $2.
    """

    rows: str
    store: str
    before: Callable[[asyncpg.Record], Cell]
    after: Callable[[asyncpg.Record], Cell]


async def reseal(connection: asyncpg.Connection, open_keys: OpenKeys, work: Resealing) -> None:
    """Seal every value of a column for its new cell. One that does not open stays as it is, and is logged."""
    last = (NOBODY, NOBODY)
    while rows := await connection.fetch(work.rows, *last, BATCH):
        keyring = open_keys()
        sealed = [(each["practice_id"], each["id"], _resealed(keyring, work, each)) for each in rows]
        await connection.executemany(work.store, sealed)
        last = (rows[-1]["practice_id"], rows[-1]["id"])


def _resealed(keyring: Keyring, work: Resealing, row: asyncpg.Record) -> bytes:
    sealed: bytes = row["sealed"]
    try:
        keys = keyring.practice(row["practice_id"], row["practice_key"])
        key = keys.client(row["client_id"], row["wrapped_key"])
        return key.seal(work.after(row), key.open(work.before(row), sealed))
    except SealBroken as broken:
        log_broken(broken)
        return sealed
