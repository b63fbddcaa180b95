"""Another process of the service that changes a route between two attempts of a phone's write."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from uuid import UUID

import asyncpg
import httpx
import msgspec

from tests.conftest import connected
from tests.http.look import Look

LOCK_WRITES: Final = "BEGIN; LOCK TABLE practice_revision IN EXCLUSIVE MODE"
"""Every write waits for this. Locks on tables, unlike those on rows, are given strictly in turn."""
WAITING: Final = """
    SELECT count(*)
      FROM pg_stat_activity
     WHERE datname = current_database()
       AND wait_event_type = 'Lock'
"""
PATIENCE_S: Final = 20


class Rival(msgspec.Struct, frozen=True):
    """A writer that holds up all others, and commits `sql` each time the phone's write waits for it.

    `sql` takes the practice and the route. The rival queues for the lock again before it commits, so the
    phone's write gets exactly one attempt between two of its changes.
    """

    look: Look
    practice_id: UUID
    route_id: UUID
    sql: str

    def against(self, write: Callable[[], httpx.Response], *, changes: int) -> httpx.Response:
        """Return the answer to a phone's write that meets this many changes, or fewer if it gives up."""
        return asyncio.run(self._compete(write, changes))

    async def _compete(self, write: Callable[[], httpx.Response], changes: int) -> httpx.Response:
        loop = asyncio.get_running_loop()
        dsn, name = self.look.admin_dsn, self.look.database
        async with (
            connected(dsn, name) as first,
            connected(dsn, name) as second,
            connected(dsn, name) as eyes,
        ):
            holder, queued = first, second
            await holder.execute(LOCK_WRITES)
            with ThreadPoolExecutor(1) as phone:
                answer = loop.run_in_executor(phone, write)
                for number in range(changes):
                    if not await self._waits(eyes, 1, answer):
                        break
                    locked = (
                        asyncio.create_task(queued.execute(LOCK_WRITES)) if number + 1 < changes else None
                    )
                    if locked:
                        assert await self._waits(eyes, 2, answer)
                    await holder.execute(self.sql, self.practice_id, self.route_id)
                    await holder.execute("COMMIT")
                    if locked:
                        await locked
                    holder, queued = queued, holder
                await holder.execute("ROLLBACK")
                return await asyncio.wait_for(answer, PATIENCE_S)

    async def _waits(
        self, eyes: asyncpg.Connection, writers: int, answer: "asyncio.Future[httpx.Response]"
    ) -> bool:
        """Wait until so many writers wait for the lock, and return False if the phone is answered first."""
        async with asyncio.timeout(PATIENCE_S):
            while not answer.done():
                if await eyes.fetchval(WAITING) == writers:
                    return True
        return False
