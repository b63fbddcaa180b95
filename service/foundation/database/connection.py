"""The pool of connections, and transactions that see the rows of one practice."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Final, Self
from uuid import UUID

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from service.foundation.database.outages import (
    AMBIGUOUS,
    CONNECTION_FAILURES,
    DatabaseAway,
    NoRoom,
    is_lost,
)
from service.foundation.database.query import Connection, Query
from service.foundation.fair_shares import FairShares
from service.foundation.retry_safe import Once
from service.foundation.tenant import NOBODY, Tenant

__all__ = [
    "Begin",
    "Connection",
    "Pool",
    "Transaction",
    "a_connection",
    "connect",
    "is_pooled",
    "open_pool",
    "opening_sql",
    "system_write",
]

COMMAND_TIMEOUT_S: Final = 20
CONNECT_TIMEOUT_S: Final = 5
ACQUIRE_TIMEOUT_S: Final = 2
"""A request that gets no connection for this long is answered 503.

If an idle connection turns out to be lost, it first takes up to CONNECT_TIMEOUT_S to make a new one.
"""

LEAST_TIMEOUT_S: Final = 0.1
"""The least that is left of that after the wait for the practice's share."""

SHARE: Final = 5
"""A practice uses at most a fifth of the connections. With more it could keep the event loop busy."""
WRITERS_EACH: Final = 1
"""Writers of one practice with a connection. More would only wait for the lock on the practice's revision."""
WRITE_TIMEOUT_S: Final = 10
"""How long a write may queue: a phone that has signal again sends everything it kept at once."""
WAITING_EACH: Final = 500
"""The most requests of one practice that wait for a connection or to write; the next one is refused."""

TURNS_WAITING_EACH: Final = 32

STATEMENTS_KEPT: Final = 100
"""Prepared statements that each connection keeps; asyncpg's own default."""

READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITE: Final = """
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SELECT set_config('synchronous_commit', 'on', true)
     WHERE current_setting('synchronous_commit') = 'off'
"""
"""Both say everything, because a server, a database or a role may have other defaults.

No GRANT keeps a role from turning synchronous_commit off on its connection, so each write turns it on again.
It leaves remote_apply and the other values that wait for more.
"""


class Pool:
    """The connections to the database, shared between practices."""

    __slots__ = ("connections", "shares", "turns", "writers")

    def __init__(self, connections: asyncpg.Pool, size: int) -> None:
        self.connections = connections
        self.shares = FairShares(
            size,
            most_each=max(size // SHARE, 1),
            wait_s=ACQUIRE_TIMEOUT_S,
            waiting_each=WAITING_EACH,
            refusal="too many requests wait; try again",
        )
        self.writers = FairShares(
            max(size - 1, 1),
            most_each=WRITERS_EACH,
            wait_s=WRITE_TIMEOUT_S,
            waiting_each=WAITING_EACH,
            refusal="too many writes of this practice wait; try again",
        )
        self.turns = FairShares(
            sys.maxsize,
            most_each=1,
            wait_s=WRITE_TIMEOUT_S,
            waiting_each=TURNS_WAITING_EACH,
            refusal="too many attempts at this account wait; try again",
        )
        """For what must happen one at a time in this process, such as attempts at one account's password."""

    async def __aenter__(self) -> Self:
        """Return the pool."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection once it is given back."""
        await self.connections.close()


async def _no_reset(_: Connection) -> None:
    """Replace asyncpg's RESET ALL, which costs a round trip: we never change session state."""


async def open_pool(dsn: str, *, size: int) -> Pool:
    """Return a pool of at most `size` connections to `dsn`.

    The session's zone is UTC, because some queries return instants as JSON text. Behind a pooler no statement
    is kept prepared, because the next transaction may run on another connection of the server.
    """
    pooled = await _leads_to_pooler(dsn)
    connections = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=size,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=COMMAND_TIMEOUT_S,
        reset=_no_reset,
        server_settings={"application_name": "towpath", "timezone": "UTC"},
        statement_cache_size=0 if pooled else STATEMENTS_KEPT,
    )
    return Pool(connections, size)


class BorrowedConnection:
    """A connection of the pool, borrowed for as long as a block lasts.

    If the connection is lost in the block, or the server does not answer in time, DatabaseAway is raised.
    Every other error passes unchanged, because it may be a mistake of ours.
    """

    __slots__ = ("_connection", "_pool", "_share")

    def __init__(self, pool: Pool, share: Hashable) -> None:
        self._pool = pool
        self._share = share

    async def __aenter__(self) -> Connection:
        """Take a connection. Raises DatabaseAway if none is free in time, and Overloaded."""
        began = time.monotonic()
        await self._pool.shares.take(self._share)
        try:
            self._connection: PoolConnectionProxy = await self._acquired(began)
        except BaseException:
            self._pool.shares.give_back(self._share)
            raise
        return self._connection

    async def _acquired(self, began: float) -> PoolConnectionProxy:
        connections = self._pool.connections
        left_s = max(began + ACQUIRE_TIMEOUT_S - time.monotonic(), LEAST_TIMEOUT_S)
        # The limit costs an eighth of a small read; while a connection is idle it is not needed.
        limit = None if connections.get_idle_size() else left_s
        try:
            return await connections.acquire(timeout=limit)
        except (asyncpg.PostgresError, asyncpg.InternalClientError, OSError) as error:
            raise DatabaseAway(f"no connection: {type(error).__name__}") from error
        except asyncpg.InterfaceError as error:
            if connections.is_closing():
                raise DatabaseAway("the service is ending") from error
            raise

    async def __aexit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        """Give the connection back."""
        failed = isinstance(error, CONNECTION_FAILURES) or (
            isinstance(error, AMBIGUOUS) and is_lost(self._connection)
        )
        try:
            await self._pool.connections.release(self._connection)
        finally:
            self._pool.shares.give_back(self._share)
        if failed:
            raise DatabaseAway(f"the connection failed: {type(error).__name__}") from error


def a_connection(pool: Pool, tenant: Tenant | None = None) -> BorrowedConnection:
    """Return a context manager that borrows a connection. Without a tenant it is for system rows.

    Requests without a signed-in therapist have a share of their own, because anybody can send a token that
    names the practice. Raises DatabaseAway, Overloaded.
    """
    return BorrowedConnection(pool, tenant and (tenant.practice_id, tenant.therapist_id == NOBODY))


async def connect(dsn: str, *, timeout_s: float) -> asyncpg.Connection:
    """Return a connection for a command. It also works through a pooler."""
    return await asyncpg.connect(dsn, timeout=timeout_s, statement_cache_size=0)


async def is_pooled(connection: asyncpg.Connection) -> bool:
    """Return whether a pooler such as PgBouncer is in between: it reports process ids of its own."""
    return bool(await connection.fetchval("SELECT pg_backend_pid()") != connection.get_server_pid())


async def _leads_to_pooler(dsn: str) -> bool:
    connection = await connect(dsn, timeout_s=CONNECT_TIMEOUT_S)
    try:
        return await is_pooled(connection)
    finally:
        await connection.close()


def always_has_room() -> bool:
    """Return True: for a server whose disk we cannot look at."""
    return True


class Transaction:
    """An open write: its connection, its tenant, and the revision that every changed row gets."""

    __slots__ = ("connection", "replays", "revision", "tenant")

    def __init__(self, connection: Connection, tenant: Tenant, revision: int, *, replays: bool) -> None:
        self.connection = connection
        self.tenant = tenant
        self.revision = revision
        self.replays = replays
        """True if the same write was committed before, so that only its answer has to be made again."""

    @property
    def practice_id(self) -> UUID:
        """Return the practice whose rows this transaction writes."""
        return self.tenant.practice_id


class WriteStart(msgspec.Struct, frozen=True):
    """What enter_write returns."""

    revision: int
    known: bytes | None
    """The fingerprint that the write's key was recorded with before; None if the key is new."""


ENTER_WRITE = Query(
    WriteStart,
    """
    SELECT revision, known
      FROM enter_write($1, $2, $3, $4)
""",
)


class Begin:
    """Opens transactions for one tenant. Open them late, close them early, do no other I/O inside."""

    __slots__ = ("_has_room", "_pool", "_tenant")

    def __init__(self, pool: Pool, tenant: Tenant, has_room: Callable[[], bool] = always_has_room) -> None:
        self._pool = pool
        self._tenant = tenant
        self._has_room = has_room

    @property
    def tenant(self) -> Tenant:
        """Return the practice and the therapist whose rows its transactions see."""
        return self._tenant

    def read(self) -> AbstractAsyncContextManager[Connection]:
        """Open a read-only transaction that sees one snapshot."""
        return self._transaction(READ)

    @asynccontextmanager
    async def write(self, once: Once | None = None) -> AsyncIterator[Transaction]:
        """Open a write. It takes the practice's next revision first, so the practice's other writers wait.

        With `once`, the write is looked up in the ledger before anything else is read, and recorded there.
        Raises KeyReused or IdTaken if its key was used with another payload, NoRoom if the disk is nearly
        full, Overloaded if the practice writes too much, DatabaseAway.
        """
        if not self._has_room():
            raise NoRoom
        async with self._pool.writers.slot(self._tenant.practice_id), self._transaction(WRITE) as connection:
            asked = (once.scope, once.key, once.fingerprint) if once else (None, None, None)
            start = await ENTER_WRITE.one(connection, self._tenant.practice_id, *asked)
            if once and start.known not in (None, once.fingerprint):
                raise once.refusal()
            replays = start.known is not None
            yield Transaction(connection, self._tenant, start.revision, replays=replays)

    def unstamped(self) -> AbstractAsyncContextManager[Connection]:
        """Open a write of rows that phones do not sync, such as tokens. It takes no revision."""
        return self._transaction(WRITE)

    def _transaction(self, begin: str) -> AbstractAsyncContextManager[Connection]:
        return _transaction(self._pool, opening_sql(begin, self._tenant), self._tenant)


def system_write(pool: Pool) -> AbstractAsyncContextManager[Connection]:
    """Open a write of system rows, which belong to no practice."""
    return _transaction(pool, WRITE)


@asynccontextmanager
async def _transaction(pool: Pool, opening: str, tenant: Tenant | None = None) -> AsyncIterator[Connection]:
    """Open a transaction, and commit it or roll it back before the connection is given back."""
    async with a_connection(pool, tenant) as connection:
        try:
            await _open(connection, opening)
            yield connection
            await _commit(connection)
        except (Exception, asyncio.CancelledError):
            if not is_lost(connection):
                await connection.execute("ROLLBACK")
            raise


async def _open(connection: Connection, opening: str) -> None:
    """Open a transaction. Raises DatabaseAway if it is a write and the server is a standby."""
    try:
        await connection.execute(opening)
    except asyncpg.FeatureNotSupportedError as error:
        raise DatabaseAway("the server is a standby") from error


async def _commit(connection: Connection) -> None:
    """Commit. Raises RuntimeError if a statement failed and the error was caught: COMMIT then rolls back."""
    if await connection.execute("COMMIT") != "COMMIT":
        raise RuntimeError("a statement of the transaction had failed, so nothing of it was committed")


def opening_sql(begin: str, tenant: Tenant) -> str:
    """Return the SQL that opens a transaction and sets its practice and therapist, in one round trip.

    It uses SET LOCAL because Citus passes that on to its workers and set_config() not. SET LOCAL takes no
    parameters, so the values are put into the text; only a UUID object can be.
    """
    practice = _local("app.practice", tenant.practice_id)
    return f"{begin};{practice};{_local('app.therapist', tenant.therapist_id)}"


def _local(setting: str, value: UUID) -> str:
    if not isinstance(value, UUID):
        raise TypeError(f"{setting} takes a UUID")
    return f"SET LOCAL {setting} = '{value}'"
