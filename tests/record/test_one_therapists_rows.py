"""A clinical row belongs to the therapist of the row it hangs on: the database itself says so."""

import asyncpg
import pytest

from tests.http.look import Look
from tests.http.sessions import a_note
from tests.http.things import things_of
from tests.http.world import World

CHILDREN = ("client_key", "session", "session_change", "track", "recording", "moment", "note")


@pytest.mark.parametrize("table", CHILDREN)
def test_a_row_cannot_be_given_to_a_colleague_alone(world: World, look: Look, table: str) -> None:
    things_of(world.ada)
    move = f"UPDATE {table} SET therapist_id = $1 WHERE practice_id = $2"
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        look.rows(move, world.ben.therapist_id, world.practice_id)


def test_a_note_cannot_be_about_a_colleagues_moment(world: World, look: Look) -> None:
    adas, bens = things_of(world.ada), things_of(world.ben)
    note = a_note(
        world.ada, f"/v1/sessions/{adas['session_id']}", about="moment", moment_id=adas["moment_id"]
    )
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        look.rows("UPDATE note SET moment_id = $1 WHERE id = $2", bens["moment_id"], note["id"])
