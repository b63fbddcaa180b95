"""Migrating a database whose words were sealed before they were bound."""

import asyncio

import pytest

from service.foundation.crypto.key_file import KeyFile
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.reseal import Resealing, reseal
from service.sessions.bind_words import OF_CHANGES, OF_SESSIONS, bind_words
from tests.conftest import connected
from tests.http.look import Look
from tests.http.world import World
from tests.sessions.reporting import at, planned, tell


def backwards(work: Resealing) -> Resealing:
    """Return the work that leaves values as they were sealed before."""
    return work._replace(before=work.after, after=work.before)


@pytest.mark.parametrize("table", ["session", "session_change"])
def test_words_sealed_before_they_were_bound_are_read_after_the_step(
    world: World, look: Look, keys: KeyFile, table: str
) -> None:
    path = planned(world.ada)
    if table == "session":
        assert world.ada.post(f"{path}/cancel", {"reason": "client_ill", "words": "Flu."}).is_success
    else:
        tell(world.ada, path, "start", at=at(0))
        tell(world.ada, path, "changes", modality="room", at=at(20), reason="Rain.")
    told = world.ada.get(path).json()
    asyncio.run(step(look, keys, undo=True))
    assert world.ada.get(path).json()["unreadable"]
    asyncio.run(step(look, keys))
    assert world.ada.get(path).json() == told


async def step(look: Look, keys: KeyFile, *, undo: bool = False) -> None:
    """Run the step, or undo it."""
    async with connected(look.admin_dsn, database=look.database) as migrator:
        if not undo:
            await bind_words(migrator, lambda: Keyring(keys))
            return
        for each in (OF_SESSIONS, OF_CHANGES):
            await reseal(migrator, lambda: Keyring(keys), backwards(each))
