"""What to think of before leaving, on the wire."""

from typing import Annotated, Final, Self
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.base import Instant, Output, shown, to_the_centimetre
from service.sessions.before_leaving import BeforeLeaving, ConcernKind, PlannedWalk

WHOLE: Final = Meta(description="There is time for all of the line: there and back, or once round a loop.")
REACHED_AT: Final = Meta(
    description="When it is reached, setting out at the start, the planned start or the switch to this route."
)
FITS: Final = Meta(description="There is time to walk the line once, from one end to the other.")


class ConcernOut(Output):
    """One thing that speaks against starting. The therapist decides; a start is kept either way."""

    kind: ConcernKind
    words: str
    session_id: Annotated[UUID | UnsetType, Meta(description="The other session it is about.")] = UNSET


class SessionTurnBack(Output):
    """The last place on the line from which the way back ends in time."""

    distance_m: float
    after_s: float
    at: Annotated[Instant, REACHED_AT]
    whole: Annotated[bool, WHOLE]


class PlannedWalkOut(Output):
    """The session's route at the client's pace, rests included."""

    length_m: float
    is_loop: bool
    walking_time_s: float
    available_s: float
    fits: Annotated[bool, FITS]
    turn_back: SessionTurnBack

    @classmethod
    def from_walk(cls, walk: PlannedWalk) -> Self:
        """Return a walk, rounded to the centimetre."""
        place = to_the_centimetre(msgspec.structs.asdict(walk.turn_back))
        turn = SessionTurnBack(at=walk.turn_back_at, **place)
        return cls(**to_the_centimetre(shown(walk, cls)) | {"turn_back": turn})


class BeforeLeavingOut(Output):
    """What to think of before leaving, as things are now. No concern does not mean no danger."""

    concerns: list[ConcernOut]
    walk: Annotated[PlannedWalkOut | UnsetType, Meta(description="Absent without a route.")] = UNSET

    @classmethod
    def from_before_leaving(cls, before: BeforeLeaving) -> Self:
        """Return the concerns and the walk."""
        concerns = [ConcernOut.of(each) for each in before.concerns]
        return cls(concerns, PlannedWalkOut.from_walk(before.walk) if before.walk else UNSET)
