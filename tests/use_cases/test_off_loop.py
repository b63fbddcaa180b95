"""Long computations leave the event loop free, and do not pile up."""

import asyncio
import threading
from contextvars import ContextVar

import pytest

from service.use_cases.off_loop import PLACES, THREADS, Overloaded, off_loop

REQUEST = ContextVar("REQUEST", default="none")


def test_the_answer_comes_from_another_thread_that_knows_the_request() -> None:
    async def ask() -> tuple[int, str]:
        REQUEST.set("seven")
        return await off_loop(lambda: (threading.get_ident(), REQUEST.get()))

    thread, request = asyncio.run(ask())
    assert thread != threading.get_ident()
    assert request == "seven"


def test_what_is_raised_there_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(off_loop(divmod, 1, 0))


def test_when_all_places_are_taken_the_next_is_refused_until_one_is_free() -> None:
    gate = threading.Event()

    async def crowd() -> None:
        waiting = [asyncio.create_task(off_loop(gate.wait)) for _ in range(PLACES)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await off_loop(int)
        waiting[-1].cancel()
        await asyncio.gather(waiting[-1], return_exceptions=True)
        last = asyncio.create_task(off_loop(int))
        gate.set()
        assert await last == 0
        assert all(await asyncio.gather(*waiting[:-1]))

    asyncio.run(crowd())


def test_no_more_than_two_compute_at_once() -> None:
    running, most = 0, 0
    lock = threading.Lock()

    def compute() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with lock:
            running -= 1

    async def crowd() -> None:
        await asyncio.gather(*(off_loop(compute) for _ in range(8)))

    asyncio.run(crowd())
    assert most == THREADS
