"""Look up what a session's walk depends on: client, pace, and the route it is planned or held on."""

from uuid import UUID

import msgspec

from service.clients.clients import PlainClient, pace_of
from service.clients.queries import find_client
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Connection
from service.foundation.retry_safe import found
from service.geo.pace import Pace
from service.people.practice_queries import find_practice
from service.sessions.before_leaving import span_on_route
from service.sessions.session_queries import SessionRow, find_changes_and_keys, find_session
from service.sessions.session_words import open_session
from service.sessions.sessions import Session, Setting
from service.walks.route_queries import PlannedRouteRow, find_planned_route


class SessionBasis(msgspec.Struct, frozen=True):
    """A session with all that its walk depends on."""

    row: SessionRow
    session: Session
    client: PlainClient
    pace: Pace
    setting: Setting
    """The last one with a route, or the plan."""
    route: PlannedRouteRow | None
    """The route of `setting`."""


async def find_session_basis(
    connection: Connection, keys: PracticeKey, practice_id: UUID, session_id: UUID
) -> SessionBasis:
    """Return a session with all that its walk depends on. Raises NotFound."""
    row = found(await find_session(connection, practice_id, session_id))
    [sealed] = await find_changes_and_keys(connection, practice_id, [row])
    session = open_session(keys, sealed)
    client = found(await find_client(connection, practice_id, session.client_id))
    practice = found(await find_practice(connection, practice_id))
    setting = span_on_route(session)
    route = await _find_route(connection, practice_id, setting)
    return SessionBasis(row, session, client, pace_of(client, practice), setting, route)


async def _find_route(connection: Connection, practice_id: UUID, setting: Setting) -> PlannedRouteRow | None:
    if setting.route_id is None or setting.route_version is None:
        return None
    return await find_planned_route(connection, practice_id, setting.route_id, setting.route_version)
