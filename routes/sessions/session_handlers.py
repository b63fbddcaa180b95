"""Sessions: planned, held, cancelled or not attended."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from routes.http.answers import answer, created
from routes.http.dependencies import (
    DEFAULT_LIMIT,
    Creating,
    CursorText,
    Limit,
    Services,
    Writing,
    after,
    instant_named,
)
from schemas.sessions.before_leaving import BeforeLeavingOut
from schemas.sessions.session_fit import SessionFitOut
from schemas.sessions.sessions import (
    CancelIn,
    DidNotAttendIn,
    EndIn,
    SessionChangeIn,
    SessionIn,
    SessionOut,
    SessionPage,
    SessionPatch,
    StartIn,
)
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.instants import EARLIEST, LATEST
from service.foundation.retry_safe import Expected
from service.people.sign_in_queries import TokenReader
from service.sessions.change_session import change_session
from service.sessions.hold_session import (
    cancel_session,
    end_session,
    miss_session,
    report_change,
    start_session,
)
from service.sessions.plan_fit import plan_session_fit
from service.sessions.plan_session import plan_session
from service.sessions.read_before_leaving import read_before_leaving
from service.sessions.read_sessions import page_of_sessions, read_session_by_token
from service.sessions.sessions import Session, SessionFilter, SessionStatus

TAGS = ["sessions"]


@post("/sessions", operation_id="plan_session", summary="Plan a session", tags=TAGS)
async def post_session(
    data: JSONBody[SessionIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    creating: NamedDependency[Creating],
    now: NamedDependency[datetime],
) -> Response[SessionOut]:
    """Plan a session with a client. One that was held without a plan may be planned afterwards."""
    once = creating.once(data.id, data)
    session, replayed = await plan_session(begin, keys, once, data.to_plan(), now)
    body = SessionOut.from_session(session)
    return created(body, session.revision, f"/v1/sessions/{session.id}", replayed=replayed)


@get("/sessions", operation_id="list_sessions", summary="List sessions", tags=TAGS)
async def get_sessions(
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    starts_from: Annotated[
        str | None,
        QueryParameter(
            name="from", max_length=40, format="date-time", description="Planned to start then or later."
        ),
    ] = None,
    starts_before: Annotated[
        str | None,
        QueryParameter(
            name="to", max_length=40, format="date-time", description="Planned to start before that."
        ),
    ] = None,
    client_id: Annotated[UUID | None, QueryParameter(description="Sessions with this client.")] = None,
    status: Annotated[SessionStatus | None, QueryParameter(description="Sessions of this status.")] = None,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> SessionPage:
    """List sessions by planned start."""
    wanted = SessionFilter(
        starts_from=instant_named("from", starts_from) or EARLIEST,
        starts_before=instant_named("to", starts_before) or LATEST,
        client_id=client_id,
        status=status,
    )
    page = await page_of_sessions(begin, keys, wanted, after=after(cursor), limit=limit)
    return SessionPage.from_page(page, SessionOut.from_session)


@get(
    "/sessions/{session_id:uuid}",
    operation_id="read_session",
    summary="Read a session",
    tags=TAGS,
    opt={"verifies_token": True},
)
async def get_session(
    session_id: FromPath[UUID], services: NamedDependency[Services], by_token: NamedDependency[TokenReader]
) -> Response[SessionOut]:
    """Read a session: its plan, what was reported, and what is odd about it."""
    return _answer(await read_session_by_token(by_token, services.keyring, session_id))


@get(
    "/sessions/{session_id:uuid}/before-leaving",
    operation_id="read_before_leaving",
    summary="What to think of before leaving",
    tags=TAGS,
)
async def get_before_leaving(
    session_id: FromPath[UUID], begin: NamedDependency[Begin], keys: NamedDependency[PracticeKey]
) -> BeforeLeavingOut:
    """Read what speaks against starting a session, and whether its route fits the time.

    The answer depends on client, route and practice as they are now, so it has no ETag.
    """
    return BeforeLeavingOut.from_before_leaving(await read_before_leaving(begin, keys, session_id))


@get(
    "/sessions/{session_id:uuid}/fit",
    operation_id="read_session_fit",
    summary="Whether a session's route fits it",
    tags=TAGS,
)
async def get_session_fit(
    session_id: FromPath[UUID], begin: NamedDependency[Begin], keys: NamedDependency[PracticeKey]
) -> SessionFitOut:
    """Read when each stretch is reached, where to turn back, and what is near, from the session's start on.

    The start is the reported or else the planned one; after a switch to another route, it is the switch. The
    walk may last until the planned end.
    """
    return SessionFitOut.from_session_fit(await plan_session_fit(begin, keys, session_id))


@patch("/sessions/{session_id:uuid}", operation_id="change_session", summary="Change a session", tags=TAGS)
async def patch_session(
    session_id: FromPath[UUID],
    data: JSONBody[SessionPatch],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[SessionOut]:
    """Replan a session, or correct what was reported about it."""
    once = writing.once(data)
    corrections = data.to_corrections(session_id, once, now)
    return _answer(await change_session(begin, keys, once, session_id, corrections, expected, now))


@post(
    "/sessions/{session_id:uuid}/start",
    operation_id="start_session",
    summary="Report a start",
    tags=TAGS,
    status_code=200,
)
async def post_start(
    session_id: FromPath[UUID],
    data: JSONBody[StartIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    now: NamedDependency[datetime],
) -> Response[SessionOut]:
    """Record that the session started, whatever speaks against it. What is odd about it is flagged."""
    return _answer(await start_session(begin, keys, writing.once(data), session_id, data.at, now))


@post(
    "/sessions/{session_id:uuid}/end",
    operation_id="end_session",
    summary="Report an end",
    tags=TAGS,
    status_code=200,
)
async def post_end(
    session_id: FromPath[UUID],
    data: JSONBody[EndIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    now: NamedDependency[datetime],
) -> Response[SessionOut]:
    """Record that the session ended. Its start may come in the same report, later or never."""
    once = writing.once(data)
    return _answer(await end_session(begin, keys, once, session_id, data.at, data.started_at, now))


@post(
    "/sessions/{session_id:uuid}/changes",
    operation_id="report_change",
    summary="Report a change of modality, route or place",
    tags=TAGS,
    status_code=200,
)
async def post_change(
    session_id: FromPath[UUID],
    data: JSONBody[SessionChangeIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    now: NamedDependency[datetime],
) -> Response[SessionOut]:
    """Record that from an instant on the session is held in another setting: before the start or on the way.

    The same change reported again changes nothing, or adds what the first report left out.
    """
    once = writing.once(data)
    report = data.to_report(session_id, once)
    return _answer(await report_change(begin, keys, once, session_id, report, now))


@post(
    "/sessions/{session_id:uuid}/cancel",
    operation_id="cancel_session",
    summary="Report a cancellation",
    tags=TAGS,
    status_code=200,
)
async def post_cancel(
    session_id: FromPath[UUID],
    data: JSONBody[CancelIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    now: NamedDependency[datetime],
) -> Response[SessionOut]:
    """Record that the session was called off. It stays if the session is held after all; a flag says so."""
    once = writing.once(data)
    return _answer(await cancel_session(begin, keys, once, session_id, data.to_report(), now))


@post(
    "/sessions/{session_id:uuid}/did-not-attend",
    operation_id="miss_session",
    summary="Report that the client did not attend",
    tags=TAGS,
    status_code=200,
)
async def post_did_not_attend(
    session_id: FromPath[UUID],
    data: JSONBody[DidNotAttendIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    now: NamedDependency[datetime],
) -> Response[SessionOut]:
    """Record that the client did not attend. It stays if the session is held after all; a flag says so."""
    return _answer(await miss_session(begin, keys, writing.once(data), session_id, data.at, now))


def _answer(session: Session) -> Response[SessionOut]:
    return answer(SessionOut.from_session(session), session.revision)


HANDLERS = [
    post_session,
    get_sessions,
    get_session,
    get_before_leaving,
    get_session_fit,
    patch_session,
    post_start,
    post_end,
    post_change,
    post_cancel,
    post_did_not_attend,
]
