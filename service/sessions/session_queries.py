"""Sessions. PostgreSQL computes the column `status` from the facts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.database.client_keys import find_client_keys
from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query
from service.people.sign_in_queries import TokenReader, VerifiedSignIn
from service.sessions.change_queries import ChangeRow, list_changes
from service.sessions.sessions import SessionFacts, SessionFilter


class SessionRow(SessionFacts, frozen=True, kw_only=True):
    """A session as it is stored, without its changes."""

    therapist_id: UUID
    viewers: list[UUID]
    flags: list[str]
    sealed: bytes | None = None
    """What was said about a cancellation, and what is planned instead."""


class SealedSession(msgspec.Struct, frozen=True):
    """A session and its changes as they are stored, with the wrapped key to their words."""

    row: SessionRow
    changes: list[ChangeRow]
    wrapped_key: bytes | None
    """None where there are no words, or where the client's key is gone."""


SESSION = Columns("session", SessionRow)

SESSION_BY_ID = Query(SessionRow, SESSION.by_id)


async def find_session(connection: Connection, practice_id: UUID, session_id: UUID) -> SessionRow | None:
    """Return a session."""
    return await SESSION_BY_ID.one_or_none(connection, practice_id, session_id)


SESSION_TO_CHANGE = Query(SessionRow, f"{SESSION.by_id} FOR UPDATE")


async def lock_session(transaction: Transaction, session_id: UUID) -> SessionRow | None:
    """Return a session to be changed; None also where a colleague holds it, because its policy hides it."""
    return await SESSION_TO_CHANGE.one_or_none(transaction.connection, transaction.practice_id, session_id)


class SessionOfToken(VerifiedSignIn, frozen=True):
    """A sign-in, and as JSON a session and its changes; no session where this therapist may not see it."""

    session: str | None
    sealed: bytes | None
    changes: str
    client_key: bytes | None

    @property
    def asked(self) -> SealedSession | None:
        """Return the session with its changes."""
        if self.session is None:
            return None
        row = msgspec.structs.replace(SESSION_JSON.decode(self.session), sealed=self.sealed)
        return SealedSession(row, CHANGES_JSON.decode(self.changes), self.client_key)


SESSION_JSON: Final = msgspec.json.Decoder(SessionRow)
CHANGES_JSON: Final = msgspec.json.Decoder(list[ChangeRow])

SESSION_OF_TOKEN = Query(
    SessionOfToken,
    """
    SELECT sign_in_id, practice_id, therapist_id, device_id, role, wrapped_key, session, sealed, changes,
           client_key
      FROM session_of_token($1, $2, $3, $4)
""",
)


async def find_session_of_token(by_token: TokenReader, session_id: UUID) -> SessionOfToken:
    """Return the sign-in of an access token and a session, in one round trip. Raises NotSignedIn."""
    return await by_token.read(SESSION_OF_TOKEN, session_id)


async def find_changes_and_keys(
    connection: Connection, practice_id: UUID, rows: Sequence[SessionRow]
) -> list[SealedSession]:
    """Return sessions with their changes; a client's key is fetched where there are words to open."""
    changes = await list_changes(connection, practice_id, [row.id for row in rows])
    clients = {row.client_id for row in rows if row.sealed or any(each.sealed for each in changes[row.id])}
    wrapped = await find_client_keys(connection, practice_id, clients) if clients else {}
    return [SealedSession(row, changes[row.id], wrapped.get(row.client_id)) for row in rows]


GREATEST_ID: Final = UUID(int=2**128 - 1)

PAGE: Final = f"""
    SELECT {SESSION.listed}
      FROM session
     WHERE practice_id = $1
       AND (planned_start, id) > ($2, $3)
       AND planned_start < $4"""
"""The cursor is also the lower limit of the planned start, and comes as plain arguments: behind a row-level
policy PostgreSQL searches an index only for what it knows to be leakproof, and coalesce() is not.
"""
ORDER: Final = """
     ORDER BY planned_start, id
     LIMIT $5
"""
SESSIONS_AFTER = Query(SessionRow, f"{PAGE}{ORDER}")
SESSIONS_OF_STATUS_AFTER = Query(
    SessionRow,
    f"""{PAGE}
       AND status = $6{ORDER}""",
)
SESSIONS_OF_CLIENT_AFTER = Query(
    SessionRow,
    f"""{PAGE}
       AND client_id = $6
       AND ($7::text IS NULL OR status = $7){ORDER}""",
)


async def list_sessions(
    connection: Connection,
    practice_id: UUID,
    wanted: SessionFilter,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[SessionRow]:
    """Return up to `limit` sessions by planned start, from the one after `after` on.

    Each filter has a query of its own, so that PostgreSQL plans it on the index made for that filter.
    """
    just_before = (wanted.starts_from - timedelta(microseconds=1), GREATEST_ID)
    start, last = max(after or just_before, just_before)
    arguments = (practice_id, start, last, wanted.starts_before, limit)
    if wanted.client_id is not None:
        return await SESSIONS_OF_CLIENT_AFTER.all(connection, *arguments, wanted.client_id, wanted.status)
    if wanted.status is not None:
        return await SESSIONS_OF_STATUS_AFTER.all(connection, *arguments, wanted.status)
    return await SESSIONS_AFTER.all(connection, *arguments)


SESSIONS_OF_THERAPIST = Query(
    SessionRow,
    f"""
    SELECT {SESSION.listed}
      FROM session
     WHERE practice_id = $1
       AND planned_start >= $2
       AND planned_start < $3
       AND therapist_id = $4
     ORDER BY planned_start, id
""",
)


async def list_own_sessions(
    transaction: Transaction, starts_from: datetime, starts_before: datetime
) -> list[SessionRow]:
    """Return the sessions that the therapist who writes holds, by planned start."""
    therapist_id = transaction.tenant.therapist_id
    times = (starts_from, starts_before)
    return await SESSIONS_OF_THERAPIST.all(
        transaction.connection, transaction.practice_id, *times, therapist_id
    )


SESSIONS_AMONG = Query(
    SessionRow,
    f"""
    SELECT {SESSION.listed}
      FROM session
     WHERE practice_id = $1
       AND id = ANY ($2::uuid[])
     ORDER BY planned_start, id
""",
)


async def sessions_among(connection: Connection, practice_id: UUID, ids: Sequence[UUID]) -> list[SessionRow]:
    """Return those sessions that there are of these ids, by planned start."""
    return await SESSIONS_AMONG.all(connection, practice_id, ids)


INSERT_SESSION = Query(SessionRow, SESSION.insert)


async def insert_session(transaction: Transaction, session: SessionRow) -> SessionRow:
    """Store a new session, held by the therapist who writes. Raises IdTaken."""
    return await INSERT_SESSION.insert(transaction.connection, *SESSION.inserted(transaction, session))


UPDATE_SESSION = Query(SessionRow, SESSION.update)


async def update_session(transaction: Transaction, session: SessionRow) -> SessionRow:
    """Store a changed session that was read with `lock_session`."""
    return await UPDATE_SESSION.one(transaction.connection, *SESSION.updated(transaction, session))


IN_PROGRESS = Query(
    UUID,
    """
    SELECT id
      FROM session
     WHERE practice_id = $1
       AND therapist_id = $2
       AND id <> $3
       AND status = 'in_progress'
     ORDER BY started_at DESC, id
     LIMIT 1
""",
)


async def find_another_in_progress(
    connection: Connection, practice_id: UUID, session: SessionRow
) -> UUID | None:
    """Return the other session that the same therapist started last and has not ended."""
    return await IN_PROGRESS.one_or_none(connection, practice_id, session.therapist_id, session.id)
