"""Computations in the bounded thread pool leave the event loop free, and their number is limited."""

import asyncio
import threading
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest

from service.foundation.fair_shares import ASKING, Overloaded
from service.foundation.threads import THREADS, BoundedThreads, off_loop

REQUEST = ContextVar("REQUEST", default="none")
AT_MOST = 5
Answer = TypeVar("Answer")


@pytest.fixture
def threads() -> BoundedThreads:
    return BoundedThreads("some", threads=2, threads_each=2, at_most=AT_MOST, refusal="five wait already")


def test_another_thread_computes_the_answer_and_has_the_context_of_the_request(
    threads: BoundedThreads,
) -> None:
    async def ask() -> tuple[int, str]:
        REQUEST.set("seven")
        return await threads.run(lambda: (threading.get_ident(), REQUEST.get()))

    thread, request = asyncio.run(ask())
    assert thread != threading.get_ident()
    assert request == "seven"


def test_an_exception_in_the_thread_is_raised_to_the_caller(threads: BoundedThreads) -> None:
    async def fail_often() -> None:
        for _ in range(2 * AT_MOST):  # and it counts no longer
            with pytest.raises(ZeroDivisionError):
                await threads.run(divmod, 1, 0)

    asyncio.run(fail_often())


def test_a_call_over_the_limit_is_refused_until_one_ends(threads: BoundedThreads) -> None:
    gate = threading.Event()

    async def crowd() -> None:
        waiting = [asyncio.create_task(threads.run(gate.wait)) for _ in range(AT_MOST)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="five wait already"):
            await threads.run(int)
        waiting[-1].cancel()
        await asyncio.gather(waiting[-1], return_exceptions=True)
        last = asyncio.create_task(threads.run(int))
        gate.set()
        assert await last == 0
        assert all(await asyncio.gather(*waiting[:-1]))

    asyncio.run(crowd())


def test_a_cancelled_call_counts_until_its_thread_ends(threads: BoundedThreads) -> None:
    gate, begun = threading.Event(), threading.Barrier(3)

    def compute() -> bool:
        begun.wait(20)
        return gate.wait(20)

    async def crowd() -> None:
        asked = [compute] * 2 + [gate.wait] * (AT_MOST - 2)
        waiting = [asyncio.create_task(threads.run(each)) for each in asked]
        await asyncio.to_thread(begun.wait, 20)
        for each in waiting[:2]:
            each.cancel()
        await asyncio.gather(*waiting[:2], return_exceptions=True)
        with pytest.raises(Overloaded):
            await threads.run(int)
        gate.set()
        await asyncio.gather(*waiting[2:])

    asyncio.run(crowd())


async def asking(practice_id: UUID, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Await work as a request of a practice does."""
    ASKING.set(practice_id)
    return await asyncio.create_task(work)


def test_the_calls_of_a_practice_do_not_wait_behind_all_those_of_another() -> None:
    threads = BoundedThreads("some", threads=1, threads_each=1, at_most=9, refusal="nine wait already")
    gate, order = threading.Event(), list[str]()

    async def crowd() -> None:
        busy, other = uuid4(), uuid4()
        calls: list[Coroutine[Any, Any, object]] = [asking(busy, threads.run(gate.wait, 20))]
        calls += [asking(busy, threads.run(order.append, f"busy {number}")) for number in range(4)]
        calls += [asking(other, threads.run(order.append, f"other {number}")) for number in range(2)]
        waiting = [asyncio.create_task(each) for each in calls]
        await asyncio.sleep(0.05)
        gate.set()
        await asyncio.gather(*waiting)

    asyncio.run(crowd())
    assert order == ["busy 0", "other 0", "busy 1", "other 1", "busy 2", "busy 3"]


def test_a_practice_leaves_a_thread_to_the_others_and_is_refused_alone() -> None:
    threads = BoundedThreads("some", threads=2, threads_each=1, at_most=3, refusal="three wait already")
    gate = threading.Event()

    async def crowd() -> None:
        busy, other = uuid4(), uuid4()
        waiting = [asyncio.create_task(asking(busy, threads.run(gate.wait, 20))) for _ in range(3)]
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded, match="three wait already"):
            await asking(busy, threads.run(int))
        assert await asking(other, threads.run(int)) == 0
        gate.set()
        assert all(await asyncio.gather(*waiting))

    asyncio.run(crowd())


def test_two_files_are_read_at_once_and_no_more() -> None:
    def meet(parties: int) -> bool:
        """Return whether this number of computations can run at the same time."""
        barrier = threading.Barrier(parties)

        async def crowd() -> list[int | BaseException]:
            waiting = (asking(uuid4(), off_loop(barrier.wait, 1)) for _ in range(parties))
            return await asyncio.gather(*waiting, return_exceptions=True)

        return not any(isinstance(each, threading.BrokenBarrierError) for each in asyncio.run(crowd()))

    assert meet(THREADS)
    assert not meet(THREADS + 1)
