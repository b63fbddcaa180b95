"""Sessions: planned, held, cancelled or not attended."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from routes.http.answers import answer, created
from routes.http.dependencies import DEFAULT_LIMIT, Creating, CursorText, Limit, Services, Writing, after
from routes.http.errors import BadParameter
from schemas.base import Instant
from schemas.sessions.sessions import (
    BeforeLeavingOut,
    CancelIn,
    DidNotAttendIn,
    EndIn,
    ModalityIn,
    SessionIn,
    SessionOut,
    SessionPage,
    SessionPatch,
    StartIn,
)
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.instants import EARLIEST, LATEST, is_real
from service.foundation.retry_safe import Expected
from service.people.sign_in_queries import ByToken
from service.people.sign_ins import SignIn
from service.sessions.hold_session import (
    cancel_session,
    end_session,
    miss_session,
    move_session,
    start_session,
)
from service.sessions.plan_session import (
    change_session,
    page_of_sessions,
    plan_session,
    read_session_by_token,
)
from service.sessions.read_before_leaving import before_leaving
from service.sessions.sessions import SessionFile, SessionFilter, SessionStatus

TAGS = ["sessions"]


@post("/sessions", operation_id="plan_session", summary="Plan a session", tags=TAGS)
async def post_session(
    data: JSONBody[SessionIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    creating: NamedDependency[Creating],
    now: NamedDependency[datetime],
) -> Response[SessionOut]:
    """Plan a session with a client; one held without a plan may be planned afterwards, too."""
    async with begin.write(creating.once(data.id, data)) as transaction:
        file = await plan_session(transaction, keys, data.to_plan(), now)
    body = SessionOut.from_file(file)
    location = f"/v1/sessions/{data.id}"
    return created(body, file.session.revision, location, replayed=transaction.replays)


@get("/sessions", operation_id="list_sessions", summary="List sessions", tags=TAGS)
async def get_sessions(
    begin: NamedDependency[Begin],
    sign_in: NamedDependency[SignIn],
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
    status: Annotated[SessionStatus | None, QueryParameter(description="Sessions that came so far.")] = None,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> SessionPage:
    """List sessions by planned start."""
    wanted = SessionFilter(
        starts_from=_instant("from", starts_from) or EARLIEST,
        starts_before=_instant("to", starts_before) or LATEST,
        client_id=client_id,
        status=status,
    )
    start = after(cursor)
    async with begin.read() as connection:
        page = await page_of_sessions(connection, keys, sign_in.practice_id, wanted, after=start, limit=limit)
    return SessionPage.from_page(page)


def _instant(name: str, text: str | None) -> datetime | None:
    """Return the instant a query parameter names. Raises BadParameter."""
    if text is None:
        return None
    try:
        instant: datetime = msgspec.convert(text, Instant)
    except msgspec.ValidationError as error:
        raise BadParameter(name, "not RFC 3339 with an offset; send `+` as %2B") from error
    if not is_real(instant):
        raise BadParameter(name, f"must lie between {EARLIEST.year} and {LATEST.year}")
    return instant


@get(
    "/sessions/{session_id:uuid}",
    operation_id="read_session",
    summary="Read a session",
    tags=TAGS,
    opt={"verifies_token": True},
)
async def get_session(
    session_id: FromPath[UUID], services: NamedDependency[Services], by_token: NamedDependency[ByToken]
) -> Response[SessionOut]:
    """Read a session: its plan, what happened, and what is odd about that."""
    return _answer(await read_session_by_token(by_token, services.keyring, session_id))


@get(
    "/sessions/{session_id:uuid}/before-leaving",
    operation_id="read_before_leaving",
    summary="What to think of before leaving",
    tags=TAGS,
)
async def get_before_leaving(session_id: FromPath[UUID], begin: NamedDependency[Begin]) -> BeforeLeavingOut:
    """Read what speaks against starting a session, and whether its route fits the time.

    It depends on client, route and practice as they are now, so it has no ETag of its own.
    """
    return BeforeLeavingOut.from_known(await before_leaving(begin, session_id))


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
    """Replan a session, or put right what was reported about it."""
    correction = data.to_correction(now)
    return _answer(
        await change_session(begin, keys, writing.once(data), session_id, correction, expected, now)
    )


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
    """Keep that the session started. It is kept whatever speaks against it, and flagged where it is odd."""
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
    """Keep that the session ended, also where its start is told only now, later or never."""
    once = writing.once(data)
    return _answer(await end_session(begin, keys, once, session_id, data.at, data.started_at, now))


@post(
    "/sessions/{session_id:uuid}/modality",
    operation_id="change_modality",
    summary="Report a change of modality",
    tags=TAGS,
    status_code=200,
)
async def post_modality(
    session_id: FromPath[UUID],
    data: JSONBody[ModalityIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    now: NamedDependency[datetime],
) -> Response[SessionOut]:
    """Keep that from an instant on, before the start or on the way, it is held another way."""
    return _answer(await move_session(begin, keys, writing.once(data), session_id, data.to_change(), now))


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
    """Keep that the session was called off. Held after all, it says so."""
    once = writing.once(data)
    return _answer(await cancel_session(begin, keys, once, session_id, data.to_cancellation(), now))


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
    """Keep that the client did not attend. Held after all, it says so."""
    return _answer(await miss_session(begin, keys, writing.once(data), session_id, data.at, now))


def _answer(file: SessionFile) -> Response[SessionOut]:
    return answer(SessionOut.from_file(file), file.session.revision)


HANDLERS = [
    post_session,
    get_sessions,
    get_session,
    get_before_leaving,
    patch_session,
    post_start,
    post_end,
    post_modality,
    post_cancel,
    post_did_not_attend,
]
