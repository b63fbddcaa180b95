"""Before leaving: what speaks against starting a session, and whether its route fits the time."""

import enum
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from service.clients.clients import PlainClient, Stage
from service.clients.modality import Modality
from service.geo.fixes import Fixes
from service.geo.pace import Pace, TurnBack
from service.sessions.sessions import Session, Span, as_span
from service.walks.fit import fit_line
from service.walks.routes import PlannedRoute


class ConcernKind(enum.StrEnum):
    """What may speak against starting a session."""

    NO_OUTDOOR_AGREEMENT = "no_outdoor_agreement"
    OUTDOOR_AGREEMENT_WITHHELD = "outdoor_agreement_withheld"
    NOT_IN_THERAPY = "not_in_therapy"
    ROUTE_LONGER_THAN_SESSION = "route_longer_than_session"
    ROUTE_ARCHIVED = "route_archived"
    ANOTHER_IN_PROGRESS = "another_in_progress"


class Concern(msgspec.Struct, frozen=True):
    """One thing that speaks against starting; the therapist decides, and a start is kept either way."""

    kind: ConcernKind
    words: str
    session_id: UUID | None = None
    """The session it is about, where that is another one."""


class PlannedWalk(msgspec.Struct, frozen=True):
    """A route in the time there is for it, at the client's pace."""

    length_m: float
    is_loop: bool
    walking_time_s: float
    """From one end of the line to the other, rests included."""
    available_s: float
    fits: bool
    turn_back: TurnBack
    turn_back_at: datetime


class BeforeLeaving(msgspec.Struct, frozen=True):
    """What to think of before leaving."""

    concerns: list[Concern]
    walk: PlannedWalk | None
    """How the route fits the time; None without a route."""


def span_on_route(session: Session) -> Span:
    """Return the last span that has a route; without any, the plan as a span."""
    begins_at = session.started_at or session.planned_start
    on_routes = [span for span in session.spans if span.route_id is not None]
    return on_routes[-1] if on_routes else as_span(session, begins_at)


def walking_times(session: Session) -> tuple[datetime, float]:
    """Return when the route of `span_on_route` is begun, and the seconds from there to the planned end."""
    begins_at = span_on_route(session).starts_at or session.planned_start
    return begins_at, max((session.planned_end - begins_at).total_seconds(), 0.0)


def time_walk(session: Session, route: PlannedRoute, line: Fixes, pace: Pace) -> PlannedWalk:
    """Return how the route of `span_on_route` fits the time from there to the session's planned end."""
    begins_at, available_s = walking_times(session)
    fit = fit_line(line, pace, available_s)
    return PlannedWalk(
        length_m=route.length_m,
        is_loop=route.is_loop,
        walking_time_s=fit.arrival.expected_s,
        available_s=available_s,
        fits=fit.fits,
        turn_back=fit.turn_back,
        turn_back_at=begins_at + timedelta(seconds=fit.turn_back.after_s),
    )


def concerns_about(
    session: Session,
    client: PlainClient,
    route: PlannedRoute | None,
    walk: PlannedWalk | None,
    in_progress_id: UUID | None,
) -> list[Concern]:
    """Return what speaks against starting a session; nothing once it has ended.

    `in_progress_id` names another session of the same therapist that was started and not ended.
    """
    if session.ended_at is not None:
        return []
    concerns = []
    if session.spans[-1].modality is Modality.WALK:
        concerns += [*_client_concerns(client), *_route_concerns(route, walk)]
    if in_progress_id is not None:
        words = "Another session was started and has not ended."
        concerns.append(Concern(ConcernKind.ANOTHER_IN_PROGRESS, words, in_progress_id))
    return concerns


def _client_concerns(client: PlainClient) -> Iterator[Concern]:
    answer = client.outdoor_agreement
    if answer is None:
        yield Concern(ConcernKind.NO_OUTDOOR_AGREEMENT, "No outdoor agreement with this client is recorded.")
    elif not answer.agreed:
        yield Concern(
            ConcernKind.OUTDOOR_AGREEMENT_WITHHELD,
            "The client does not agree, or no longer agrees, to meet outdoors.",
        )
    if client.stage is not Stage.IN_THERAPY:
        yield Concern(
            ConcernKind.NOT_IN_THERAPY,
            "Walks are advised once therapy is under way. This client is not in therapy yet, or no longer.",
        )


def _route_concerns(route: PlannedRoute | None, walk: PlannedWalk | None) -> Iterator[Concern]:
    if route is not None and route.archived_at is not None:
        yield Concern(ConcernKind.ROUTE_ARCHIVED, "The route is archived.")
    if walk is not None and not walk.fits:
        late_min = round((walk.walking_time_s - walk.available_s) / 60)
        yield Concern(
            ConcernKind.ROUTE_LONGER_THAN_SESSION,
            f"At the client's pace the route takes {late_min} min longer than there is time.",
        )
