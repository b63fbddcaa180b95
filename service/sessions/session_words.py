"""What was said about a cancellation and about changes, sealed under the client's key.

A row has these words sealed; a Session has them in the open.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from service.foundation.crypto.sealed_values import open_value, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, PracticeKey
from service.foundation.database.client_keys import client_key
from service.foundation.database.connection import Transaction
from service.sessions.change_queries import ChangeRow
from service.sessions.session_queries import SealedSession
from service.sessions.sessions import AskedBy, ChangeFacts, Session, SessionChange, SessionFacts, SessionFlag


class CancellationWords(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed of a session."""

    cancellation: str | None = None


class ChangeWords(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed of a change."""

    asked_by: AskedBy | None = None
    reason: str | None = None


def open_session(keys: PracticeKey, sealed: SealedSession) -> Session:
    """Return a session with its changes; without words where its client's key is gone."""
    row, key, words = sealed.row, None, CancellationWords()
    if sealed.wrapped_key is not None:
        key = keys.client(row.client_id, sealed.wrapped_key)
        if row.sealed is not None:
            words = open_value(key, _session_cell(row.id), row.sealed, CancellationWords)
    return Session(
        **{name: getattr(row, name) for name in SessionFacts.__struct_fields__},
        changes=tuple(_open_change(key, each) for each in sealed.changes),
        flags=tuple(SessionFlag(each) for each in row.flags),
        cancellation_words=words.cancellation,
    )


def _open_change(key: ClientKey | None, row: ChangeRow) -> SessionChange:
    words = ChangeWords()
    if key is not None and row.sealed is not None:
        words = open_value(key, _change_cell(row.id), row.sealed, ChangeWords)
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
    cancellation = CancellationWords(session.cancellation_words)
    of_changes = {each.id: ChangeWords(each.asked_by, each.reason) for each in changes}
    said = {each: words for each, words in of_changes.items() if words != ChangeWords()}
    if cancellation == CancellationWords() and not said:
        return SealedWords()
    key = await client_key(transaction.connection, keys, transaction.practice_id, session.client_id)
    return SealedWords(
        None
        if cancellation == CancellationWords()
        else seal_value(key, _session_cell(session.id), cancellation),
        {each: seal_value(key, _change_cell(each), words) for each, words in said.items()},
    )


def _session_cell(session_id: UUID) -> Cell:
    return Cell("session", "sealed", session_id)


def _change_cell(change_id: UUID) -> Cell:
    return Cell("session_change", "sealed", change_id)
