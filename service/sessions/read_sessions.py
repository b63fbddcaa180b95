"""Read one session, or a page of them."""

from datetime import datetime
from uuid import UUID

from service.foundation.crypto.sealing import Keyring, PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.instants import is_real
from service.foundation.pages import BadCursor, Cursor, PageOf, cut_page
from service.foundation.retry_safe import found
from service.people.sign_in_queries import ByToken
from service.sessions.session_queries import find_changes_and_keys, find_session_of_token, list_sessions
from service.sessions.session_words import open_session
from service.sessions.sessions import Session, SessionFilter


async def read_session_by_token(by_token: ByToken, keyring: Keyring, session_id: UUID) -> Session:
    """Return a session. Raises NotSignedIn, NotFound."""
    known = await find_session_of_token(by_token, session_id)
    keys = keyring.practice(known.practice_id, known.wrapped_key)
    return open_session(keys, found(known.asked))


async def page_of_sessions(
    begin: Begin, keys: PracticeKey, wanted: SessionFilter, *, after: Cursor | None, limit: int
) -> PageOf[Session]:
    """Return one page of sessions by planned start. Raises BadCursor."""
    start = (_planned_start(after), after.id) if after else None
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        rows = await list_sessions(connection, practice_id, wanted, after=start, limit=limit + 1)
        page = cut_page(rows, limit, lambda each: Cursor(each.planned_start.isoformat(), each.id))
        sealed = await find_changes_and_keys(connection, practice_id, page.items)
    return PageOf([open_session(keys, each) for each in sealed], page.next)


def _planned_start(cursor: Cursor) -> datetime:
    """Return the planned start that a cursor of this list names. Raises BadCursor."""
    try:
        instant = datetime.fromisoformat(cursor.key)
    except ValueError as error:
        raise BadCursor("not a cursor of this list") from error
    if instant.tzinfo is None or not is_real(instant):
        raise BadCursor("not a cursor of this list")
    return instant
