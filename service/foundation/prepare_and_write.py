"""Writes that need long work done first, such as decoding a track: prepare outside, then write.

While a write transaction is open, the practice's other writers wait. So the write is tried first without
preparation. If it needs some, it gives up, the work is done outside, and the write is tried again.
It succeeds if everything it was prepared from is unchanged.

A phone that has signal again sends everything it kept for one session at once, and each of these writes would
make the others' preparation useless. So within one process the writers that prepare for the same session take
turns. Writers that need no preparation, and other processes, can still come between.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from service.foundation.database.connection import Begin, Transaction
from service.foundation.errors import DomainError
from service.foundation.retry_safe import Once
from service.foundation.tenant import Tenant

Answer = TypeVar("Answer")
Prepared = TypeVar("Prepared")

ATTEMPTS: Final = 5


class Crowded(DomainError):
    """Others kept changing the same session or route while this write was prepared. Trying again helps."""


_turns: Final[WeakValueDictionary[tuple[UUID, UUID], asyncio.Lock]] = WeakValueDictionary()


def _turn(tenant: Tenant, about: UUID) -> asyncio.Lock:
    """Return the lock that writers hold while they prepare and write to a session or route.

    Each practice has locks of its own. Otherwise who knows an id of another practice could tell by waiting
    that it is being written to.
    """
    return _turns.setdefault((tenant.practice_id, about), asyncio.Lock())


class NotPrepared(Exception):
    """A write needs work done outside first, or what was prepared no longer fits; nothing is written.

    `about` is the session or route the work is for: its writers in this process take turns.
    """

    def __init__(self, about: UUID) -> None:
        super().__init__(str(about))
        self.about = about


async def prepare_and_write(
    begin: Begin,
    once: Once | None,
    *,
    prepare: Callable[[], Awaitable[Prepared]],
    write: Callable[[Transaction, Prepared | None], Awaitable[Answer]],
) -> Answer:
    """Run `write` in a transaction; while it raises NotPrepared, run `prepare` outside and try again.

    The first attempt gets None: repeated and refused writes are answered without preparation. `write` checks
    that what was prepared still fits. Raises Crowded after ATTEMPTS, and what `prepare` and `write` raise.
    """
    prepared: Prepared | None = None
    async with AsyncExitStack() as held:
        for attempt in range(ATTEMPTS):
            try:
                async with begin.write(once) as transaction:
                    return await write(transaction, prepared)
            except NotPrepared as missing:
                about = missing.about
            if attempt == 0:
                await held.enter_async_context(_turn(begin.tenant, about))
            prepared = await prepare()
    raise Crowded("others keep changing this at the same time; try again")
