"""A therapy session: what was planned, what was reported, and the spans in which it was held.

The status and the spans follow from the facts and are never set by themselves.
"""

import enum
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from service.clients.modality import Modality
from service.foundation.described_enum import DescribedEnum
from service.walks.alternatives import Alternative

MOST_CHANGES: Final = 50
"""Changes in one session."""


class SessionStatus(enum.StrEnum):
    """How far a session has come."""

    PLANNED = "planned"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    DID_NOT_ATTEND = "did_not_attend"


class Cancellation(enum.StrEnum):
    """Why a session was called off."""

    WEATHER = "weather"
    CLIENT_ILL = "client_ill"
    CLIENT_ASKED = "client_asked"
    THERAPIST_ILL = "therapist_ill"
    THERAPIST_UNAVAILABLE = "therapist_unavailable"
    PLACE_UNAVAILABLE = "place_unavailable"
    OTHER = "other"


class AskedBy(enum.StrEnum):
    """Who asked for a change; neither needs a reason."""

    CLIENT = "client"
    THERAPIST = "therapist"
    BOTH = "both"


class SessionFlag(DescribedEnum):
    """What is odd about the facts of a session; they are kept all the same."""

    OFF_PLANNED_TIME = "off_planned_time", "It started more than an hour before or after the planned start."
    REPORTED_LATER = "reported_later", "Its start or end was reported more than an hour after it happened."
    PHONE_CLOCK_AHEAD = (
        "phone_clock_ahead",
        "By the server's clock, something was reported before it happened.",
    )
    HELD_AFTER_ALL = (
        "held_after_all",
        "It was cancelled or the client did not attend, and then it was held after all.",
    )
    START_UNKNOWN = "start_unknown", "It ended, and no start was reported."
    OVER_FOUR_HOURS = (
        "over_four_hours",
        "It lasted more than four hours: the end may have been reported late.",
    )
    CHANGED_AFTER_END = "changed_after_end", "A change is dated after the end."
    NO_OUTDOOR_AGREEMENT = (
        "no_outdoor_agreement",
        "It was a walk at a time for which no outdoor agreement is recorded.",
    )


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """How and where a session is held."""

    modality: Modality
    route_id: UUID | None = None
    route_version: int | None = None
    """Pinned: a new line of the route changes nothing here."""
    place_id: UUID | None = None


class Span(Setting, frozen=True, kw_only=True):
    """A part of a session held in one setting. `starts_at` is None where unknown, `ends_at` until it ends."""

    starts_at: datetime | None
    ends_at: datetime | None = None


class ChangeFacts(Setting, frozen=True, kw_only=True):
    """A change as it is stored in the open: from `at` on, the session was held in another setting."""

    id: UUID
    session_id: UUID
    at: datetime
    received_at: datetime
    created_at: datetime
    updated_at: datetime
    revision: int = 0


class SessionChange(ChangeFacts, frozen=True, kw_only=True):
    """A reported change, with who asked for it and why."""

    asked_by: AskedBy | None = None
    reason: str | None = None


class SessionFacts(Setting, frozen=True, kw_only=True):
    """A session as it is stored in the open. Its own setting is the planned one.

    Each instant is the phone's; `…_received_at` is the server's.
    """

    id: UUID
    client_id: UUID
    planned_start: datetime
    planned_end: datetime
    started_at: datetime | None = None
    started_received_at: datetime | None = None
    ended_at: datetime | None = None
    ended_received_at: datetime | None = None
    cancellation: Cancellation | None = None
    closed_at: datetime | None = None
    """When it was cancelled or, without a cancellation, when the client did not attend."""
    closed_received_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    revision: int = 0


class Session(SessionFacts, frozen=True, kw_only=True):
    """A therapy session with its changes, its flags and what was said."""

    changes: tuple[SessionChange, ...] = ()
    """By instant; no two at the same one."""
    flags: tuple[SessionFlag, ...] = ()
    alternatives: tuple[Alternative, ...] | None = None
    """What to do instead, in order of preference; None where its route says so."""
    cancellation_words: str | None = None
    unreadable: bool = False
    """Some of its words, or of its changes' words, are damaged."""

    @property
    def status(self) -> SessionStatus:
        """Return what the facts amount to; the column `status` says the same in SQL."""
        if self.ended_at is not None:
            return SessionStatus.COMPLETED
        if self.started_at is not None:
            return SessionStatus.IN_PROGRESS
        if self.cancellation is not None:
            return SessionStatus.CANCELLED
        return SessionStatus.PLANNED if self.closed_at is None else SessionStatus.DID_NOT_ATTEND

    @property
    def is_held(self) -> bool:
        """True once a start or an end was reported."""
        return self.started_at is not None or self.ended_at is not None

    @property
    def spans(self) -> tuple[Span, ...]:
        """Return the spans, in order and without gaps, from the start (or planned start) to the end.

        A change before the start makes the first span. One after the end, or to the same setting, makes none.
        """
        begun = self.started_at or min(self.planned_start, self.ended_at or self.planned_start)
        spans = [as_span(self, self.started_at if self.is_held else self.planned_start)]
        for change in self.changes:
            last = spans[-1]
            if change.at <= begun:
                spans = [as_span(setting_after(last, change), last.starts_at)]
            elif self.ended_at is None or change.at < self.ended_at:
                changed = as_span(setting_after(last, change), change.at)
                if as_span(changed, last.starts_at) != last:
                    spans[-1:] = [msgspec.structs.replace(last, ends_at=change.at), changed]
        return (*spans[:-1], msgspec.structs.replace(spans[-1], ends_at=self.ended_at))


class SessionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions a list shows."""

    starts_from: datetime
    starts_before: datetime
    client_id: UUID | None = None
    status: SessionStatus | None = None


def utc_text(at: datetime) -> str:
    """Return an instant as an error names it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def as_span(setting: Setting, starts_at: datetime | None) -> Span:
    """Return a span in this setting that has not ended."""
    return Span(
        modality=setting.modality,
        route_id=setting.route_id,
        route_version=setting.route_version,
        place_id=setting.place_id,
        starts_at=starts_at,
    )


def setting_after(before: Setting, change: Setting) -> Setting:
    """Return the setting from a change on. What it does not name stays as long as the modality stays."""
    if change.modality is not before.modality:
        return change
    route = change if change.route_id is not None else before
    return Setting(
        modality=change.modality,
        route_id=route.route_id,
        route_version=route.route_version,
        place_id=change.place_id or before.place_id,
    )
