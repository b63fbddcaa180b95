"""Moments: one tap at an instant of a session; what it was may be said now, later or never."""

import enum
from datetime import datetime
from uuid import UUID

import msgspec

from service.record.anchors import Anchor


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


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the phone was, by its own account."""

    lon: float
    lat: float
    accuracy_m: float | None = None


class MomentContent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed of a moment."""

    kind: MomentKind | None = None
    words: str | None = None
    position: Position | None = None


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One tap at an instant of a session."""

    id: UUID
    session_id: UUID
    client_id: UUID
    at: datetime
    """By the phone's clock."""
    content: MomentContent
    anchor: Anchor | None
    """Where on the track it lies; None without one."""
    received_at: datetime
    updated_at: datetime
    revision: int
