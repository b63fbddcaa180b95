"""Moments: one tap at an instant of a session; what it was may be said now, later or never."""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.record.anchors import Anchor
from service.record.positions import PositionedContent, take_position


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


def changed_moment(
    moment: Moment, changes: Mapping[str, Any], now: datetime, *, location_agreed: bool | None
) -> Moment:
    """Return a moment with the members named in `changes` changed."""
    said = {name: changes[name] for name in ("kind", "words") if name in changes}
    content = msgspec.structs.replace(moment.content, **said)
    if "position" in changes:
        content = take_position(content, changes["position"], location_agreed=location_agreed)
    return msgspec.structs.replace(moment, at=changes.get("at", moment.at), content=content, updated_at=now)
