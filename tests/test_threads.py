"""Computations in threads of their own leave the event loop free, and do not pile up."""

import asyncio
import threading
from contextvars import ContextVar

import pytest

from service.threads import Overloaded, Threads
from service.use_cases.off_loop import THREADS, off_loop

REQUEST = ContextVar("REQUEST", default="none")
PLACES = 5


@pytest.fixture
def threads() -> Threads:
    return Threads("some", threads=2, places=PLACES, refusal="there are five places")


def test_the_answer_comes_from_another_thread_that_knows_the_request(threads: Threads) -> None:
    async def ask() -> tuple[int, str]:
        REQUEST.set("seven")
        return await threads.run(lambda: (threading.get_ident(), REQUEST.get()))

    thread, request = asyncio.run(ask())
    assert thread != threading.get_ident()
    assert request == "seven"


def test_what_is_raised_there_is_raised_here(threads: Threads) -> None:
    async def fail_often() -> None:
        for _ in range(2 * PLACES):  # and the place is free again
            with pytest.raises(ZeroDivisionError):
                await threads.run(divmod, 1, 0)

    asyncio.run(fail_often())


def test_when_all_places_are_taken_the_next_is_refused_until_one_is_free(threads: Threads) -> None:
    gate = threading.Event()

    async def crowd() -> None:
        waiting = [asyncio.create_task(threads.run(gate.wait)) for _ in range(PLACES)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="five places"):
            await threads.run(int)
        waiting[-1].cancel()
        await asyncio.gather(waiting[-1], return_exceptions=True)
        last = asyncio.create_task(threads.run(int))
        gate.set()
        assert await last == 0
        assert all(await asyncio.gather(*waiting[:-1]))

    asyncio.run(crowd())


def test_who_is_cancelled_while_computing_keeps_the_place(threads: Threads) -> None:
    gate = threading.Event()

    async def crowd() -> None:
        waiting = [asyncio.create_task(threads.run(gate.wait)) for _ in range(PLACES)]
        await asyncio.sleep(0.05)  # until two of them compute
        for each in waiting[:2]:
            each.cancel()
        await asyncio.gather(*waiting[:2], return_exceptions=True)
        with pytest.raises(Overloaded):
            await threads.run(int)
        gate.set()
        await asyncio.gather(*waiting[2:])

    asyncio.run(crowd())


def test_no_more_than_two_files_are_read_at_once() -> None:
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
