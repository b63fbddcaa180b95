"""Slots that practices share: a bounded number for each, and nobody waits behind another practice's queue."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final, Generic, TypeVar
from uuid import UUID

from service.foundation.errors import DomainError

Item = TypeVar("Item")

ASKING: Final[ContextVar[UUID | None]] = ContextVar("ASKING", default=None)
"""The practice whose request this is; None before its sign-in is verified."""

NONE: Final = object()


class Overloaded(DomainError):
    """Too much waits already. Trying again in a moment helps."""


class FairQueue(Generic[Item]):
    """What runs and what waits: `slots` in all, `most_each` for one key; the keys take turns.

    Only the counting: it neither waits nor locks.
    """

    __slots__ = ("_free", "_most_each", "_running", "_waiting")

    def __init__(self, slots: int, *, most_each: int) -> None:
        self._free = slots
        self._most_each = most_each
        self._running: dict[Hashable, int] = {}
        self._waiting: dict[Hashable, deque[Item]] = {}
        """The key whose turn is next comes first. No queue is empty."""

    def waiting(self, key: Hashable) -> int:
        """Return how many items of a key wait."""
        return len(self._waiting.get(key, ()))

    def running(self, key: Hashable) -> int:
        """Return how many slots a key has."""
        return self._running.get(key, 0)

    def start(self, key: Hashable) -> bool:
        """Take a slot where one is free for this key and nothing of it waits; return whether it was."""
        if key in self._waiting or not self._may_run(key):
            return False
        self._take(key)
        return True

    def add(self, key: Hashable, item: Item) -> None:
        """Let an item wait behind the others of its key."""
        self._waiting.setdefault(key, deque()).append(item)

    def discard(self, key: Hashable, item: Item) -> None:
        """Let an item wait no longer, if it still does."""
        queue = self._waiting.get(key)
        if queue is None or item not in queue:
            return
        queue.remove(item)
        if not queue:
            del self._waiting[key]

    def start_next(self) -> tuple[Hashable, Item] | None:
        """Take a slot for the item whose turn it is and return it with its key; None if none can run."""
        key = next(filter(self._may_run, self._waiting), NONE)
        if key is NONE:
            return None
        queue = self._waiting.pop(key)
        item = queue.popleft()
        if queue:
            self._waiting[key] = queue  # behind the other keys
        self._take(key)
        return key, item

    def finish(self, key: Hashable) -> None:
        """Give a slot back."""
        self._free += 1
        left = self._running.pop(key) - 1
        if left:
            self._running[key] = left

    def _may_run(self, key: Hashable) -> bool:
        return self._free > 0 and self._running.get(key, 0) < self._most_each

    def _take(self, key: Hashable) -> None:
        self._free -= 1
        self._running[key] = self._running.get(key, 0) + 1


class FairShares:
    """Slots for the coroutines of one event loop; who finds none free waits, for `wait_s` at most."""

    __slots__ = ("_queue", "_refusal", "_wait_s", "_waiting_each")

    def __init__(self, slots: int, *, most_each: int, wait_s: float, waiting_each: int, refusal: str) -> None:
        self._queue: FairQueue[asyncio.Future[None]] = FairQueue(slots, most_each=most_each)
        self._wait_s = wait_s
        self._waiting_each = waiting_each
        self._refusal = refusal

    @asynccontextmanager
    async def slot(self, key: Hashable) -> AsyncIterator[None]:
        """Hold a slot until the block ends. Raises Overloaded."""
        await self.take(key)
        try:
            yield
        finally:
            self.give_back(key)

    async def take(self, key: Hashable) -> None:
        """Take a slot, which the caller gives back. Raises Overloaded."""
        if self._queue.start(key):
            return
        if self._queue.waiting(key) >= self._waiting_each:
            raise Overloaded(self._refusal)
        turn = asyncio.get_running_loop().create_future()
        self._queue.add(key, turn)
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn.cancelled():
                self._queue.discard(key, turn)
            else:  # it got the slot at the very moment it gave up
                self.give_back(key)
            if isinstance(error, TimeoutError):
                raise Overloaded(self._refusal) from error
            raise

    def give_back(self, key: Hashable) -> None:
        """Give a slot back, and let whoever's turn it is go on."""
        self._queue.finish(key)
        while (started := self._queue.start_next()) is not None:
            starting, turn = started
            if turn.cancelled():
                self._queue.finish(starting)
            else:
                turn.set_result(None)
