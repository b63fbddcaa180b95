"""A therapist who has one of everything, and sends wrong requests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec
from litestar.openapi.spec import Operation as PlainOperation

from tests.http.look import Look
from tests.http.matrix import CASES, Rule, request
from tests.http.operations import OPERATIONS
from tests.http.running import Running
from tests.http.things import Ids, refresh_ids, things_of
from tests.http.world import Phone, World, make_world

WITH_FILE: Final = sorted(
    name for name, each in OPERATIONS.items() if each.handler.operation_class is not PlainOperation
)


class Caller(msgspec.Struct):
    """Ada, and the ids of her things."""

    world: World
    ids: Ids

    def phone(self, name: str) -> Phone:
        return self.world.nobody if CASES[name].rule is Rule.OPEN else self.world.ada

    def send(self, name: str, content: Any, **headers: str) -> httpx.Response:
        """Call an operation with this body, from a network of its own."""
        method, path, options = request(name, self.ids, self.ids)
        said = {"Content-Type": "application/json", "X-Forwarded-For": f"2001:db8:{uuid4().hex[:4]}::1"}
        said = {
            **options["headers"],
            **said,
            **{key.replace("_", "-"): each for key, each in headers.items()},
        }
        params = options.get("params")
        return self.phone(name).send(method, path, content=content, headers=said, params=params)

    def body(self, name: str) -> Any:
        """Return a correct body."""
        return request(name, self.ids, self.ids)[2]["json"]


def make_caller(running: Running) -> Caller:
    """Return Ada with one of everything."""
    world = make_world(running)
    return Caller(world, things_of(world.ada) | refresh_ids(world))


@contextmanager
def nothing_stored(look: Look, caller: Caller) -> Iterator[None]:
    """Fail if any row of the caller's practice changes within the block."""
    practices = [caller.world.practice_id]
    before = look.everything(practices)
    yield
    assert look.everything(practices) == before
