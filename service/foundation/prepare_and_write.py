"""Writes that need long work done first: found out inside the transaction, done outside, tried again.

Other writers of the practice wait while a write is open. So a write that turns out to need a track decoded
gives up, the work is done with nobody waiting, and the write is tried again; it holds if everything still
stands as it stood.

A phone that has signal again sends all it kept for one session at once, and each of these writes would
undo what the others prepared. So in one process those that need preparing take turns; what needs none, and
other processes, can still come between.
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
    """Others kept changing the same session; worth another try in a moment."""


_turns: Final[WeakValueDictionary[tuple[UUID, UUID], asyncio.Lock]] = WeakValueDictionary()


def turn(tenant: Tenant, session_id: UUID) -> asyncio.Lock:
    """Return what to hold while preparing a write to a session and writing it.

    Each practice has turns of its own: who knows another's session id cannot tell when it is written to.
    """
    return _turns.setdefault((tenant.practice_id, session_id), asyncio.Lock())


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

    The first attempt gets None: it answers repeated and refused writes at no cost, and most others need no
    preparation. `write` checks that what was prepared still fits. Raises Crowded after several attempts, and
    whatever the two raise.
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
                await held.enter_async_context(turn(begin.tenant, about))
            prepared = await prepare()
    raise Crowded("others keep changing this at the same time; try again")
