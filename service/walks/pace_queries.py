"""The pace to time a route at."""

from uuid import UUID

import msgspec

from service.clients.clients import pace_of
from service.clients.queries import find_client
from service.foundation.database.connection import Connection
from service.foundation.retry_safe import found
from service.geo.pace import Pace
from service.people.practice_queries import find_practice


class PaceRequest(msgspec.Struct, frozen=True):
    """The pace asked for: a client's, or another; what is None comes from the client, then the practice."""

    client_id: UUID | None = None
    flat_pace_mps: float | None = None
    rests_s: int | None = None


PRACTICE_PACE = PaceRequest()
"""Nothing in particular is asked for."""


async def find_pace(connection: Connection, practice_id: UUID, request: PaceRequest) -> Pace | None:
    """Return the pace asked for, or None where the practice's will do. Raises NotFound."""
    if request == PRACTICE_PACE:
        return None
    practice = found(await find_practice(connection, practice_id))
    pace = Pace(practice.flat_pace_mps, practice.rests_s)
    if request.client_id is not None:
        pace = pace_of(found(await find_client(connection, practice_id, request.client_id)), practice)
    return Pace(
        pace.flat_mps if request.flat_pace_mps is None else request.flat_pace_mps,
        pace.rests_s if request.rests_s is None else request.rests_s,
    )
