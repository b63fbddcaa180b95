"""Errors that mean that the database or the disk cannot serve. All others are mistakes of ours."""

import errno
from typing import Final

import asyncpg

from service.foundation.database.query import Connection

TRANSIENT_STATES: Final = (
    "08",  # connection lost or refused
    "25006",  # the server takes no writes: it is being replaced
    "28",  # the login or its password is refused, as after an administrator's change
    "40",  # deadlock or conflict with recovery: PostgreSQL asks to try again
    "53",  # out of connections, memory or disk
    "57P0",  # the server is starting, stopping or ended the connection
    "58030",  # the server's disk failed
)
"""The SQLSTATE of such an error begins with one of these."""

DISK_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})

CONNECTION_FAILURES: Final = (TimeoutError, ConnectionError, asyncpg.InternalClientError)
"""Raised while a connection is in use: the server is gone, hangs, or stopped in the middle of an answer."""
AMBIGUOUS: Final = (asyncpg.InterfaceError, OSError)
"""Raised for a lost connection as well as for a mistake in our own code."""


class DatabaseAway(Exception):
    """The database cannot be reached or cannot serve at the moment; the same request may succeed later."""


class NoRoom(DatabaseAway):
    """The database's disk is nearly full: nothing is written, so that records can still be read."""


def is_outage(error: Exception) -> bool:
    """Return whether the database or the disk caused `error`, and not a mistake in our code."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(TRANSIENT_STATES)
    if isinstance(error, OSError):
        return error.errno in DISK_ERRORS
    return isinstance(error, DatabaseAway)


def is_lost(connection: Connection) -> bool:
    """Return whether the server or the network closed a connection that is still in use.

    asyncpg takes a lost connection away from its user: even asking whether it is closed then raises.
    """
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True
