"""Before leaving: what speaks against starting a session, and how its route fits the time."""

from uuid import UUID

import msgspec

from service.clients.clients import Client, pace_of
from service.clients.queries import find_client
from service.foundation.database.connection import Begin, Connection
from service.foundation.off_loop import off_loop
from service.foundation.retry_safe import found
from service.geo.blob import unpack_fixes
from service.geo.pace import Pace
from service.people.practice_queries import find_practice
from service.sessions.before_leaving import Concern, PlannedWalk, concerns, time_walk
from service.sessions.queries import find_another_in_progress, find_session
from service.sessions.sessions import Session
from service.walks.route_queries import PlannedRouteRow, find_planned_route


class BeforeLeaving(msgspec.Struct, frozen=True):
    """What there is to think of before leaving."""

    concerns: list[Concern]
    walk: PlannedWalk | None
    """How the route fits the time; None without a route."""


class _Known(msgspec.Struct, frozen=True):
    session: Session
    client: Client
    pace: Pace
    route: PlannedRouteRow | None
    in_progress_id: UUID | None


async def before_leaving(begin: Begin, session_id: UUID) -> BeforeLeaving:
    """Return what speaks against starting a session as things are now. Raises NotFound."""
    async with begin.read() as connection:
        known = await _known(connection, begin.tenant.practice_id, session_id)
    walk = None
    if known.route is not None:
        walk = await off_loop(_timed, known.session, known.route, known.pace)
    said = concerns(known.session, known.client, known.route, walk, known.in_progress_id)
    return BeforeLeaving(said, walk)


async def _known(connection: Connection, practice_id: UUID, session_id: UUID) -> _Known:
    session = found(await find_session(connection, practice_id, session_id))
    client = found(await find_client(connection, practice_id, session.client_id))
    practice = found(await find_practice(connection, practice_id))
    route = None
    if session.route_id is not None and session.route_version is not None:
        route = await find_planned_route(connection, practice_id, session.route_id, session.route_version)
    in_progress_id = await find_another_in_progress(connection, practice_id, session)
    return _Known(session, client, pace_of(client, practice), route, in_progress_id)


def _timed(session: Session, route: PlannedRouteRow, pace: Pace) -> PlannedWalk:
    return time_walk(session, route, unpack_fixes(route.line), pace)
