"""Slowing down who guesses passwords, without letting strangers lock anyone out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from math import ceil
from uuid import UUID

import msgspec

from service.foundation.crypto.sealing import Keyring
from service.foundation.database.connection import Connection, Pool, system_write
from service.foundation.threads import Overloaded
from service.people.sign_in_queries import count_attempt, forgive, sweep_throttle, uncount_attempt
from service.people.sign_ins import (
    FORGET_AFTER,
    FREE_FAILURES,
    FREE_FAILURES_OF_A_NETWORK,
    LONGEST_WAIT,
    TooManyAttempts,
)


class Attempt(msgspec.Struct, frozen=True):
    """One attempt at a password: for which account, from which device and network."""

    keyring: Keyring
    email_index: bytes
    device_id: UUID | None
    """A device that has signed in to this account before keeps a count of its own; None for any other."""
    network: str
    is_shared: bool = False
    """The email opens several practices, so that who owns one of them must not reset the count of all."""

    @property
    def account(self) -> bytes:
        """Return the bucket of the account, as far as this device is concerned."""
        account = self.email_index.hex()
        mine = f"{account} on {self.device_id}" if self.device_id else account
        return self.keyring.throttle_bucket(f"account {mine}")

    @property
    def network_bucket(self) -> bytes:
        """Return the bucket of everyone on this network."""
        return self.keyring.throttle_bucket(f"network {self.network}")

    def buckets(self) -> list[tuple[bytes, int]]:
        """Return what is counted, and how many failures each is allowed for free.

        A known device answers for itself alone: strangers in the same clinic or mobile network do not lock
        it out.
        """
        account = (self.account, FREE_FAILURES)
        if self.device_id is not None:
            return [account]
        return [(self.network_bucket, FREE_FAILURES_OF_A_NETWORK), account]


@asynccontextmanager
async def counted(pool: Pool, attempt: Attempt, now: datetime) -> AsyncIterator[None]:
    """Count an attempt, committed before it is judged in here. Raises TooManyAttempts.

    One that found no place to be judged in is no failure: it is taken back, or an overload would lock out
    whoever is patient with it.
    """
    async with system_write(pool) as connection:
        wait_s = await _count(connection, attempt, now)
    if wait_s is not None:
        raise TooManyAttempts(wait_s)
    try:
        yield
    except Overloaded:
        async with system_write(pool) as connection:
            for bucket, _ in attempt.buckets():
                await uncount_attempt(connection, bucket)
        raise


async def _count(connection: Connection, attempt: Attempt, now: datetime) -> int | None:
    """Count an attempt. Return the seconds to wait where there were too many, even before a right one."""
    for bucket, free in attempt.buckets():
        count = await count_attempt(
            connection, bucket, now, free=free, longest=LONGEST_WAIT, forget=FORGET_AFTER
        )
        if not count.allowed:
            return max(1, ceil((count.blocked_until - now).total_seconds()))
    return None


async def forget_failures(connection: Connection, attempt: Attempt) -> None:
    """Forget the account's failures after a success; a network's stay, or one account would clear them.

    The network's bucket comes first, as in `buckets`: two transactions would else wait for each other.
    """
    if attempt.device_id is None:
        await uncount_attempt(connection, attempt.network_bucket)
    if attempt.is_shared:
        await uncount_attempt(connection, attempt.account)
    else:
        await forgive(connection, attempt.account)


async def forget_the_old(connection: Connection, now: datetime) -> None:
    """Delete some counts of long ago, so that made-up emails do not fill the table for good."""
    await sweep_throttle(connection, now - FORGET_AFTER)
