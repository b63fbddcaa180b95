"""Computations in threads of their own, a few at once and few waiting: the next one is refused.

The threads themselves are the limit, not a semaphore around them: a cancelled request gives up its semaphore
while its thread still computes, so that impatient strangers could fill the processor.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from service.foundation.errors import DomainError

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class Overloaded(DomainError):
    """Too many computations wait already; worth another try in a moment."""


class Threads:
    """So many threads, and at most so much that they compute and that waits for them."""

    __slots__ = ("_free", "_refusal", "_threads")

    def __init__(self, name: str, *, threads: int, at_most: int, refusal: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = threading.BoundedSemaphore(at_most)
        self._refusal = refusal

    async def run(
        self, function: Callable[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs
    ) -> Answer:
        """Return what `function` returns. Raises Overloaded, and what it raises.

        Cancelled, it counts until its thread is done with it.
        """
        if not self._free.acquire(blocking=False):
            raise Overloaded(self._refusal)
        asked = partial(function, *args, **kwargs)
        computing = self._threads.submit(copy_context().run, asked)
        computing.add_done_callback(lambda _: self._free.release())
        return await asyncio.wrap_future(computing)
