"""Each list of sessions is read from the index made for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import pytest

from service.foundation.database.query import Query
from service.foundation.database.roles import APP
from service.sessions.session_queries import (
    SESSIONS_AFTER,
    SESSIONS_OF_CLIENT_AFTER,
    SESSIONS_OF_STATUS_AFTER,
    SessionRow,
)
from tests.http.look import Look
from tests.http.world import World
from tests.sessions.reporting import planned

MANY_MORE: Final = """
    INSERT INTO session (practice_id, id, therapist_id, client_id, planned_start, planned_end, modality,
                         ended_at, ended_received_at, created_at, updated_at, revision)
    SELECT practice_id, gen_random_uuid(), therapist_id, client_id, planned_start + number * hour,
           planned_end + number * hour, modality,
           CASE WHEN number % 100 > 0 THEN planned_end + number * hour END,
           CASE WHEN number % 100 > 0 THEN planned_end END,
           created_at, updated_at, revision
      FROM session
     CROSS JOIN generate_series(1, 300) AS number
     CROSS JOIN (SELECT interval '1 hour' AS hour) AS an_hour
     WHERE practice_id = $1
"""
"""Three hundred more of each session, an hour apart, of which one in a hundred is still planned."""
PAGE: Final = "'2030-01-01Z', '00000000-0000-0000-0000-000000000000', '2090-01-01Z', 51"


@asynccontextmanager
async def with_many_sessions(look: Look, world: World) -> AsyncIterator[asyncpg.Connection]:
    """Add sessions, and let their therapist read with plans made for any arguments; then undo it."""
    connection = await asyncpg.connect(look.admin_dsn, database=look.database)
    try:
        await connection.execute("BEGIN")
        await connection.execute(MANY_MORE, world.practice_id)
        await connection.execute(f"ANALYZE session; SET LOCAL ROLE {APP}")
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.execute(f"SET LOCAL app.practice = '{world.practice_id}'")
        await connection.execute(f"SET LOCAL app.therapist = '{world.ada.therapist_id}'")
        yield connection
        await connection.execute("ROLLBACK")
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("query", "wanted", "index"),
    [
        (SESSIONS_AFTER, "", "session_by_start"),
        (SESSIONS_OF_STATUS_AFTER, ", 'planned'", "session_by_status"),
        (SESSIONS_OF_CLIENT_AFTER, ", '{client_id}', NULL", "session_by_client"),
    ],
)
def test_a_list_goes_on_in_its_index_where_the_last_page_ended(
    world: World, look: Look, query: Query[SessionRow], wanted: str, index: str
) -> None:
    paths = [planned(world.ada) for _ in range(10)]
    client_id = world.ada.get(paths[0]).json()["client_id"]

    async def explained() -> str:
        async with with_many_sessions(look, world) as connection:
            await connection.execute(f"PREPARE listing AS {query.sql}")
            arguments = f"'{world.practice_id}', {PAGE}{wanted.format(client_id=client_id)}"
            rows = await connection.fetch(f"EXPLAIN EXECUTE listing ({arguments})")
            return "\n".join(row[0] for row in rows)

    plan = asyncio.run(explained())
    [condition] = [line for line in plan.splitlines() if "Index Cond:" in line]
    assert f"Index Scan using {index}" in plan
    assert "ROW(planned_start, id) > ROW($2, $3)" in condition
