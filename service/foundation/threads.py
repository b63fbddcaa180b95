"""Long computations in threads of their own: few at once, few waiting, the next one refused.

The limit counts calls until their thread has finished, also after their request was cancelled. Otherwise
cancelled requests could fill the processor.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Final, ParamSpec, TypeVar

from service.foundation.errors import DomainError

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class Overloaded(DomainError):
    """Too many computations wait already. Trying again in a moment helps."""


class BoundedThreads:
    """A thread pool with a bounded queue: `threads` workers, at most `at_most` calls running or waiting."""

    __slots__ = ("_free", "_refusal", "_threads")

    def __init__(self, name: str, *, threads: int, at_most: int, refusal: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._free = threading.BoundedSemaphore(at_most)
        self._refusal = refusal

    async def run(
        self, function: Callable[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Answer:
        """Return what `function` returns. Raises Overloaded, and what it raises."""
        if not self._free.acquire(blocking=False):
            raise Overloaded(self._refusal)
        call = partial(function, *args, **kwargs)
        computing = self._threads.submit(copy_context().run, call)
        computing.add_done_callback(lambda _: self._free.release())
        return await asyncio.wrap_future(computing)


THREADS: Final = 2
"""More would not help: the interpreter runs one of them at a time."""
MOST_CALLS: Final = 32
"""Running or waiting; the next one is refused rather than kept waiting with its upload in memory."""

_computing: Final = BoundedThreads(
    "computing",
    threads=THREADS,
    at_most=MOST_CALLS,
    refusal="too many files are being read at the moment; try again",
)


async def off_loop(
    function: Callable[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Answer:
    """Return what `function` returns, computed away from the event loop.

    Raises Overloaded, and what `function` raises.
    """
    return await _computing.run(function, *args, **kwargs)
