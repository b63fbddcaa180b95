"""On a nearly full disk the service refuses writes, still reads, and recovers when there is room."""

import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest

from service.app import Composition
from service.foundation.crypto.key_file import KeyFile
from tests.http.refusals import PREFIX
from tests.http.running import run_service
from tests.http.sessions import a_client, a_recording, a_session, held, send_track
from tests.http.world import PASSWORD, World, make_world, sign_in


@pytest.fixture(scope="module")
def room() -> threading.Event:
    """Return an event that is set while the disk has room."""
    event = threading.Event()
    event.set()
    return event


@pytest.fixture(scope="module")
def world(dsn: str, keys: KeyFile, room: threading.Event) -> Iterator[World]:
    composition = Composition(dsn=dsn, keys=keys, address="http://phone.example", has_room=room.is_set)
    with run_service(composition) as service:
        yield make_world(service)


def test_a_full_disk_refuses_writes_until_there_is_room(world: World, room: threading.Event) -> None:
    client, session = a_client(world.ada), a_session(world.ada)
    held(world.ada, session)
    new = {"id": str(uuid4()), "label": "B. 18"}
    room.clear()
    for answer in (world.ada.post("/v1/clients", new), send_track(world.ada, session, a_recording())):
        assert (answer.status_code, answer.json()["type"]) == (503, f"{PREFIX}unavailable")
        assert int(answer.headers["retry-after"]) > 0
    assert world.ada.get(f"/v1/clients/{client}").status_code == 200
    assert sign_in(world.http, world.ada_email, PASSWORD).get(session).status_code == 200
    room.set()
    assert world.ada.post("/v1/clients", new).status_code == 201
    assert send_track(world.ada, session, a_recording()).status_code == 201
