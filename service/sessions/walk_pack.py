"""The walk pack: all a phone needs on the way, read once before leaving, so that it works without signal."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
import numpy as np
import shapely

from service.clients.clients import EmergencyContact
from service.geo.fixes import Fixes, Indices
from service.geo.geodesy import is_loop, local_plane
from service.geo.pace import Pace, Timetable, TurnBack, timetable, turn_back_on
from service.sessions.before_leaving import Concern
from service.sessions.session_alternatives import SessionAlternatives
from service.sessions.sessions import Session
from service.walks.features import Feature
from service.walks.fit import Facility, Fit, NearestFacility, arrivals, fit_route
from service.walks.stretches import PhoneSignal, Stretch

LATE_MIN: Final = (0, 5, 10, 15)
MARK_EVERY_M: Final = 100.0
MOST_MARKS: Final = 300
"""Marks of a longer line lie farther apart."""
LINE_WITHIN_M: Final = 1.0
MOST_POINTS: Final = 1_500
"""Points of the line in the pack: as many of its own as keep it within LINE_WITHIN_M, or more if needed."""
KEPT_FOR: Final = timedelta(hours=24)
"""After the agreed end: long enough to report what happened, and no longer."""
GOOD: Final = frozenset({PhoneSignal.GOOD})


class LateStart(msgspec.Struct, frozen=True):
    """Where to turn back when the walk begins so many minutes late and ends as agreed."""

    late_min: int
    turn_back: TurnBack
    turn_back_at: datetime


class Reach(msgspec.Struct, frozen=True):
    """The nearest facility of a kind from a mark, and the walking time to it."""

    facility: Facility
    walk_s: float
    feature_id: UUID | None
    """None for an end of the line."""


class Mark(msgspec.Struct, frozen=True):
    """A place of the line, every 100 m: when it is reached, and what is nearest from there."""

    at_m: float
    expected_s: float
    nearest: tuple[Reach, ...]


class PackedWalk(msgspec.Struct, frozen=True):
    """The route of a session, as it is walked without signal."""

    route_id: UUID
    version: int
    length_m: float
    line: Fixes
    """Simplified to LINE_WITHIN_M."""
    stretches: Sequence[Stretch]
    features: Sequence[Feature]
    fit: Fit
    starts_at: datetime
    marks: tuple[Mark, ...]
    late_starts: tuple[LateStart, ...]

    @property
    def poor_signal(self) -> list[Stretch]:
        """Return the stretches where a phone may have no signal: where nobody said, it may not."""
        return [each for each in self.stretches if each.ground.phone_signal not in GOOD]


class WalkPack(msgspec.Struct, frozen=True):
    """A session, its client as far as it matters on the way, its route and what to do instead."""

    session: Session
    client_label: str
    emergency_contact: EmergencyContact | None
    crisis_plan: str | None
    encounter_wording: str | None
    unreadable: bool
    """The client's record does not open."""
    concerns: Sequence[Concern]
    alternatives: SessionAlternatives
    walk: PackedWalk | None

    @property
    def discard_after(self) -> datetime:
        """Return when a phone deletes the pack."""
        return self.session.planned_end + KEPT_FOR


def pack_walk(
    route_id: UUID,
    version: int,
    line: Fixes,
    stretches: Sequence[Stretch],
    features: Sequence[Feature],
    pace: Pace,
    starts_at: datetime,
    available_s: float,
) -> PackedWalk:
    """Return a route as it is walked without signal; `stretches` cover the whole line."""
    fit = fit_route(line, stretches, features, pace, available_s)
    length_m = stretches[-1].to_m
    table, loop = timetable(line, pace), is_loop(line)
    return PackedWalk(
        route_id=route_id,
        version=version,
        length_m=length_m,
        line=simplified(line),
        stretches=stretches,
        features=features,
        fit=fit,
        starts_at=starts_at,
        marks=tuple(_marks(table, length_m, pace, fit)),
        late_starts=tuple(_late(each, table, pace, starts_at, available_s, loop=loop) for each in LATE_MIN),
    )


def _marks(table: Timetable, length_m: float, pace: Pace, fit: Fit) -> list[Mark]:
    places = np.arange(0.0, length_m, max(MARK_EVERY_M, length_m / MOST_MARKS))
    times = arrivals(table, pace, places)
    return [
        Mark(at_m, each.expected_s, _reaches(at_m, fit.nearest))
        for at_m, each in zip(places.tolist(), times, strict=True)
    ]


def _reaches(at_m: float, nearest: Sequence[NearestFacility]) -> tuple[Reach, ...]:
    """Return what is nearest from a place; at the border of two parts, from the one that begins there."""
    found: dict[Facility, Reach] = {}
    for each in nearest:
        if each.from_m <= at_m <= each.to_m:
            share = (at_m - each.from_m) / (each.to_m - each.from_m) if each.to_m > each.from_m else 0.0
            walk_s = each.walk_from_s + share * (each.walk_to_s - each.walk_from_s)
            feature_id = None if each.feature is None else each.feature.id
            found[each.facility] = Reach(each.facility, walk_s, feature_id)
    return tuple(found.values())


def _late(
    late_min: int, table: Timetable, pace: Pace, starts_at: datetime, available_s: float, *, loop: bool
) -> LateStart:
    late_s = late_min * 60
    turn_back = turn_back_on(table, max(available_s - late_s, 0.0), pace, loop=loop)
    return LateStart(late_min, turn_back, starts_at + timedelta(seconds=late_s + turn_back.after_s))


def simplified(line: Fixes) -> Fixes:
    """Return a line with only the points that keep its shape, in the segments it has."""
    within_m = LINE_WITHIN_M
    kept = _kept(line, within_m)
    while kept.size > MOST_POINTS + 2 * line.starts.size:
        within_m *= 2
        kept = _kept(line, within_m)
    return Fixes(
        lon=line.lon[kept],
        lat=line.lat[kept],
        ele_m=line.ele_m[kept],
        time_ms=line.time_ms[kept],
        starts=np.searchsorted(kept, line.starts),
    )


def _kept(line: Fixes, within_m: float) -> Indices:
    """Return the numbers of the points that Douglas and Peucker's rule keeps, the ends of segments too."""
    x, y = local_plane(line).project(line.lon, line.lat)
    numbered = np.stack((x, y, np.arange(len(line), dtype=np.float64)), axis=1)
    ends = np.append(line.starts[1:], len(line))
    kept: list[Indices] = []
    for start, end in zip(line.starts.tolist(), ends.tolist(), strict=True):
        if end - start < 2:
            kept.append(np.array([start]))
            continue
        part = shapely.simplify(shapely.linestrings(numbered[start:end]), within_m, preserve_topology=False)
        kept.append(shapely.get_coordinates(part, include_z=True)[:, 2].astype(np.int64))
    return np.concatenate(kept)
