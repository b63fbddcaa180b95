"""What is deleted no longer says where the others were."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from service.geo.fixes import NO_TIME
from service.geo.gpx.reader import read_gpx
from service.geo.gpx.writer import write_gpx
from tests.http.look import Look
from tests.http.sessions import HALF_PAST_TWO, a_note, a_recording, a_session, at, held, send_track
from tests.http.world import Phone, World

EAST_M = 1 / 111_320.0


def a_drawn_walk() -> bytes:
    """Return the walk east and back without times: positions in their order tell its two ways apart."""
    (line,) = read_gpx(a_recording(), now=HALF_PAST_TWO).tracks
    line.fixes.time_ms[:] = NO_TIME
    return write_gpx(line.fixes, name="Walk", description=None, waypoints=(), created_at=HALF_PAST_TWO)


def position(east_m: float) -> dict[str, float]:
    return {"lon": east_m * EAST_M, "lat": 0.0}


def a_moment(phone: Phone, session: str, seconds: float, east_m: float) -> str:
    moment = {"id": str(uuid4()), "at": at(seconds), "position": position(east_m)}
    answer = phone.post(f"{session}/moments", moment)
    assert answer.status_code == 201, answer.text
    return f"/v1/moments/{moment['id']}"


def a_placed_note(phone: Phone, session: str, seconds: float, east_m: float) -> str:
    note = a_note(phone, session, about="instant", about_at=at(seconds), position=position(east_m))
    return f"/v1/notes/{note['id']}"


@pytest.mark.parametrize("make", [a_moment, a_placed_note])
def test_the_others_are_anchored_anew_when_one_is_deleted(
    world: World, make: Callable[[Phone, str, float, float], str]
) -> None:
    session = a_session(world.ada)
    held(world.ada, session)
    assert send_track(world.ada, session, a_drawn_walk(), untimed="true").status_code == 201
    turn = make(world.ada, session, 1_200, 1_000)
    other = a_moment(world.ada, session, 1_500, 500)
    assert world.ada.get(other).json()["anchor"]["distance_m"] > 1_500
    assert world.ada.delete(turn).status_code == 204
    assert world.ada.get(other).json()["anchor"]["distance_m"] == pytest.approx(500, abs=20)


def sealed_of(look: Look, table: str, path: str) -> dict[str, bytes | None]:
    sql = f"SELECT sealed, sealed_position, sealed_anchor FROM {table} WHERE id = $1"
    (row,) = look.rows(sql, path.rpartition("/")[2])
    return row


def test_the_length_of_what_is_sealed_does_not_tell_what_a_moment_was(world: World, look: Look) -> None:
    session, lengths = a_session(world.ada), set()
    for kind in ("rupture", "silence", "to_return_to", "strong_feeling"):
        path = a_moment(world.ada, session, 60, 0.12345 * len(kind))
        assert world.ada.patch(path, {"kind": kind}).status_code == 200
        lengths.add(tuple(len(each or b"") for each in sealed_of(look, "moment", path).values()))
    assert len(lengths) == 1
