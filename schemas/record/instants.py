"""Instants between the domain, which counts milliseconds since 1970, and the wire."""

from datetime import UTC, datetime

from msgspec import UNSET, UnsetType


def instant_of(time_ms: int | None) -> datetime | UnsetType:
    """Return milliseconds since 1970 as an instant in UTC; nothing where it is not known."""
    return UNSET if time_ms is None else datetime.fromtimestamp(time_ms / 1_000, UTC)


def ms_of(instant: datetime | UnsetType) -> int | None:
    """Return an instant as milliseconds since 1970; None where there is none."""
    return None if isinstance(instant, UnsetType) else round(instant.timestamp() * 1_000)
