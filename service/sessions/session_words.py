"""What a session plans instead, and what was said about it, sealed under the client's key.

A row has these words sealed; a Session has them in the open.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.crypto.sealed_values import log_broken, open_value, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, PracticeKey, SealBroken
from service.foundation.database.client_keys import client_key
from service.foundation.database.connection import Transaction
from service.sessions.change_queries import ChangeRow
from service.sessions.session_queries import SealedSession
from service.sessions.sessions import AskedBy, ChangeFacts, Session, SessionChange, SessionFacts, SessionFlag
from service.walks.alternatives import Alternative


class SessionWords(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed of a session."""

    cancellation: str | None = None
    alternatives: tuple[Alternative, ...] | None = None


class ChangeWords(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed of a change."""

    asked_by: AskedBy | None = None
    reason: str | None = None


def open_session(keys: PracticeKey, sealed: SealedSession) -> Session:
    """Return a session with its changes; without words where its client's key is gone.

    Where words are damaged it is unreadable, and the words that could be opened may be left out too.
    """
    row = sealed.row
    words, of_changes, unreadable = SessionWords(), [ChangeWords()] * len(sealed.changes), False
    try:
        if sealed.wrapped_key is not None:
            key = keys.client(row.client_id, sealed.wrapped_key)
            if row.sealed is not None:
                cell = session_cell(row.id, row.updated_at)
                words = open_value(key, cell, row.sealed, SessionWords)
            of_changes = [_open_words(key, each) for each in sealed.changes]
    except SealBroken as broken:
        log_broken(broken)
        unreadable = True
    return Session(
        **{name: getattr(row, name) for name in SessionFacts.__struct_fields__},
        changes=tuple(map(_change, sealed.changes, of_changes)),
        flags=tuple(SessionFlag(each) for each in row.flags),
        alternatives=words.alternatives,
        cancellation_words=words.cancellation,
        unreadable=unreadable,
    )


def _open_words(key: ClientKey, row: ChangeRow) -> ChangeWords:
    if row.sealed is None:
        return ChangeWords()
    return open_value(key, _cell_of(row), row.sealed, ChangeWords)


def _change(row: ChangeRow, words: ChangeWords) -> SessionChange:
    facts = {name: getattr(row, name) for name in ChangeFacts.__struct_fields__}
    return SessionChange(**facts, asked_by=words.asked_by, reason=words.reason)


class SealedWords(msgspec.Struct, frozen=True):
    """The sealed words of a session and, by their ids, of some of its changes."""

    session: bytes | None = None
    changes: Mapping[UUID, bytes] = {}


async def seal_words(
    transaction: Transaction, keys: PracticeKey, session: Session, changes: Sequence[SessionChange]
) -> SealedWords:
    """Seal the words of a session and of these changes; without any, no key is fetched.

    Raises NotFound where the client's key is gone.
    """
    of_session = SessionWords(session.cancellation_words, session.alternatives)
    of_changes = [(each, ChangeWords(each.asked_by, each.reason)) for each in changes]
    said = [(each, words) for each, words in of_changes if words != ChangeWords()]
    if of_session == SessionWords() and not said:
        return SealedWords()
    key = await client_key(transaction.connection, keys, transaction.practice_id, session.client_id)
    return SealedWords(
        None
        if of_session == SessionWords()
        else seal_value(key, session_cell(session.id, session.updated_at), of_session),
        {each.id: seal_value(key, _cell_of(each), words) for each, words in said},
    )


def _cell_of(change: ChangeFacts) -> Cell:
    return change_cell(change.id, change.session_id, change.at, change.updated_at)


def session_cell(session_id: UUID, updated_at: datetime) -> Cell:
    """Return where a session's words are sealed, bound to the time of its last change."""
    return Cell("session", "sealed", session_id, (updated_at,))


def change_cell(change_id: UUID, session_id: UUID, at: datetime, updated_at: datetime) -> Cell:
    """Return where a change's words are sealed, bound to its session, its instant and its last change."""
    return Cell("session_change", "sealed", change_id, (session_id, at, updated_at))
