"""The walk pack on the wire: small, and complete without signal."""

from typing import Annotated, Self
from uuid import UUID

import numpy as np
from msgspec import UNSET, Meta, UnsetType

from schemas.base import Instant, Output, present
from schemas.clients.clients import EmergencyContactOut
from schemas.sessions.before_leaving import ConcernOut
from schemas.sessions.session_alternatives import SessionAlternativeOut
from schemas.walks.stretches import GroundOut
from service.clients.modality import Modality
from service.geo.fixes import Fixes
from service.sessions.walk_pack import KEPT_FOR, LINE_WITHIN_M, LateStart, Mark, PackedWalk, WalkPack
from service.walks.features import Feature, FeatureKind, ThunderRefuge
from service.walks.fit import Facility
from service.walks.stretches import PhoneSignal, Stretch

Segments = Annotated[
    list[list[list[float]]],
    Meta(
        description="Its segments, each a list of longitude and latitude, within "
        f"{LINE_WITHIN_M:g} m of the line."
    ),
]


class PackFeature(Output, kw_only=True):
    """A point of the route."""

    id: UUID
    kind: FeatureKind
    lon: float
    lat: float
    along_m: float
    offset_m: float
    thunder_refuge: ThunderRefuge
    name: str | UnsetType = UNSET

    @classmethod
    def from_feature(cls, feature: Feature) -> Self:
        """Return the feature with its place to the metre."""
        return cls(
            id=feature.id,
            kind=feature.kind,
            lon=round(feature.lon, 5),
            lat=round(feature.lat, 5),
            along_m=round(feature.along_m),
            offset_m=round(feature.offset_m),
            thunder_refuge=feature.thunder_refuge,
            name=present(feature.name),
        )


class ReachOut(Output):
    """The nearest facility of a kind."""

    facility: Facility
    walk_s: float
    feature_id: Annotated[
        UUID | UnsetType, Meta(description="Absent for an end of the line, which is always a way out.")
    ] = UNSET


class MarkOut(Output):
    """A place of the line: seconds from the start until it is reached, and what is nearest from there."""

    at_m: float
    expected_s: float
    nearest: list[ReachOut]

    @classmethod
    def from_mark(cls, mark: Mark) -> Self:
        """Return the mark, to the metre and the second."""
        nearest = [
            ReachOut(each.facility, round(each.walk_s), present(each.feature_id)) for each in mark.nearest
        ]
        return cls(round(mark.at_m, 1), round(mark.expected_s), nearest)


class PoorSignal(Output):
    """A part of the line where a phone may have no signal."""

    from_m: float
    to_m: float
    signal: Annotated[PhoneSignal | UnsetType, Meta(description="Absent where nobody has said.")] = UNSET

    @classmethod
    def from_stretch(cls, stretch: Stretch) -> Self:
        """Return the part as a phone gets it."""
        return cls(round(stretch.from_m, 2), round(stretch.to_m, 2), present(stretch.ground.phone_signal))


class LateStartOut(Output):
    """Where to turn back when the walk begins so many minutes late and ends as agreed."""

    late_min: int
    turn_back_m: float
    turn_back_at: Instant
    whole: Annotated[bool, Meta(description="There is time for all of the line.")]

    @classmethod
    def from_late_start(cls, late: LateStart) -> Self:
        """Return the place as a phone gets it."""
        turn_back = late.turn_back
        return cls(late.late_min, round(turn_back.distance_m, 2), late.turn_back_at, turn_back.whole)


class PackedWalkOut(Output, kw_only=True):
    """The route, as it is walked without signal."""

    route_id: UUID
    route_version: int
    length_m: float
    line: Segments
    starts_at: Instant
    walking_time_s: Annotated[float, Meta(description="From one end of the line to the other, with rests.")]
    fits: bool
    late_starts: list[LateStartOut]
    marks: Annotated[list[MarkOut], Meta(description="Every 100 m; of a very long line, 300 in all.")]
    stretches: Annotated[list[GroundOut], Meta(description="In walking order; they cover the whole line.")]
    poor_signal: list[PoorSignal]
    features: list[PackFeature]

    @classmethod
    def from_walk(cls, walk: PackedWalk) -> Self:
        """Return the route as a phone gets it."""
        return cls(
            route_id=walk.route_id,
            route_version=walk.version,
            length_m=round(walk.length_m, 2),
            line=segments_of(walk.line),
            starts_at=walk.starts_at,
            walking_time_s=round(walk.fit.arrival.expected_s),
            fits=walk.fit.fits,
            late_starts=[LateStartOut.from_late_start(each) for each in walk.late_starts],
            marks=[MarkOut.from_mark(each) for each in walk.marks],
            stretches=[GroundOut.from_stretch(each) for each in walk.stretches],
            poor_signal=[PoorSignal.from_stretch(each) for each in walk.poor_signal],
            features=[PackFeature.from_feature(each) for each in walk.features],
        )


def segments_of(line: Fixes) -> list[list[list[float]]]:
    """Return the places of a line, to about a metre, segment by segment."""
    places: list[list[float]] = np.round(np.stack((line.lon, line.lat), axis=1), 5).tolist()
    ends = [*line.starts[1:].tolist(), len(line)]
    return [places[start:end] for start, end in zip(line.starts.tolist(), ends, strict=True)]


class WalkPackOut(Output, kw_only=True):
    """All a phone needs on the way, without signal. Read it before leaving; delete it at `discard_after`."""

    session_id: UUID
    modality: Annotated[Modality, Meta(description="As planned, or as it is held at the moment.")]
    planned_start: Instant
    agreed_end: Instant
    discard_after: Annotated[
        Instant, Meta(description=f"{KEPT_FOR.total_seconds() / 3_600:g} hours after the agreed end.")
    ]
    client_id: UUID
    client_label: str
    emergency_contact: EmergencyContactOut | UnsetType = UNSET
    crisis_plan: str | UnsetType = UNSET
    encounter_wording: Annotated[
        str | UnsetType, Meta(description="What is said when somebody is met, as agreed.")
    ] = UNSET
    concerns: list[ConcernOut]
    alternatives: Annotated[list[SessionAlternativeOut], Meta(description="In order of preference.")]
    walk: Annotated[PackedWalkOut | UnsetType, Meta(description="Absent without a route.")] = UNSET
    unreadable: Annotated[bool, Meta(description="Some of the client's or session's words are damaged.")] = (
        False
    )

    @classmethod
    def from_pack(cls, pack: WalkPack) -> Self:
        """Return the pack as a phone gets it."""
        session, contact = pack.session, pack.emergency_contact
        return cls(
            session_id=session.id,
            modality=session.spans[-1].modality,
            planned_start=session.planned_start,
            agreed_end=session.planned_end,
            discard_after=pack.discard_after,
            client_id=session.client_id,
            client_label=pack.client_label,
            emergency_contact=UNSET if contact is None else EmergencyContactOut.of(contact),
            crisis_plan=present(pack.crisis_plan),
            encounter_wording=present(pack.encounter_wording),
            concerns=[ConcernOut.of(each) for each in pack.concerns],
            alternatives=[SessionAlternativeOut.from_alternative(each) for each in pack.alternatives.items],
            walk=UNSET if pack.walk is None else PackedWalkOut.from_walk(pack.walk),
            unreadable=pack.unreadable or pack.alternatives.unreadable,
        )
