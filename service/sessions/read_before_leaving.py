"""Read what to think of before leaving: what speaks against it, and whether the route fits the time."""

from uuid import UUID

import msgspec

from service.clients.clients import PlainClient, pace_of
from service.clients.queries import find_client
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin, Connection
from service.foundation.retry_safe import found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.geo.pace import Pace
from service.people.practice_queries import find_practice
from service.sessions.before_leaving import (
    BeforeLeaving,
    PlannedWalk,
    concerns_about,
    span_on_route,
    time_walk,
)
from service.sessions.session_queries import find_another_in_progress, find_changes_and_keys, find_session
from service.sessions.session_words import open_session
from service.sessions.sessions import Session, Setting
from service.walks.route_queries import PlannedRouteRow, find_planned_route


class SessionBasis(msgspec.Struct, frozen=True):
    """A session with all that its concerns depend on."""

    session: Session
    client: PlainClient
    pace: Pace
    route: PlannedRouteRow | None
    in_progress_id: UUID | None


async def read_before_leaving(begin: Begin, keys: PracticeKey, session_id: UUID) -> BeforeLeaving:
    """Return what speaks against starting a session now. Raises NotFound."""
    async with begin.read() as connection:
        basis = await _find_basis(connection, keys, begin.tenant.practice_id, session_id)
    walk = None
    if basis.route is not None:
        walk = await off_loop(_timed, basis.session, basis.route, basis.pace)
    concerns = concerns_about(basis.session, basis.client, basis.route, walk, basis.in_progress_id)
    return BeforeLeaving(concerns, walk)


async def _find_basis(
    connection: Connection, keys: PracticeKey, practice_id: UUID, session_id: UUID
) -> SessionBasis:
    row = found(await find_session(connection, practice_id, session_id))
    [sealed] = await find_changes_and_keys(connection, practice_id, [row])
    session = open_session(keys, sealed)
    client = found(await find_client(connection, practice_id, session.client_id))
    practice = found(await find_practice(connection, practice_id))
    route = await _find_route(connection, practice_id, span_on_route(session))
    in_progress_id = await find_another_in_progress(connection, practice_id, row)
    return SessionBasis(session, client, pace_of(client, practice), route, in_progress_id)


async def _find_route(connection: Connection, practice_id: UUID, setting: Setting) -> PlannedRouteRow | None:
    if setting.route_id is None or setting.route_version is None:
        return None
    return await find_planned_route(connection, practice_id, setting.route_id, setting.route_version)


def _timed(session: Session, route: PlannedRouteRow, pace: Pace) -> PlannedWalk:
    return time_walk(session, route, unpack_fixes(route.line), pace)
