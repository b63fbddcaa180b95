"""How a session's route fits it, on the wire."""

from typing import Annotated, Self
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Output, present
from schemas.walks.fit import FitOut
from service.sessions.plan_fit import SessionFit


class SessionFitOut(Output):
    """How a session's route fits it: its client's pace, its times, the version it was planned with."""

    session_id: UUID
    route_id: Annotated[UUID | UnsetType, Meta(description="Absent without a route.")] = UNSET
    route_version: int | UnsetType = UNSET
    fit: FitOut | UnsetType = UNSET

    @classmethod
    def from_session_fit(cls, known: SessionFit) -> Self:
        """Return the fit as a phone gets it."""
        fit = UNSET if known.walk is None else FitOut.from_fit(known.walk)
        return cls(known.session_id, present(known.route_id), present(known.route_version), fit)
