"""How a route fits, on the wire."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.base import Instant, Output, present, shown, to_the_centimetre
from schemas.walks.stretches import GroundOut, ground_members
from service.clients.needs import Need, Trigger
from service.record.flat_pace import MOST_WALKS, MeasuredPace
from service.sessions.plan_fit import TimedFit
from service.walks.features import Feature, FeatureKind
from service.walks.fit import PACE_SHARE, Arrival, Facility, NearestFacility, StretchTimes
from service.walks.reasons import Bearing, OtherTrigger, Reason


class ArrivalOut(Output):
    """Seconds from the start until a place is reached."""

    earliest_s: Annotated[
        float, Meta(description=f"{PACE_SHARE:.0%} less time than the pace, no rest before.")
    ]
    expected_s: Annotated[float, Meta(description="At the pace, rests spread evenly over the walking time.")]
    latest_s: Annotated[float, Meta(description=f"{PACE_SHARE:.0%} more time, all rests taken before.")]
    earliest_at: Instant | UnsetType = UNSET
    expected_at: Instant | UnsetType = UNSET
    latest_at: Instant | UnsetType = UNSET

    @classmethod
    def from_arrival(cls, arrival: Arrival, starts_at: datetime | None) -> "ArrivalOut":
        """Return the arrival as a phone gets it."""
        return cls(
            **to_the_centimetre(msgspec.structs.asdict(arrival)),
            earliest_at=clock_time(starts_at, arrival.earliest_s),
            expected_at=clock_time(starts_at, arrival.expected_s),
            latest_at=clock_time(starts_at, arrival.latest_s),
        )


def clock_time(starts_at: datetime | None, after_s: float) -> datetime | UnsetType:
    """Return the instant some seconds after the start; UNSET without one, or beyond any calendar."""
    if starts_at is None:
        return UNSET
    try:
        return starts_at + timedelta(seconds=after_s)
    except OverflowError:  # a line a thousand times round the earth
        return UNSET


class StretchTimesOut(GroundOut, kw_only=True):
    """A part of the line with its ground, and when it is entered and left."""

    entered: ArrivalOut
    left: ArrivalOut

    @classmethod
    def from_times(cls, times: StretchTimes, starts_at: datetime | None) -> "StretchTimesOut":
        """Return the stretch as a phone gets it."""
        entered, left = (ArrivalOut.from_arrival(each, starts_at) for each in (times.entered, times.left))
        return cls(**ground_members(times.stretch), entered=entered, left=left)


class NearestOut(Output, kw_only=True):
    """From one place of the line to another, the nearest facility; on level ground, times are linear between.

    A part ends where it passes the facility.
    """

    facility: Facility
    from_m: float
    to_m: float
    along_m: Annotated[float, Meta(description="Where the line passes it.")]
    offset_m: Annotated[float, Meta(description="From there off the line, as the crow flies.")]
    walk_from_s: Annotated[float, Meta(description="Walking time from `from_m`, along the line and off it.")]
    walk_to_s: Annotated[float, Meta(description="The same from `to_m`.")]
    feature_id: Annotated[
        UUID | UnsetType, Meta(description="Absent for an end of the line, which is always a way out.")
    ] = UNSET
    kind: FeatureKind | UnsetType = UNSET
    name: str | UnsetType = UNSET

    @classmethod
    def from_nearest(cls, nearest: NearestFacility) -> "NearestOut":
        """Return the facility as a phone gets it."""
        members: dict[str, Any] = {
            name: getattr(nearest, name) for name in nearest.__struct_fields__ if name != "feature"
        }
        return cls(**to_the_centimetre(members | feature_members(nearest.feature)))


def feature_members(feature: Feature | None) -> dict[str, Any]:
    """Return how an answer names a feature."""
    if feature is None:
        return {}
    return {"feature_id": feature.id, "kind": feature.kind, "name": present(feature.name)}


class ReasonOut(Output, kw_only=True):
    """What a part of the line, or a feature it passes, says about one need or trigger of the client's."""

    need: Need | UnsetType = UNSET
    trigger: Trigger | UnsetType = UNSET
    other_trigger: Annotated[str | UnsetType, Meta(description="One in the therapist's words.")] = UNSET
    bearing: Bearing
    from_m: float
    to_m: Annotated[float, Meta(description="For a feature, as `from_m`: where the line passes it.")]
    words: Annotated[str, Meta(description="What is there.")]
    ground: Annotated[
        str | UnsetType, Meta(description="The property of the ground, such as surface, or slope.")
    ] = UNSET
    value: Annotated[str | UnsetType, Meta(description="Of the property; absent where it is not known.")] = (
        UNSET
    )
    feature_id: UUID | UnsetType = UNSET
    kind: FeatureKind | UnsetType = UNSET
    name: str | UnsetType = UNSET
    offset_m: Annotated[float | UnsetType, Meta(description="From the line to the feature.")] = UNSET

    @classmethod
    def from_reason(cls, reason: Reason) -> "ReasonOut":
        """Return the reason as a phone gets it."""
        members = to_the_centimetre(shown(reason, cls) | feature_members(reason.feature))
        match reason.because:
            case Need() as need:
                return cls(need=need, **members)
            case Trigger() as trigger:
                return cls(trigger=trigger, **members)
            case OtherTrigger(words):
                return cls(other_trigger=words, **members)


class MeasuredPaceOut(Output):
    """The pace the client walked at lately, as on the flat: to plan with, no score."""

    flat_pace_mps: float
    n: Annotated[int, Meta(description=f"Of so many walks, the latest {MOST_WALKS} at most.")]

    @classmethod
    def from_measured(cls, measured: MeasuredPace) -> "MeasuredPaceOut":
        """Return the pace as a phone gets it."""
        return cls(round(measured.flat_mps, 2), measured.walks)


class FitOut(Output, kw_only=True):
    """How a route fits the time there is."""

    available_s: float
    flat_pace_mps: float
    rests_s: float
    arrival: Annotated[ArrivalOut, Meta(description="At the end of the line.")]
    fits: Annotated[bool, Meta(description="The line is walked within the time, by the expected arrival.")]
    surely_fits: Annotated[bool, Meta(description="By the latest arrival too.")]
    turn_back_m: Annotated[float, Meta(description="The last place to turn and still be back in time.")]
    turn_back_after_s: float
    starts_at: Annotated[
        Instant | UnsetType, Meta(description="Absent without a start; with one, arrivals have clock times.")
    ] = UNSET
    turn_back_at: Instant | UnsetType = UNSET
    whole: Annotated[
        bool, Meta(description="Time is enough for all of it: there and back, or once round a loop.")
    ]
    no_return_m: Annotated[
        float | UnsetType, Meta(description="On a loop: from here on, going on is quicker than going back.")
    ] = UNSET
    stretches: Annotated[list[StretchTimesOut], Meta(description="They cover the whole line.")]
    nearest: Annotated[
        list[NearestOut], Meta(description="By facility, then along the line; none where a route has none.")
    ]
    reasons: Annotated[
        list[ReasonOut] | UnsetType,
        Meta(
            description="What on the route meets each need and trigger of the client's; what nobody has said "
            "too. Absent without a client."
        ),
    ] = UNSET
    measured_pace: Annotated[
        MeasuredPaceOut | UnsetType,
        Meta(
            description="Beside `flat_pace_mps`, which is set and which times are from. The median of the "
            "client's walks with a track of which 5 minutes were walked: the way walked while moving, made "
            "flat by Tobler's ratio, by the time moving. Absent without such walks or agreement to location."
        ),
    ] = UNSET
    unreadable: Annotated[
        bool, Meta(description="The client's record is damaged: what they need is not known.")
    ] = False

    @classmethod
    def from_fit(cls, timed: TimedFit) -> "FitOut":
        """Return the fit as a phone gets it."""
        fit, starts_at = timed.fit, timed.starts_at
        return cls(
            starts_at=present(starts_at),
            available_s=fit.available_s,
            flat_pace_mps=fit.pace.flat_mps,
            rests_s=fit.pace.rests_s,
            arrival=ArrivalOut.from_arrival(fit.arrival, starts_at),
            fits=fit.fits,
            surely_fits=fit.surely_fits,
            turn_back_m=round(fit.turn_back.distance_m, 2),
            turn_back_after_s=round(fit.turn_back.after_s, 2),
            turn_back_at=clock_time(starts_at, fit.turn_back.after_s),
            whole=fit.turn_back.whole,
            no_return_m=present(None if fit.no_return_m is None else round(fit.no_return_m, 2)),
            stretches=[StretchTimesOut.from_times(each, starts_at) for each in fit.stretches],
            nearest=[NearestOut.from_nearest(each) for each in fit.nearest],
            reasons=UNSET
            if timed.reasons is None
            else [ReasonOut.from_reason(each) for each in timed.reasons],
            measured_pace=UNSET if timed.measured is None else MeasuredPaceOut.from_measured(timed.measured),
            unreadable=timed.unreadable,
        )
