"""Read one session, or a page of them."""

from uuid import UUID

from service.foundation.crypto.sealing import Keyring, PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.pages import Cursor, PageOf, cut_page
from service.foundation.retry_safe import found
from service.people.sign_in_queries import TokenReader
from service.sessions.session_queries import find_changes_and_keys, find_session_of_token, list_sessions
from service.sessions.session_words import open_session
from service.sessions.sessions import Session, SessionFilter


async def read_session_by_token(by_token: TokenReader, keyring: Keyring, session_id: UUID) -> Session:
    """Return a session. Raises NotSignedIn, NotFound."""
    known = await find_session_of_token(by_token, session_id)
    keys = keyring.practice(known.practice_id, known.wrapped_key)
    return open_session(keys, found(known.asked))


async def page_of_sessions(
    begin: Begin, keys: PracticeKey, wanted: SessionFilter, *, after: Cursor | None, limit: int
) -> PageOf[Session]:
    """Return one page of sessions by planned start. Raises BadCursor."""
    start = (after.instant(), after.id) if after else None
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        rows = await list_sessions(connection, practice_id, wanted, after=start, limit=limit + 1)
        page = cut_page(rows, limit, lambda each: Cursor(each.planned_start.isoformat(), each.id))
        sealed = await find_changes_and_keys(connection, practice_id, page.items)
    return PageOf([open_session(keys, each) for each in sealed], page.next)
