"""Read what to do instead of what a session plans."""

from uuid import UUID

from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import found
from service.sessions.name_session_alternatives import name_session_alternatives
from service.sessions.session_alternatives import SessionAlternatives
from service.sessions.session_queries import find_changes_and_keys, find_session
from service.sessions.session_words import open_session


async def read_session_alternatives(begin: Begin, keys: PracticeKey, session_id: UUID) -> SessionAlternatives:
    """Return what to do instead of what a session plans. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        row = found(await find_session(connection, practice_id, session_id))
        [sealed] = await find_changes_and_keys(connection, practice_id, [row])
        return await name_session_alternatives(connection, practice_id, open_session(keys, sealed))
