"""Find out whether a route fits a client and a length of time, or a session."""

from datetime import datetime
from uuid import UUID

import msgspec

from service.clients.location_permission import may_store_location
from service.clients.queries import find_client_row
from service.clients.sealed_records import open_client
from service.foundation.crypto.sealed_values import log_broken
from service.foundation.crypto.sealing import ClientKey, PracticeKey, SealBroken
from service.foundation.database.client_keys import find_client_key
from service.foundation.database.connection import Begin, Connection
from service.foundation.retry_safe import found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.geo.pace import Pace
from service.people.practice_queries import find_practice
from service.record.flat_pace import MOST_WALKS, MeasuredPace, measured_pace
from service.record.sealed_track import open_track
from service.record.track_queries import TrackSummaryRow, list_recent_summaries
from service.sessions.before_leaving import walking_times
from service.sessions.session_basis import find_session_basis
from service.walks.feature_queries import list_features
from service.walks.features import Feature
from service.walks.fit import Fit, fit_route
from service.walks.pace_queries import PaceRequest, find_pace
from service.walks.reasons import Reason, Requirements, find_reasons
from service.walks.route_queries import find_line, find_route
from service.walks.routes import PlannedRoute, Route
from service.walks.stretch_queries import find_stretches
from service.walks.stretches import Stretch, part_of_week, whole_line


class TimedFit(msgspec.Struct, frozen=True):
    """How a route fits, and when the walk begins; None where nobody said."""

    fit: Fit
    starts_at: datetime | None
    reasons: list[Reason] | None
    """What meets the client's needs and triggers; None without a client."""
    unreadable: bool
    """The client's record does not open: what they need is not known."""
    measured: MeasuredPace | None
    """The client's; None without tracks."""


class SessionFit(msgspec.Struct, frozen=True):
    """How a session's route fits; None without one."""

    session_id: UUID
    route_id: UUID | None
    route_version: int | None
    walk: TimedFit | None


class RouteGround(msgspec.Struct, frozen=True):
    """A line of a route, and what is known along it."""

    packed_line: bytes
    stretches: list[Stretch]
    features: list[Feature]


class ClientBasis(msgspec.Struct, frozen=True):
    """What the fit of a route depends on of the client; None in place of what nobody asked for."""

    requirements: Requirements | None = None
    unreadable: bool = False
    key: ClientKey | None = None
    tracks: list[TrackSummaryRow] = []
    """The latest, where the client agrees to location."""

    def measured_pace(self) -> MeasuredPace | None:
        """Return the pace of those of the tracks that open."""
        key = self.key
        return None if key is None else measured_pace([_pace_of(key, each) for each in self.tracks])


def _pace_of(key: ClientKey, row: TrackSummaryRow) -> float | None:
    try:
        return open_track(key, row).summary.statistics.flat_pace_mps
    except SealBroken as broken:
        log_broken(broken)
        return None


class WalkTimes(msgspec.Struct, frozen=True):
    """The pace of a walk, the time there is for it, and when it begins, also as a part of the week."""

    pace: Pace
    available_s: float
    starts_at: datetime | None
    part_of_week: str | None


async def plan_fit(
    begin: Begin,
    keys: PracticeKey,
    route_id: UUID,
    request: PaceRequest,
    available_s: float,
    starts_at: datetime | None,
) -> TimedFit:
    """Return how the line of a route in use fits the time and the pace asked for. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        route = found(await find_route(connection, practice_id, route_id))
        route = route.at_pace(await find_pace(connection, practice_id, request))
        packed = found(await find_line(connection, practice_id, route_id, route.version))
        ground = await _find_ground(connection, practice_id, route_id, route, packed)
        client = ClientBasis()
        if request.client_id is not None:
            client = await _find_client_basis(connection, keys, practice_id, request.client_id)
        part = await _part_of_week(connection, practice_id, starts_at)
    return await off_loop(_fit, ground, client, WalkTimes(route.pace, available_s, starts_at, part))


async def plan_session_fit(begin: Begin, keys: PracticeKey, session_id: UUID) -> SessionFit:
    """Return how a session's route fits it: its client's pace, its times, its version. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        known = await find_session_basis(connection, keys, practice_id, session_id)
        route_id, route = known.setting.route_id, known.route
        if route_id is None or route is None:
            return SessionFit(session_id, None, None, None)
        ground = await _find_ground(connection, practice_id, route_id, route, route.line)
        client = await _find_client_basis(connection, keys, practice_id, known.session.client_id)
        starts_at, available_s = walking_times(known.session)
        part = await _part_of_week(connection, practice_id, starts_at)
    times = WalkTimes(known.pace, available_s, starts_at, part)
    return SessionFit(session_id, route_id, route.version, await off_loop(_fit, ground, client, times))


async def _find_ground(
    connection: Connection, practice_id: UUID, route_id: UUID, route: Route | PlannedRoute, packed: bytes
) -> RouteGround:
    known = await find_stretches(connection, practice_id, route_id, route.version)
    features = await list_features(connection, practice_id, route_id)
    return RouteGround(packed, whole_line(known.stretches, route.length_m), features)


async def _find_client_basis(
    connection: Connection, keys: PracticeKey, practice_id: UUID, client_id: UUID
) -> ClientBasis:
    row = found(await find_client_row(connection, practice_id, client_id))
    opened = open_client(keys, row, await find_client_key(connection, practice_id, client_id))
    record = opened.record
    requirements = Requirements(record.needs, record.triggers, record.other_triggers)
    tracks = []
    if may_store_location(row.location_agreed):
        tracks = await list_recent_summaries(connection, practice_id, client_id, limit=MOST_WALKS)
    return ClientBasis(requirements, opened.record_unreadable, opened.key, tracks)


async def _part_of_week(connection: Connection, practice_id: UUID, starts_at: datetime | None) -> str | None:
    if starts_at is None:
        return None
    return part_of_week(starts_at, found(await find_practice(connection, practice_id)).zone)


def _fit(ground: RouteGround, client: ClientBasis, times: WalkTimes) -> TimedFit:
    line = unpack_fixes(ground.packed_line)
    fit = fit_route(line, ground.stretches, ground.features, times.pace, times.available_s)
    reasons = None
    if client.requirements is not None:
        reasons = find_reasons(
            line, ground.stretches, ground.features, client.requirements, times.part_of_week
        )
    return TimedFit(fit, times.starts_at, reasons, client.unreadable, client.measured_pace())
