"""A walk planned for ten o'clock, its client, and reports about it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from service.clients.clients import Client, Stage
from service.clients.modality import Modality
from service.sessions.reports import (
    CancellationReport,
    ChangeReport,
    add_change,
    cancel,
    end,
    start,
)
from service.sessions.sessions import (
    Cancellation,
    Session,
)

TEN = datetime(2026, 5, 4, 10, tzinfo=UTC)
Report = Callable[[Session], Session]


def at(minutes: float) -> datetime:
    """Return an instant so many minutes after ten o'clock, when the session was planned to start."""
    return TEN + timedelta(minutes=minutes)


def a_session(**members: Any) -> Session:
    """Return a walk planned from ten to ten to eleven."""
    planned: dict[str, Any] = {
        "id": UUID(int=1),
        "client_id": UUID(int=3),
        "planned_start": at(0),
        "planned_end": at(50),
        "modality": Modality.WALK,
        "created_at": at(-1_000),
        "updated_at": at(-1_000),
    }
    return Session(**planned | members)


def a_client(*, agreed: bool | None = True, on: float = -10_000, stage: Stage = Stage.IN_THERAPY) -> Client:
    return Client(
        id=UUID(int=3),
        label="A. 17",
        stage=stage,
        outdoor_agreed=agreed,
        outdoor_agreed_at=None if agreed is None else at(on),
        created_at=at(-20_000),
        updated_at=at(-20_000),
    )


def started(minutes: float = 0, *, received: float | None = None, **members: Any) -> Session:
    """Return a session started so many minutes after ten, reported at once unless told otherwise."""
    return start(a_session(**members), at(minutes), at(minutes if received is None else received))


def held(begins: float = 0, ends: float = 50) -> Session:
    return end(started(begins), at(ends), at(ends))


def a_change(modality: Modality, minutes: float, **members: Any) -> ChangeReport:
    """Return a report of a change so many minutes after ten; its id is made from the instant."""
    told: dict[str, Any] = {"id": uuid5(UUID(int=1), str(minutes)), "at": at(minutes)}
    return ChangeReport(modality=modality, **told | members)


def changed(
    session: Session, modality: Modality, minutes: float, *, received: float | None = None, **members: Any
) -> Session:
    """Return the session with a change, reported at once unless told otherwise."""
    report = a_change(modality, minutes, **members)
    return add_change(session, report, at(minutes if received is None else received))


def called_off(
    session: Session, reason: Cancellation, minutes: float | None, received: float, words: str | None = None
) -> Session:
    told_at = None if minutes is None else at(minutes)
    return cancel(session, CancellationReport(reason, told_at, words), at(received))


ROUTE, OTHER_ROUTE, LOCK_HOUSE = UUID(int=21), UUID(int=22), UUID(int=23)
