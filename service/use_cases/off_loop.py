"""Long computations away from the event loop, two at a time, with few waiting.

The threads themselves are the limit, as for passwords: a cancelled request gives up a semaphore while its
thread still computes. Two, for the interpreter runs one of them at a time anyway.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Final, ParamSpec, TypeVar

from service.domain.errors import DomainError

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

THREADS: Final = 2
PLACES: Final = 32
"""Computations running or waiting; the next one is refused rather than kept waiting with its upload."""

_threads: Final = ThreadPoolExecutor(THREADS, thread_name_prefix="computing")
_places: Final = threading.BoundedSemaphore(PLACES)


class Overloaded(DomainError):
    """Too many long computations wait already; worth another try in a moment."""


async def off_loop(function: Callable[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
    """Return what `function` returns, computed in another thread. Raises Overloaded, and what it raises."""
    if not _places.acquire(blocking=False):
        raise Overloaded("too many files are being read at the moment; try again")
    asked = partial(function, *args, **kwargs)
    computing = _threads.submit(copy_context().run, asked)
    computing.add_done_callback(lambda _: _places.release())
    return await asyncio.wrap_future(computing)
