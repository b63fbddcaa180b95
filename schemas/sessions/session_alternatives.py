"""Alternatives of sessions on the wire."""

from typing import Annotated, Self
from uuid import UUID

from msgspec import Meta

from schemas.base import Input, Instant, Output
from schemas.sessions.sessions import ChangeId, Reason
from schemas.walks.alternatives import AlternativeOut, alternative_members
from service.foundation.retry_safe import Once
from service.sessions.reports import derived_change_id
from service.sessions.session_alternatives import SessionAlternative, SessionAlternatives, Switch
from service.sessions.sessions import AskedBy
from service.walks.alternatives import MOST_ALTERNATIVES


class SessionAlternativeOut(AlternativeOut, kw_only=True):
    """One thing to do instead, by its number."""

    number: Annotated[int, Meta(description="To switch to it by.")]
    last_resort: Annotated[bool, Meta(description="It is the practice's last resort.")] = False

    @classmethod
    def from_alternative(cls, each: SessionAlternative) -> Self:
        """Return an alternative as a phone gets it."""
        return cls(**alternative_members(each.named), number=each.number, last_resort=each.last_resort)


class SessionAlternativesOut(Output):
    """What to do instead of what a session plans."""

    session_id: UUID
    own: Annotated[bool, Meta(description="The list is the session's own; otherwise it is its route's.")]
    alternatives: Annotated[
        list[SessionAlternativeOut],
        Meta(
            description="In order of preference, the practice's last resort at the end. Propose the first "
            "that fits the day and is not skipped."
        ),
    ]
    unreadable: Annotated[
        bool, Meta(description="Some of the session's words are damaged; a list of its own may be missing.")
    ] = False

    @classmethod
    def from_alternatives(cls, known: SessionAlternatives) -> Self:
        """Return alternatives as a phone gets them."""
        items = [SessionAlternativeOut.from_alternative(each) for each in known.items]
        return cls(known.session_id, known.own, items, known.unreadable)


class SwitchIn(Input):
    """One of the session's alternatives, from an instant on: before the start or on the way.

    It needs no reason. A phone that sends it later, such as one without signal, names the setting itself with
    `POST /v1/sessions/{session_id}/changes`, because the list may be another by then.
    """

    alternative: Annotated[
        int, Meta(ge=0, le=MOST_ALTERNATIVES, description="Its number in the session's list.")
    ]
    at: Instant
    id: ChangeId | None = None
    asked_by: AskedBy | None = None
    reason: Reason | None = None

    def to_switch(self, session_id: UUID, once: Once) -> Switch:
        """Return the switch this reports in the write `once`."""
        change_id = self.id or derived_change_id(session_id, once, self.at)
        return Switch(change_id, self.alternative, self.at, self.asked_by, self.reason)
