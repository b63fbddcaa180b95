"""Whatever is reported, a session agrees with itself."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from uuid import UUID, uuid5

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from service.clients.modality import Modality
from service.foundation.retry_safe import Impossible, Unusable
from service.sessions.corrections import correct
from service.sessions.flags import flagged
from service.sessions.reports import (
    CancellationReport,
    ChangeReport,
    add_change,
    cancel,
    end,
    miss,
    start,
)
from service.sessions.sessions import (
    AskedBy,
    Cancellation,
    Session,
    SessionStatus,
    Span,
)
from tests.sessions.made_up import LOCK_HOUSE, OTHER_ROUTE, ROUTE, Report, a_client, a_session, at

MINUTES = st.integers(-120, 600)
MODALITIES = st.sampled_from(Modality)
IDS = st.integers(1, 40).map(lambda number: UUID(int=number))


@st.composite
def change_reports(draw: st.DrawFn, instant: datetime) -> ChangeReport:
    """Draw a change at an instant, of an id that another change may have."""
    route_id = draw(st.sampled_from([None, ROUTE, OTHER_ROUTE]))
    return ChangeReport(
        id=draw(IDS),
        at=instant,
        modality=draw(MODALITIES),
        route_id=route_id,
        route_version=None if route_id is None else draw(st.integers(1, 2)),
        place_id=draw(st.sampled_from([None, LOCK_HOUSE])),
        asked_by=draw(st.none() | st.sampled_from(AskedBy)),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Draw anything a phone may say about a session."""
    instant, received = at(draw(MINUTES)), at(draw(MINUTES))
    other = draw(st.none() | MINUTES.map(at))
    reason = draw(st.sampled_from(Cancellation))
    member = draw(st.sampled_from(["started_at", "ended_at", "closed_at"]))
    change, words = draw(change_reports(instant)), draw(st.sampled_from([None, "a gale"]))
    changes = [change, draw(change_reports(instant + timedelta(minutes=1)))]
    told: list[Report] = [
        lambda session: start(session, instant, received),
        lambda session: end(session, instant, received, started_at=other),
        lambda session: add_change(session, change, received),
        lambda session: cancel(session, CancellationReport(reason, other, words), received),
        lambda session: miss(session, other, received),
        lambda session: correct(session, {member: other}, received),
        lambda session: correct(session, {"planned_start": instant}, received),
        lambda session: correct(session, {"changes": changes}, received),
    ]
    return draw(st.sampled_from(told))


@given(st.lists(reports(), max_size=12))
def test_any_reports_in_any_order_leave_a_session_that_agrees_with_itself(told: list[Report]) -> None:
    session = a_session()
    for report in told:
        before = session
        try:
            session = flagged(report(before), before, a_client())
        except Impossible as refused:
            assert refused.possible  # noqa: PT017  the loop goes on
            continue
        except Unusable:
            continue
        assert_consistent(session)
        assert msgspec.structs.replace(report(session), flags=()) == msgspec.structs.replace(
            session, flags=()
        ), "told again, it changes nothing"


def assert_consistent(session: Session) -> None:
    """Assert what the table's own constraints ask for, and that the spans tile the session."""
    starts, ends, spans = session.started_at, session.ended_at, session.spans
    assert starts is None or ends is None or starts <= ends
    assert session.planned_start < session.planned_end
    for name in ("started", "ended", "closed"):
        assert (getattr(session, f"{name}_at") is None) == (getattr(session, f"{name}_received_at") is None)
    assert session.cancellation is None or session.closed_at is not None
    assert (session.status is SessionStatus.COMPLETED) == (ends is not None)
    assert (session.status is SessionStatus.IN_PROGRESS) == (ends is None and starts is not None)
    assert spans[0].starts_at == (starts if session.is_held else session.planned_start)
    assert spans[-1].ends_at == ends
    for one, next_one in pairwise(spans):
        assert one.ends_at == next_one.starts_at
        assert setting_of(one) != setting_of(next_one)
    instants = [each for span in spans for each in (span.starts_at, span.ends_at) if each is not None]
    assert instants == sorted(instants)
    assert len({each.at for each in session.changes}) == len(session.changes)
    assert len({each.id for each in session.changes}) == len(session.changes)
    for setting in (*spans, *session.changes):
        assert (setting.route_id is None) == (setting.route_version is None)


def setting_of(span: Span) -> Span:
    return msgspec.structs.replace(span, starts_at=None, ends_at=None)


def add_change_of(report: ChangeReport, session: Session, received: datetime) -> Session:
    return add_change(session, report, received)


@st.composite
def stories(draw: st.DrawFn) -> list[Report]:
    """Draw what can have happened in one session, each report with the time it is received."""
    begins = draw(st.integers(0, 90))
    ends = begins + draw(st.integers(0, 300))
    told: list[Report] = []

    def tell(report: Callable[[Session, datetime], Session]) -> None:
        received = at(draw(MINUTES))
        told.append(lambda session: report(session, received))

    if draw(st.booleans()):
        tell(lambda session, received: start(session, at(begins), received))
    if draw(st.booleans()):
        tell(lambda session, received: end(session, at(ends), received))
    closed = at(begins - draw(st.integers(1, 60)))
    closing = draw(st.sampled_from(["none", "cancelled", "missed"]))
    if closing == "cancelled":
        off = CancellationReport(Cancellation.WEATHER, closed, None)
        tell(lambda session, received: cancel(session, off, received))
    if closing == "missed":
        tell(lambda session, received: miss(session, closed, received))
    for minute in draw(st.lists(st.integers(-60, 400), unique=True, max_size=4)):
        report = msgspec.structs.replace(draw(change_reports(at(minute))), id=uuid5(ROUTE, str(minute)))
        tell(partial(add_change_of, report))
    return told


@given(st.data(), stories(), st.booleans())
def test_what_happened_is_the_same_in_whatever_order_it_arrives(
    data: st.DataObject,
    story: list[Report],
    agreed: bool,  # noqa: FBT001  drawn
) -> None:
    client = a_client(agreed=agreed, on=30)

    def told(reports: list[Report]) -> Session:
        session = a_session()
        for report in reports:
            session = flagged(report(session), session, client)
        return session

    assert told(story) == told(data.draw(st.permutations(story)))
