"""Security events on the wire."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Instant, Output, Page, shown
from service.people.security_events import SecurityEvent, SecurityEventKind


class SecurityEventOut(Output):
    """Something that happened to your account. Look for what you did not do yourself."""

    id: UUID
    kind: SecurityEventKind
    at: Instant
    revision: int
    device_id: Annotated[
        UUID | UnsetType,
        Meta(description="The device it was done from or to; absent where whoever runs the service did it."),
    ] = UNSET
    old_email: Annotated[str | UnsetType, Meta(description="With `email_changed`.")] = UNSET
    new_email: Annotated[str | UnsetType, Meta(description="With `email_changed`.")] = UNSET

    @classmethod
    def from_event(cls, event: SecurityEvent) -> "SecurityEventOut":
        """Return the event as a phone gets it."""
        return cls(**shown(event, cls))


class SecurityEventPage(Page[SecurityEventOut]):
    """Security events, the latest first."""
