"""Read the walk pack of a session."""

from uuid import UUID

import msgspec

from service.clients.queries import find_client_row
from service.clients.sealed_records import OpenedClient, open_client
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.client_keys import find_client_key
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import found
from service.foundation.threads import off_loop
from service.geo.blob import unpack_fixes
from service.sessions.before_leaving import concerns_about, time_walk, walking_times
from service.sessions.name_session_alternatives import name_session_alternatives
from service.sessions.session_alternatives import SessionAlternatives
from service.sessions.session_basis import SessionBasis, find_session_basis
from service.sessions.session_queries import find_another_in_progress
from service.sessions.walk_pack import PackedWalk, WalkPack, pack_walk
from service.walks.feature_queries import list_features
from service.walks.features import Feature
from service.walks.stretch_queries import find_stretches
from service.walks.stretches import Stretch, whole_line


class PackBasis(msgspec.Struct, frozen=True):
    """What a walk pack is made of."""

    known: SessionBasis
    client: OpenedClient
    alternatives: SessionAlternatives
    in_progress_id: UUID | None
    stretches: list[Stretch]
    features: list[Feature]


async def read_walk_pack(begin: Begin, keys: PracticeKey, session_id: UUID) -> WalkPack:
    """Return all that a phone needs on the way of a session. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        known = await find_session_basis(connection, keys, practice_id, session_id)
        client_id = known.session.client_id
        row = found(await find_client_row(connection, practice_id, client_id))
        client = open_client(keys, row, await find_client_key(connection, practice_id, client_id))
        alternatives = await name_session_alternatives(connection, practice_id, known.session)
        in_progress_id = await find_another_in_progress(connection, practice_id, known.row)
        stretches: list[Stretch] = []
        features: list[Feature] = []
        route, route_id = known.route, known.setting.route_id
        if route is not None and route_id is not None:
            along = await find_stretches(connection, practice_id, route_id, route.version)
            stretches = whole_line(along.stretches, route.length_m)
            features = await list_features(connection, practice_id, route_id)
    basis = PackBasis(known, client, alternatives, in_progress_id, stretches, features)
    return await off_loop(_packed, basis)


def _packed(basis: PackBasis) -> WalkPack:
    known, record = basis.known, basis.client.record
    timed = None
    if known.route is not None:
        timed = time_walk(known.session, known.route, unpack_fixes(known.route.line), known.pace)
    return WalkPack(
        session=known.session,
        client_label=basis.client.client.label,
        emergency_contact=record.emergency_contact,
        crisis_plan=record.crisis_plan,
        encounter_wording=record.encounter_wording,
        unreadable=basis.client.record_unreadable,
        concerns=concerns_about(known.session, known.client, known.route, timed, basis.in_progress_id),
        alternatives=basis.alternatives,
        walk=_packed_walk(basis),
    )


def _packed_walk(basis: PackBasis) -> PackedWalk | None:
    known, route_id = basis.known, basis.known.setting.route_id
    if known.route is None or route_id is None:
        return None
    starts_at, available_s = walking_times(known.session)
    return pack_walk(
        route_id,
        known.route.version,
        unpack_fixes(known.route.line),
        basis.stretches,
        basis.features,
        known.pace,
        starts_at,
        available_s,
    )
