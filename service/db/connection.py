"""The pool, and transactions that always know their practice."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import asyncpg

from service.db.query import Connection, Query, Statement
from service.domain.sign_ins import SignIn
from service.domain.writes import IdempotencyKeyReused, Once

Pool = asyncpg.Pool

COMMAND_TIMEOUT_S: Final = 20
ACQUIRE_TIMEOUT_S: Final = 2
"""A request that finds no free connection for this long answers 503 rather than queue on."""

READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITE = "BEGIN"


async def _no_reset(_: Connection) -> None:
    """Leave out asyncpg's RESET ALL: there is no session state, and an open transaction still ends."""


async def open_pool(dsn: str, *, size: int) -> Pool:
    """Return a pool of at most `size` connections to `dsn`."""
    return await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        command_timeout=COMMAND_TIMEOUT_S,
        reset=_no_reset,
        server_settings={"application_name": "towpath"},
    )


class Transaction:
    """An open write: its connection, who writes, and the revision every touched row is stamped with."""

    __slots__ = ("connection", "replays", "revision", "sign_in")

    def __init__(self, connection: Connection, sign_in: SignIn, revision: int, *, replays: bool) -> None:
        self.connection = connection
        self.sign_in = sign_in
        self.revision = revision
        self.replays = replays
        """True when this very write was committed before and only its answer is wanted again."""

    @property
    def practice_id(self) -> UUID:
        """Return the practice everything in this transaction belongs to."""
        return self.sign_in.practice_id


NEXT_REVISION = Query(
    int,
    """
    UPDATE practice_revision
       SET revision = revision + 1
     WHERE practice_id = $1
 RETURNING revision
""",
)

LEDGER_FINGERPRINT = Query(
    bytes,
    """
    SELECT fingerprint
      FROM write_ledger
     WHERE practice_id = $1
       AND scope = $2
       AND key = $3
""",
)

RECORD_WRITE = Statement(
    """
    INSERT INTO write_ledger (practice_id, scope, key, fingerprint, revision)
    VALUES ($1, $2, $3, $4, $5)
""",
)


class Begin:
    """Opens transactions for one verified sign-in. Open late, close early, no other I/O inside."""

    __slots__ = ("_pool", "_sign_in")

    def __init__(self, pool: Pool, sign_in: SignIn) -> None:
        self._pool = pool
        self._sign_in = sign_in

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """Open a read-only snapshot of this sign-in's practice."""
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection:
            await connection.execute(entering(READ, self._sign_in))
            yield connection
            await connection.execute("COMMIT")

    @asynccontextmanager
    async def write(self, once: Once | None = None) -> AsyncIterator[Transaction]:
        """Open a write: the practice's next revision is taken first, which also queues its other writers.

        With `once`, the ledger is asked before anything else is looked at. Raises IdempotencyKeyReused when
        the key was used for another payload.
        """
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_S) as connection:
            await connection.execute(entering(WRITE, self._sign_in))
            revision = await NEXT_REVISION.one(connection, self._sign_in.practice_id)
            replays = once is not None and await self._was_written(connection, once)
            transaction = Transaction(connection, self._sign_in, revision, replays=replays)
            yield transaction
            if replays:
                await connection.execute("ROLLBACK")
                return
            if once is not None:
                ledger_row = (once.scope, once.key, once.fingerprint, revision)
                await RECORD_WRITE.run(connection, self._sign_in.practice_id, *ledger_row)
            await connection.execute("COMMIT")

    async def _was_written(self, connection: Connection, once: Once) -> bool:
        known = await LEDGER_FINGERPRINT.one_or_none(
            connection, self._sign_in.practice_id, once.scope, once.key
        )
        if known is not None and known != once.fingerprint:
            raise IdempotencyKeyReused(once.key)
        return known is not None


def entering(begin: str, sign_in: SignIn) -> str:
    """Return the one string that opens a transaction and says whose it is.

    SET LOCAL takes no parameters and, unlike set_config(), travels to distributed workers; only UUIDs that
    are UUIDs by type are put into it.
    """
    practice = _local("app.practice", sign_in.practice_id)
    return f"{begin};{practice};{_local('app.therapist', sign_in.therapist_id)}"


def _local(setting: str, value: UUID) -> str:
    if not isinstance(value, UUID):
        raise TypeError(f"{setting} takes a UUID")
    return f"SET LOCAL {setting} = '{value}'"
