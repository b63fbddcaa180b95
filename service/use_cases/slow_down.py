"""Slowing down who guesses passwords, without letting strangers lock anyone out."""

from datetime import datetime
from math import ceil
from uuid import UUID

import msgspec

from service.crypto.sealing import Keyring
from service.db.connection import Connection
from service.db.sign_ins import count_attempt, forgive
from service.domain.sign_ins import (
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

    def buckets(self) -> dict[bytes, int]:
        """Return what is counted, and how many failures each is allowed for free."""
        account = self.email_index.hex()
        mine = f"{account} on {self.device_id}" if self.device_id else account
        return {
            self.keyring.email_index(f"account {mine}"): FREE_FAILURES,
            self.keyring.email_index(f"network {self.network}"): FREE_FAILURES_OF_A_NETWORK,
        }


async def refuse_too_many(connection: Connection, attempt: Attempt, now: datetime) -> None:
    """Count an attempt, committed at once. Raises TooManyAttempts, also when it would have been right."""
    for bucket, free in attempt.buckets().items():
        count = await count_attempt(
            connection, bucket, now, free=free, longest=LONGEST_WAIT, forget=FORGET_AFTER
        )
        if not count.allowed:
            raise TooManyAttempts(max(1, ceil((count.blocked_until - now).total_seconds())))


async def forget_failures(connection: Connection, attempt: Attempt) -> None:
    """Forget the account's failures after a success; a network's stay, or one account would clear them."""
    account, _ = attempt.buckets()
    await forgive(connection, [account])
