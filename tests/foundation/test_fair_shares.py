"""Slots are shared between practices, whoever asks most."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.foundation.fair_shares import FairShares, Overloaded

FULL = "too much waits"


def shares(slots: int, most_each: int, *, wait_s: float = 20, waiting_each: int = 9) -> FairShares:
    return FairShares(slots, most_each=most_each, wait_s=wait_s, waiting_each=waiting_each, refusal=FULL)


class Visits:
    """Who has been let in, in order, and who stays until told to go."""

    def __init__(self, door: FairShares) -> None:
        self.door = door
        self.order: list[str] = []
        self.leaving = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, *names: str, stay: bool = False) -> None:
        """Let each of these ask for a slot; the first letter of a name is its practice."""
        for name in names:
            self.tasks.append(asyncio.create_task(self._visit(name, stay=stay)))
            await asyncio.sleep(0)

    async def _visit(self, name: str, *, stay: bool) -> None:
        async with self.door.slot(name[0]):
            self.order.append(name)
            if stay:
                await self.leaving.wait()

    async def end(self) -> None:
        self.leaving.set()
        await asyncio.wait_for(asyncio.gather(*self.tasks, return_exceptions=True), 20)


def run(visit: Callable[[Visits], Awaitable[Any]], door: FairShares) -> list[str]:
    """Run a test's visits, let everyone out, and return the order in which they came in."""

    async def all_of_it() -> list[str]:
        visits = Visits(door)
        await visit(visits)
        await visits.end()
        return visits.order

    return asyncio.run(all_of_it())


def test_a_practice_has_its_share_and_no_more() -> None:
    async def visit(visits: Visits) -> None:
        await visits.come("a1", "a2", "a3", stay=True)
        assert visits.order == ["a1", "a2"]
        await visits.come("b1", stay=True)
        assert visits.order == ["a1", "a2", "b1"]

    assert run(visit, shares(4, 2)) == ["a1", "a2", "b1", "a3"]


def test_practices_that_wait_take_turns() -> None:
    async def visit(visits: Visits) -> None:
        await visits.come("a1", stay=True)
        await visits.come("a2", "a3", "a4", "b1", "b2", "c1")

    assert run(visit, shares(1, 1)) == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]


def test_who_gives_up_waiting_takes_no_slot_along() -> None:
    async def visit(visits: Visits) -> None:
        await visits.come("a1", stay=True)
        await visits.come("a2", "a3")
        visits.tasks[1].cancel()

    assert run(visit, shares(1, 1)) == ["a1", "a3"]


def test_who_is_cancelled_the_moment_the_slot_comes_free_gives_it_on() -> None:
    async def visit(visits: Visits) -> None:
        await visits.come("a1", stay=True)
        await visits.come("a2", "a3")
        visits.leaving.set()
        await asyncio.sleep(0)  # a1 goes and a2 has the slot, but has not run yet
        visits.tasks[1].cancel()

    assert run(visit, shares(1, 1)) == ["a1", "a3"]


def test_who_is_cancelled_just_before_the_slot_comes_free_is_passed_over() -> None:
    async def visit(visits: Visits) -> None:
        await visits.come("a1", stay=True)
        await visits.come("a2", "a3")
        visits.leaving.set()
        visits.tasks[1].cancel()

    assert run(visit, shares(1, 1)) == ["a1", "a3"]


def test_only_the_practice_that_waits_too_much_is_refused() -> None:
    async def visit(visits: Visits) -> None:
        await visits.come("a1", "a2", stay=True)
        with pytest.raises(Overloaded, match=FULL):
            await visits.door.take("a")
        await visits.come("b1")

    assert run(visit, shares(1, 1, waiting_each=1)) == ["a1", "a2", "b1"]


def test_who_waits_too_long_is_refused_and_leaves_the_queue() -> None:
    async def visit(visits: Visits) -> None:
        await visits.come("a1", stay=True)
        with pytest.raises(Overloaded, match=FULL):
            await visits.door.take("a")

    door = shares(1, 1, wait_s=0.01)
    assert run(visit, door) == ["a1"]
    asyncio.run(asyncio.wait_for(door.take("a"), 1))
