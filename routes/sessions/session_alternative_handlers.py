"""Alternatives of a session: what to do instead, and switching to it."""

from datetime import datetime
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from routes.http.answers import answer
from routes.http.dependencies import Writing
from schemas.sessions.session_alternatives import SessionAlternativesOut, SwitchIn
from schemas.sessions.sessions import SessionOut
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.sessions.hold_session import switch_session
from service.sessions.read_session_alternatives import read_session_alternatives

TAGS = ["sessions"]


@get(
    "/sessions/{session_id:uuid}/alternatives",
    operation_id="list_session_alternatives",
    summary="Read what to do instead of a session's plan",
    tags=TAGS,
)
async def get_session_alternatives(
    session_id: FromPath[UUID], begin: NamedDependency[Begin], keys: NamedDependency[PracticeKey]
) -> Response[SessionAlternativesOut]:
    """Read a session's alternatives in order: its own or its route's, then the practice's last resort.

    What is archived, or how the session is held at the moment, is said to be skipped.
    """
    known = await read_session_alternatives(begin, keys, session_id)
    return answer(SessionAlternativesOut.from_alternatives(known), known.shown_revision)


@post(
    "/sessions/{session_id:uuid}/alternatives/switch",
    operation_id="switch_session",
    summary="Switch to an alternative",
    tags=TAGS,
    status_code=200,
)
async def post_switch(
    session_id: FromPath[UUID],
    data: JSONBody[SwitchIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    expected_if_sent: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[SessionOut]:
    """Record that from an instant on the session is held as one of its alternatives says.

    It is a change of the session like any other. With the ETag of the list as If-Match, it is refused where
    the list has changed since.
    """
    once = writing.once(data)
    switch = data.to_switch(session_id, once)
    session = await switch_session(begin, keys, once, session_id, switch, expected_if_sent, now)
    return answer(SessionOut.from_session(session), session.revision)


HANDLERS = [get_session_alternatives, post_switch]
