"""Reports and corrections of a session sent again, and those that others overtake."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from service.foundation.prepare_and_write import ATTEMPTS
from tests.http.look import Look
from tests.http.sessions import a_recording, a_session, held, send_track
from tests.http.sessions import at as second
from tests.http.world import World
from tests.sessions.reporting import at, planned, refused, tell

Body = dict[str, Any]
CORRECTED: Final[dict[str, tuple[Body, Body, str]]] = {
    "start": ({"at": at(0)}, {"started_at": None}, "planned"),
    "end": ({"at": at(50)}, {"ended_at": None}, "planned"),
    "changes": ({"modality": "room", "at": at(20), "reason": "rain"}, {"changes": []}, "planned"),
    "cancel": ({"reason": "weather", "words": "a gale"}, {"closed_at": None}, "planned"),
    "did-not-attend": ({}, {"closed_at": None}, "planned"),
}
"""What is reported, what takes it back, and the status afterwards."""


def rows_of(look: Look, world: World) -> dict[str, str]:
    """Return a digest of each table's rows, but for the counter: a repeated write takes a number, too."""
    tables = look.everything([world.practice_id])
    return {name: digest for name, digest in tables.items() if name != "practice_revision"}


@pytest.mark.parametrize("what", CORRECTED)
def test_a_report_sent_again_after_its_correction_changes_nothing(
    world: World, look: Look, what: str
) -> None:
    report, correction, status = CORRECTED[what]
    path = planned(world.ada)
    key = {"Idempotency-Key": uuid4().hex}
    assert world.ada.post(f"{path}/{what}", report, headers=key).status_code == 200
    corrected = world.ada.patch(path, correction)
    assert (corrected.status_code, corrected.json()["status"]) == (200, status)
    before = rows_of(look, world)
    again = world.ada.post(f"{path}/{what}", report, headers=key)
    assert (again.status_code, again.json()) == (200, corrected.json())
    assert again.headers["etag"] == corrected.headers["etag"]
    assert rows_of(look, world) == before
    told = tell(world.ada, path, what, **report)
    assert told["revision"] > corrected.json()["revision"]


def test_a_correction_sent_again_after_another_one_changes_nothing(world: World) -> None:
    path = planned(world.ada)
    tell(world.ada, path, "start", at=at(0))
    key, etag = {"Idempotency-Key": uuid4().hex}, world.ada.get(path).headers["etag"]
    assert world.ada.patch(path, {"started_at": at(1)}, etag=etag, headers=key).status_code == 200
    later = world.ada.patch(path, {"started_at": at(2)})
    again = world.ada.patch(path, {"started_at": at(1)}, etag=etag, headers=key)
    assert (again.status_code, again.json()) == (200, later.json())


def test_a_change_corrected_to_another_instant_may_not_be_told_anew_under_its_id(world: World) -> None:
    path, change_id = planned(world.ada), str(uuid4())
    report = {"id": change_id, "modality": "room", "at": at(20)}
    tell(world.ada, path, "changes", **report)
    moved = world.ada.patch(path, {"changes": [report | {"at": at(25)}]})
    assert moved.json()["changes"][0]["id"] == change_id
    assert refused(world.ada.post(f"{path}/changes", report))


@pytest.mark.parametrize("offset", ["+00:00", "+01:00", "-09:30"])
def test_changes_told_again_with_another_offset_are_the_same(world: World, look: Look, offset: str) -> None:
    path = planned(world.ada)
    tag = {"If-Match": world.ada.get(path).headers["etag"], "Idempotency-Key": uuid4().hex}
    utc = {"changes": [{"modality": "room", "at": at(20)}, {"modality": "walk", "at": at(30)}]}
    first = world.ada.send("PATCH", path, json=utc, headers=tag)
    before = rows_of(look, world)
    told = {"changes": [each | {"at": with_offset(each["at"], offset)} for each in utc["changes"]]}
    again = world.ada.send("PATCH", path, json=told, headers=tag)
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert rows_of(look, world) == before
    anew = world.ada.patch(path, told).json()
    assert [each["id"] for each in anew["changes"]] == [each["id"] for each in first.json()["changes"]]


def with_offset(instant: str, offset: str) -> str:
    zone = datetime.fromisoformat(f"2026-01-01T00:00:00{offset}").tzinfo
    return datetime.fromisoformat(instant).astimezone(zone).isoformat()


TAKE_TURN: Final = "SELECT revision FROM practice_revision WHERE practice_id = $1 FOR UPDATE"
WAITING: Final = """
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)))
"""
WAITS: Final = "SELECT cardinality(pg_blocking_pids($1)) > 0"
CHANGE_SESSION: Final = "UPDATE session SET revision = revision + 1 WHERE practice_id = $1 AND id = $2"


class Overtaker:
    """Changes a session just before each write of its practice, so that no write finds what it prepared for.

    Two connections take turns: the next one queues behind the write before the present one lets it go.
    """

    def __init__(self, look: Look, practice_id: UUID, session_id: UUID) -> None:
        self.changes = 0
        self._look = look
        self._practice_id = practice_id
        self._session_id = session_id
        self._holds_turn = threading.Event()
        self._ended = threading.Event()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Overtake every write until the block ends."""
        thread = threading.Thread(target=asyncio.run, args=(self._overtake(),))
        thread.start()
        assert self._holds_turn.wait(10)
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    async def _overtake(self) -> None:
        present, following = [
            await asyncpg.connect(self._look.admin_dsn, database=self._look.database) for _ in range(2)
        ]
        await self._take_turn(present)
        self._holds_turn.set()
        while await self._until(present, WAITING):
            queued = asyncio.create_task(self._take_turn(following))
            await self._until(present, WAITS, following.get_server_pid())
            await present.execute(CHANGE_SESSION, self._practice_id, self._session_id)
            await present.execute("COMMIT")
            self.changes += 1
            await queued
            present, following = following, present
        await present.close()
        await following.close()

    async def _take_turn(self, connection: asyncpg.Connection) -> None:
        await connection.execute("BEGIN")
        await connection.execute(TAKE_TURN, self._practice_id)

    async def _until(self, connection: asyncpg.Connection, condition: str, *arguments: object) -> bool:
        """Wait until a condition holds; False where the work ends before."""
        while not self._ended.is_set():
            if await connection.fetchval(condition, *arguments):
                return True
            await asyncio.sleep(0.005)
        return False


def test_a_correction_that_others_always_overtake_is_to_be_sent_again(world: World, look: Look) -> None:
    path = a_session(world.ada)
    held(world.ada, path)
    assert send_track(world.ada, path, a_recording(out_s=60)).status_code == 201
    before, track = world.ada.get(path), world.ada.get(f"{path}/track")
    key = {"Idempotency-Key": uuid4().hex, "If-Match": "*"}
    correction = {"started_at": second(30)}
    others = Overtaker(look, world.practice_id, UUID(path[-36:]))
    with others.at_work():
        crowded = world.ada.send("PATCH", path, json=correction, headers=key)
    assert (crowded.status_code, crowded.json()["type"]) == (503, "urn:towpath:problem:unavailable")
    assert "retry-after" in crowded.headers
    assert others.changes == ATTEMPTS
    assert world.ada.get(path).json() == before.json() | {"revision": before.json()["revision"] + ATTEMPTS}
    assert world.ada.get(f"{path}/track").json() == track.json()
    again = world.ada.send("PATCH", path, json=correction, headers=key)
    assert (again.status_code, again.json()["started_at"][:19]) == (200, second(30)[:19])
    assert world.ada.get(f"{path}/track").json()["cut_from"] != track.json()["cut_from"]
