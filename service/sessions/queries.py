"""Sessions, planned or held. The column `status` follows from the facts by itself."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query
from service.people.sign_in_queries import ByToken, Verified
from service.sessions.sessions import (
    Cancellation,
    Modality,
    ModalityChange,
    Oddity,
    Session,
    SessionFilter,
)


class SessionRow(msgspec.Struct, frozen=True):
    """A session as it is kept: the changes of modality in three columns."""

    id: UUID
    therapist_id: UUID
    viewers: list[UUID]
    client_id: UUID
    planned_start: datetime
    planned_end: datetime
    modality: Modality
    route_id: UUID | None
    route_version: int | None
    place_id: UUID | None
    started_at: datetime | None
    started_received_at: datetime | None
    ended_at: datetime | None
    ended_received_at: datetime | None
    changed_to: list[str]
    changed_at: list[datetime]
    changed_received_at: list[datetime]
    cancellation: Cancellation | None
    closed_at: datetime | None
    closed_received_at: datetime | None
    flags: list[str]
    sealed: bytes | None
    created_at: datetime
    updated_at: datetime
    revision: int

    def to_session(self) -> Session:
        """Return the session this row keeps."""
        columns = msgspec.structs.asdict(self)
        kept = (columns.pop(name) for name in ("changed_to", "changed_at", "changed_received_at"))
        changes = (ModalityChange(Modality(to), at, received) for to, at, received in zip(*kept, strict=True))
        flags = tuple(Oddity(each) for each in columns.pop("flags"))
        return Session(**columns, changes=tuple(changes), flags=flags)


SHOWN: Final = """id, therapist_id, viewers, client_id, planned_start, planned_end, modality, route_id,
           route_version, place_id, started_at, started_received_at, ended_at, ended_received_at,
           changed_to, changed_at, changed_received_at, cancellation, closed_at, closed_received_at, flags,
           sealed, created_at, updated_at, revision"""

SESSION_BY_ID = Query(
    SessionRow,
    f"""
    SELECT {SHOWN}
      FROM session
     WHERE practice_id = $1
       AND id = $2
""",
)


async def find_session(connection: Connection, practice_id: UUID, session_id: UUID) -> Session | None:
    """Return a session."""
    row = await SESSION_BY_ID.one_or_none(connection, practice_id, session_id)
    return row.to_session() if row else None


class SessionOfToken(Verified, frozen=True):
    """A sign-in, and what it asked for as JSON, its words still sealed; no session where it sees none."""

    session: str | None
    sealed: bytes | None
    client_key: bytes | None

    @property
    def asked(self) -> Session | None:
        """Return the session."""
        if self.session is None:
            return None
        return msgspec.structs.replace(SESSION_JSON.decode(self.session).to_session(), sealed=self.sealed)


SESSION_JSON: Final = msgspec.json.Decoder(SessionRow)

SESSION_OF_TOKEN = Query(
    SessionOfToken,
    """
    SELECT sign_in_id, practice_id, therapist_id, device_id, role, wrapped_key, session, sealed, client_key
      FROM session_of_token($1, $2, $3, $4)
""",
)


async def find_session_of_token(by_token: ByToken, session_id: UUID) -> SessionOfToken:
    """Return the sign-in of an access token and a session, in one round trip. Raises NotSignedIn."""
    return await by_token.read(SESSION_OF_TOKEN, session_id)


SESSION_TO_CHANGE = Query(
    SessionRow,
    f"""
    SELECT {SHOWN}
      FROM session
     WHERE practice_id = $1
       AND id = $2
       FOR UPDATE
""",
)


async def lock_session(transaction: Transaction, session_id: UUID) -> Session | None:
    """Return a session to be changed; None also where a colleague holds it, for its policy says so."""
    row = await SESSION_TO_CHANGE.one_or_none(transaction.connection, transaction.practice_id, session_id)
    return row.to_session() if row else None


AFTER: Final = f"""
    SELECT {SHOWN}
      FROM session
     WHERE practice_id = $1
       AND planned_start >= $2
       AND planned_start < $3
       AND ($4::text IS NULL OR status = $4)
       AND (planned_start, id) > (coalesce($5::timestamptz, '-infinity'),
                                  coalesce($6::uuid, '00000000-0000-0000-0000-000000000000'))
"""
SESSIONS_AFTER = Query(
    SessionRow,
    f"""{AFTER}
     ORDER BY planned_start, id
     LIMIT $7
""",
)
SESSIONS_OF_CLIENT_AFTER = Query(
    SessionRow,
    f"""{AFTER}
       AND client_id = $8
     ORDER BY planned_start, id
     LIMIT $7
""",
)


async def list_sessions(
    connection: Connection,
    practice_id: UUID,
    wanted: SessionFilter,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Session]:
    """Return up to `limit` sessions by planned start, from the one after `after` on.

    One client's are a query of their own: a plan made for any client or none would read the practice's.
    """
    start, last = after or (None, None)
    asked = (practice_id, wanted.starts_from, wanted.starts_before, wanted.status, start, last, limit)
    if wanted.client_id is None:
        rows = await SESSIONS_AFTER.all(connection, *asked)
    else:
        rows = await SESSIONS_OF_CLIENT_AFTER.all(connection, *asked, wanted.client_id)
    return [row.to_session() for row in rows]


INSERT_SESSION = Query(
    SessionRow,
    f"""
    INSERT INTO session (practice_id, id, therapist_id, viewers, client_id, planned_start, planned_end,
                         modality, route_id, route_version, place_id, created_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
 RETURNING {SHOWN}
""",
)


async def insert_session(transaction: Transaction, session: Session) -> Session:
    """Keep a newly planned session, held by the therapist who writes. Raises IdTaken."""
    row = await INSERT_SESSION.insert(
        transaction.connection,
        transaction.practice_id,
        session.id,
        transaction.tenant.therapist_id,
        session.viewers,
        session.client_id,
        session.planned_start,
        session.planned_end,
        session.modality,
        session.route_id,
        session.route_version,
        session.place_id,
        session.created_at,
        session.updated_at,
        transaction.revision,
    )
    return row.to_session()


UPDATE_SESSION = Query(
    SessionRow,
    f"""
    UPDATE session
       SET planned_start = $3, planned_end = $4, modality = $5, route_id = $6, route_version = $7,
           place_id = $8, started_at = $9, started_received_at = $10, ended_at = $11,
           ended_received_at = $12, changed_to = $13, changed_at = $14, changed_received_at = $15,
           cancellation = $16, closed_at = $17, closed_received_at = $18, flags = $19, sealed = $20,
           updated_at = $21, revision = $22
     WHERE practice_id = $1
       AND id = $2
 RETURNING {SHOWN}
""",
)


async def update_session(transaction: Transaction, session: Session) -> Session:
    """Keep a changed session, which was read with `lock_session`."""
    row = await UPDATE_SESSION.one(
        transaction.connection,
        transaction.practice_id,
        session.id,
        session.planned_start,
        session.planned_end,
        session.modality,
        session.route_id,
        session.route_version,
        session.place_id,
        session.started_at,
        session.started_received_at,
        session.ended_at,
        session.ended_received_at,
        [each.modality for each in session.changes],
        [each.at for each in session.changes],
        [each.received_at for each in session.changes],
        session.cancellation,
        session.closed_at,
        session.closed_received_at,
        session.flags,
        session.sealed,
        session.updated_at,
        transaction.revision,
    )
    return row.to_session()


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
    connection: Connection, practice_id: UUID, session: Session
) -> UUID | None:
    """Return the session its therapist started last and has not ended, other than this one."""
    return await IN_PROGRESS.one_or_none(connection, practice_id, session.therapist_id, session.id)
