"""The words kept with a session, between the domain and the table."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from service.foundation.crypto.sealed_values import client_key, open_value, seal_value
from service.foundation.crypto.sealing import Cell, PracticeKey
from service.foundation.database.client_keys import find_client_keys
from service.foundation.database.connection import Connection
from service.sessions.sessions import Session, SessionFile, Words


async def open_file(
    connection: Connection, keys: PracticeKey, practice_id: UUID, session: Session
) -> SessionFile:
    """Return a session with its words."""
    [file] = await open_files(connection, keys, practice_id, [session])
    return file


async def open_files(
    connection: Connection, keys: PracticeKey, practice_id: UUID, sessions: Sequence[Session]
) -> list[SessionFile]:
    """Return sessions with their words; most have none, and no key is fetched for them."""
    clients = {each.client_id for each in sessions if each.sealed is not None}
    wrapped = await find_client_keys(connection, practice_id, clients) if clients else {}
    return [SessionFile(each, opened_words(keys, each, wrapped.get(each.client_id))) for each in sessions]


def opened_words(keys: PracticeKey, session: Session, wrapped_key: bytes | None) -> Words:
    """Return the words kept with a session; none where its client's key is gone."""
    if session.sealed is None or wrapped_key is None:
        return Words()
    return open_value(keys.client(session.client_id, wrapped_key), _cell(session), session.sealed, Words)


async def seal_words(
    connection: Connection, keys: PracticeKey, practice_id: UUID, file: SessionFile, words: Words
) -> Session:
    """Return the session of `file` with `words` sealed. Raises NotFound."""
    session = file.session
    if words == file.words:
        return session
    sealed = None
    if words != Words():
        key = await client_key(connection, keys, practice_id, session.client_id)
        sealed = seal_value(key, _cell(session), words)
    return msgspec.structs.replace(session, sealed=sealed)


def _cell(session: Session) -> Cell:
    return Cell("session", "sealed", session.id)
