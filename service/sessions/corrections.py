"""Replan a session, and correct what was reported about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from service.foundation.retry_safe import Impossible, Unusable
from service.sessions.reports import ChangeReport, by_instant, known_change, refuse_end_before_start
from service.sessions.sessions import Session, SessionChange, SessionFacts

LONGEST_PLAN: Final = timedelta(hours=24)
_UNSAID: Final = object()


def correct(session: Session, corrections: Mapping[str, Any], received_at: datetime) -> Session:
    """Return the session with the members named in `corrections`. Raises Impossible, Unusable.

    `planned_start` without `planned_end` keeps the planned length. `closed_at` None takes back that it was
    cancelled or not attended; `started_at` or `ended_at` None, that it was held. `changes`, a list of
    ChangeReport, replaces them all.
    """
    members = dict(corrections)
    if "planned_start" in members and "planned_end" not in members:
        members["planned_end"] = session.planned_end + (members["planned_start"] - session.planned_start)
    for name in ("started", "ended", "closed"):
        if members.get(f"{name}_at", _UNSAID) not in (_UNSAID, getattr(session, f"{name}_at")):
            members[f"{name}_received_at"] = None if members[f"{name}_at"] is None else received_at
    if "changes" in members:
        members["changes"] = _corrected_changes(session, members["changes"], received_at)
    if members.get("closed_at", _UNSAID) is None:
        _refuse_new_reason(members)
        members |= {"cancellation": None, "cancellation_words": None}
    corrected = msgspec.structs.replace(session, **members)
    refuse_unusable_plan(corrected)
    _refuse_unreported_closing(session, corrected)
    refuse_end_before_start(corrected)
    _refuse_words_without_cancellation(corrected)
    return corrected


def refuse_unusable_plan(session: SessionFacts) -> None:
    """Raise Unusable unless the plan ends after it starts, within a day."""
    if session.planned_end <= session.planned_start:
        raise Unusable("/planned_end", "must be later than `planned_start`")
    if session.planned_end - session.planned_start > LONGEST_PLAN:
        raise Unusable("/planned_end", "must be within 24 hours of `planned_start`")


def _corrected_changes(
    session: Session, reports: Sequence[ChangeReport], received_at: datetime
) -> tuple[SessionChange, ...]:
    """Return the corrected changes; a known change keeps its id. Raises Unusable."""
    if len({each.at for each in reports}) < len(reports):
        raise Unusable("/changes", "two changes at one instant")
    if len({each.id for each in reports}) < len(reports):
        raise Unusable("/changes", "two changes with one id")
    named = {each.id for each in reports}
    corrected = []
    for report in reports:
        others = (each for each in session.changes if each.id == report.id or each.id not in named)
        corrected.append(_corrected_change(known_change(others, report), report, session, received_at))
    return by_instant(corrected)


def _corrected_change(
    known: SessionChange | None, report: ChangeReport, session: Session, received_at: datetime
) -> SessionChange:
    """Return the corrected change; with another instant or modality it counts as received now."""
    corrected = report.to_change(session.id, received_at)
    if known is None:
        return corrected
    is_received = (known.at, known.modality) == (corrected.at, corrected.modality)
    corrected = msgspec.structs.replace(
        corrected,
        id=known.id,
        received_at=known.received_at if is_received else received_at,
        created_at=known.created_at,
        revision=known.revision,
    )
    unstamped = msgspec.structs.replace(corrected, updated_at=known.updated_at)
    return known if unstamped == known else corrected


def _refuse_new_reason(members: Mapping[str, Any]) -> None:
    """Raise Unusable for a reason of a cancellation that the same correction takes back."""
    if members.get("cancellation") is not None:
        raise Unusable("/cancellation", "`closed_at` null takes the cancellation back: send one of the two")


def _refuse_words_without_cancellation(session: Session) -> None:
    if session.cancellation_words is not None and session.cancellation is None:
        raise Unusable("/cancellation_words", "it is not cancelled")


def _refuse_unreported_closing(before: Session, after: Session) -> None:
    """Raise Impossible where a correction is about a cancellation that was never reported."""
    if before.closed_at is None and (after.closed_at, after.cancellation) != (None, None):
        raise Impossible(
            "it is neither cancelled nor recorded as not attended",
            "report that it was cancelled",
            "report that the client did not attend",
        )
