"""Alternatives of a session: its own or its route's, in order, then the practice's last resort."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from service.clients.modality import Modality
from service.foundation.retry_safe import Unusable
from service.sessions.reports import ChangeReport
from service.sessions.sessions import AskedBy, Session, Setting
from service.walks.alternatives import (
    Alternative,
    AlternativeKind,
    NamedAlternative,
    Skipped,
    Target,
    refuse_unusable_alternatives,
)


class SessionAlternative(msgspec.Struct, frozen=True):
    """One alternative of a session, by its number in the list."""

    number: int
    named: NamedAlternative
    last_resort: bool = False
    """It is the practice's."""


class SessionAlternatives(msgspec.Struct, frozen=True):
    """What to do instead of what a session plans, in order of preference."""

    session_id: UUID
    own: bool
    """The list is the session's own, not its route's."""
    items: list[SessionAlternative]
    shown_revision: int
    unreadable: bool = False
    """Some words of the session are damaged, and a list of its own may be missing."""


class Switch(msgspec.Struct, frozen=True):
    """From `at` on, one of a session's alternatives takes the place of what was planned."""

    id: UUID
    alternative: int
    at: datetime
    asked_by: AskedBy | None = None
    reason: str | None = None

    def to_report(self, items: Sequence[SessionAlternative]) -> ChangeReport:
        """Return the change that this is, by the session's list. Raises Unusable."""
        if self.alternative >= len(items):
            listed = f"alternatives 0 to {len(items) - 1}" if items else "no alternatives"
            raise Unusable("/alternative", f"the session has {listed}")
        taken = items[self.alternative].named.alternative
        return ChangeReport(
            id=self.id,
            at=self.at,
            modality=modality_of(taken),
            route_id=taken.route_id,
            place_id=taken.place_id,
            asked_by=self.asked_by,
            reason=self.reason,
        )


def modality_of(alternative: Alternative) -> Modality:
    """Return how a session is held that takes an alternative."""
    if alternative.kind is AlternativeKind.ROUTE:
        return Modality.WALK
    return Modality(alternative.kind)


def is_held_so(setting: Setting, alternative: Alternative) -> bool:
    """Return whether a setting is what an alternative leads to."""
    if setting.modality is not modality_of(alternative):
        return False
    if alternative.kind is AlternativeKind.ROUTE:
        return setting.route_id == alternative.route_id
    return setting.place_id == alternative.place_id


def refuse_unusable_plan_alternatives(
    plan: Setting, alternatives: Sequence[Alternative], targets: Mapping[UUID, Target]
) -> None:
    """Raise Unusable for an alternative that is the plan itself, another one again, or not the practice's."""
    walked_id = plan.route_id if plan.modality is Modality.WALK else None
    refuse_unusable_alternatives(alternatives, targets, walked_id)
    for number, each in enumerate(alternatives):
        if is_held_so(plan, each):
            raise Unusable(f"/alternatives/{number}", "it is what the session plans")


def numbered_alternatives(
    session: Session, named: Sequence[NamedAlternative], last_resort: NamedAlternative | None
) -> list[SessionAlternative]:
    """Return a session's alternatives by number, the last resort at the end unless it is among them.

    The one in which the session is held at the moment is marked as skipped.
    """
    at_present = session.spans[-1]
    items = [SessionAlternative(number, _marked(at_present, each)) for number, each in enumerate(named)]
    known = {_target(each) for each in named}
    if last_resort is not None and _target(last_resort) not in known:
        items.append(SessionAlternative(len(items), _marked(at_present, last_resort), last_resort=True))
    return items


def _marked(setting: Setting, named: NamedAlternative) -> NamedAlternative:
    if named.skipped is None and is_held_so(setting, named.alternative):
        return msgspec.structs.replace(named, skipped=Skipped.IN_USE)
    return named


def _target(named: NamedAlternative) -> tuple[AlternativeKind, UUID | None, UUID | None]:
    each = named.alternative
    return each.kind, each.route_id, each.place_id
