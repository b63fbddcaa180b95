"""Moments: one tap at an instant of a session; what it was may be said now, later or never."""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from service.foundation.retry_safe import Impossible
from service.record.anchors import Anchor
from service.record.positions import PositionedContent, take_position

UNREADABLE: Final = (
    "what is stored of it is damaged and cannot be read",
    "restore it from a backup",
    "delete it",
)
"""Why a damaged moment or note is not changed, and what is possible instead."""


class MomentKind(enum.StrEnum):
    """What a moment was, in a word."""

    INSIGHT = "insight"
    STRONG_FEELING = "strong_feeling"
    DISTRESS = "distress"
    SILENCE = "silence"
    RUPTURE = "rupture"
    REPAIR = "repair"
    ENCOUNTER = "encounter"
    NATURE = "nature"
    TO_RETURN_TO = "to_return_to"
    OTHER = "other"


class MomentContent(PositionedContent, frozen=True, omit_defaults=True):
    """What a moment was, in the therapist's words, and where."""

    kind: MomentKind | None = None
    words: str | None = None

    @property
    def size_bytes(self) -> int:
        """Return about how many bytes its words take."""
        return len(self.words or "")


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One tap at an instant of a session."""

    id: UUID
    session_id: UUID
    client_id: UUID
    at: datetime
    """By the phone's clock."""
    content: MomentContent = MomentContent()
    anchor: Anchor | None = None
    """Where on the track it lies; None without a track."""
    received_at: datetime
    updated_at: datetime
    revision: int = 0
    unreadable: bool = False
    """What is stored of its content is damaged; `content` is empty."""


def changed_moment(
    moment: Moment, changes: Mapping[str, Any], now: datetime, *, location_agreed: bool | None
) -> Moment:
    """Return a moment with the members named in `changes` changed.

    Raises Impossible where it is unreadable: what is left of it would be lost.
    """
    if moment.unreadable:
        raise Impossible(*UNREADABLE)
    said = {name: changes[name] for name in ("kind", "words") if name in changes}
    content = msgspec.structs.replace(moment.content, **said)
    if "position" in changes:
        content = take_position(content, changes["position"], location_agreed=location_agreed)
    return msgspec.structs.replace(moment, at=changes.get("at", moment.at), content=content, updated_at=now)
