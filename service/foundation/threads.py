"""Long computations in threads of their own: few at once, few waiting, the practices in turns.

The limits count calls until their thread has finished, also after their request was cancelled. Otherwise
cancelled requests could fill the processor.
"""

import asyncio
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

from service.foundation.fair_shares import ASKING, FairQueue, Overloaded

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
Call = tuple[Future[Any], Callable[[], Any]]


class BoundedThreads:
    """A thread pool with bounded queues: at most `at_most` calls of one practice run or wait.

    One practice has at most `threads_each` of the `threads`, and a free thread takes the next call of the
    practice whose turn it is.
    """

    __slots__ = ("_at_most", "_lock", "_queue", "_refusal", "_threads")

    def __init__(self, name: str, *, threads: int, threads_each: int, at_most: int, refusal: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._queue: FairQueue[Call] = FairQueue(threads, most_each=threads_each)
        self._at_most = at_most
        self._refusal = refusal

    async def run(
        self, function: Callable[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> Answer:
        """Return what `function` returns. Raises Overloaded, and what it raises."""
        practice_id, computing = ASKING.get(), Future[Answer]()
        call = (computing, partial(copy_context().run, partial(function, *args, **kwargs)))
        with self._lock:
            if self._queue.waiting(practice_id) + self._queue.running(practice_id) >= self._at_most:
                raise Overloaded(self._refusal)
            self._queue.add(practice_id, call)
        computing.add_done_callback(lambda _: self._forget_cancelled(practice_id, call))
        self._start_waiting()
        return await asyncio.wrap_future(computing)

    def _start_waiting(self) -> None:
        with self._lock:
            while (started := self._queue.start_next()) is not None:
                practice_id, call = started
                self._threads.submit(self._compute, practice_id, *call)

    def _compute(self, practice_id: Hashable, computing: Future[Any], call: Callable[[], Any]) -> None:
        """Make one call, then let the next one start; whoever was cancelled meanwhile needs no call."""
        answering: Callable[[], None] | None = None
        if computing.set_running_or_notify_cancel():
            try:
                answering = partial(computing.set_result, call())
            except BaseException as error:  # noqa: BLE001  it is raised to whoever waits
                answering = partial(computing.set_exception, error)
        with self._lock:
            self._queue.finish(practice_id)
        self._start_waiting()
        if answering is not None:
            answering()

    def _forget_cancelled(self, practice_id: Hashable, call: Call) -> None:
        with self._lock:
            self._queue.discard(practice_id, call)


THREADS: Final = 2
"""More would not help: the interpreter runs one of them at a time."""
THREADS_EACH: Final = 1
"""So that a practice with many files to read leaves a thread to the others."""
MOST_CALLS: Final = 64
"""Of one practice, running or waiting; the next one is refused. Uploads have a limit in bytes as well."""

_computing: Final = BoundedThreads(
    "computing",
    threads=THREADS,
    threads_each=THREADS_EACH,
    at_most=MOST_CALLS,
    refusal="too many files are being read at the moment; try again",
)


MOST_ON_LOOP_BYTES: Final = 65_536
"""Opening, encoding and compressing this much JSON takes 2 ms; more is done in another thread."""


async def off_loop_if_large(
    size_bytes: int,
    function: Callable[Arguments, Answer],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Answer:
    """Return what `function` returns, computed away from the event loop if it works on much.

    Raises Overloaded, and what `function` raises.
    """
    if size_bytes <= MOST_ON_LOOP_BYTES:
        return function(*args, **kwargs)
    return await off_loop(function, *args, **kwargs)


async def off_loop(
    function: Callable[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Answer:
    """Return what `function` returns, computed away from the event loop.

    Raises Overloaded, and what `function` raises.
    """
    return await _computing.run(function, *args, **kwargs)
