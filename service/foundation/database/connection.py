"""The pool, and transactions that always know their practice."""

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
"""A request that gets no connection for this long answers 503 rather than queue on.

Where an idle one turns out to be gone, a new one is made first, in CONNECT_TIMEOUT_S at most.
"""

LEAST_TIMEOUT_S: Final = 0.1
"""What remains of that, at the least, after the wait for the practice's share."""

SHARE: Final = 5
"""A practice has at most one in so many of the connections. More would let it keep the event loop busy."""
WRITERS_EACH: Final = 1
"""Writers of one practice that have a connection: the others would only wait with theirs for its row."""
WRITE_TIMEOUT_S: Final = 10
"""A phone sends everything it kept at once when it has signal again; its writes may queue this long."""
WAITING_EACH: Final = 500
"""Requests of one practice that wait for a connection or to write; the next one is refused."""

TURNS_WAITING_EACH: Final = 32

STATEMENTS_KEPT: Final = 100
"""Prepared on each connection; asyncpg's own default."""

READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
WRITE: Final = """
    BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
    SELECT set_config('synchronous_commit', 'on', true)
     WHERE current_setting('synchronous_commit') = 'off'
"""
"""Both are said in full: the defaults of a server, a database or a role may be others.

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
    """Leave out asyncpg's RESET ALL: there is no session state, and an open transaction still ends."""


async def open_pool(dsn: str, *, size: int) -> Pool:
    """Return a pool of at most `size` connections to `dsn`.

    Instants come in UTC, whatever zone the server's machine is in: some are written as JSON there. Behind a
    pooler no statement is kept prepared: the server of the next transaction may be another one.
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
    """A connection of the pool for as long as a block lasts.

    An error inside the block becomes DatabaseAway where the connection was lost or the server did not
    answer in time. Every other error passes as it is: it may be a mistake of ours.
    """

    __slots__ = ("_connection", "_pool", "_share")

    def __init__(self, pool: Pool, share: Hashable) -> None:
        self._pool = pool
        self._share = share

    async def __aenter__(self) -> Connection:
        """Take a connection. Raises DatabaseAway where there is none in time, Overloaded."""
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
        # A time limit costs an eighth of a small read, and is not needed while a connection is idle.
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
    """Return what lends a connection for as long as a block lasts; None for rows of no practice.

    Nobody in particular has a share apart from those who are signed in to the practice: anybody can send a
    token that names it.
    """
    return BorrowedConnection(pool, tenant and (tenant.practice_id, tenant.therapist_id == NOBODY))


async def connect(dsn: str, *, timeout_s: float) -> asyncpg.Connection:
    """Return a connection for a command, which works through a pooler as well."""
    return await asyncpg.connect(dsn, timeout=timeout_s, statement_cache_size=0)


async def is_pooled(connection: asyncpg.Connection) -> bool:
    """Return whether a pooler such as PgBouncer lies between, which gives out numbers of its own."""
    return bool(await connection.fetchval("SELECT pg_backend_pid()") != connection.get_server_pid())


async def _leads_to_pooler(dsn: str) -> bool:
    connection = await connect(dsn, timeout_s=CONNECT_TIMEOUT_S)
    try:
        return await is_pooled(connection)
    finally:
        await connection.close()


def always_has_room() -> bool:
    """Say that there is room, of a server whose disk is not ours to look at."""
    return True


class Transaction:
    """An open write: its connection, for whom, and the revision every touched row is stamped with."""

    __slots__ = ("connection", "replays", "revision", "tenant")

    def __init__(self, connection: Connection, tenant: Tenant, revision: int, *, replays: bool) -> None:
        self.connection = connection
        self.tenant = tenant
        self.revision = revision
        self.replays = replays
        """True when this very write was committed before and only its answer is wanted again."""

    @property
    def practice_id(self) -> UUID:
        """Return the practice everything in this transaction belongs to."""
        return self.tenant.practice_id


class Entered(msgspec.Struct, frozen=True):
    """What a write begins with."""

    revision: int
    known: bytes | None
    """The fingerprint this write's key was recorded with before; None where it is recorded now."""


ENTER_WRITE = Query(
    Entered,
    """
    SELECT revision, known
      FROM enter_write($1, $2, $3, $4)
""",
)


class Begin:
    """Opens transactions for one tenant. Open late, close early, no other I/O inside."""

    __slots__ = ("_has_room", "_pool", "_tenant")

    def __init__(self, pool: Pool, tenant: Tenant, has_room: Callable[[], bool] = always_has_room) -> None:
        self._pool = pool
        self._tenant = tenant
        self._has_room = has_room

    @property
    def tenant(self) -> Tenant:
        """Return whose rows its transactions may see."""
        return self._tenant

    def read(self) -> AbstractAsyncContextManager[Connection]:
        """Open a read-only snapshot of what this tenant may see."""
        return self._transaction(READ)

    @asynccontextmanager
    async def write(self, once: Once | None = None) -> AsyncIterator[Transaction]:
        """Open a write: the practice's next revision is taken first, which also queues its other writers.

        With `once`, the ledger is asked before anything else is looked at, and the write recorded in it.
        Raises KeyReused or IdTaken when the key was used for another payload, NoRoom where the
        disk is nearly full, Overloaded where the practice writes too much.
        """
        if not self._has_room():
            raise NoRoom
        async with self._pool.writers.slot(self._tenant.practice_id), self._transaction(WRITE) as connection:
            asked = (once.scope, once.key, once.fingerprint) if once else (None, None, None)
            entered = await ENTER_WRITE.one(connection, self._tenant.practice_id, *asked)
            if once and entered.known not in (None, once.fingerprint):
                raise once.refusal()
            replays = entered.known is not None
            yield Transaction(connection, self._tenant, entered.revision, replays=replays)

    def unstamped(self) -> AbstractAsyncContextManager[Connection]:
        """Open a write of rows no phone is told of, such as tokens: it takes no revision."""
        return self._transaction(WRITE)

    def _transaction(self, begin: str) -> AbstractAsyncContextManager[Connection]:
        return _transaction(self._pool, opening_sql(begin, self._tenant), self._tenant)


def system_write(pool: Pool) -> AbstractAsyncContextManager[Connection]:
    """Open a write of system rows, which belong to no practice."""
    return _transaction(pool, WRITE)


@asynccontextmanager
async def _transaction(pool: Pool, opening: str, tenant: Tenant | None = None) -> AsyncIterator[Connection]:
    """Open a transaction and end it, whatever happens in it, before its connection is given back."""
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
    """Open a transaction. Raises DatabaseAway where the server takes no writes, being a standby."""
    try:
        await connection.execute(opening)
    except asyncpg.FeatureNotSupportedError as error:
        raise DatabaseAway("the server is a standby") from error


async def _commit(connection: Connection) -> None:
    """Commit. Raises RuntimeError where an error inside was overlooked: then COMMIT quietly rolls back."""
    if await connection.execute("COMMIT") != "COMMIT":
        raise RuntimeError("the transaction had failed before it was to be committed")


def opening_sql(begin: str, tenant: Tenant) -> str:
    """Return the one string that opens a transaction and says whose it is.

    SET LOCAL takes no parameters and, unlike set_config(), travels to distributed workers; only UUIDs that
    are UUIDs by type are put into it.
    """
    practice = _local("app.practice", tenant.practice_id)
    return f"{begin};{practice};{_local('app.therapist', tenant.therapist_id)}"


def _local(setting: str, value: UUID) -> str:
    if not isinstance(value, UUID):
        raise TypeError(f"{setting} takes a UUID")
    return f"SET LOCAL {setting} = '{value}'"
