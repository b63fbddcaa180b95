"""Read what to think of before leaving: what speaks against it, and whether the route fits the time."""

from uuid import UUID

from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.geo.pace import Pace
from service.sessions.before_leaving import BeforeLeaving, PlannedWalk, concerns_about, time_walk
from service.sessions.session_basis import find_session_basis
from service.sessions.session_queries import find_another_in_progress
from service.sessions.sessions import Session
from service.walks.route_queries import PlannedRouteRow


async def read_before_leaving(begin: Begin, keys: PracticeKey, session_id: UUID) -> BeforeLeaving:
    """Return what speaks against starting a session now. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        basis = await find_session_basis(connection, keys, practice_id, session_id)
        in_progress_id = await find_another_in_progress(connection, practice_id, basis.row)
    walk = None
    if basis.route is not None:
        walk = await off_loop(_timed, basis.session, basis.route, basis.pace)
    concerns = concerns_about(basis.session, basis.client, basis.route, walk, in_progress_id)
    return BeforeLeaving(concerns, walk)


def _timed(session: Session, route: PlannedRouteRow, pace: Pace) -> PlannedWalk:
    return time_walk(session, route, unpack_fixes(route.line), pace)
