"""Slow down whoever guesses passwords, without letting strangers lock anyone out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from service.foundation.crypto.sealing import Keyring
from service.foundation.database.connection import Connection, Pool, system_write
from service.foundation.fair_shares import Overloaded
from service.people.attempts import (
    FORGET_AFTER,
    FREE_FAILURES,
    FREE_FAILURES_OF_A_NETWORK,
    LONGEST_WAIT,
    TooManyAttempts,
)
from service.people.throttle_queries import count_attempt, delete_failures, sweep_throttle, uncount_attempt


class Attempt(msgspec.Struct, frozen=True):
    """One attempt at a password: for which account, from which device and network."""

    keyring: Keyring
    email_index: bytes
    device_id: UUID | None
    """A device that has signed in to this account before: it has a count of its own. None for any other."""
    network: str
    is_shared: bool = False
    """Whether the email opens several practices: the owner of one must not reset the count of all."""

    @property
    def account_bucket(self) -> bytes:
        """Return the bucket of the account, or of this device at the account."""
        account = f"account {self.email_index.hex()}"
        return self.keyring.throttle_bucket(f"{account} on {self.device_id}" if self.device_id else account)

    @property
    def network_bucket(self) -> bytes:
        """Return the bucket of everyone on this network."""
        return self.keyring.throttle_bucket(f"network {self.network}")

    def buckets(self) -> list[tuple[bytes, int]]:
        """Return the buckets to count in, and how many failures each allows for free.

        A known device counts for itself alone, so strangers in the same clinic or mobile network do not lock
        it out.
        """
        account = (self.account_bucket, FREE_FAILURES)
        if self.device_id is not None:
            return [account]
        return [(self.network_bucket, FREE_FAILURES_OF_A_NETWORK), account]


@asynccontextmanager
async def counted(pool: Pool, attempt: Attempt, now: datetime) -> AsyncIterator[None]:
    """Count an attempt and commit that; the block then judges it. Raises TooManyAttempts, Overloaded.

    Attempts at one account are judged one after the other. Otherwise right passwords sent at once would
    count as failures of each other until all are judged.

    Where the block is too busy to judge it, the count is taken back: otherwise an overload would lock out
    whoever tries again patiently.
    """
    async with pool.turns.slot(attempt.account_bucket):
        async with system_write(pool) as connection:
            wait = await _count(connection, attempt, now)
        if wait is not None:
            raise TooManyAttempts(wait)
        try:
            yield
        except Overloaded:
            async with system_write(pool) as connection:
                for bucket, _ in attempt.buckets():
                    await uncount_attempt(connection, bucket)
            raise


async def _count(connection: Connection, attempt: Attempt, now: datetime) -> timedelta | None:
    """Count an attempt. Return how long to wait where there were too many, even if the password is right."""
    for bucket, free in attempt.buckets():
        count = await count_attempt(
            connection, bucket, now, free=free, longest=LONGEST_WAIT, forget=FORGET_AFTER
        )
        if not count.allowed:
            return count.blocked_until - now
    return None


async def forget_failures(connection: Connection, attempt: Attempt) -> None:
    """Forget an account's failures after a success. A network's stay: one account must not clear them.

    The network's bucket comes first, as in `buckets`; otherwise two transactions could wait for each other.
    """
    if attempt.device_id is None:
        await uncount_attempt(connection, attempt.network_bucket)
    if attempt.is_shared:
        await uncount_attempt(connection, attempt.account_bucket)
    else:
        await delete_failures(connection, attempt.account_bucket)


async def forget_old_failures(connection: Connection, now: datetime) -> None:
    """Delete some old counts, so that made-up emails do not fill the table for good."""
    await sweep_throttle(connection, now - FORGET_AFTER)
