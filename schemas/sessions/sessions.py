"""Sessions on the wire."""

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Instant, Output, Page, changes_of, shown
from schemas.walks.alternatives import AlternativeIn, AlternativeOut
from service.clients.modality import Modality
from service.foundation.retry_safe import Once
from service.sessions.plan_session import SessionPlan
from service.sessions.reports import CancellationReport, ChangeReport, derived_change_id
from service.sessions.sessions import (
    MOST_CHANGES,
    AskedBy,
    Cancellation,
    Session,
    SessionFlag,
    SessionStatus,
)
from service.walks.alternatives import MOST_ALTERNATIVES, Alternative, NamedAlternative

Reason = Annotated[str, Meta(min_length=1, max_length=4_000, description="Kept encrypted.")]
RouteVersion = Annotated[
    int, Meta(ge=1, le=2_147_483_647, description="The one in use now, unless named; it stays pinned.")
]
PlannedEnd = Annotated[
    datetime,
    Meta(tz=True, description="Within a day. Left out, it lasts as long as the practice's sessions do."),
]
STARTS_AT: Final = Meta(
    description="The planned start until it starts; absent where it ended without a known start."
)
ENDS_AT: Final = Meta(description="Absent until it ends.")
PINNED: Final = Meta(description="The one in use when the change was reported, unless it named another.")
PLANNED: Final = Meta(description="As planned.")
SPANS: Final = Meta(description="How it is held, in order and without gaps; the last one is the present one.")
CHANGES: Final = Meta(description="What was reported to have changed, also before the start.")
FLAGS: Final = Meta(description="What is odd about the reported facts. They are kept; PATCH corrects them.")
CLOSED_AT: Final = Meta(description="When it was cancelled, or the client did not attend.")
Alternatives = Annotated[
    list[AlternativeIn],
    Meta(
        max_length=MOST_ALTERNATIVES,
        description="What to do instead, in order of preference. Without it, the route's apply.",
    ),
]
OWN: Final = Meta(
    description="The plan's own; absent where its route's apply. `…/alternatives` names and numbers them."
)
ChangeId = Annotated[UUID, Meta(description="Made by the phone. Left out, the service makes one.")]


class SessionIn(Input):
    """A session to plan: with whom, when and how. The rest may come now, later or never."""

    id: UUID
    client_id: UUID
    planned_start: Instant
    modality: Modality
    planned_end: PlannedEnd | None = None
    route_id: UUID | None = None
    route_version: RouteVersion | None = None
    place_id: UUID | None = None
    alternatives: Alternatives | None = None

    def to_plan(self) -> SessionPlan:
        """Return the plan this describes."""
        named = None if self.alternatives is None else _to_alternatives(self.alternatives)
        return SessionPlan(**msgspec.structs.asdict(self) | {"alternatives": named})


def _to_alternatives(alternatives: list[AlternativeIn]) -> tuple[Alternative, ...]:
    return tuple(each.to_alternative() for each in alternatives)


class StartIn(Input):
    """A start, by the phone's clock."""

    at: Instant


class EndIn(Input):
    """An end, by the phone's clock. The start may come with it."""

    at: Instant
    started_at: Instant | None = None


class SessionChangeIn(Input):
    """A change to another modality, route or place, from an instant on. It needs no reason.

    A route or place that is left out stays as long as the modality stays.
    """

    modality: Modality
    at: Instant
    id: ChangeId | None = None
    route_id: UUID | None = None
    route_version: RouteVersion | None = None
    place_id: UUID | None = None
    asked_by: AskedBy | None = None
    reason: Reason | None = None

    def to_report(self, session_id: UUID, once: Once) -> ChangeReport:
        """Return the change this reports in the write `once`."""
        change_id = self.id or derived_change_id(session_id, once, self.at)
        return ChangeReport(**msgspec.structs.asdict(self) | {"id": change_id})


class CancelIn(Input):
    """A cancellation, at `at` or else now."""

    reason: Cancellation
    at: Instant | None = None
    words: Reason | None = None

    def to_report(self) -> CancellationReport:
        """Return the cancellation this reports."""
        return CancellationReport(self.reason, self.at, self.words)


class DidNotAttendIn(Input):
    """The client did not attend; this was known at `at`, or else now."""

    at: Instant | None = None


class SessionPatch(Input):
    """What to replan or correct: null clears a member, an absent one stays.

    `planned_start` alone moves the session and keeps its length. `closed_at` null takes back that it was
    cancelled or not attended; `started_at` or `ended_at` null, that it was held. `changes` replaces all
    changes: a known one is recognised by its id, or else by its instant.
    """

    planned_start: Instant | UnsetType = UNSET
    planned_end: Instant | UnsetType = UNSET
    modality: Modality | UnsetType = UNSET
    route_id: UUID | UnsetType | None = UNSET
    route_version: RouteVersion | UnsetType = UNSET
    place_id: UUID | UnsetType | None = UNSET
    alternatives: Alternatives | UnsetType | None = UNSET
    started_at: Instant | UnsetType | None = UNSET
    ended_at: Instant | UnsetType | None = UNSET
    changes: Annotated[list[SessionChangeIn], Meta(max_length=MOST_CHANGES)] | UnsetType = UNSET
    cancellation: Cancellation | UnsetType = UNSET
    cancellation_words: Reason | UnsetType | None = UNSET
    closed_at: Instant | UnsetType | None = UNSET

    def to_corrections(self, session_id: UUID, once: Once, now: datetime) -> dict[str, Any]:
        """Return the corrections that the write `once` makes, in the words of the domain."""
        corrections = changes_of(self, now)
        if corrections.get("alternatives") is not None:
            corrections["alternatives"] = _to_alternatives(corrections["alternatives"])
        if "changes" in corrections:
            corrections["changes"] = [each.to_report(session_id, once) for each in corrections["changes"]]
        return corrections


class SpanOut(Output):
    """A part of the session in one setting."""

    modality: Modality
    route_id: UUID | UnsetType = UNSET
    route_version: int | UnsetType = UNSET
    place_id: UUID | UnsetType = UNSET
    starts_at: Annotated[Instant | UnsetType, STARTS_AT] = UNSET
    ends_at: Annotated[Instant | UnsetType, ENDS_AT] = UNSET


class SessionChangeOut(Output):
    """A change as it was reported."""

    id: UUID
    modality: Modality
    at: Instant
    received_at: Instant
    route_id: UUID | UnsetType = UNSET
    route_version: Annotated[int | UnsetType, PINNED] = UNSET
    place_id: UUID | UnsetType = UNSET
    asked_by: AskedBy | UnsetType = UNSET
    reason: str | UnsetType = UNSET


class SessionOut(Output):
    """A therapy session. Each instant is the phone's; `…received_at` is the server's."""

    id: UUID
    client_id: UUID
    status: SessionStatus
    planned_start: Instant
    planned_end: Instant
    modality: Annotated[Modality, PLANNED]
    spans: Annotated[list[SpanOut], SPANS]
    changes: Annotated[list[SessionChangeOut], CHANGES]
    flags: Annotated[list[SessionFlag], FLAGS]
    created_at: Instant
    updated_at: Instant
    revision: int
    route_id: UUID | UnsetType = UNSET
    route_version: int | UnsetType = UNSET
    place_id: UUID | UnsetType = UNSET
    started_at: Instant | UnsetType = UNSET
    started_received_at: Instant | UnsetType = UNSET
    ended_at: Instant | UnsetType = UNSET
    ended_received_at: Instant | UnsetType = UNSET
    alternatives: Annotated[list[AlternativeOut] | UnsetType, OWN] = UNSET
    cancellation: Cancellation | UnsetType = UNSET
    cancellation_words: str | UnsetType = UNSET
    closed_at: Annotated[Instant | UnsetType, CLOSED_AT] = UNSET
    closed_received_at: Instant | UnsetType = UNSET
    unreadable: Annotated[
        bool, Meta(description="Some of its words are damaged; words may be missing, the facts are not.")
    ] = False

    @classmethod
    def from_session(cls, session: Session) -> Self:
        """Return a session with its spans and changes."""
        members = shown(session, cls) | {
            "spans": [SpanOut.of(each) for each in session.spans],
            "changes": [SessionChangeOut.of(each) for each in session.changes],
        }
        if session.alternatives is not None:
            own = (AlternativeOut.from_named(NamedAlternative(each)) for each in session.alternatives)
            members["alternatives"] = list(own)
        return cls(**members)


class SessionPage(Page[SessionOut]):
    """Sessions by planned start."""
