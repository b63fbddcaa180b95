"""A therapy session: what was planned, and what happened.

What happened is never refused: every report below is kept, in whatever order reports arrive, unless it
contradicts one that is already known. The status follows from the facts and is never set by itself.
"""

import enum
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from service.foundation.retry_safe import Impossible, Unusable

MOST_CHANGES: Final = 50
"""Changes of modality in one session; it bounds the row."""
LONGEST_PLAN: Final = timedelta(hours=24)


class Modality(enum.StrEnum):
    """How a session is held."""

    WALK = "walk"
    ROOM = "room"
    ONLINE = "online"
    PHONE = "phone"


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
    """Who wished for another modality; neither needs a reason."""

    CLIENT = "client"
    THERAPIST = "therapist"
    BOTH = "both"


class Oddity(enum.StrEnum):
    """What is odd about the facts of a session; they are kept all the same."""

    OFF_PLANNED_TIME = "off_planned_time"
    """It started more than an hour before or after it was planned to."""
    REPORTED_LATER = "reported_later"
    """Its start or end was reported more than an hour after it."""
    PHONE_CLOCK_AHEAD = "phone_clock_ahead"
    """Something was reported before it happened, by the server's clock."""
    HELD_AFTER_ALL = "held_after_all"
    """It was cancelled, or the client had not come, and it was held nevertheless."""
    START_UNKNOWN = "start_unknown"
    """It ended, and when it started was not said."""
    OVER_FOUR_HOURS = "over_four_hours"
    """It lasted more than four hours: the end may have been marked late."""
    CHANGED_AFTER_END = "changed_after_end"
    """A change of modality is dated after the end."""
    NO_OUTDOOR_AGREEMENT = "no_outdoor_agreement"
    """It was walked at a time for which no outdoor agreement is known."""


class ModalityChange(msgspec.Struct, frozen=True):
    """From an instant on, the session was held another way."""

    modality: Modality
    at: datetime
    received_at: datetime


class Span(msgspec.Struct, frozen=True):
    """A part of a session held one way. `starts_at` is None where unknown, `ends_at` until it ends."""

    modality: Modality
    starts_at: datetime | None
    ends_at: datetime | None


class ChangeWords(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was said about a change of modality."""

    asked_by: AskedBy | None = None
    reason: str | None = None


class Words(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed of a session: what was said about its cancellation and its changes."""

    cancellation: str | None = None
    changes: dict[datetime, ChangeWords] = {}
    """By the instant of the change."""

    def about_change(self, at: datetime, said: ChangeWords) -> "Words":
        """Return these with what was said about a change; saying nothing leaves what was said before."""
        return self if said == ChangeWords() else Words(self.cancellation, {**self.changes, at: said})


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A therapy session. Each instant is the phone's; beside it, when the server received it."""

    id: UUID
    therapist_id: UUID
    viewers: Sequence[UUID] = ()
    client_id: UUID
    planned_start: datetime
    planned_end: datetime
    modality: Modality
    """As planned; `spans` says how it was held."""
    route_id: UUID | None = None
    route_version: int | None = None
    place_id: UUID | None = None
    started_at: datetime | None = None
    started_received_at: datetime | None = None
    ended_at: datetime | None = None
    ended_received_at: datetime | None = None
    changes: tuple[ModalityChange, ...] = ()
    """By instant, each at one of its own."""
    cancellation: Cancellation | None = None
    closed_at: datetime | None = None
    """When it was cancelled or, without a cancellation, when the client did not attend."""
    closed_received_at: datetime | None = None
    flags: tuple[Oddity, ...] = ()
    sealed: bytes | None = None
    """Words, under the client's key."""
    created_at: datetime
    updated_at: datetime
    revision: int = 0

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
        """True once it has started, also where only its end is known."""
        return self.started_at is not None or self.ended_at is not None

    @property
    def spans(self) -> tuple[Span, ...]:
        """Return how it is held, in order and without gaps, from start (or planned start) to end.

        A change before the start makes the first span; one after the end is left out.
        """
        begun = self.started_at or min(self.planned_start, self.ended_at or self.planned_start)
        first, later = self.modality, list[tuple[Modality, datetime]]()
        for change in self.changes:
            if change.at <= begun:
                first = change.modality
            elif self.ended_at is None or change.at < self.ended_at:
                later.append((change.modality, change.at))
        starts = [(first, self.started_at if self.is_held else self.planned_start)]
        for modality, at in later:
            if modality is not starts[-1][0]:
                starts.append((modality, at))
        ends = [at for _, at in starts[1:]] + [self.ended_at]
        return tuple(Span(modality, at, end) for (modality, at), end in zip(starts, ends, strict=True))


class SessionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions a list shows."""

    starts_from: datetime
    starts_before: datetime
    client_id: UUID | None = None
    status: SessionStatus | None = None


class SessionFile(msgspec.Struct, frozen=True):
    """A session with its opened words."""

    session: Session
    words: Words


class Correction(msgspec.Struct, frozen=True):
    """What is replanned or put right: members of a Session and of its Words, by name."""

    facts: Mapping[str, Any]
    words: Mapping[str, Any]


def start(session: Session, at: datetime, received_at: datetime) -> Session:
    """Return the session with its start. Raises Impossible for a second one, or one after the end."""
    if session.started_at == at:
        return session
    if session.started_at is not None:
        raise Impossible(
            f"it started at {_said(session.started_at)} already", "correct `started_at` with PATCH"
        )
    return _in_order(msgspec.structs.replace(session, started_at=at, started_received_at=received_at))


def end(
    session: Session, at: datetime, received_at: datetime, *, started_at: datetime | None = None
) -> Session:
    """Return the session with its end, and its start where that is told with it.

    Raises Impossible for a second end, or one before the start. Without a start, that stays unknown.
    """
    session = session if started_at is None else start(session, started_at, received_at)
    if session.ended_at == at:
        return session
    if session.ended_at is not None:
        raise Impossible(f"it ended at {_said(session.ended_at)} already", "correct `ended_at` with PATCH")
    return _in_order(msgspec.structs.replace(session, ended_at=at, ended_received_at=received_at))


def change_modality(session: Session, modality: Modality, at: datetime, received_at: datetime) -> Session:
    """Return the session, held another way from `at` on. Raises Impossible for two ways at one instant."""
    known = next((each for each in session.changes if each.at == at), None)
    if known is not None and known.modality is modality:
        return session
    if known is not None:
        raise Impossible(
            f"from {_said(at)} on it was held as {known.modality}",
            "report the instant it changed again",
            "correct `changes` with PATCH",
        )
    if len(session.changes) >= MOST_CHANGES:
        raise Impossible(f"it has changed {MOST_CHANGES} times already", "correct `changes` with PATCH")
    changes = (*session.changes, ModalityChange(modality, at, received_at))
    return msgspec.structs.replace(session, changes=_by_instant(changes))


def cancel(session: Session, reason: Cancellation, at: datetime | None, received_at: datetime) -> Session:
    """Return the session cancelled at `at`, or now. Raises Impossible where it was held by then."""
    return _close(session, reason, at, received_at)


def miss(session: Session, at: datetime | None, received_at: datetime) -> Session:
    """Return the session the client did not attend. Raises Impossible where it was held by then."""
    return _close(session, None, at, received_at)


def correct(session: Session, changes: Mapping[str, Any], received_at: datetime) -> Session:
    """Return the session with members replanned or put right. Raises Impossible, Unusable.

    Moved without a new `planned_end`, it stays as long. `closed_at` None takes back that it was cancelled
    or not attended; `started_at` or `ended_at` None, that it was held.
    """
    said = dict(changes)
    if "planned_start" in said and "planned_end" not in said:
        said["planned_end"] = session.planned_end + (said["planned_start"] - session.planned_start)
    for name in ("started", "ended", "closed"):
        if said.get(f"{name}_at", _UNSAID) not in (_UNSAID, getattr(session, f"{name}_at")):
            said[f"{name}_received_at"] = None if said[f"{name}_at"] is None else received_at
    if "changes" in said:
        said["changes"] = _as_received(session, said["changes"])
    if said.get("closed_at", _UNSAID) is None:
        _refuse_reason_of_nothing(said)
        said["cancellation"] = None
    corrected = msgspec.structs.replace(session, **said)
    refuse_unusable_plan(corrected)
    _refuse_unreported_closing(session, corrected)
    return _in_order(corrected)


def corrected_words(words: Words, correction: Correction) -> Words:
    """Return the words put right; a cancellation taken back takes its words with it."""
    taken_back = {"cancellation": None} if correction.facts.get("closed_at", _UNSAID) is None else {}
    return msgspec.structs.replace(words, **{**correction.words, **taken_back})


def refuse_words_of_nothing(session: Session, words: Words) -> None:
    """Raise Unusable for words about a cancellation there is none of."""
    if words.cancellation is not None and session.cancellation is None:
        raise Unusable("/cancellation_words", "it is not cancelled")


def refuse_unusable_plan(session: Session) -> None:
    """Raise Unusable unless the plan ends after it starts, within a day."""
    if session.planned_end <= session.planned_start:
        raise Unusable("/planned_end", "it ends after it starts")
    if session.planned_end - session.planned_start > LONGEST_PLAN:
        raise Unusable("/planned_end", "a session is planned for 24 hours at most")


_UNSAID: Final = object()


def _close(
    session: Session, reason: Cancellation | None, at: datetime | None, received_at: datetime
) -> Session:
    if session.closed_at is not None:
        if session.cancellation is reason and at in (None, session.closed_at):
            return session
        raise Impossible(
            f"{_closing(session)} at {_said(session.closed_at)} already",
            "correct `cancellation` or `closed_at` with PATCH",
            "take it back with PATCH: `closed_at` null",
        )
    closed_at = at or received_at
    held_by = session.started_at or session.ended_at
    if held_by is not None and closed_at >= held_by:
        raise Impossible(
            f"it was held: {'it started' if session.started_at else 'it ended'} at {_said(held_by)}",
            "report its end" if session.ended_at is None else "correct `started_at` or `ended_at` with PATCH",
            "take back that it was held with PATCH: `started_at` and `ended_at` null",
        )
    return msgspec.structs.replace(
        session, cancellation=reason, closed_at=closed_at, closed_received_at=received_at
    )


def _in_order(session: Session) -> Session:
    """Return the session. Raises Impossible where it ends before it starts."""
    starts, ends = session.started_at, session.ended_at
    if starts is not None and ends is not None and ends < starts:
        raise Impossible(
            f"it cannot start at {_said(starts)} and end at {_said(ends)}, before that",
            "report the instant again",
            "correct `started_at` or `ended_at` with PATCH",
        )
    return session


def _as_received(session: Session, changes: Sequence[ModalityChange]) -> tuple[ModalityChange, ...]:
    """Return corrected changes, those known before with the time they were received. Raises Unusable."""
    if len({each.at for each in changes}) < len(changes):
        raise Unusable("/changes", "two changes at one instant")
    known = {(each.modality, each.at): each for each in session.changes}
    return _by_instant([known.get((each.modality, each.at), each) for each in changes])


def _by_instant(changes: Sequence[ModalityChange]) -> tuple[ModalityChange, ...]:
    return tuple(sorted(changes, key=lambda change: change.at))


def _refuse_unreported_closing(before: Session, after: Session) -> None:
    """Raise Impossible where a correction is about a cancellation that was never reported."""
    if before.closed_at is None and (after.closed_at, after.cancellation) != (None, None):
        raise Impossible(
            "it is neither cancelled nor recorded as not attended",
            "report that it was cancelled",
            "report that the client did not attend",
        )


def _refuse_reason_of_nothing(said: Mapping[str, Any]) -> None:
    if said.get("cancellation") is not None:
        raise Unusable("/cancellation", "`closed_at` null takes the cancellation back: send one of the two")


def _closing(session: Session) -> str:
    return "the client did not attend" if session.cancellation is None else "it was cancelled"


def _said(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
