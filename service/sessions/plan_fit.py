"""Find out whether a route fits a client and a length of time, or a session."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin, Connection
from service.foundation.retry_safe import found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.geo.pace import Pace
from service.sessions.before_leaving import walking_times
from service.sessions.session_basis import find_session_basis
from service.walks.feature_queries import list_features
from service.walks.features import Feature
from service.walks.fit import Fit, fit_route
from service.walks.pace_queries import PaceRequest, find_pace
from service.walks.route_queries import find_line, find_route
from service.walks.stretch_queries import find_stretches
from service.walks.stretches import Stretch, whole_line


class TimedFit(msgspec.Struct, frozen=True):
    """How a route fits, and when the walk begins; None where nobody said."""

    fit: Fit
    starts_at: datetime | None = None


class SessionFit(msgspec.Struct, frozen=True):
    """How a session's route fits; None without one."""

    session_id: UUID
    route_id: UUID | None
    route_version: int | None
    walk: TimedFit | None


class FitBasis(msgspec.Struct, frozen=True):
    """What the fit of a route depends on, and when the walk begins."""

    packed_line: bytes
    stretches: list[Stretch]
    features: list[Feature]
    pace: Pace
    available_s: float
    starts_at: datetime | None


async def plan_fit(
    begin: Begin, route_id: UUID, request: PaceRequest, available_s: float, starts_at: datetime | None
) -> TimedFit:
    """Return how the line of a route in use fits the time and the pace asked for. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        route = found(await find_route(connection, practice_id, route_id))
        route = route.at_pace(await find_pace(connection, practice_id, request))
        packed = found(await find_line(connection, practice_id, route_id, route.version))
        stretches = await _whole_line(connection, practice_id, route_id, route.version, route.length_m)
        features = await list_features(connection, practice_id, route_id)
    return await off_loop(_fit, FitBasis(packed, stretches, features, route.pace, available_s, starts_at))


async def plan_session_fit(begin: Begin, keys: PracticeKey, session_id: UUID) -> SessionFit:
    """Return how a session's route fits it: its client's pace, its times, its version. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        known = await find_session_basis(connection, keys, practice_id, session_id)
        route_id, route = known.setting.route_id, known.route
        if route_id is None or route is None:
            return SessionFit(session_id, None, None, None)
        stretches = await _whole_line(connection, practice_id, route_id, route.version, route.length_m)
        features = await list_features(connection, practice_id, route_id)
    starts_at, available_s = walking_times(known.session)
    basis = FitBasis(route.line, stretches, features, known.pace, available_s, starts_at)
    return SessionFit(session_id, route_id, route.version, await off_loop(_fit, basis))


async def _whole_line(
    connection: Connection, practice_id: UUID, route_id: UUID, version: int, length_m: float
) -> list[Stretch]:
    known = await find_stretches(connection, practice_id, route_id, version)
    return whole_line(known.stretches, length_m)


def _fit(basis: FitBasis) -> TimedFit:
    line = unpack_fixes(basis.packed_line)
    fit = fit_route(line, basis.stretches, basis.features, basis.pace, basis.available_s)
    return TimedFit(fit, basis.starts_at)
